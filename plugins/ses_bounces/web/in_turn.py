"""Work on long lists: in a thread of its own, one list after the other, so that Airflow's other pages go on.

Airflow's API server serves everything with one event loop and a few dozen threads. A list of 10,000 addresses with
long international domains costs seconds of CPU: in those threads, some of them at once would leave no time for others.

One thread that computes is enough to slow everything down: whoever wants Python's lock waits for five milliseconds each
time, and a request wants it ten times. So the work is done in small steps, with a rest after each.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.exceptions import HTTPException

R = TypeVar("R")

# How long a step is, and the rest after it: in the rest others have Python's lock for the asking.
STEP_SECONDS = 0.0005
REST_SECONDS = 0.0005

# Requests that wait in this process; each holds its list, and maybe a connection to our database.
MOST_WAITING = 16
RETRY_SECONDS = 30
BUSY = f"{MOST_WAITING} long lists wait here already. Nothing was changed: send yours again in half a minute."

_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ses-bounces-list")
_places = threading.BoundedSemaphore(MOST_WAITING)


class Steps:
    """What work calls wherever it could pause."""

    def __init__(self) -> None:
        self._until = time.perf_counter() + STEP_SECONDS

    def __call__(self) -> None:
        """Rest, if the step was long enough."""
        if time.perf_counter() > self._until:
            time.sleep(REST_SECONDS)
            self._until = time.perf_counter() + STEP_SECONDS


async def in_turn(work: Callable[..., R], *args: Any) -> R:
    """Do some work when the lists that came before are done with.

    :param work: takes the arguments and ``pause``, which it calls between its steps.
    :raises HTTPException: 503: too many wait already.
    """
    if not _places.acquire(blocking=False):
        raise HTTPException(503, BUSY, {"Retry-After": str(RETRY_SECONDS)})
    context = contextvars.copy_context()
    done = _pool.submit(lambda: context.run(work, *args, pause=Steps()))
    # Also of a request that was given up before its turn came.
    done.add_done_callback(lambda _: _places.release())
    return await asyncio.wrap_future(done)
