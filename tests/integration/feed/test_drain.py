"""The drain against an emulated SQS and a real Postgres: killed at every point, nothing is lost or counted twice."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from dev.aws import EmulatedAws, Feed, temporary_aws
from dev.postgres import EmbeddedPostgres
from ses_bounces.base.database import connection as connections
from ses_bounces.base.exceptions import DatabaseError, FeedError, QueueError
from ses_bounces.classify.rules import Rules
from ses_bounces.feed import drain as drains
from ses_bounces.feed.drain import Drained, drain
from ses_bounces.feed.sqs.queue import SqsQueue
from ses_bounces.ledger import pending
from ses_bounces.ledger.pending import classify_pending

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

MESSAGES = 60

# Runs in a process of its own and kills it at one point; messages that it held are visible again after a second.
KILLED = """
import os, signal, sys
from functools import partial
import boto3
from ses_bounces.feed import drain as drains, landing
from ses_bounces.ledger import pending
from ses_bounces.feed.sqs import queue as queues
from ses_bounces.classify.rules import Rules
from ses_bounces.base.database.connection import connect_url

point, queue_url, database_url, endpoint = sys.argv[1:]
queues.VISIBILITY_SECONDS = 1
drains.LAND_MESSAGES = 20

def die():
    os.kill(os.getpid(), signal.SIGKILL)

if point == "landed, not committed":
    row = landing.Landing._row
    landing.Landing._row = lambda self, message: row(self, message) if self._sent.__len__() < 15 else die()
if point == "committed, not deleted":
    queues.SqsQueue.delete = lambda self, handles: die()
if point == "between two deletes":
    delete, calls = queues.SqsQueue.delete, []
    def counted(self, handles):
        if calls:
            die()
        calls.append(1)
        return delete(self, handles)
    queues.SqsQueue.delete = counted
client = boto3.client("sqs", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="emulated-access-key",
                      aws_secret_access_key="emulated-secret-key")
drains.drain(queues.SqsQueue(client, queue_url), queue_url, partial(connect_url, database_url), Rules(), threads=1)
"""

KILLED_CLASSIFY = """
import os, signal, sys
from ses_bounces.ledger import pending
from ses_bounces.classify.rules import Rules
from ses_bounces.base.database.connection import connect_url

pending.MESSAGES_PER_CHUNK = 20
chunks = []
original = pending._next_chunk
def next_chunk(connection, after=None):
    chunks.append(1)
    if len(chunks) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(connection, after)
pending._next_chunk = next_chunk
with connect_url(sys.argv[1]) as connection:
    pending.classify_pending(connection, Rules())
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    with temporary_aws() as emulated:
        yield emulated


@pytest.fixture
def feed(aws: EmulatedAws) -> Feed:
    feed = Feed.create(aws)
    feed.purge()
    return feed


def bounce(number: int) -> str:
    """A raw SES bounce of one address."""
    recipient = f"person{number}@example.com"
    return json.dumps(
        {
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [{"emailAddress": recipient}],
                "timestamp": "2026-01-01T00:00:00.000Z",
                "feedbackId": f"feedback-{number}",
            },
            "mail": {
                "timestamp": "2026-01-01T00:00:00.000Z",
                "messageId": f"mail-{number}",
                "destination": [recipient],
            },
        }
    )


def run_drain(aws: EmulatedAws, url: str, database_url: str, **options: Any) -> Drained:
    queue = SqsQueue(aws.client("sqs"), url)
    return drain(queue, url, partial(connections.connect_url, database_url), Rules(), **options)


def drain_all(aws: EmulatedAws, url: str, database_url: str) -> None:
    """Drain until nothing is left, in flight either."""
    queue = SqsQueue(aws.client("sqs"), url)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        run_drain(aws, url, database_url)
        depth = queue.depth()
        if depth.waiting + depth.in_flight == 0:
            return
        time.sleep(0.5)
    pytest.fail("the queue did not become empty")


def assert_each_blocked_once(database: Connection, messages: int = MESSAGES) -> None:
    classify_pending(database, Rules())
    blocked = database.execute("SELECT address FROM ses_bounces.blocked_list ORDER BY address").fetchall()
    assert [address for (address,) in blocked] == sorted(f"person{n}@example.com" for n in range(messages))
    assert database.execute("SELECT count(*) FROM ses_bounces.address_event").fetchone() == (messages,)
    counts = database.execute("SELECT DISTINCT bounce_count FROM ses_bounces.bounce_list").fetchall()
    assert counts == [(1,)]


