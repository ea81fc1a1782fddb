"""What servers said most to some bounces of each day, without addresses and what differs in every answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.brake.diagnostics import masked

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Bounces read of the entries that one transaction counts, the last ones: the cost does not grow with the day.
NEW_READ = 100
# Bounces read of a day that is counted again, and of the day of a daily report.
BOUNCES_READ = 500
TEXTS_OF_PROVIDER = 3
TEXTS_OF_DAY = 60
# What was said earlier is forgotten.
DAYS_KEPT = 90

_CODE = re.compile(r"(?:smtp; ?)?(\d{3}(?:[ -]#?\d\.\d{1,3}\.\d{1,3})?)?")
_NUMBER = re.compile(r"\d+(?:[.:,-]\d+)*")
_MANY = re.compile(r"…(?:[\s.:,-]*…)+")


def said(diagnostic: str, address: str = "") -> str:
    """Return what a server said, in words that it says to others too: its code, and the text without numbers.

    :param address: the address that it is about, which it may spell in parts.
    """
    text = masked(diagnostic, address)
    head = _CODE.match(text)
    assert head is not None, "the pattern matches nothing as well"
    rest = _MANY.sub("…", _NUMBER.sub("…", text[head.end() :])).strip()
    return " ".join(filter(None, (head[1], rest)))


def add_texts(connection: Connection, after: int, upto: int) -> None:
    """Add what servers said to the last of some new bounces; forget what is too old.

    :param after: entries behind this one,
    :param upto: up to this one.
    """
    wanted = {"after": after, "upto": upto, "limit": NEW_READ}
    _add(connection, connection.execute(statement("ledger/figures/select_new_diagnostics"), wanted).fetchall())
    connection.execute("DELETE FROM ses_bounces.figure_text t WHERE t.day < %s", [_oldest(connection)])


def recount_texts(connection: Connection, days: Iterable[date], upto: int) -> None:
    """Read again what servers said on some days, and replace what was noted before.

    :param upto: the last entry that is counted.
    """
    oldest = _oldest(connection)
    for day in sorted(day for day in days if day >= oldest):
        connection.execute("DELETE FROM ses_bounces.figure_text t WHERE t.day = %s", [day])
        wanted = {"day": day, "upto": upto, "limit": BOUNCES_READ}
        _add(connection, connection.execute(statement("ledger/figures/select_diagnostics"), wanted).fetchall())


def _oldest(connection: Connection) -> date:
    row = connection.execute("SELECT (now() AT TIME ZONE 'UTC')::date").fetchone()
    assert row is not None
    today: date = row[0]
    return today - timedelta(days=DAYS_KEPT - 1)


def _add(connection: Connection, rows: list[tuple[date, str, str, str]]) -> None:
    counts = Counter((day, provider, said(diagnostic, address)) for day, provider, diagnostic, address in rows)
    # In one order, so that two never wait for each other.
    kept = sorted(key for key in counts if key[2])
    if not kept:
        return
    parameters = {
        "days": [day for day, _, _ in kept],
        "providers": [provider for _, provider, _ in kept],
        "texts": [text for _, _, text in kept],
        "counts": [counts[key] for key in kept],
    }
    connection.execute(statement("ledger/figures/add_texts"), parameters)
    days = sorted({day for day, _, _ in kept})
    limits = {"days": days, "of_provider": TEXTS_OF_PROVIDER, "of_day": TEXTS_OF_DAY}
    connection.execute(statement("ledger/figures/thin_texts"), limits)
