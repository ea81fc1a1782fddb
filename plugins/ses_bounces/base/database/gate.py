"""Opens connections that may never open, in a few threads of its own, so that a dead server holds up nothing else.

Airflow's API server answers everything with a few dozen threads. A request that waits here takes none of them; how many
wait is limited, and a server that did not answer is not asked again for a while.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Generic, TypeVar

from ses_bounces.base.exceptions import DatabaseError

T = TypeVar("T")

# How many open at once. While all of them have taken longer than SLOW_SECONDS, no other request waits beside them.
PLACES = 4
SLOW_SECONDS = 1.0
GIVE_UP_SECONDS = 5.0
# For this long, a server that did not answer is not asked again.
REMEMBERED_SECONDS = 5.0


class Gate(Generic[T]):
    """What opens one thing, like the connections to one database; safe to use from several threads and event loops."""

    def __init__(self, what: str, release: Callable[[T], None]) -> None:
        """:param what: its name in errors: ``Airflow connection "…"``.

        :param release: takes back what nobody waits for any more.
        """
        self._what = what
        self._release = release
        self._pool = ThreadPoolExecutor(PLACES, thread_name_prefix="ses-bounces-open")
        self._lock = threading.Lock()
        # When each that is opening now began.
        self._running: dict[object, float] = {}
        # What is said of a server that did not answer, if it has not answered since; until when no request asks it.
        self._said: str | None = None
        self._silent_until = float("-inf")

    async def opened(self, work: Callable[[], T]) -> T:
        """Open, without holding a thread meanwhile.

        :raises DatabaseError: it did not open in time, did not answer a moment ago, or too many wait for it already.
        """
        future = self._begun(work)
        waiting = asyncio.wrap_future(future)
        # Else asyncio reports an error that nobody has looked at.
        waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            for seconds in (SLOW_SECONDS, GIVE_UP_SECONDS - SLOW_SECONDS):
                if (await asyncio.wait([waiting], timeout=seconds))[0]:
                    return await waiting
                self._check_place(future)
        except asyncio.CancelledError:
            self._leave(future)
            raise
        raise self._given_up(future)

    def opened_here(self, work: Callable[[], T]) -> T:
        """Open, and have this thread wait for it; otherwise as :meth:`opened`."""
        future = self._begun(work)
        for seconds in (SLOW_SECONDS, GIVE_UP_SECONDS - SLOW_SECONDS):
            if wait([future], seconds).done:
                return future.result()
            self._check_place(future)
        raise self._given_up(future)

    def _begun(self, work: Callable[[], T]) -> Future[T]:
        now = time.monotonic()
        with self._lock:
            if self._said is not None:
                if now < self._silent_until or self._running:
                    raise DatabaseError(self._said)
                # This one asks whether it is back; meanwhile the others learn what was said before.
                self._silent_until = now + GIVE_UP_SECONDS
            slow = sum(now - began > SLOW_SECONDS for began in self._running.values())
        if slow >= PLACES:
            raise self._busy()
        return self._pool.submit(contextvars.copy_context().run, self._run, work)

    def _run(self, work: Callable[[], T]) -> T:
        me, began = object(), time.monotonic()
        with self._lock:
            self._running[me] = began
        silent: str | None = None
        try:
            return work()
        except DatabaseError as error:
            # A refusal that comes at once is an answer, and costs nobody anything: the next request asks again.
            if time.monotonic() - began > SLOW_SECONDS:
                silent = self._remember(str(error))
            raise
        finally:
            with self._lock:
                del self._running[me]
                self._said = silent

    def _check_place(self, future: Future[T]) -> None:
        """:raises DatabaseError: those before it are all still opening."""
        if future.cancel():
            raise self._busy()

    def _given_up(self, future: Future[T]) -> DatabaseError:
        self._leave(future)
        text = f"Postgres can't be reached through {self._what}: no answer for {GIVE_UP_SECONDS:.0f} seconds."
        return DatabaseError(self._remember(f"{text} Nothing is lost; the next run goes on."))

    def _leave(self, future: Future[T]) -> None:
        """Take back what opens after all."""

        def release(done: Future[T]) -> None:
            with suppress(Exception):
                self._release(done.result())

        if not future.cancel():
            future.add_done_callback(release)

    def _remember(self, said: str) -> str:
        with self._lock:
            self._said = said
            self._silent_until = time.monotonic() + REMEMBERED_SECONDS
        return said

    def _busy(self) -> DatabaseError:
        return DatabaseError(
            f"Postgres does not answer through {self._what}: {PLACES} requests wait for it already. Reload in a few "
            "seconds. Nothing is lost; the next run goes on."
        )