@pytest.mark.parametrize("point", ["landed, not committed", "committed, not deleted", "between two deletes"])
def test_killed(point: str, aws: EmulatedAws, feed: Feed, database: Connection, database_url: str) -> None:
    feed.send_bodies([bounce(n) for n in range(MESSAGES)])
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, point, feed.queue_url, database_url, aws.endpoint_url],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert killed.returncode == -9, killed.stderr.decode()
    landed = database.execute("SELECT count(*) FROM ses_bounces.message").fetchone()
    assert landed is not None
    if point == "landed, not committed":
        assert landed[0] == 0
    else:
        # Deletes run beside the landing of the next batch.
        assert landed[0] in range(20, MESSAGES + 1, 20)
    drain_all(aws, feed.queue_url, database_url)
    assert_each_blocked_once(database)


def test_classify_killed_between_chunks(aws: EmulatedAws, feed: Feed, database: Connection, database_url: str) -> None:
    feed.send_bodies([bounce(n) for n in range(MESSAGES)])
    run_drain(aws, feed.queue_url, database_url)
    killed = subprocess.run([sys.executable, "-c", KILLED_CLASSIFY, database_url], check=False, timeout=60)
    assert killed.returncode == -9
    query = "SELECT outcome, count(*) FROM ses_bounces.message GROUP BY outcome"
    assert dict(database.execute(query).fetchall()) == {"applied": 40, "pending": 20}
    assert_each_blocked_once(database)
    assert dict(database.execute(query).fetchall()) == {"applied": MESSAGES}


def test_postgres_down_then_up_again(
    postgres: EmbeddedPostgres, aws: EmulatedAws, feed: Feed, database_url: str
) -> None:
    feed.send_bodies([bounce(n) for n in range(MESSAGES)])
    queue = SqsQueue(aws.client("sqs"), feed.queue_url)
    opened = partial(connections.connect_url, database_url)

    class Restarting(SqsQueue):
        """Restarts Postgres under the drain, once it holds messages."""

        def receive(self) -> list[dict[str, Any]]:
            messages = super().receive()
            if messages and not hasattr(self, "done"):
                self.done = True
                postgres.restart()
            return messages

    with pytest.raises(DatabaseError, match="retry goes on"):
        drain(Restarting(queue.client, queue.url), queue.url, opened, Rules(), threads=1)
    depth = queue.depth()
    assert depth.waiting + depth.in_flight == MESSAGES
    drain_all(aws, feed.queue_url, database_url)
    with opened() as database:
        assert_each_blocked_once(database)


def test_dead_letter_queue_is_drained(aws: EmulatedAws, feed: Feed, database: Connection, database_url: str) -> None:
    feed.send_bodies([bounce(n) for n in range(3)], feed.dead_letter_queue_url)
    queue = SqsQueue(aws.client("sqs"), feed.queue_url)
    arn = queue.depth().dead_letter_arn
    assert arn is not None
    dead_letters = queue.dead_letter_queue(arn)
    assert dead_letters.depth().waiting == 3
    run_drain(aws, dead_letters.url, database_url)
    assert dead_letters.depth().waiting == 0
    assert_each_blocked_once(database, 3)


def test_budget_leaves_the_rest_and_says_since_when(
    aws: EmulatedAws, feed: Feed, database: Connection, database_url: str
) -> None:
    feed.send_bodies([bounce(n) for n in range(MESSAGES)])
    drained = run_drain(aws, feed.queue_url, database_url, max_messages=10, threads=1)
    assert drained.landed == 10
    assert not drained.emptied
    row = database.execute("SELECT left_since IS NOT NULL, emptied_at FROM ses_bounces.queue").fetchone()
    assert row == (True, None)
    drain_all(aws, feed.queue_url, database_url)
    row = database.execute("SELECT left_since, emptied_at IS NOT NULL FROM ses_bounces.queue").fetchone()
    assert row == (None, True)
    assert_each_blocked_once(database)


