"""How fast are messages landed, and for how much CPU, beside a bare boto3 loop on the same emulator?

The bare loop receives and deletes with as many threads, and does nothing else. Ours is measured without a database
(the drain's queue alone, in the same loop) and with it (the drain). Emulator and Postgres share the machine: the rates
are theirs as much as ours, the CPU is that of our process.
"""

from __future__ import annotations

import logging
import multiprocessing
import statistics
import threading
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from benchmarks.hour import Hour
from benchmarks.measure import Cost, Stopwatch
from benchmarks.server import migrated
from benchmarks.showing import add, comparison
from benchmarks.sqs import temporary_queue
from dev.generate import bodies
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.settings import parse
from ses_bounces.classify.rules import Rules
from ses_bounces.feed.drain import THREADS, drain
from ses_bounces.feed.sqs.queue import BATCH, SqsQueue, open_queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from dev.aws import Feed

ROUNDS = 3
PROCESSES = (2, 4)
LIMIT = 200


class BareQueue(SqsQueue):
    """The queue read by boto3's client, as in its documentation."""

    def receive(self) -> list[Any]:
        """Receive up to 10 messages."""
        found = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=1)
        messages: list[Any] = found.get("Messages", [])
        return messages

    def delete(self, receipt_handles: Any) -> list[str]:
        """Delete them."""
        entries = [{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(receipt_handles)]
        self.client.delete_message_batch(QueueUrl=self.url, Entries=entries)
        return []


class CountedQueue(SqsQueue):
    """The drain's queue, which counts its requests."""

    requests = 0

    def receive(self) -> list[Any]:
        """Receive, counted."""
        self.requests += 1
        return super().receive()

    def delete(self, receipt_handles: Any) -> list[str]:
        """Delete, counted."""
        self.requests += 1
        return super().delete(receipt_handles)


def table(messages: int) -> Table:
    """Measure each way in turn, in another order each time, and return the medians."""
    shown = comparison(f"Landing: {messages:,} messages, median of {ROUNDS}", "bare boto3 loop")
    with temporary_queue() as feed, migrated() as (_, url):
        Hour(url, feed.aws.connection_json())
        queue = _open(feed.queue_url, CountedQueue)
        ways: dict[str, Callable[[], object]] = {
            "bare": partial(_loop, _open(feed.queue_url, BareQueue)),
            "calls": partial(_loop, _open(feed.queue_url)),
            "landed": lambda: _drain(queue, url),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in ways}
        for number in range(ROUNDS):
            for name in sorted(ways, reverse=bool(number % 2)):
                _fill(feed, messages, number)
                watch = Stopwatch()
                ways[name]()
                costs[name].append(watch.cost())
        wall = {name: statistics.median(cost.wall for cost in of) for name, of in costs.items()}
        cpu = {name: 1_000 / messages * statistics.median(c.own_cpu for c in of) for name, of in costs.items()}
        requests = 1_000 / messages * queue.requests / ROUNDS
        add(shown, "landed: messages/s", messages / wall["landed"], messages / wall["bare"], "≥ 0.95", ",.0f")
        add(shown, "receive and delete: CPU s per 1,000 messages", cpu["calls"], cpu["bare"], "≤ 0.5", ".3f")
        add(shown, "landed: CPU s per 1,000 messages", cpu["landed"], cpu["bare"], "≤ 0.7", ".3f")
        # Each has just begun, and imports what it needs.
        for what, is_bare, aim in (("landed", False, "≤ 1.1"), ("bare boto3 loop", True, "")):
            one = _mapped(is_bare, 1, feed, url, messages)
            for number_of in PROCESSES:
                mapped = _mapped(is_bare, number_of, feed, url, messages * number_of)
                add(shown, f"{what}, {number_of} processes: CPU s per 1,000, beside one", mapped, one, aim, ".3f")
        add(shown, f"requests per 1,000 messages, beside {LIMIT}", requests, LIMIT, "≤ 1.025", ".1f")
    return shown


def drained(is_bare: bool, aws: str, queue_url: str, url: str, barrier: Any, results: Any) -> None:
    """Drain in a process of its own, beginning with the others; puts its CPU seconds and how many messages it had.

    :param is_bare: by the bare loop.
    """
    logging.disable(logging.WARNING)
    Hour(url, aws)
    queue = _open(queue_url, BareQueue if is_bare else SqsQueue)
    barrier.wait()
    watch = Stopwatch()
    count = _loop(queue) if is_bare else _drain(queue, url)
    results.put((watch.cost().own_cpu, count))


def _mapped(is_bare: bool, number: int, feed: Feed, url: str, messages: int) -> float:
    """Drain in ``processes`` processes; returns CPU seconds of all of them for 1,000 messages."""
    _fill(feed, messages, ROUNDS)
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(number), context.SimpleQueue()
    arguments = (is_bare, feed.aws.connection_json(), feed.queue_url, url, barrier, results)
    processes = [context.Process(target=drained, args=arguments) for _ in range(number)]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    assert sum(count for _, count in found) == messages
    return 1_000 / messages * sum(cpu for cpu, _ in found)


def _open(queue_url: str, kind: type[SqsQueue] = SqsQueue) -> Any:
    """Open a queue as the tasks do."""
    settings = parse({"queue_urls": [queue_url]})
    opened = open_queue(settings, settings.queue_urls[0], THREADS)
    assert opened.direct is not None
    return kind(opened.client, opened.url, opened.direct)


def _fill(feed: Feed, messages: int, seed: int) -> None:
    feed.send_bodies(list(islice(bodies(messages, seed), messages)))


def _drain(queue: SqsQueue, url: str) -> int:
    return drain(queue, queue.url, partial(connect_url, url), Rules()).landed


def _loop(queue: SqsQueue) -> int:
    """Receive and delete in threads, until the queue gives nothing twice in a row; returns how many there were."""
    empty = [0]
    counts: list[int] = []

    def work() -> None:
        while empty[0] < 2:
            batch = queue.receive()
            empty[0] = 0 if batch else empty[0] + 1
            counts.append(len(batch))
            if batch:
                assert queue.delete([message["ReceiptHandle"] for message in batch]) == []

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)
