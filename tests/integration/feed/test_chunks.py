"""Chunks are bounded by what they cost: in memory by bytes, in a transaction by entries."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from ses_bounces.base.database import connection as connections
from ses_bounces.classify.rules import Rules
from ses_bounces.feed import drain as drains
from ses_bounces.feed.drain import drain
from ses_bounces.feed.landing import Landing
from ses_bounces.feed.sqs.queue import BATCH, Depth, SqsQueue
from ses_bounces.ledger import pending, replay
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.replay import try_replay
from tests.kit.builders import bounce, delivery

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

NOW = datetime.now(UTC).replace(microsecond=0)


def put(connection: Connection, bodies: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome)"
            " VALUES ('id', 'queue', %s, %s, 'pending')",
            [(body, NOW - timedelta(seconds=len(bodies) - number)) for number, body in enumerate(bodies)],
        )


def to(recipients: int, number: int) -> str:
    """A bounce of so many recipients."""
    names = [f"p{place}-{number}@example.com" for place in range(recipients)]
    return json.dumps(bounce(names, feedbackId=f"f{number}"))


def entries_by_transaction(connection: Connection) -> list[int]:
    """How many entries each transaction wrote, in order."""
    query = "SELECT count(*) FROM ses_bounces.address_event GROUP BY recorded_at ORDER BY recorded_at"
    return [count for (count,) in connection.execute(query)]


@pytest.mark.parametrize(
    ("sizes", "transactions"),
    [
        ([1] * 25, [10, 10, 5]),
        ([5] * 5, [10, 10, 5]),
        ([3] * 7, [9, 9, 3]),
        # One that is over it is alone, whatever is before and behind it.
        ([2, 12, 2, 2], [2, 12, 4]),
        ([30], [30]),
        ([9, 2, 9, 1, 1], [9, 2, 10, 1]),
    ],
)
def test_a_transaction_writes_so_many_entries(
    database: Connection, monkeypatch: pytest.MonkeyPatch, sizes: list[int], transactions: list[int]
) -> None:
    monkeypatch.setattr(pending, "ENTRIES_PER_BATCH", 10)
    put(database, [to(size, number) for number, size in enumerate(sizes)])
    done = classify_pending(database, Rules())
    assert entries_by_transaction(database) == transactions
    assert done.outcomes == {"applied": len(sizes)}
    assert database.execute("SELECT count(*) FROM ses_bounces.blocked_list").fetchone() == (sum(sizes),)


def test_messages_without_entries_count_as_well(database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "ENTRIES_PER_BATCH", 10)
    written: list[int] = []
    apply = pending._apply

    def counting(connection: Connection, results: Any, *arguments: Any) -> None:
        written.append(len(results))
        apply(connection, results, *arguments)

    monkeypatch.setattr(pending, "_apply", counting)
    put(database, ["no JSON"] * 12 + [to(4, 1)] + [json.dumps(delivery([]))] * 9)
    assert classify_pending(database, Rules()).messages == 22
    # Four entries count as four messages without any.
    assert written == [10, 7, 5]


@pytest.mark.parametrize("character", ["x", "é", "\U0001f600"])
def test_a_chunk_is_bounded_by_bytes(database: Connection, monkeypatch: pytest.MonkeyPatch, character: str) -> None:
    """A character has up to four; the first message comes in any case."""
    monkeypatch.setattr(pending, "BYTES_PER_CHUNK", 10_000)
    size = 4_000 // len(character.encode())
    bodies = [json.dumps(bounce(f"p{n}@example.com", feedbackId=f"f{n}")) for n in range(12)]
    filled = [body.replace("{", f'{{"filler": "{character * size}", ', 1) for body in bodies]
    filled[5] = filled[5].replace(character * size, character * size * 5)
    put(database, filled)
    chunks: list[int] = []
    next_chunk = pending._next_chunk

    def counting(*arguments: Any) -> list[pending.Message]:
        found = next_chunk(*arguments)
        chunks.append(len(found))
        return found

    monkeypatch.setattr(pending, "_next_chunk", counting)
    assert classify_pending(database, Rules()).outcomes == {"applied": 12}
    assert chunks == [3, 3, 3, 3, 0, 0]
    assert sum(chunks) == 12


def test_a_thousand_large_messages_take_the_memory_of_a_few(database: Connection) -> None:
    """A sixteenth of a megabyte each, so that it takes no minute: with all of them in memory it would be 64 MB more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pending, "BYTES_PER_CHUNK", 1 << 20)
        patch.setattr(replay, "BYTES_PER_CHUNK", 1 << 20)
        filler = "x" * (1 << 16)
        put(database, [to(1, number).replace("{", f'{{"filler": "{filler}", ', 1) for number in range(1_000)])
        tracemalloc.start()
        try:
            assert classify_pending(database, Rules()).outcomes == {"applied": 1_000}
            _, classified = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            assert try_replay(database, Rules(), (NOW - timedelta(hours=1), NOW + timedelta(hours=1))).messages == 1_000
            _, replayed = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert classified < 16 << 20
    assert replayed < 16 << 20


def test_what_was_classified_before_a_budget_ended_stays_so(
    database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "ENTRIES_PER_BATCH", 10)
    put(database, [to(5, number) for number in range(6)])
    # The first batch is begun in any case.
    monkeypatch.setattr(pending.time, "monotonic", iter(range(100)).__next__)
    assert classify_pending(database, Rules(), seconds=3).messages == 2
    monkeypatch.undo()
    assert classify_pending(database, Rules()).messages == 4
    assert database.execute("SELECT count(*), count(DISTINCT address_id) FROM ses_bounces.address_event").fetchone() == (
        30, 30,
    )  # fmt: skip


class GivenQueue(SqsQueue):
    """A queue of some bodies, ten at a time."""

    def __init__(self, bodies: list[str]) -> None:
        super().__init__(None, "http://127.0.0.1/000000000000/queue")
        self._numbered = enumerate(bodies)

    def receive(self) -> list[Any]:
        return [
            {"MessageId": str(number), "ReceiptHandle": str(number), "Body": body, "Attributes": {}}
            for number, body in islice(self._numbered, BATCH)
        ]

    def delete(self, receipt_handles: Any) -> list[str]:
        return []

    def depth(self) -> Depth:
        return Depth(0, 0, None, timedelta(days=4))


@pytest.mark.parametrize(
    ("character", "batches"), [("x", [30, 30, 10]), ("é", [20, 20, 20, 10]), ("\U0001f600", [10] * 7)]
)
def test_landing_is_bounded_by_bytes(
    database_url: str, monkeypatch: pytest.MonkeyPatch, character: str, batches: list[int]
) -> None:
    monkeypatch.setattr(drains, "LAND_BYTES", 30_000)
    monkeypatch.setattr(drains, "LAND_SECONDS", 600)
    copied: list[int] = []
    copy = Landing._copy

    def counting(self: Landing, messages: list[Any]) -> int:
        copied.append(len(messages))
        return copy(self, messages)

    monkeypatch.setattr(Landing, "_copy", counting)
    queue = GivenQueue([character * 1_000] * 70)
    landed = drain(queue, queue.url, partial(connections.connect_url, database_url), Rules(), threads=1).landed
    assert (landed, copied) == (70, batches)
