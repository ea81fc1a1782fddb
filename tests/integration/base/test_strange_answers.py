"""Answers with status 200 that are not SQS's: they are errors, and neither an empty queue nor messages deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from ses_bounces.base.database import connection as connections
from ses_bounces.base.exceptions import FeedError
from ses_bounces.classify.rules import Rules
from ses_bounces.feed.drain import drain
from ses_bounces.feed.sqs.queue import SqsQueue
from tests.kit.fake_sqs import Server, serving

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

STRANGE = {
    "a page": b"<html>someone@example.com, please log in</html>",
    "cut JSON": b'{"Messages": [{"MessageId": "m1", "Body": "of someone@example.com',
    "null": b"null",
    "a list": b"[]",
    "another object": b'{"message": "someone@example.com may not"}',
}
MESSAGE = {
    "MessageId": "m1",
    "ReceiptHandle": "r1",
    "Body": "no JSON",
    "Attributes": {"SentTimestamp": "1767225600000"},
}
RECEIVED = 200, json.dumps({"Messages": [MESSAGE]}).encode()
DELETED = 200, b'{"Successful": [{"Id": "0"}]}'
EMPTY = 200, b"{}"
CALLS: dict[str, Callable[[SqsQueue], Any]] = {
    "ReceiveMessage": lambda queue: queue.receive(),
    "DeleteMessage": lambda queue: queue.delete(["r1", "r2"]),
    "ChangeMessageVisibility": lambda queue: queue.give_back(["r1", "r2"]),
    "GetQueueAttributes": lambda queue: queue.depth(),
    "GetQueueUrl": lambda queue: queue.dead_letter_queue("arn:aws:sqs:eu-west-1:123456789012:dead"),
}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "client"])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("strange", [*STRANGE, "nothing"])
def test_it_is_an_error(server: Server, is_direct: bool, call: str, strange: str) -> None:
    server.answers = [(200, STRANGE.get(strange, b""))] * 3
    server.headers = {"Content-Type": "text/html"}
    with pytest.raises(FeedError) as raised:
        CALLS[call](server.queue(is_direct=is_direct))
    assert "answered with status 200 by something that is not SQS" in str(raised.value)
    assert "text/html" in str(raised.value) or (strange == "another object" and "of each message" in str(raised.value))
    assert "someone" not in str(raised.value)


@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "client"])
@pytest.mark.parametrize("call", ["DeleteMessage", "ChangeMessageVisibility"])
@pytest.mark.parametrize("said", [b"{}", b'{"Successful": [{"Id": "0"}]}', b'{"Failed": [{"Id": "7"}]}'])
def test_a_batch_that_does_not_name_each_message_is_an_error(
    server: Server, is_direct: bool, call: str, said: bytes
) -> None:
    server.answers = [(200, said)] * 2
    with pytest.raises(FeedError, match="it doesn't say of each message what became of it"):
        CALLS[call](server.queue(is_direct=is_direct))


@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "client"])
def test_what_sqs_answers_itself(server: Server, is_direct: bool) -> None:
    queue = server.queue(is_direct=is_direct)
    server.answers = [EMPTY, (200, b""), RECEIVED, DELETED, DELETED]
    assert (queue.receive(), queue.receive()) == ([], [])
    assert [message["Body"] for message in queue.receive()] == ["no JSON"]
    assert (queue.delete(["r1"]), queue.give_back(["r1"])) == ([], [])
    assert server.ways == ["direct" if is_direct else "client"] * 4 + ["client"]


@pytest.mark.parametrize(
    "attributes", [{}, {"ApproximateNumberOfMessages": "5"}, {"ApproximateNumberOfMessages": "five"}]
)
def test_a_depth_without_its_numbers_is_an_error(server: Server, attributes: dict[str, str]) -> None:
    server.answers = [(200, json.dumps({"Attributes": attributes}).encode())]
    with pytest.raises(FeedError, match="doesn't have the attributes"):
        server.queue().depth()


@pytest.mark.parametrize("strange", STRANGE)
def test_a_drain_that_meets_it_fails_and_keeps_what_it_landed(
    server: Server, database: Connection, database_url: str, strange: str
) -> None:
    """One message is received, then something else answers; deleting may meet it as well."""

    def run(answers: list[Any]) -> None:
        server.answers, server.seen = answers, []
        drain(server.queue(), "queue", partial(connections.connect_url, database_url), Rules(), threads=1)

    bad = (200, STRANGE[strange])
    with pytest.raises(FeedError, match="not SQS"):
        run([RECEIVED, bad, bad, DELETED, DELETED])
    landed = "SELECT count(*) FROM ses_bounces.message"
    assert database.execute(landed).fetchone() == (1,)
    emptied = "SELECT count(*) FROM ses_bounces.queue WHERE emptied_at IS NOT NULL"
    assert database.execute(emptied).fetchone() == (0,)
