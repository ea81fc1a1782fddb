"""What counts as an answer of SQS."""

from __future__ import annotations

from typing import Any

import pytest

from ses_bounces.base.aws.answers import CONTENT_TYPE, read, refused

OF_SQS = {"Content-Type": CONTENT_TYPE, "x-amzn-RequestId": "1"}
PAGE = {"Content-Type": "text/html"}
MESSAGE = b'{"MessageId": "m", "ReceiptHandle": "r", "Body": "b"}'
OPERATIONS = (
    "ReceiveMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibilityBatch",
    "GetQueueAttributes",
    "GetQueueUrl",
)


@pytest.mark.parametrize("operation", [*OPERATIONS, "TagQueue"])
@pytest.mark.parametrize(
    "content",
    [
        b"<html>Please log in</html>", b'{"Messages": [', b"null", b"[]", b"5", b'"{}"', b"true", b"\xff\xfe", b" ",
        b"[" * 100_000, b'{"Attributes": {"a": "b"}', b'{"Messages": []}garbage',
    ],
)  # fmt: skip
def test_what_is_no_object_is_no_answer(operation: str, content: bytes) -> None:
    assert read(operation, OF_SQS, content) is None


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        (b"{}", None), (b" { }\n", None), (b'{"Messages": []}', []), (b'{"Messages": null}', None),
        (b'{"Messages": [' + MESSAGE + b"]}", [{"MessageId": "m", "ReceiptHandle": "r", "Body": "b"}]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("headers", [OF_SQS, PAGE, {}])
def test_received(headers: dict[str, str], content: bytes, messages: Any) -> None:
    answer = read("ReceiveMessage", headers, content)
    assert answer is not None
    assert answer.get("Messages") == messages


@pytest.mark.parametrize(
    "content",
    [
        b'{"message": "Forbidden"}', b'{"error": null}', b'{"Messages": {}}', b'{"Messages": "x"}', b'{"Messages": [5]}',
        b'{"Messages": [{}]}', b'{"Messages": [{"MessageId": "m", "ReceiptHandle": "r"}]}',
        b'{"Messages": [{"MessageId": "m", "Body": "b"}]}', b'{"Messages": [' + MESSAGE + b", null]}",
        b'{"Messages": [{"MessageId": "m", "ReceiptHandle": "r", "Body": "b", "Attributes": {"SentTimestamp": 5}}]}',
    ],
)  # fmt: skip
def test_another_object_is_not_an_empty_queue(content: bytes) -> None:
    assert read("ReceiveMessage", OF_SQS, content) is None


@pytest.mark.parametrize(
    ("headers", "is_answer"),
    [
        (OF_SQS, True), (OF_SQS | {"Content-Type": f"{CONTENT_TYPE}; charset=utf-8"}, True), (PAGE, False), ({}, False),
        ({"Content-Type": CONTENT_TYPE}, False), (PAGE | {"x-amzn-RequestId": "1"}, False),
        ({"x-amzn-RequestId": "1"}, False), (OF_SQS | {"x-amzn-RequestId": ""}, False),
        (OF_SQS | {"Content-Type": f"{CONTENT_TYPE}00"}, False),
    ],
)  # fmt: skip
def test_nothing_is_an_empty_queue_only_with_the_headers_of_sqs(headers: dict[str, str], is_answer: bool) -> None:
    assert read("ReceiveMessage", headers, b"") == ({} if is_answer else None)
    for operation in OPERATIONS[1:]:
        assert read(operation, headers, b"") is None
    # Operations of setting up that have no result.
    assert read("SetQueueAttributes", headers, b"") == {}


@pytest.mark.parametrize(
    ("operation", "content", "is_answer"),
    [
        ("GetQueueAttributes", b'{"Attributes": {"ApproximateNumberOfMessages": "5"}}', True),
        ("GetQueueAttributes", b"{}", False),
        ("GetQueueAttributes", b'{"Attributes": null}', False),
        ("GetQueueAttributes", b'{"Attributes": {"ApproximateNumberOfMessages": 5}}', False),
        ("GetQueueUrl", b'{"QueueUrl": "http://127.0.0.1/1/q"}', True),
        ("GetQueueUrl", b"{}", False),
        ("DeleteMessageBatch", b'{"Successful": [{"Id": "0"}], "Failed": [{"Id": "1"}]}', True),
        ("DeleteMessageBatch", b'{"Successful": [{}]}', False),
        ("DeleteMessageBatch", b'{"Failed": ["0"]}', False),
        ("CreateQueue", b'{"QueueUrl": "x"}', True),
    ],
)
def test_other_operations(operation: str, content: bytes, is_answer: bool) -> None:
    assert (read(operation, OF_SQS, content) is not None) is is_answer


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ({"Successful": [{"Id": "0"}, {"Id": "1"}]}, []),
        ({"Successful": [{"Id": "1"}], "Failed": [{"Id": "0"}]}, ["0"]),
        ({"Failed": [{"Id": "0"}, {"Id": "1"}], "Successful": None}, ["0", "1"]),
        ({}, None),
        ({"Successful": [{"Id": "0"}]}, None),
        ({"Failed": [{"Id": "1"}]}, None),
        ({"Successful": [{"Id": "0"}, {"Id": "1"}, {"Id": "2"}]}, None),
        ({"Successful": [{"Id": "a"}, {"Id": "b"}]}, None),
    ],
)
def test_a_batch_says_of_each_message_what_became_of_it(answer: dict[str, Any], failed: list[str] | None) -> None:
    assert refused(answer, ["0", "1"]) == failed
