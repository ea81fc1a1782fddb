"""What a run has led to, read from Postgres, and where that differs from what the sample must lead to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import LiteralString

import psycopg

from dev import people
from dev.item import Expected

# Who writes entries and changes flags when nobody does it by hand.
JOB = ["ses", "ses_bounces"]

_BLOCKED = "SELECT address, reason FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL"
_TRANSIENT = "SELECT address FROM ses_bounces.bounce_list WHERE closed_at IS NULL AND kind = 'transient'"
_OUTCOMES = "SELECT outcome, count(*) FROM ses_bounces.message GROUP BY outcome"
# What was retried or dismissed by hand had been quarantined: the sample has nothing that is held.
_FIRST_OUTCOMES = """
    SELECT CASE WHEN m.message_id IN (SELECT message_id FROM ses_bounces.message_action) THEN 'quarantined'
        ELSE m.outcome END, count(*)
    FROM ses_bounces.message m
    GROUP BY 1"""
_SWITCHED_OFF = "SELECT id FROM public.people WHERE NOT allow_group_email"
_REGISTERED = "SELECT address FROM ses_bounces.address"
# Addresses that a person blocked, lifted or erased, or that a message is about which a person retried.
_ADDRESSES_BY_HAND = """
    SELECT a.address
    FROM ses_bounces.address a
    WHERE EXISTS (SELECT FROM ses_bounces.erased_address x WHERE x.address_id = a.address_id)
        OR EXISTS (
            SELECT FROM ses_bounces.address_event e
            WHERE e.address_id = a.address_id AND (
                e.actor <> ALL (%(job)s) OR e.message_id IN (SELECT message_id FROM ses_bounces.message_action)
            )
        )"""
_PEOPLE_BY_HAND = """
    SELECT DISTINCT c.person_id::bigint, a.address
    FROM ses_bounces.flag_change c
    JOIN ses_bounces.address a USING (address_id)
    WHERE c.decided_by <> ALL (%(job)s) OR c.settled_by <> ALL (%(job)s)"""
_COUNT_BY_HAND = {
    "messages": "SELECT count(DISTINCT message_id) FROM ses_bounces.message_action",
    "erased": "SELECT count(*) FROM ses_bounces.erased_address",
}
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


@dataclass(frozen=True)
class ByHand:
    """What people have changed, on the pages or from the shell, and what is therefore not compared with the sample."""

    addresses: frozenset[str]
    people: frozenset[int]
    # Addresses, messages and flags.
    changes: int


def by_hand(url: str, expected: Expected) -> ByHand:
    """What people have changed in the database at a libpq URI since the sample was sent."""
    with psycopg.connect(url) as connection:
        job = {"job": JOB}
        addresses = {address for (address,) in connection.execute(_ADDRESSES_BY_HAND, job)}
        flags: dict[int, str] = dict(connection.execute(_PEOPLE_BY_HAND, job).fetchall())
        registered = {address for (address,) in connection.execute(_REGISTERED)}
        messages, erased = (_number(connection, query) for query in _COUNT_BY_HAND.values())
    changes = len(addresses) + messages + sum(address not in addresses for address in flags.values())
    # What an erased address was, nobody knows; but those of the sample are all on record.
    gone = ({address for address, _reason in expected.blocked} | expected.transient) - registered
    addresses |= gone if len(gone) <= erased else set()
    at_these = {person.id for person in people.people() if person.email.lower() in addresses}
    return ByHand(frozenset(addresses), frozenset(flags) | at_these, changes)


def differences(url: str, expected: Expected) -> list[str]:
    """Where the state in the database is not what the sample must lead to, one line each; empty when all is right.

    What people have changed (see `by_hand`) is no difference.
    """
    hand = by_hand(url, expected)
    with psycopg.connect(url) as connection:
        blocked = set(connection.execute(_BLOCKED).fetchall())
        transient = {address for (address,) in connection.execute(_TRANSIENT)}
        outcomes: dict[str, int] = dict(connection.execute(_FIRST_OUTCOMES).fetchall())
        off = {number for (number,) in connection.execute(_SWITCHED_OFF)}
    expected_off = people.switched_off({address for address, _reason in expected.blocked})
    found = []
    for outcome in sorted(expected.outcomes.keys() | outcomes.keys()):
        wanted, got = expected.outcomes.get(outcome, 0), outcomes.get(outcome, 0)
        if wanted != got:
            found.append(f"messages {outcome}: {got} instead of {wanted}")

    def named(rows: Iterable[tuple[str, str]]) -> set[str]:
        return {f"{address} ({reason})" for address, reason in rows if address not in hand.addresses}

    found += _compare("blocked", named(expected.blocked), named(blocked))
    found += _compare(
        "on the bounce list as transient", expected.transient - hand.addresses, transient - hand.addresses
    )
    still_off, now_off = ({str(number) for number in ids - hand.people} for ids in (expected_off, off))
    found += _compare("person without group email", still_off, now_off)
    return found


def _number(connection: psycopg.Connection[tuple[int]], query: LiteralString) -> int:
    row = connection.execute(query).fetchone()
    return row[0] if row else 0


def _compare(what: str, wanted: set[str], got: set[str]) -> list[str]:
    return [f"{what}: {name} is missing" for name in sorted(wanted - got)] + [
        f"{what}: {name} should not be there" for name in sorted(got - wanted)
    ]
