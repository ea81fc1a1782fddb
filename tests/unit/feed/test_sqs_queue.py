"""The calls to SQS, checked by botocore against AWS's own service model, and its refusals in words."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from ses_bounces.base.aws.errors import explain, needs_a_person
from ses_bounces.base.exceptions import FeedError, QueueError
from ses_bounces.feed.sqs.queue import SqsQueue

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/ses-bounces-queue"


@pytest.fixture
def client() -> Any:
    return boto3.client("sqs", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("AccessDenied", QueueError, "lacks a permission; see the policy in docs/iam.md"),
        ("com.amazonaws.sqs#AccessDeniedException", QueueError, "lacks a permission"),
        (
            "AWS.SimpleQueueService.NonExistentQueue",
            QueueError,
            'correct "queue_urls" in Airflow Variable "ses_bounces"',
        ),
        ("InvalidClientTokenId", QueueError, "the access key is not known to AWS"),
        ("ExpiredToken", QueueError, "the credentials have expired"),
        ("OverLimit", FeedError, "too many messages are in flight"),
        ("ServiceUnavailable", FeedError, "see AWS's documentation of this error"),
    ],
)
def test_each_refusal_says_what_to_do(client: Any, code: str, kind: type[Exception], message: str) -> None:
    with Stubber(client) as stubber:
        stubber.add_client_error("receive_message", code, "not shown")
        with pytest.raises(kind) as raised:
            SqsQueue(client, URL).receive()
    text = str(raised.value)
    assert text.startswith(f"sqs:ReceiveMessage on {URL} was refused ({code}): ")
    assert message in text
    assert "not shown" not in text


def test_an_unreachable_endpoint_is_retried() -> None:
    error = EndpointConnectionError(endpoint_url="https://sqs.eu-west-1.amazonaws.com/")
    assert not needs_a_person(error)
    assert "check the Airflow connection's region, endpoint and credentials" in explain(
        error, "sqs:ReceiveMessage", URL
    )


def test_a_batch_deletion_may_fail_in_part(client: Any) -> None:
    refused = [{"Id": "1", "Code": "InternalError", "SenderFault": False}]
    with Stubber(client) as stubber:
        stubber.add_response(
            "delete_message_batch",
            {"Successful": [{"Id": "0"}, {"Id": "2"}], "Failed": refused},
            {
                "QueueUrl": URL,
                "Entries": [{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate("abc")],
            },
        )
        assert SqsQueue(client, URL).delete(["a", "b", "c"]) == ["b"]


def test_depth_and_dead_letter_queue(client: Any) -> None:
    with Stubber(client) as stubber:
        stubber.add_response(
            "get_queue_attributes",
            {
                "Attributes": {
                    "ApproximateNumberOfMessages": "12",
                    "ApproximateNumberOfMessagesNotVisible": "3",
                    "RedrivePolicy": '{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:dead","maxReceiveCount":9}',
                }
            },
        )
        stubber.add_response(
            "get_queue_url",
            {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead"},
            {"QueueName": "dead", "QueueOwnerAWSAccountId": "123456789012"},
        )
        queue = SqsQueue(client, URL)
        depth = queue.depth()
        assert (depth.waiting, depth.in_flight) == (12, 3)
        assert depth.dead_letter_arn is not None
        assert queue.dead_letter_queue(depth.dead_letter_arn).url.endswith("/dead")
