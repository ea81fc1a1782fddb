"""Which days need a report."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# A day has its start and not its end.
_MOMENT = timedelta(microseconds=1)


def due_days(connection: Connection, zone: ZoneInfo, days_kept: int) -> list[date]:
    """Return the finished days since the first drain that have no report, or a stale one.

    :param days_kept: how many days back from today are looked at.
    """
    with quiet():
        days = _finished_days(connection, zone, days_kept)
        made = {day for (day,) in connection.execute(statement("report/select_days"), {"zone": zone.key})}
    return [day for day in days if day not in made]


def covered_days(
    connection: Connection, zone: ZoneInfo, days_kept: int, window: tuple[datetime, datetime]
) -> list[date]:
    """Return the finished days since the first drain that a window (from inclusive, to exclusive, aware) reaches into.

    :param days_kept: how many days back from today are looked at.
    """
    first, last = window[0].astimezone(zone).date(), (window[1] - _MOMENT).astimezone(zone).date()
    with quiet():
        return [day for day in _finished_days(connection, zone, days_kept) if first <= day <= last]


def _finished_days(connection: Connection, zone: ZoneInfo, days_kept: int) -> list[date]:
    row = connection.execute(statement("report/select_span"), {"zone": zone.key, "days_kept": days_kept}).fetchone()
    assert row is not None
    today, first = row
    if first is None:
        return []
    first = max(first, today - timedelta(days=days_kept))
    return [first + timedelta(days=n) for n in range((today - first).days)]
