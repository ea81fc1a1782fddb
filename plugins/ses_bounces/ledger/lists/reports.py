"""The daily reports that are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.lists.engine.query import reading

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


# What summaries that version 0.1.0 made don't have.
_NEWER: dict[str, Any] = {"may_lack": [], "where": {"groups": {}, "rates": [], "suggested_outages": []}}


@dataclass(frozen=True)
class ReportDay:
    """A daily report without its files. ``summary``: see :class:`ses_bounces.report.summary.Summary`; times are aware.

    ``is_stale``: later entries concern the day, and the next run makes it again. ``is_over``: it was made after the
    day's end.
    """

    day: date
    made_at: datetime
    revision: int
    is_stale: bool
    is_over: bool
    summary: dict[str, Any]


@dataclass(frozen=True)
class Neighbours:
    """The days with a report around one: the last before it, the first after it, and the newest of all."""

    earlier: date | None
    later: date | None
    newest: date | None


def report_of(connection: Connection, day: date) -> ReportDay | None:
    """Return the report of a day; None: it is not made yet, or no longer kept.

    :raises DatabaseError: also when it takes over five seconds.
    """
    found = _read(connection, day=day)
    return found[0] if found else None


def neighbours(connection: Connection, day: date) -> Neighbours:
    """Return the days around one that have a report.

    :raises DatabaseError: also when it takes over five seconds.
    """
    with reading(connection):
        row = connection.execute(statement("ledger/lists/select_report_neighbours"), {"day": day}).fetchone()
    assert row is not None
    return Neighbours(*row)


def report_days(connection: Connection, before: date | None = None, limit: int | None = None) -> list[ReportDay]:
    """Return the reports that are kept, the newest first.

    :param before: only those of earlier days.
    :param limit: the most of them; None: all, which are a thousand after three years.
    :raises DatabaseError: also when it takes over five seconds.
    """
    return _read(connection, before=before, limit=limit)


def _read(
    connection: Connection, *, day: date | None = None, before: date | None = None, limit: int | None = None
) -> list[ReportDay]:
    wanted = {"day": day, "before": before, "limit": limit}
    with reading(connection):
        rows = connection.execute(statement("ledger/lists/select_report_summaries"), wanted).fetchall()
    return [ReportDay(row[0], row[1], row[2], row[3], row[4], _NEWER | row[5]) for row in rows]
