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


def why_no_report(connection: Connection, zone: ZoneInfo, days_kept: int, day: date) -> str | None:
    """Return why no run makes a report of a day, as a sentence; None: one does, unless it is there already.

    :param days_kept: how many days back from today are looked at.
    """
    with quiet():
        today, first = _span(connection, zone, days_kept)
    if day > today:
        return f"{day} has not begun ({zone.key})."
    if day == today:
        return f"{day} is not over ({zone.key}): the first run after its end makes its report."
    if first is None:
        return "No queue was drained yet: the first report is that of the day on which one is."
    if day < first:
        return f"{day} is before {first}, when a queue was drained for the first time: days before that have no report."
    if day < today - timedelta(days=days_kept):
        return f"{day} is more than {days_kept} days ago, which is how long reports are kept (report_days_kept)."
    return None


def why_none_covered(connection: Connection, zone: ZoneInfo, days_kept: int, window: tuple[datetime, datetime]) -> str:
    """Return why a window has no day of which a report could be made, as sentences; see :func:`covered_days`."""
    first, last = window[0].astimezone(zone).date(), (window[1] - _MOMENT).astimezone(zone).date()
    reasons = (why_no_report(connection, zone, days_kept, day) for day in dict.fromkeys((first, last)))
    return " ".join(dict.fromkeys(reason for reason in reasons if reason))


def _span(connection: Connection, zone: ZoneInfo, days_kept: int) -> tuple[date, date | None]:
    """Return today, and the day on which a queue was drained for the first time; None: none ever was."""
    row = connection.execute(statement("report/select_span"), {"zone": zone.key, "days_kept": days_kept}).fetchone()
    assert row is not None
    return row[0], row[1]


def _finished_days(connection: Connection, zone: ZoneInfo, days_kept: int) -> list[date]:
    today, first = _span(connection, zone, days_kept)
    if first is None:
        return []
    first = max(first, today - timedelta(days=days_kept))
    return [first + timedelta(days=n) for n in range((today - first).days)]
