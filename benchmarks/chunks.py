"""For how long do odd messages keep other writers waiting, and how much memory do they take?

Mail to many recipients, and messages of a megabyte. ``classify_bounces`` and the drain run in processes of their own;
beside them, another session asks Postgres every few milliseconds who holds the lock of the state.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import psycopg

from benchmarks.hour import QUEUE_URL, Hour, peak_memory
from benchmarks.server import migrated
from benchmarks.showing import add_limit
from dev.generate import bodies, large, to_many
from ses_bounces.base.database.connection import connect_url
from ses_bounces.classify.rules import Rules
from ses_bounces.feed.drain import drain
from ses_bounces.feed.sqs.queue import BATCH, Depth, SqsQueue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

MEGABYTE = 1 << 20
MEGABYTES = 400
ASK_EVERY = 0.005
_HOLDERS = """
SELECT l.virtualtransaction FROM pg_locks l
WHERE l.locktype = 'advisory' AND l.granted AND l.mode = 'ExclusiveLock'
    AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
"""


def table(messages: int, megabytes: int) -> Table:
    """Measure so many messages of 50 recipients, a few of more, and so many of a megabyte."""
    from benchmarks.showing import comparison

    shown = comparison("Odd messages", "")
    for what, texts, limit in (
        (f"{messages:,} of one recipient", bodies(messages), 1_000),
        (f"{messages:,} of 50 recipients", to_many(messages, 50), 1_000),
        ("20 of 1,000 recipients", to_many(20, 1_000), 1_000),
        ("one of 5,000 recipients", to_many(1, 5_000), 3_000),
        ("a megabyte of recipients", to_many(1, 5_500), 3_000),
    ):
        with migrated() as (_, url):
            Hour(url).land(texts)
            with Holds(url) as holds:
                in_a_process(classify, url)
        add_limit(shown, f"{what}: the lock of the state, held at once", 1_000 * holds.longest, limit, "ms")
    with migrated() as (_, url):
        memory = in_a_process(land, url, megabytes)
        add_limit(shown, f"{megabytes:,} of a megabyte: memory of drain_queue", memory, MEGABYTES, "MB")
        memory = in_a_process(classify, url)
        add_limit(shown, f"{megabytes:,} of a megabyte: memory of classify_bounces", memory, MEGABYTES, "MB")
    return shown


class Holds:
    """The longest time (seconds) in which one transaction held the lock of the state, within the block."""

    def __init__(self, url: str) -> None:
        self.longest = 0.0
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Holds:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        since: dict[str, float] = {}
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._stop.wait(ASK_EVERY):
                asked = time.perf_counter()
                holders = {holder for (holder,) in connection.execute(_HOLDERS)}
                since = {holder: since.get(holder, asked) for holder in holders}
                self.longest = max([self.longest, *(time.perf_counter() - began for began in since.values())])


class LargeQueue(SqsQueue):
    """A queue of messages of a megabyte each."""

    def __init__(self, messages: int) -> None:
        super().__init__(None, QUEUE_URL)
        self._texts: Iterator[tuple[int, str]] = enumerate(large(messages, MEGABYTE))
        self._lock = threading.Lock()

    def receive(self) -> list[Any]:
        """Give the next ten, as they come out of JSON."""
        with self._lock:
            batch = list(islice(self._texts, BATCH))
        attributes = {"SentTimestamp": str(int(time.time() * 1000)), "ApproximateReceiveCount": "1"}
        return [
            {"MessageId": str(number), "ReceiptHandle": str(number), "Body": text, "Attributes": attributes}
            for number, text in batch
        ]

    def delete(self, receipt_handles: Any) -> list[str]:
        """Forget them."""
        return []

    def depth(self) -> Depth:
        """Nothing waits."""
        return Depth(0, 0, None, timedelta(days=14))


def classify(url: str) -> float:
    """Classify what is pending, in a process of its own; returns the most memory there was."""
    import airflow.sdk  # noqa: F401

    counts = Hour(url).run("classify_bounces")
    assert set(counts["outcomes"]) == {"applied"}
    return peak_memory()


def land(url: str, messages: int) -> float:
    """Drain a queue of messages of a megabyte, in a process of its own; returns the most memory there was."""
    import airflow.sdk  # noqa: F401

    assert drain(LargeQueue(messages), QUEUE_URL, partial(connect_url, url), Rules()).landed == messages
    return peak_memory()


def in_a_process(work: Any, *arguments: Any) -> Any:
    """Return what a function returns that is called in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)
