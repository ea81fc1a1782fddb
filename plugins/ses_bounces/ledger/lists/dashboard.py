"""How it is and how it went, day by day: what the first row of the overview and its chart show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.lists.engine.paging import Count
from ses_bounces.ledger.lists.engine.query import reading

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

RANGES = (30, 90, 365)


@dataclass(frozen=True)
class Day:
    """A day, of the time zone of the reports, in numbers.

    ``new``, ``lifted``: addresses whose block began, or ended. ``blocked``: addresses at its end; for a day that is not
    over (``is_over``) when it was counted.
    """

    day: date
    bounces: int
    complaints: int
    new: int
    lifted: int
    blocked: int
    is_over: bool


@dataclass(frozen=True)
class Dashboard:
    """``blocked``: addresses that are blocked now; ``days``: the oldest first, those without a report are missing."""

    blocked: Count
    days: list[Day]

    @property
    def last_over(self) -> Day | None:
        """The newest day that is over; None: there is none."""
        return next((day for day in reversed(self.days) if day.is_over), None)


def dashboard(connection: Connection, days: int = RANGES[0]) -> Dashboard:
    """Return the numbers of the last days.

    :param connection: autocommit.
    :param days: how many days back from today.
    :raises DatabaseError: also when a query takes over five seconds.
    """
    with reading(connection):
        row = connection.execute(statement("ledger/lists/count_blocked_addresses")).fetchone()
        assert row is not None
        rows = connection.execute(statement("ledger/lists/select_daily"), {"days": days}).fetchall()
    return Dashboard(Count(row[0]), [Day(*row) for row in rows])
