"""Does a backlog go as quickly at its end as at its beginning, and within the memory of a task?

``classify_bounces`` settles it in one call, in a process of its own; the time of each of its chunks is that at which
its entries were recorded. Through SQS, ``drain_queue`` empties the emulated queue as often as it is filled: the
emulator slows down with a million messages in it.
"""

from __future__ import annotations

import multiprocessing
import time
from typing import TYPE_CHECKING, Any

from benchmarks.hour import Hour, peak_memory
from benchmarks.measure import Cost
from benchmarks.server import ServerWatch, migrated
from benchmarks.showing import add, add_limit, comparison
from benchmarks.sqs import temporary_queue
from dev.generate import bodies
from ses_bounces.base.database.connection import connect_url

if TYPE_CHECKING:
    from rich.table import Table

AIM = "≥ 0.9"
MEGABYTES = 400
# Messages that one call puts into the emulated queue.
FILL = 20_000
# When each chunk's transaction began, and how many messages were settled by then.
_CHUNKS = """
SELECT extract(epoch FROM recorded_at)::float8, sum(count(*)) OVER (ORDER BY recorded_at) - count(*)
FROM ses_bounces.address_event
GROUP BY recorded_at
ORDER BY recorded_at
"""


def table(messages: int, through_sqs: int) -> Table:
    """Measure messages from the raw log, whose first and last tenths are compared, and messages through SQS."""
    part = messages // 10
    shown = comparison(f"A backlog of {messages:,} messages", f"first {part:,}")
    with migrated() as (_, url):
        hour = Hour(url)
        began = time.perf_counter()
        assert hour.land(bodies(messages)) == messages
        landing = time.perf_counter() - began
        seconds, memory = _in_a_process(classify, url, messages)
        with connect_url(url) as connection:
            chunks = connection.execute(_CHUNKS).fetchall()
            end = connection.execute(
                "SELECT extract(epoch FROM finished_at)::float8 FROM ses_bounces.run ORDER BY run_row_id DESC LIMIT 1"
            ).fetchone()
        assert end is not None
        first, last = rates([(moment, int(done)) for moment, done in chunks], end[0], messages, part)
        add(shown, f"last {part:,} classified: messages/s", last, first, AIM, ",.0f")
        add_limit(shown, "memory of classify_bounces", memory, MEGABYTES, "MB")
    if through_sqs:
        costs, memory = _drains(through_sqs)
        half = len(costs) // 2
        fast, slow = (FILL / min(c.wall for c in part) for part in (costs[-half:], costs[:half]))
        add(shown, "later half through SQS: landed messages/s", fast, slow, AIM, ",.0f")
        add_limit(shown, "memory of drain_queue", memory, MEGABYTES, "MB")
    shown.caption = f"{messages:,} messages landed in {landing:.0f} s, classified in {seconds:.0f} s."
    return shown


def rates(chunks: list[tuple[float, int]], end: float, messages: int, part: int) -> tuple[float, float]:
    """Return messages a second over the first ``part`` and the last.

    :param chunks: for each, when it began (seconds) and how many messages were settled by then.
    :param end: when all were (seconds).
    """
    first = next((c for c in chunks if c[1] >= part), (end, messages))
    last = next((c for c in reversed(chunks) if c[1] <= messages - part), chunks[0])
    return first[1] / (first[0] - chunks[0][0]), (messages - last[1]) / (end - last[0])


def classify(url: str, messages: int) -> tuple[float, float]:
    """Classify what is pending, in a process of its own; returns seconds, and the most memory there was."""
    import airflow.sdk  # noqa: F401

    hour = Hour(url)
    began = time.perf_counter()
    counts = hour.run("classify_bounces")
    assert counts["outcomes"] == {"applied": messages}
    return time.perf_counter() - began, peak_memory()


def drain(url: str, aws: str, queue_url: str, messages: int) -> float:
    """Drain a queue in a process of its own; returns the most memory that it took."""
    import airflow.sdk  # noqa: F401

    hour = Hour(url, aws, queue_urls=[queue_url])
    job = {"queue_url": queue_url, "url": queue_url, "max_messages": None}
    assert hour.run("drain_queue", job)["landed"] == messages
    return peak_memory()


def _drains(messages: int) -> tuple[list[Cost], float]:
    costs, memory = [], 0.0
    with migrated() as (postgres, url), temporary_queue() as feed:
        Hour(url)
        for number in range(max(2, messages // FILL)):
            feed.send_bodies(list(bodies(FILL, number)))
            watch = ServerWatch(postgres)
            memory = max(memory, _in_a_process(drain, url, feed.aws.connection_json(), feed.queue_url, FILL))
            costs.append(watch.cost())
    return costs, memory


def _in_a_process(work: Any, *arguments: Any) -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)
