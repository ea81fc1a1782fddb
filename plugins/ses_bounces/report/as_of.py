"""Who was blocked at a time: by what is on record now, or by what was on record then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.causes import CAUSES
from ses_bounces.report.csv_file import REPORT_COLUMNS

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

__all__ = ["REPORT_COLUMNS", "blocked_as_of"]

_ROWS_AT_ONCE = 5_000


def blocked_as_of(
    connection: Connection, at: datetime, known_at: datetime | None = None, reason: str | None = None
) -> Iterator[tuple[str | None, ...]]:
    """Yield the rows of the blocked report as of a time: its statements, its columns (``REPORT_COLUMNS``), its order.

    :param connection: autocommit; its session gets temporary tables until the last row was read.
    :param at: aware; what happened later is not looked at.
    :param known_at: only by what was on record then, aware: what came in later is not counted, and what was taken back
        later (by a replay, or an undo) is. None: by what is on record now.
    :param reason: only this cause; see :data:`ses_bounces.classify.causes.CAUSES`.
    :raises ActionError: the reason is none of them, or a time has no zone.
    :raises DatabaseError: repeat.
    """
    if reason is not None and reason not in CAUSES:
        raise ActionError(f"reason is {reason!r}; it must be one of {', '.join(CAUSES)}.")
    for name, moment in (("at", at), ("known_at", known_at)):
        if moment is not None and moment.tzinfo is None:
            raise ActionError(f"{name} is {moment}; it must have a time zone.")
    return _rows(connection, at, known_at, reason)


def _rows(
    connection: Connection, at: datetime, known_at: datetime | None, reason: str | None
) -> Iterator[tuple[str | None, ...]]:
    place = REPORT_COLUMNS.index("reason")
    with quiet(), connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute(statement("report/create_states"), {"at": at, "known_at": known_at})
        connection.execute("ANALYZE report_state")
        connection.execute(statement("report/create_blocks"), {"at": at, "known_at": known_at})
        with connection.cursor("rows_as_of") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(statement("report/select_rows"))
            for row in cursor:
                if reason is None or row[place] == reason:
                    yield row
