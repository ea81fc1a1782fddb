"""When what waits in the queues will have been drained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from ses_bounces.lists import Run

HOUR = timedelta(hours=1)
# Of fewer messages the seconds are mostly those of waiting for more.
ENOUGH = 500


def pace(runs: Sequence[Run]) -> float | None:
    """Return the messages a second that the newest run with enough of them landed; None: there is none.

    :param runs: the newest first.
    """
    for run in runs:
        drains = [task.counts for task in run.tasks if task.task_id == "drain_queue" and task.counts.get("landed")]
        landed = sum(counts["landed"] for counts in drains)
        seconds = max((counts.get("seconds", 0) for counts in drains), default=0)
        if landed >= ENOUGH and seconds > 0:
            return float(landed / seconds)
    return None


def catch_up(waiting: int, runs: Sequence[Run], max_seconds: int, now: datetime) -> str | None:
    """Say when so many waiting messages will have been drained; None: nothing waits, or nothing is known of the pace.

    :param max_seconds: what one run may take.
    :param now: aware.
    """
    known = pace(runs)
    if not waiting or known is None:
        return None
    seconds = waiting / known
    needed = math.ceil(seconds / max_seconds)
    what = f"At the pace of the last drain ({known:,.0f} messages a second)"
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
