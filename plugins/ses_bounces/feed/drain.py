"""From SQS to Postgres: receive, land, commit, and only then delete.

Killed at any point, a message is in the queue, in ``ses_bounces.message``, or in both; copies are expected there.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import queue as queues
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ses_bounces.base.counted import counted
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.partitions import ensure_partitions
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import FeedError, SesBouncesError
from ses_bounces.classify.rules import Rules
from ses_bounces.feed.landing import Landing
from ses_bounces.feed.sqs.direct import Received
from ses_bounces.feed.sqs.queue import BATCH, SqsQueue

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

log = logging.getLogger(__name__)

THREADS = 4
LAND_MESSAGES = 500
LAND_BYTES = 16 * 1024 * 1024
# Less than the two empty answers at the end take, so that the last ones are landed meanwhile.
LAND_SECONDS = 1.5
EMPTY_ANSWERS = 2
PROGRESS_SECONDS = 10
# SQS keeps nothing longer.
MAX_RETENTION = timedelta(days=14)


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
    :param max_messages: begin to stop after so many.
    :raises FeedError: the queue could not be read, or deleted from; what was received is landed all the same.
    :raises DatabaseError: what was not landed is still in the queue.
    """
    with open_database() as connection, _stop_on_sigterm() as stop:
        ensure_partitions(connection)
        run = _Drain(queue, Landing(connection, queue.url, rules, keep_no_effect_bodies), stop, threads, max_messages)
        began = datetime.now(UTC)
        try:
            run.work(time.monotonic() + max_seconds)
        finally:
            run.close()
            run.drained.seconds = (datetime.now(UTC) - began).total_seconds()
        with quiet():
            _record(connection, run, belongs_to, began)
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
        self.in_flight = 0
        self.was_terminated = False
        self._terminate = stop
        self._stop = threading.Event()
        self._threads = threads
        self._max_messages = max_messages
        self._received: queues.Queue[list[Received]] = queues.Queue(maxsize=2 * threads)
        self._lock = threading.Lock()
        self._empty_in_a_row = 0
        self._count = 0
        self._receivers = 0
        self._receiving = 0
        self._failure: SesBouncesError | None = None
        self._deleters = ThreadPoolExecutor(threads, "delete")
        self._deletions: set[Future[tuple[int, int]]] = set()

    def work(self, until: float) -> None:
        """Receive, land and delete until there is no more, or the time is over."""
        reported = time.monotonic()
        with self._lock:
            self._start_receiver()
        held: list[Received] = []
        size, oldest = 0, time.monotonic()
        while self._is_receiving() or not self._received.empty():
            if self._terminate.is_set() or time.monotonic() > until:
                self.was_terminated = self._terminate.is_set()
                self._stop.set()
            with contextlib.suppress(queues.Empty):
                batch = self._received.get(timeout=LAND_SECONDS / 5)
                oldest = oldest if held else time.monotonic()
                held += batch
                size += sum(len(message["Body"]) for message in batch)
            if len(held) >= LAND_MESSAGES or size >= LAND_BYTES or time.monotonic() - oldest > LAND_SECONDS:
                self._land(held)
                held, size = [], 0
            if time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                self._report(until - reported)
        self._land(held)
        self._wait_for_deletions()
        if self._failure is not None:
            raise self._failure
        self.drained.emptied = self._empty_in_a_row >= EMPTY_ANSWERS
        if self.drained.emptied:
            self.in_flight = self.queue.depth().in_flight
            return
        # Only to be told: what was landed is to be noted all the same.
        with contextlib.suppress(SesBouncesError):
            self.drained.left = self.queue.depth().waiting
        if self.drained.left and (since := self.landing.oldest_of_late):
            self.drained.behind_seconds = (datetime.now(UTC) - since).total_seconds()

    def close(self) -> None:
        """End the threads; messages that were received and not landed go back to the queue."""
        self._stop.set()
        while self._is_receiving() or not self._received.empty():
            with contextlib.suppress(queues.Empty):
                self._give_back(self._received.get(timeout=LAND_SECONDS))
        self._deleters.shutdown()

    def _start_receiver(self) -> None:
        # The lock is held. Its errors name the site's own things.
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(self._receive,), name=f"receive-{self._receivers}", daemon=True).start()
        self._receivers += 1
        self._receiving += 1

    def _is_receiving(self) -> bool:
        return self._receiving > 0

    def _receive(self) -> None:
        try:
            self._receive_all()
        finally:
            with self._lock:
                self._receiving -= 1
            # Whoever waits for what is received looks again, whether there is still a receiver.
            self._received.put([])

    def _receive_all(self) -> None:
        try:
            while not self._stop.is_set():
                batch = self.queue.receive()
                with self._lock:
                    self.drained.requests += 1
                    self._empty_in_a_row = 0 if batch else self._empty_in_a_row + 1
                    self._count += len(batch)
                    is_enough = self._max_messages is not None and self._count >= self._max_messages
                    # An empty hour costs one receiver; the others come when there is something to do.
                    if len(batch) == BATCH and self._receivers < self._threads and not is_enough:
                        self._start_receiver()
                if batch:
                    self._received.put(batch)
                if is_enough or self._empty_in_a_row >= EMPTY_ANSWERS:
                    self._stop.set()
        except SesBouncesError as error:
            self._failure = error
            self._stop.set()

    def _land(self, held: list[Received]) -> None:
        if not held:
            return
        try:
            with quiet():
                no_effect = self.landing.land(held)
        except SesBouncesError:
            self._give_back(held)
            raise
        self.drained.landed += len(held)
        self.drained.no_effect += no_effect
        self.drained.max_lag_seconds = max(self.drained.max_lag_seconds, self.landing.max_lag_seconds)
        handles = [message["ReceiptHandle"] for message in held]
        for start in range(0, len(handles), BATCH):
            self._deletions.add(self._deleters.submit(self._delete, handles[start : start + BATCH]))
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
            except SesBouncesError as error:
                # Landed already: the rest goes on being landed, and the run ends red.
                self._failure = self._failure or error
                self._stop.set()
                continue
            self.drained.requests += 1
            self.drained.deleted += deleted
            self.drained.not_deleted += not_deleted

    def _give_back(self, messages: list[Received]) -> None:
        handles = [message["ReceiptHandle"] for message in messages]
        for start in range(0, len(handles), BATCH):
            # Best effort: they come back by themselves when their visibility timeout ends.
            with contextlib.suppress(SesBouncesError):
                self.queue.give_back(handles[start : start + BATCH])

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


def _record(connection: Connection, run: _Drain, belongs_to: str, began: datetime) -> None:
    """Note how far the queue was drained: promotion looks no further than what still waits in it."""
    if run.drained.emptied and not run.in_flight:
        left_since = None
    elif run.drained.emptied:
        # Others hold some, or a killed drain did: of when, only the last time it was empty tells.
        left_since = began - MAX_RETENTION
    else:
        left_since = run.landing.oldest_of_late or began - MAX_RETENTION
    connection.execute(
        statement("feed/upsert_queue"),
        {
            "queue_url": run.queue.url,
            "belongs_to": belongs_to,
            "began": began,
            "emptied": run.drained.emptied and not run.in_flight,
            "left_since": left_since,
            "is_known": not run.drained.emptied,
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
