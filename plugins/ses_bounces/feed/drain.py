"""From SQS to Postgres: receive, land, commit, and only then delete.

Killed at any point, a message is in the queue, in ``ses_bounces.message``, or in both; copies are expected there.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ses_bounces.base.aws.answers import Received
from ses_bounces.base.counted import counted
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.partitions import ensure_partitions
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import DatabaseError, FeedError, SesBouncesError
from ses_bounces.classify.rules import Rules
from ses_bounces.classify.unwrapping import byte_count
from ses_bounces.feed.landing import Landing
from ses_bounces.feed.receivers import Receivers
from ses_bounces.feed.sqs.queue import BATCH, Depth, SqsQueue

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

log = logging.getLogger(__name__)

THREADS = 4
LAND_MESSAGES = 500
LAND_BYTES = 16 * 1024 * 1024
# Less than the two empty answers at the end take, so that the last ones are landed meanwhile.
LAND_SECONDS = 1.5
PROGRESS_SECONDS = 10


@dataclass
class Drained:
    """What one drain did. ``seconds`` is wall time; ``emptied``: the queue had nothing more to give.

    ``left``: about how many messages wait in it still. ``behind_seconds``: about the age of the oldest of them.
    """

    queue_url: str
    landed: int = 0
    no_effect: int = 0
    deleted: int = 0
    not_deleted: int = 0
    requests: int = 0
    seconds: float = 0.0
    emptied: bool = False
    max_lag_seconds: float = 0.0
    left: int = 0
    behind_seconds: float = 0.0


def drain(
    queue: SqsQueue,
    belongs_to: str,
    open_database: Callable[[], AbstractContextManager[Connection]],
    rules: Rules,
    *,
    keep_no_effect_bodies: bool = False,
    max_seconds: float = float("inf"),
    max_messages: int | None = None,
    threads: int = THREADS,
) -> Drained:
    """Land a queue's messages until it is empty or the budget is spent.

    :param belongs_to: URL of the queue of the settings that this is, or is the dead-letter queue of.
    :param open_database: gives an autocommit connection.
    :param max_seconds: begin to stop after this long.
    :param max_messages: begin to stop after this many.
    :raises FeedError: the queue could not be read, or deleted from; what was received is landed all the same.
    :raises DatabaseError: what was not landed is still in the queue.
    """
    with open_database() as connection, _stop_on_sigterm() as stop:
        ensure_partitions(connection)
        # From here on deadlines wait for it: whatever becomes of this drain, only its end says that all was read.
        awaited = {"queue_url": queue.url, "belongs_to": belongs_to}
        connection.execute(statement("feed/await_queue"), awaited)
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        run = _Drain(queue, Landing(connection, queue.url, rules, keep_no_effect_bodies), stop, threads, max_messages)
        began = time.monotonic()
        try:
            run.work(began + max_seconds)
        finally:
            run.close()
            run.drained.seconds = time.monotonic() - began
        with quiet():
            _record(connection, run, belongs_to, row[0])
    if stop.is_set() and run.was_terminated:
        raise FeedError("The drain was told to stop (SIGTERM). What it held is landed; a retry goes on.")
    return run.drained


class _Drain:
    """Receivers in threads, landing in this one, deletion in threads again."""

    def __init__(
        self, queue: SqsQueue, landing: Landing, stop: threading.Event, threads: int, max_messages: int | None
    ) -> None:
        self.queue = queue
        self.landing = landing
        self.drained = Drained(queue.url)
        # The queue's depth, once it had nothing more to give.
        self.depth: Depth | None = None
        self.was_terminated = False
        self._terminate = stop
        self._receivers = Receivers(queue, threads, max_messages, self._fail)
        self._failure: SesBouncesError | None = None
        # Received, and not landed; those that Postgres refused are kept apart, as they would be received again at once.
        self._held: list[Received] = []
        self._refused: list[Received] = []
        self._deleters = ThreadPoolExecutor(threads, "delete")
        self._deletions: set[Future[tuple[int, int]]] = set()

    def work(self, until: float) -> None:
        """Receive, land and delete until there is no more, or the time is over."""
        reported = time.monotonic()
        self._receivers.start()
        size, oldest = 0, time.monotonic()
        while not self._receivers.are_done:
            if self._terminate.is_set() or time.monotonic() > until:
                self.was_terminated = self._terminate.is_set()
                self._receivers.stop()
            oldest = oldest if self._held else time.monotonic()
            batch = self._receivers.take(LAND_SECONDS / 5)
            self._held += batch
            size += sum(byte_count(message["Body"]) for message in batch)
            if len(self._held) >= LAND_MESSAGES or size >= LAND_BYTES or time.monotonic() - oldest > LAND_SECONDS:
                self._land()
                size = 0
            if time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                self._report(until - reported)
        self._land()
        self._wait_for_deletions()
        if self._failure is not None:
            raise self._failure
        self.drained.emptied = self._receivers.have_emptied
        if self.drained.emptied:
            self.depth = self.queue.depth()
            return
        # For the log only: a failure here must not prevent recording the drain.
        with contextlib.suppress(SesBouncesError):
            self.drained.left = self.queue.depth().waiting
        if self.drained.left and (since := self.landing.oldest_of_late):
            self.drained.behind_seconds = (datetime.now(UTC) - since).total_seconds()

    def close(self) -> None:
        """End the threads; messages that were received and not landed go back to the queue."""
        self._receivers.stop()
        while not self._receivers.are_done:
            self._held += self._receivers.take(LAND_SECONDS)
        self._give_back(self._held + self._refused)
        self._deleters.shutdown()
        self.drained.requests += self._receivers.requests

    def _fail(self, error: BaseException) -> None:
        """Make an error the drain's: no more is received, what was received is landed, and the run ends red."""
        if not isinstance(error, SesBouncesError):
            # Its text may have a part of a message.
            error = FeedError(
                f"Draining {self.queue.url} failed ({_place_of(error)}). What was received is landed or given back; a "
                "retry goes on. If it fails the same way again, report it with this line."
            )
        self._failure = self._failure or error
        self._receivers.stop()

    def _land(self) -> None:
        if not self._held:
            return
        with quiet():
            landed = self.landing.land(self._held)
        refused = {message["ReceiptHandle"] for message in landed.refused}
        handles = [message["ReceiptHandle"] for message in self._held if message["ReceiptHandle"] not in refused]
        self._held = []
        if refused:
            self._refused += landed.refused
            self._failure = self._failure or DatabaseError(
                f"Postgres refused messages of {self.queue.url} for what is in them; the log has their SQS ids. All "
                "others are landed, and these are given back: after a few more tries SQS moves them to the "
                "dead-letter queue, if there is one. Look at one there."
            )
        self.drained.landed += len(handles)
        self.drained.no_effect += landed.no_effect
        self.drained.max_lag_seconds = max(self.drained.max_lag_seconds, self.landing.max_lag_seconds)
        for start in range(0, len(handles), BATCH):
            # Its errors name the site's own things.
            run = contextvars.copy_context().run
            self._deletions.add(self._deleters.submit(run, self._delete, handles[start : start + BATCH]))
        # Receipt handles are kept for no longer than they are needed.
        self._settle({deletion for deletion in self._deletions if deletion.done()})

    def _delete(self, handles: list[str]) -> tuple[int, int]:
        failed = self.queue.delete(handles)
        if failed:
            failed = self.queue.delete(failed)
        return len(handles) - len(failed), len(failed)

    def _wait_for_deletions(self) -> None:
        self._settle(set(self._deletions))
        if self.drained.not_deleted:
            log.warning("SQS did not delete %d landed messages: they come again, as copies", self.drained.not_deleted)

    def _settle(self, deletions: set[Future[tuple[int, int]]]) -> None:
        self._deletions -= deletions
        for deletion in deletions:
            try:
                deleted, not_deleted = deletion.result()
            except Exception as error:
                # Landed already: the rest goes on being landed.
                self._fail(error)
                continue
            self.drained.requests += 1
            self.drained.deleted += deleted
            self.drained.not_deleted += not_deleted

    def _give_back(self, messages: list[Received]) -> None:
        handles = [message["ReceiptHandle"] for message in messages]
        left = 0
        for start in range(0, len(handles), BATCH):
            try:
                left += len(self.queue.give_back(handles[start : start + BATCH]))
            except Exception as error:
                # The drain has failed already, and whatever stands in the way would meet the next request as well.
                log.warning("Messages could not be given back (%s)", _place_of(error))
                left += len(handles) - start
                break
        if left:
            log.warning("%d messages were not given back: they are received again after two minutes", left)

    def _report(self, seconds_left: float) -> None:
        left: Any = "?"
        with contextlib.suppress(SesBouncesError):
            left = self.queue.depth().waiting
        log.info(
            "Landed %s, about %s left, %.0f seconds of the budget",
            counted(self.drained.landed, "message"),
            left,
            seconds_left,
        )


def _place_of(error: BaseException) -> str:
    """Return an error's class, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__}, {Path(frames[-1].filename).name}:{frames[-1].lineno}"


def _record(connection: Connection, run: _Drain, belongs_to: str, began: datetime) -> None:
    """Note how far the queue was drained: promotion looks no further than what still waits in it."""
    depth = run.depth
    connection.execute(
        statement("feed/upsert_queue"),
        {
            "queue_url": run.queue.url,
            "belongs_to": belongs_to,
            "began": began,
            "gave_all": depth is not None,
            # Others hold some, or a killed drain did.
            "in_flight": depth is not None and depth.in_flight > 0,
            "visibility": depth.visibility if depth else None,
            "left_since": run.landing.oldest_of_late,
        },
    )


@contextlib.contextmanager
def _stop_on_sigterm() -> Iterator[threading.Event]:
    """An event that SIGTERM sets, so that what is held can still be landed; the former handler is called as well."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    former = signal.getsignal(signal.SIGTERM)

    def handle(number: int, frame: Any) -> None:
        stop.set()
        if callable(former):
            former(number, frame)

    signal.signal(signal.SIGTERM, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, former)
