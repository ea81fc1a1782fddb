"""When what waits in a queue will have been drained, in words: for the log and for the overview."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ses_bounces.ledger.lists.overview import Run

HOUR = timedelta(hours=1)
# With fewer messages, a drain's time is mostly waiting for more.
ENOUGH = 500


def pace_of(landed: int, seconds: float) -> float | None:
    """Return the messages a second of a drain; None: it landed too few to tell."""
    return landed / seconds if landed >= ENOUGH and seconds > 0 else None


def when_done(waiting: int, pace: float, max_seconds: int, now: datetime) -> str:
    """Say when the waiting messages will have been drained.

    :param waiting: at least one.
    :param pace: messages a second.
    :param max_seconds: what one run may take.
    :param now: aware.
    """
    seconds = waiting / pace
    needed = math.ceil(seconds / max_seconds)
    what = f"At the pace of the last drain ({pace:,.0f} messages a second)"
    if needed == 1:
        minutes = round(seconds / 60)
        return (
            f"{what} the next run takes all that waits, in about {f'{minutes} minutes' if minutes > 1 else 'a minute'}."
        )
    last = now.replace(minute=0, second=0, microsecond=0) + needed * HOUR
    return (
        f"{what} it takes {needed:,} runs, until about {last:%Y-%m-%d %H}:30 UTC. Trigger the DAG by hand if you can't "
        "wait: each run takes as much as fits into max_seconds."
    )


def last_pace(runs: Sequence[Run]) -> float | None:
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
    known = last_pace(runs)
    if not waiting or known is None:
        return None
    return when_done(waiting, known, max_seconds, now)
