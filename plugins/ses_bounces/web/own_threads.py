"""Routes that answer in threads of the pages' own: what they wait for takes none of Airflow's.

Airflow's API server has 40 for all that it answers, and its own pages stop when they are used up. A database that stops
in the middle of a query, or a disk that hangs, stops these pages alone.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from anyio import CapacityLimiter, move_on_after, to_thread
from anyio.lowlevel import RunVar
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

R = TypeVar("R")

# Of this process. They share one lock of Python's with all that Airflow answers: more would make that wait longer.
THREADS = 8
# Each has one while it is answered, a download until its end.
CONNECTIONS = 40
WAIT_SECONDS = 10
RETRY_SECONDS = 30
BUSY = "These pages are busy, or what they need does not answer. Nothing was changed: try again in half a minute."
_END = object()


class Places:
    """How many requests do something at the same time; the others wait, without a thread."""

    def __init__(self, number: int, name: str) -> None:
        self._number = number
        self._limiter: RunVar[CapacityLimiter] = RunVar(name)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Take a place for the block. :raises HTTPException: 503: there was none for ten seconds."""
        limiter, place = self._of_this_loop(), object()
        with move_on_after(WAIT_SECONDS) as waiting:
            await limiter.acquire_on_behalf_of(place)
        if waiting.cancelled_caught:
            raise HTTPException(503, BUSY, {"Retry-After": str(RETRY_SECONDS)})
        try:
            yield
        finally:
            limiter.release_on_behalf_of(place)

    def _of_this_loop(self) -> CapacityLimiter:
        try:
            return self._limiter.get()
        except LookupError:
            limiter = CapacityLimiter(self._number)
            self._limiter.set(limiter)
            return limiter


threads = Places(THREADS, "ses_bounces_threads")
connections = Places(CONNECTIONS, "ses_bounces_connections")


class OwnThreads(APIRoute):
    """A route whose function, where it is no coroutine, runs in one of the pages' threads."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, _as_coroutine(endpoint), **options)


def _as_coroutine(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(endpoint):
        return endpoint

    @functools.wraps(endpoint)
    async def answer(*args: Any, **values: Any) -> Any:
        return await in_own_thread(functools.partial(endpoint, *args, **values))

    return answer


async def in_own_thread(work: Callable[[], R]) -> R:
    """Do some work in one of the pages' threads. :raises HTTPException: 503: all were busy for ten seconds."""
    async with threads.one():
        # The place is the limit.
        return await to_thread.run_sync(work, limiter=CapacityLimiter(1))


async def each_in_own_thread(items: Iterator[R]) -> AsyncIterator[R]:
    """Yield what an iterator does, each found in one of the pages' threads."""
    while (item := await in_own_thread(lambda: next(items, _END))) is not _END:
        yield item  # type: ignore[misc]