def test_the_end_of_an_empty_queue_is_not_waited_for(
    aws: EmulatedAws, feed: Feed, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So long would be waited for more to land, if nobody said that no more comes.
    monkeypatch.setattr(drains, "LAND_SECONDS", 5 * 600)
    feed.send_bodies([bounce(n) for n in range(2)])
    done: list[Drained] = []
    running = threading.Thread(
        target=lambda: done.extend(run_drain(aws, feed.queue_url, database_url) for _ in range(2)), daemon=True
    )
    running.start()
    running.join(60)
    assert [(drained.landed, drained.emptied) for drained in done] == [(2, True), (0, True)]


def test_wrong_queue_url_says_what_to_do(aws: EmulatedAws, feed: Feed, database_url: str) -> None:
    with pytest.raises(QueueError, match='correct "queue_urls" in Airflow Variable "ses_bounces"'):
        run_drain(aws, feed.queue_url + "-typo", database_url)


def test_messages_that_sqs_does_not_delete_come_again_as_copies(
    aws: EmulatedAws, feed: Feed, database: Connection, database_url: str
) -> None:
    feed.send_bodies([bounce(n) for n in range(5)])

    class Refusing(SqsQueue):
        def delete(self, receipt_handles: Any) -> list[str]:
            return list(receipt_handles)

    queue = Refusing(aws.client("sqs"), feed.queue_url)
    drained = drain(queue, queue.url, partial(connections.connect_url, database_url), Rules())
    assert (drained.landed, drained.deleted, drained.not_deleted) == (5, 0, 5)
    # They are invisible for two minutes: the queue was not emptied, and promotion has to wait for them.
    assert database.execute("SELECT left_since IS NOT NULL FROM ses_bounces.queue").fetchone() == (True,)
    assert_each_blocked_once(database, 5)


def test_an_error_of_deletion_is_told_after_everything_is_landed(
    aws: EmulatedAws, feed: Feed, database: Connection, database_url: str
) -> None:
    feed.send_bodies([bounce(n) for n in range(5)])

    class Failing(SqsQueue):
        def delete(self, receipt_handles: Any) -> list[str]:
            raise FeedError("sqs:DeleteMessage was refused")

    queue = Failing(aws.client("sqs"), feed.queue_url)
    with pytest.raises(FeedError, match="DeleteMessage"):
        drain(queue, queue.url, partial(connections.connect_url, database_url), Rules())
    assert_each_blocked_once(database, 5)


def test_postgres_restarted_under_classify(
    postgres: EmbeddedPostgres,
    aws: EmulatedAws,
    feed: Feed,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed.send_bodies([bounce(n) for n in range(MESSAGES)])
    run_drain(aws, feed.queue_url, database_url)
    next_chunk, chunks = pending._next_chunk, []

    def restarting(connection: Connection, after: pending.Message | None = None) -> list[pending.Message]:
        chunk = next_chunk(connection, after)
        chunks.append(len(chunk))
        # The third is fetched when the first is applied.
        if len(chunks) == 3:
            postgres.restart()
        return chunk

    monkeypatch.setattr(pending, "MESSAGES_PER_CHUNK", 20)
    monkeypatch.setattr(pending, "_next_chunk", restarting)
    with connections.connect_url(database_url) as database, pytest.raises(DatabaseError, match="retry goes on"):
        classify_pending(database, Rules())
    assert chunks == [20, 20, 20]
    with connections.connect_url(database_url) as database:
        assert_each_blocked_once(database)


def test_postgres_down_while_both_queues_fill(
    postgres: EmbeddedPostgres, aws: EmulatedAws, feed: Feed, database_url: str
) -> None:
    feed.send_bodies([bounce(n) for n in range(30)])
    feed.send_bodies([bounce(n) for n in range(30, MESSAGES)], feed.dead_letter_queue_url)
    postgres.stop()
    try:
        for url in (feed.queue_url, feed.dead_letter_queue_url):
            with pytest.raises(DatabaseError, match="can't be reached"):
                run_drain(aws, url, database_url)
    finally:
        postgres.start()
    assert feed.depth() == MESSAGES
    for url in (feed.queue_url, feed.dead_letter_queue_url):
        drain_all(aws, url, database_url)
    with connections.connect_url(database_url) as database:
        assert_each_blocked_once(database)
