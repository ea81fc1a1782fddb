"""The state of everything in numbers, in one call. Nothing in it costs more the longer the history is: counts end at
10,001 and go by partial indexes, and what days are compared with was counted by their reports.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.lists.engine.paging import Count
from ses_bounces.ledger.lists.engine.query import reading

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Runs of all DAGs together.
RUNS_READ = 40
# A run has some tasks, and drains are mapped.
_ROWS_READ = 400
LIFTED = "lifted"


@dataclass(frozen=True)
class TaskDone:
    """What a task of a run did; times are aware, ``finished_at`` None: it runs, or was killed."""

    task_id: str
    map_index: int
    try_number: int
    started_at: datetime
    finished_at: datetime | None
    counts: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A run and its tasks, in the order in which they began."""

    run_id: str
    started_at: datetime
    tasks: list[TaskDone]


@dataclass(frozen=True)
class QueueState:
    """How far a queue was drained; ``left_since``: the last drain left messages that are as old as that."""

    queue_url: str
    belongs_to: str
    last_drained_at: datetime
    emptied_at: datetime | None
    left_since: datetime | None


@dataclass(frozen=True)
class Overview:
    """The numbers; times are aware.

    ``waiting_since``: the send time of the oldest message that waits in a queue or here; None: nothing waits.
    ``blocked_today``: addresses, since the day began; ``blocked_median``: the same for the last 30 reported days.
    ``due_soon``: transients due within 48 hours. ``people_waiting``: for a decision. ``lifts_failed``: of the last 30
    days, not asked for again.
    """

    now: datetime
    enforce: bool
    runs: list[Run]
    queues: list[QueueState]
    pending: Count
    waiting_since: datetime | None
    held: Count
    quarantined: Count
    blocked_today: Count
    blocked_median: float | None
    due_soon: Count
    people_waiting: Count
    lifts_open: Count
    lifts_failed: Count
    reports_stale: int
    flags_due: Count

    @property
    def lag_seconds(self) -> float:
        """The age of the oldest message that waits."""
        return max(0.0, (self.now - self.waiting_since).total_seconds()) if self.waiting_since else 0.0


def overview(connection: Connection, zone: str = "UTC") -> Overview:
    """Return the numbers of the overview page.

    :param connection: autocommit.
    :param zone: whose day is today (``report_timezone``).
    :raises DatabaseError: also when a query takes over five seconds.
    """
    with reading(connection):
        row = connection.execute(statement("ledger/lists/select_overview"), {"zone": zone, "lifted": LIFTED}).fetchone()
        assert row is not None
        now, enforce, waiting_since, stale, *counts = row
        pending, held, quarantined, today, due, people, lifts_open, lifts_failed, flags = map(Count, counts)
        days = [count for (count,) in connection.execute(statement("ledger/lists/select_new_by_day"))]
        queues = [QueueState(*row) for row in connection.execute(statement("ledger/lists/select_queues"))]
        runs = _runs(connection)
    return Overview(
        now=now,
        enforce=enforce,
        runs=runs,
        queues=queues,
        pending=pending,
        waiting_since=waiting_since,
        held=held,
        quarantined=quarantined,
        blocked_today=today,
        blocked_median=statistics.median(days) if days else None,
        due_soon=due,
        people_waiting=people,
        lifts_open=lifts_open,
        lifts_failed=lifts_failed,
        reports_stale=stale,
        flags_due=flags,
    )


def last_runs(connection: Connection) -> list[Run]:
    """Return the last runs alone, the newest first.

    :param connection: autocommit.
    """
    with reading(connection):
        return _runs(connection)


def _runs(connection: Connection) -> list[Run]:
    """Group the newest tasks by run; the oldest run of those read may lack tasks, and is not shown."""
    rows = connection.execute(statement("ledger/lists/select_runs"), {"limit": _ROWS_READ}).fetchall()
    by_run: dict[str, list[TaskDone]] = {}
    for run_id, *task in rows:
        by_run.setdefault(run_id, []).append(TaskDone(*task))
    names = list(by_run)
    if len(rows) == _ROWS_READ and len(names) > 1:
        names = names[:-1]
    return [Run(name, by_run[name][-1].started_at, by_run[name][::-1]) for name in names[:RUNS_READ]]
