"""When what waits in a queue will have been drained, in words: for the log and for the overview."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

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
