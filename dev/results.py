"""What a run has led to, read from Postgres, and where that differs from what the sample must lead to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import LiteralString

import psycopg

from dev import people
from dev.item import Expected

_BLOCKED = "SELECT address, reason FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL"
_TRANSIENT = "SELECT address FROM ses_bounces.bounce_list WHERE closed_at IS NULL AND kind = 'transient'"
_OUTCOMES = "SELECT outcome, count(*) FROM ses_bounces.message GROUP BY outcome"
_SWITCHED_OFF = "SELECT id FROM public.people WHERE NOT allow_group_email"
_RECEIVED = "SELECT EXISTS (SELECT FROM ses_bounces.message)"

_SUMMARY: dict[str, LiteralString] = {
    "Drained": """
        SELECT coalesce(event_type, 'not understood'), count(*) FROM ses_bounces.message
        GROUP BY 1 ORDER BY 2 DESC, 1""",
    "Outcome": f"{_OUTCOMES} ORDER BY 2 DESC",
    "Quarantined because": """
        SELECT reason, count(*) FROM ses_bounces.message WHERE outcome = 'quarantined'
        GROUP BY 1 ORDER BY 2 DESC, 1""",
    "Ledger entries": "SELECT kind, count(*) FROM ses_bounces.address_event GROUP BY 1 ORDER BY 2 DESC, 1",
    "Blocked": """
        SELECT reason, count(*) FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL
        GROUP BY 1 ORDER BY 2 DESC, 1""",
    "Bounce list": """
        SELECT kind, count(*) FROM ses_bounces.bounce_list WHERE closed_at IS NULL
        GROUP BY 1 ORDER BY 2 DESC, 1""",
    "Allow Group Email": """
        SELECT CASE WHEN new_value THEN 'switched on again' ELSE 'switched off' END, count(*)
        FROM ses_bounces.flag_change GROUP BY 1 ORDER BY 1""",
}


@dataclass(frozen=True)
class Table:
    """A title and rows of a label and a count."""

    title: str
    rows: list[tuple[str, int]]


def summary(url: str) -> list[Table]:
    """The state of the lists and the message log in the database at a libpq URI; tables without rows are left out."""
    with psycopg.connect(url) as connection:
        tables = [Table(title, connection.execute(query).fetchall()) for title, query in _SUMMARY.items()]
    return [table for table in tables if table.rows]


def has_messages(url: str) -> bool:
    """Whether anything was drained yet."""
    with psycopg.connect(url) as connection:
        return connection.execute(_RECEIVED).fetchone() == (True,)


def differences(url: str, expected: Expected) -> list[str]:
    """Where the state in the database is not what the sample must lead to, one line each; empty when all is right."""
    with psycopg.connect(url) as connection:
        blocked = set(connection.execute(_BLOCKED).fetchall())
        transient = {address for (address,) in connection.execute(_TRANSIENT)}
        outcomes: dict[str, int] = dict(connection.execute(_OUTCOMES).fetchall())
        off = {number for (number,) in connection.execute(_SWITCHED_OFF)}
    expected_off = people.switched_off({address for address, _reason in expected.blocked})
    found = []
    for outcome in sorted(expected.outcomes.keys() | outcomes.keys()):
        wanted, got = expected.outcomes.get(outcome, 0), outcomes.get(outcome, 0)
        if wanted != got:
            found.append(f"messages {outcome}: {got} instead of {wanted}")
    found += _compare("blocked", (f"{a} ({r})" for a, r in expected.blocked), (f"{a} ({r})" for a, r in blocked))
    found += _compare("on the bounce list as transient", expected.transient, transient)
    found += _compare("person without group email", map(str, expected_off), map(str, off))
    return found


def _compare(what: str, wanted: Iterable[str], got: Iterable[str]) -> list[str]:
    wanted, got = set(wanted), set(got)
    return [f"{what}: {name} is missing" for name in sorted(wanted - got)] + [
        f"{what}: {name} should not be there" for name in sorted(got - wanted)
    ]
