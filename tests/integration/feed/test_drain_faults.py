"""One message, one thread or one answer that fails: what was received is landed, or is in the queue again at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from dev.aws import EmulatedAws, Feed, temporary_aws
from ses_bounces.base.database import connection as connections
from ses_bounces.base.exceptions import DatabaseError, FeedError, QueueError
from ses_bounces.base.sites import Site, current
from ses_bounces.classify.rules import Rules
from ses_bounces.classify.unwrapping import unwrap
from ses_bounces.feed import drain as drains
from ses_bounces.feed import landing
from ses_bounces.feed.drain import Drained, drain
from ses_bounces.feed.landing import Landing
from ses_bounces.feed.sqs.queue import SqsQueue
from ses_bounces.ledger import pending
from ses_bounces.ledger.pending import classify_pending
from tests.kit.builders import bounce

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

GOOD = 100
POISON = '{"mail":"\\ud800"}'
# As bodies, and as Postgres keeps them.
POISONS = [
    POISON,
    '{"notificationType": "Bounce", "mail": {"destination": "\\ud800"}}',
    '{"Records": [{"ses": "\\udfff"}]}',
    '{"detail":' * 5_000,
    "[" * 100_000,
    f'{{"notificationType": "Bounce", "bounce": {{"timestamp": "x{" " * 60_000}y"}}}}',
    f'{{"time": {"9" * 10_000}}}',
    "\ufeff",
    "{}",
]


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    with temporary_aws() as emulated:
        yield emulated


@pytest.fixture
def feed(aws: EmulatedAws) -> Feed:
    feed = Feed.create(aws, max_receive_count=3)
    feed.purge()
    return feed


def good(number: int) -> str:
    return json.dumps(bounce(f"person{number}@example.com", feedbackId=f"feedback-{number}"))


def run(queue: SqsQueue, database_url: str, **options: Any) -> Drained:
    return drain(queue, queue.url, partial(connections.connect_url, database_url), Rules(), **options)


def counts(queue: SqsQueue) -> tuple[int, int]:
    depth = queue.depth()
    return depth.waiting, depth.in_flight


def landed(database: Connection) -> int:
    row = database.execute("SELECT count(DISTINCT sqs_message_id) FROM ses_bounces.message").fetchone()
    assert row is not None
    return int(row[0])


def blocked(database: Connection) -> int:
    classify_pending(database, Rules())
    row = database.execute("SELECT count(*) FROM ses_bounces.blocked_list").fetchone()
    assert row is not None
    return int(row[0])


def test_no_body_sends_a_neighbour_to_the_dead_letter_queue(
    aws: EmulatedAws, feed: Feed, database: Connection, database_url: str
) -> None:
    feed.send_bodies([good(n) for n in range(GOOD // 2)] + POISONS + [good(n) for n in range(GOOD // 2, GOOD)])
    drained = run(SqsQueue(aws.client("sqs"), feed.queue_url), database_url)
    assert (drained.landed, drained.emptied) == (GOOD + len(POISONS), True)
    assert feed.depth() == 0
    assert blocked(database) == GOOD
    outcomes = "SELECT outcome, count(*) FROM ses_bounces.message GROUP BY outcome"
    assert dict(database.execute(outcomes).fetchall()) == {"applied": GOOD, "quarantined": len(POISONS)}


@pytest.mark.parametrize(
    "fault", [RuntimeError("of anna@example.com"), MemoryError(), UnicodeError(), AssertionError()]
)
def test_a_body_that_we_fail_on_is_landed_as_it_is(
    aws: EmulatedAws, feed: Feed, database: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, fault: Exception,
) -> None:  # fmt: skip
    def failing(body: str) -> Any:
        if body == POISON:
            raise fault
        return unwrap(body)

    monkeypatch.setattr(landing, "unwrap", failing)
    monkeypatch.setattr("ses_bounces.classify.body.unwrap", failing)
    feed.send_bodies([good(0), POISON, good(1)])
    assert run(SqsQueue(aws.client("sqs"), feed.queue_url), database_url).landed == 3
    reason = f"could not be read ({type(fault).__name__})"
    query = "SELECT outcome, reason FROM ses_bounces.message WHERE body = %s"
    assert database.execute(query, [POISON]).fetchone() == ("pending", reason)
    assert blocked(database) == 2
    assert database.execute(query, [POISON]).fetchone() == ("quarantined", reason)
    assert "anna@example.com" not in caplog.text


def test_a_message_that_postgres_refuses_is_the_only_one_in_the_queue_again(
    aws: EmulatedAws, feed: Feed, database: Connection, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd(SqsQueue):
        """The queue of which one message was received more often than a column can say."""

        def receive(self) -> list[Any]:
            messages = super().receive()
            for message in messages:
                if message["Body"] == POISON:
                    message["Attributes"]["ApproximateReceiveCount"] = "99999999999"
            return messages

    feed.send_bodies([good(n) for n in range(GOOD)] + [POISON])
    queue = Odd(aws.client("sqs"), feed.queue_url)
    with pytest.raises(DatabaseError, match="Postgres refused messages of"):
        run(queue, database_url)
    assert landed(database) == GOOD
    assert counts(queue) == (1, 0)
    assert "can't be stored (NumericValueOutOfRange 22003)" in caplog.text
    assert blocked(database) == GOOD


@pytest.mark.parametrize("fault", [OSError(28, "no space"), MemoryError(), DatabaseError("gone"), KeyboardInterrupt()])
def test_what_is_not_landed_is_in_the_queue_again_at_once(
    aws: EmulatedAws, feed: Feed, database: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
) -> None:  # fmt: skip
    """Whatever ends the landing: the first batch stays landed, no later one is invisible."""
    copy, batches = Landing._copy, []

    def failing(self: Landing, messages: list[Any]) -> int:
        batches.append(len(messages))
        if len(batches) > 1:
            raise fault
        return copy(self, messages)

    monkeypatch.setattr(Landing, "_copy", failing)
    monkeypatch.setattr(drains, "LAND_MESSAGES", 20)
    feed.send_bodies([good(n) for n in range(GOOD)])
    queue = SqsQueue(aws.client("sqs"), feed.queue_url)
    with pytest.raises(type(fault)):
        run(queue, database_url)
    first = landed(database)
    assert 20 <= first < GOOD
    assert counts(queue) == (GOOD - first, 0)


@pytest.mark.parametrize("fault", [AttributeError("of anna@example.com"), SystemExit(), KeyboardInterrupt(), OSError()])
@pytest.mark.parametrize("threads", [1, 4])
def test_a_receiver_that_dies_is_the_drain_s_failure(
    aws: EmulatedAws, feed: Feed, database: Connection, database_url: str, fault: BaseException, threads: int
) -> None:
    class Dying(SqsQueue):
        calls = 0

        def receive(self) -> list[Any]:
            type(self).calls += 1
            if self.calls == 4:
                raise fault
            return super().receive()

    feed.send_bodies([good(n) for n in range(GOOD)])
    queue = Dying(aws.client("sqs"), feed.queue_url)
    Dying.calls = 0
    with pytest.raises(FeedError, match=r"failed \(\w+, test_drain_faults.py:\d+\)") as raised:
        run(queue, database_url, threads=threads)
    assert "anna@example.com" not in str(raised.value)
    # What the others had in their hands is landed, and nothing is invisible.
    assert landed(database) >= 30
    assert counts(queue) == (GOOD - landed(database), 0)
    assert database.execute("SELECT count(*) FROM ses_bounces.queue WHERE emptied_at IS NOT NULL").fetchone() == (0,)


def test_a_thread_that_can_t_be_started_is_the_drain_s_failure(
    aws: EmulatedAws, feed: Feed, database: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def failing(self: threading.Thread) -> None:
        if self.name == "receive-1":
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", failing)
    feed.send_bodies([good(n) for n in range(GOOD)])
    queue = SqsQueue(aws.client("sqs"), feed.queue_url)
    with pytest.raises(FeedError, match="RuntimeError"):
        run(queue, database_url)
    assert landed(database) == 10
    assert counts(queue) == (GOOD - 10, 0)


def test_a_deletion_that_fails_in_any_way_is_told_after_everything_is_landed(
    aws: EmulatedAws, feed: Feed, database: Connection, database_url: str
) -> None:
    class Failing(SqsQueue):
        def delete(self, receipt_handles: Any) -> list[str]:
            raise IndexError

    feed.send_bodies([good(n) for n in range(5)])
    with pytest.raises(FeedError, match="IndexError"):
        run(Failing(aws.client("sqs"), feed.queue_url), database_url)
    assert blocked(database) == 5


def test_what_can_not_be_given_back_is_told(
    aws: EmulatedAws, feed: Feed, database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(SqsQueue):
        def give_back(self, receipt_handles: Any) -> list[str]:
            raise FeedError("sqs:ChangeMessageVisibility was refused")

    def refuse(self: Landing, messages: list[Any]) -> int:
        raise DatabaseError("gone")

    monkeypatch.setattr(Landing, "_copy", refuse)
    feed.send_bodies([good(n) for n in range(15)])
    with pytest.raises(DatabaseError, match="gone"):
        run(Failing(aws.client("sqs"), feed.queue_url), database_url)
    assert "15 messages were not given back" in caplog.text


@pytest.mark.parametrize("fault", [RuntimeError, AssertionError, MemoryError])
def test_whatever_classification_fails_with_quarantines_one_message(
    database: Connection, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    def failing(body: str, *arguments: Any) -> Any:
        if body == POISON:
            raise fault
        return classify(body, *arguments)

    classify = pending.classify_body
    monkeypatch.setattr(pending, "classify_body", failing)
    with database.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome)"
            " VALUES ('id', 'queue', %s, now(), 'pending')",
            [(body,) for body in (good(0), POISON, good(1))],
        )
    assert blocked(database) == 2
    query = "SELECT outcome, reason FROM ses_bounces.message WHERE body = %s"
    assert database.execute(query, [POISON]).fetchone() == ("quarantined", f"could not be read ({fault.__name__})")


def test_an_error_of_any_thread_names_the_things_of_the_site(
    aws: EmulatedAws, feed: Feed, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.send_bodies([good(1)])
    queue = SqsQueue(aws.client("sqs"), feed.queue_url)
    for name in ("delete", "receive"):

        def refused(*_: Any) -> Any:
            raise QueueError(f'correct "queue_urls" in Airflow Variable "{current().variable}"')

        with Site("news").current(), monkeypatch.context() as broken:
            broken.setattr(queue, name, refused)
            with pytest.raises(QueueError, match='"ses_bounces_news"'):
                run(queue, database_url)
