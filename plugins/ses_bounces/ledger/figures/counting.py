"""Brings the figures up to what the ledger says: new entries are added, days that changed are counted once more."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.figures.saying import add_texts, recount_texts

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

ENTRIES_PER_CHUNK = 50_000
DAYS_PER_CHUNK = 40


@dataclass
class Counted:
    """What a call counted.

    ``entries``: ids of the ledger that were gone through. ``days``: how many were counted once more. ``is_whole``:
    nothing is left.
    """

    entries: int = 0
    days: int = 0
    is_whole: bool = False


def count_figures(connection: Connection, seconds: float = float("inf")) -> Counted:
    """Bring the figures up to date, in chunks, each a transaction; killed and repeated, it goes on.

    Nobody waits for it: it takes no lock that writers of the ledger ask for. What is superseded, lifted or erased
    meanwhile has its days noted, and the next call counts those.

    :param connection: autocommit.
    :param seconds: begin no further chunk after this long.
    :raises DatabaseError: what is done stays done; repeat to go on.
    """
    counted = Counted()
    began = time.monotonic()
    with quiet():
        while not counted.is_whole and (not counted.entries or time.monotonic() - began < seconds):
            with connection.transaction():
                if not _add_new(connection, counted):
                    counted.is_whole = not _count_due(connection, counted)
    return counted


def _add_new(connection: Connection, counted: Counted) -> bool:
    """Add the next entries; returns whether there are more behind them."""
    row = connection.execute(statement("ledger/figures/lock_position")).fetchone()
    assert row is not None, "figure_position has lost its row"
    after, last_address, last, address_now = row
    connection.execute(statement("ledger/figures/add_deliveries"))
    upto = min(last, after + ENTRIES_PER_CHUNK)
    if upto > after:
        span = {"after": after, "upto": upto}
        connection.execute(statement("ledger/figures/add_new"), span)
        connection.execute(statement("ledger/figures/note_lifted"), span | {"last_address": last_address})
        add_texts(connection, after, upto)
        moved = {"upto": upto, "last_address": address_now}
        connection.execute(statement("ledger/figures/move_position"), moved)
        counted.entries += upto - after
    return bool(upto < last)


def _count_due(connection: Connection, counted: Counted) -> bool:
    """Count days once more; returns whether there may be others. The lock of the position is held."""
    due = connection.execute(statement("ledger/figures/select_due"), {"limit": DAYS_PER_CHUNK}).fetchall()
    if not due:
        return False
    row = connection.execute("SELECT p.event_id FROM ses_bounces.figure_position p").fetchone()
    assert row is not None
    days = [day for day, _ in due]
    connection.execute(statement("ledger/figures/delete_days"), {"days": days})
    span = {"days": days, "first": min(days), "last": max(days), "upto": row[0]}
    connection.execute(statement("ledger/figures/count_days"), span)
    connection.execute(statement("ledger/figures/forget_due"), {"days": days, "ids": [id_ for _, id_ in due]})
    recount_texts(connection, days, row[0])
    counted.days += len(days)
    return len(due) == DAYS_PER_CHUNK
