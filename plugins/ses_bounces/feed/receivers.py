"""Threads that receive from a queue until it is empty; there are as many as there is to do."""

from __future__ import annotations

import contextlib
import contextvars
import queue as queues
import sys
import threading
from collections.abc import Callable

from ses_bounces.base.aws.answers import Received
from ses_bounces.feed.sqs.queue import BATCH, SqsQueue

# Bytes of bodies in memory; a batch that a thread has just received comes on top.
MAX_BYTES = 32 * 1024 * 1024
# As many, one after the other, say that the queue is empty.
EMPTY_ANSWERS = 2


class Receivers:
    """The threads of one drain; one at first."""

    def __init__(
        self, queue: SqsQueue, threads: int, max_messages: int | None, fail: Callable[[BaseException], None]
    ) -> None:
        """:param fail: told what a thread died of, before :attr:`are_done` says that it did."""
        self.requests = 0
        self._queue = queue
        self._threads = threads
        self._max_messages = max_messages
        self._fail = fail
        self._stop = threading.Event()
        self._received: queues.Queue[list[Received]] = queues.Queue(maxsize=2 * threads)
        self._lock = threading.Lock()
        self._room = threading.Condition()
        self._bytes = 0
        self._empty_in_a_row = 0
        self._count = 0
        self._started = 0
        self._running = 0

    @property
    def are_done(self) -> bool:
        """Whether no thread is left, and nothing that one received."""
        return self._running == 0 and self._received.empty()

    @property
    def have_emptied(self) -> bool:
        """Whether the queue had nothing more to give."""
        return self._empty_in_a_row >= EMPTY_ANSWERS

    def start(self) -> None:
        """Start the first thread."""
        with self._lock:
            self._start()

    def stop(self) -> None:
        """Have no more received; what was stays to be taken."""
        self._stop.set()

    def take(self, seconds: float) -> list[Received]:
        """Return what was received and not taken, waiting so long at most; empty: nothing yet, or a thread ended."""
        with contextlib.suppress(queues.Empty):
            batch = self._received.get(timeout=seconds)
            with self._room:
                self._bytes -= _memory(batch)
                self._room.notify_all()
            return batch
        return []

    def _hand_over(self, batch: list[Received]) -> None:
        """Have a batch taken, as soon as there is room for it."""
        size = _memory(batch)
        with self._room:
            self._room.wait_for(lambda: self._bytes + size <= MAX_BYTES or not self._bytes)
            self._bytes += size
        self._received.put(batch)

    def _start(self) -> None:
        # The lock is held. Its errors name the site's own things.
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(self._receive,), name=f"receive-{self._started}", daemon=True).start()
        self._started += 1
        self._running += 1

    def _receive(self) -> None:
        try:
            self._receive_all()
        except BaseException as error:
            self._fail(error)
        finally:
            with self._lock:
                self._running -= 1
            # Whoever waits for what is received looks again, whether there is still a receiver.
            self._received.put([])

    def _receive_all(self) -> None:
        while not self._stop.is_set():
            batch = self._queue.receive()
            if batch:
                # First of all: from here on they are landed or given back, whatever happens to this thread.
                self._hand_over(batch)
            with self._lock:
                self.requests += 1
                self._empty_in_a_row = 0 if batch else self._empty_in_a_row + 1
                self._count += len(batch)
                is_enough = self._max_messages is not None and self._count >= self._max_messages
                # An empty hour costs one receiver; the others come when there is something to do.
                if len(batch) == BATCH and self._started < self._threads and not is_enough:
                    self._start()
            if is_enough or self.have_emptied:
                self._stop.set()


def _memory(batch: list[Received]) -> int:
    # One character beyond Latin makes a text up to four times as large.
    return sum(sys.getsizeof(message["Body"]) for message in batch)
