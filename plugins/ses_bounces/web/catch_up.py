"""When what waits in the queues will have been drained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ses_bounces.feed.pace import pace_of, when_done
from ses_bounces.ledger.lists.overview import Run


def pace(runs: Sequence[Run]) -> float | None:
    """Return the messages a second that the newest run with enough of them landed; None: there is none.

    :param runs: the newest first.
    """
    for run in runs:
        drains = [task.counts for task in run.tasks if task.task_id == "drain_queue" and task.counts.get("landed")]
        landed = sum(counts["landed"] for counts in drains)
        seconds = max((counts.get("seconds", 0) for counts in drains), default=0)
        if (found := pace_of(landed, seconds)) is not None:
            return found
    return None


def catch_up(waiting: int, runs: Sequence[Run], max_seconds: int, now: datetime) -> str | None:
    """Say when the waiting messages will have been drained; None: nothing waits, or the pace is not known.

    :param max_seconds: what one run may take.
    :param now: aware.
    """
    known = pace(runs)
    if not waiting or known is None:
        return None
    return when_done(waiting, known, max_seconds, now)
