"""How fast are messages landed, against a bare receive and delete loop on the same emulator?"""

from __future__ import annotations

import statistics
import threading
from functools import partial
from itertools import islice

from rich.table import Table

from benchmarks.generate import bodies
from benchmarks.measure import Cost, Stopwatch
from dev.aws import EmulatedAws, Feed, temporary_aws
from dev.postgres import temporary_postgres
from ses_bounces.aws.queues import BATCH, SqsQueue
from ses_bounces.database import schema
from ses_bounces.database.connection import connect_url
from ses_bounces.drain import THREADS, drain
from ses_bounces.rules import Rules

ROUNDS = 3
AIM = 0.9


def table(messages: int) -> Table:
    """Measure, ours and the bare loop in turn, and return the medians."""
    ours: list[Cost] = []
    bare: list[Cost] = []
    with temporary_aws() as aws, temporary_postgres() as postgres:
        postgres.create_database("landing")
        url = postgres.url("landing")
        with connect_url(url) as connection:
            schema.upgrade(connection)
        feed = Feed.create(aws)
        for number in range(ROUNDS):
            for costs, work in ((ours, partial(_drain, aws, feed, url)), (bare, partial(_bare, aws, feed, messages))):
                feed.send_bodies(list(islice(bodies(messages, number), messages)))
                watch = Stopwatch()
                work()
                costs.append(watch.cost())
    return _table(messages, ours, bare)


def _drain(aws: EmulatedAws, feed: Feed, url: str) -> None:
    drain(SqsQueue(aws.client("sqs"), feed.queue_url), feed.queue_url, partial(connect_url, url), Rules())


def _bare(aws: EmulatedAws, feed: Feed, messages: int) -> None:
    """Receive and delete with as many threads, and nothing else, until the queue gives nothing twice in a row."""
    client = aws.client("sqs")
    empty = [0]

    def work() -> None:
        while empty[0] < 2:
            found = client.receive_message(QueueUrl=feed.queue_url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=1)
            batch = found.get("Messages", [])
            empty[0] = 0 if batch else empty[0] + 1
            if batch:
                entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(batch)]
                client.delete_message_batch(QueueUrl=feed.queue_url, Entries=entries)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _table(messages: int, ours: list[Cost], bare: list[Cost]) -> Table:
    shown = Table(title=f"Landing: {messages} messages, median of {ROUNDS}")
    for column in ("", "ours", "bare loop", "ratio", "aim"):
        shown.add_column(column, justify="left" if not column else "right")
    rate = [messages / statistics.median(cost.wall for cost in costs) for costs in (ours, bare)]
    cpu = [1_000 / messages * statistics.median(cost.own_cpu for cost in costs) for costs in (ours, bare)]
    shown.add_row("messages/s", f"{rate[0]:,.0f}", f"{rate[1]:,.0f}", f"{rate[0] / rate[1]:.2f}", f"≥ {AIM}")
    shown.add_row("CPU s per 1,000 messages", f"{cpu[0]:.3f}", f"{cpu[1]:.3f}", f"{cpu[0] / cpu[1]:.2f}", "")
    return shown
