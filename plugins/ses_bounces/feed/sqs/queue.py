"""SQS queues, through a client of the Amazon provider's hook; the drain's two calls go a shorter way.

API: Amazon SQS API Reference, ReceiveMessage, DeleteMessageBatch, ChangeMessageVisibilityBatch, GetQueueAttributes.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ses_bounces.base.aws.clients import Place, open_client
from ses_bounces.base.aws.errors import explain, needs_a_person
from ses_bounces.base.exceptions import FeedError, QueueError
from ses_bounces.base.settings import Queue, Settings
from ses_bounces.feed.sqs.direct import DeleteAnswer, DirectCalls, ReceiveAnswer, Received

# SQS's own limit of one call.
BATCH = 10
WAIT_SECONDS = 1
# Far longer than a batch takes from receipt to deletion.
VISIBILITY_SECONDS = 120
# Four days: SQS's own default.
DEFAULT_RETENTION_SECONDS = 345_600


@dataclass(frozen=True)
class Depth:
    """``ApproximateNumberOfMessages`` of a queue, and of those in flight; how long it keeps messages."""

    waiting: int
    in_flight: int
    dead_letter_arn: str | None
    retention: timedelta


class SqsQueue:
    """One queue and a client to read it with; safe to use from several threads."""

    def __init__(self, client: Any, url: str, direct: DirectCalls | None = None) -> None:
        """:param direct: a shorter way for receiving and deleting; None: all goes through the client."""
        self.client = client
        self.url = url
        self.direct = direct

    def receive(self) -> list[Received]:
        """Return up to 10 messages, waiting for a second at most; they stay invisible to others for two minutes."""
        request = {
            "QueueUrl": self.url,
            "MaxNumberOfMessages": BATCH,
            "WaitTimeSeconds": WAIT_SECONDS,
            "VisibilityTimeout": VISIBILITY_SECONDS,
            "MessageSystemAttributeNames": ["SentTimestamp", "ApproximateReceiveCount"],
        }
        with _explained("sqs:ReceiveMessage", self.url):
            answer = self.direct.call("ReceiveMessage", request, ReceiveAnswer) if self.direct else None
            if answer is None:
                answer = self.client.receive_message(**request)
        messages: list[Received] = answer.get("Messages", [])
        return messages

    def delete(self, receipt_handles: Sequence[str]) -> list[str]:
        """Delete up to 10 messages; returns the handles of those that SQS did not delete."""
        entries = [{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(receipt_handles)]
        request = {"QueueUrl": self.url, "Entries": entries}
        with _explained("sqs:DeleteMessage", self.url):
            answer = self.direct.call("DeleteMessageBatch", request, DeleteAnswer) if self.direct else None
            if answer is None:
                answer = self.client.delete_message_batch(**request)
        # A 200 may still hold refusals of single messages.
        return [receipt_handles[int(failed["Id"])] for failed in answer.get("Failed", [])]

    def give_back(self, receipt_handles: Sequence[str]) -> None:
        """Make up to 10 messages visible again at once, so that a retry needn't wait for them."""
        with _explained("sqs:ChangeMessageVisibility", self.url):
            self.client.change_message_visibility_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for n, handle in enumerate(receipt_handles)
                ],
            )

    def depth(self) -> Depth:
        """Ask how many messages there are, and which queue takes those that are received too often."""
        names = [
            "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "RedrivePolicy",
            "MessageRetentionPeriod",
        ]  # fmt: skip
        with _explained("sqs:GetQueueAttributes", self.url):
            attributes = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names).get("Attributes", {})
        policy = json.loads(attributes.get("RedrivePolicy") or "{}")
        return Depth(
            int(attributes.get("ApproximateNumberOfMessages", 0)),
            int(attributes.get("ApproximateNumberOfMessagesNotVisible", 0)),
            policy.get("deadLetterTargetArn"),
            timedelta(seconds=int(attributes.get("MessageRetentionPeriod", DEFAULT_RETENTION_SECONDS))),
        )

    def dead_letter_queue(self, arn: str) -> SqsQueue:
        """Return the queue that an ARN of the same region names."""
        _, _, _, _, account, name = arn.split(":", 5)
        with _explained("sqs:GetQueueUrl", arn):
            response = self.client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
        return SqsQueue(self.client, response["QueueUrl"], self.direct)


def open_queue(settings: Settings, queue: Queue, threads: int = 1, **options: Any) -> SqsQueue:
    """Return a queue of the settings, with a client of its Airflow connection and the URL's region.

    :param threads: how many threads will use it at once.
    :param options: more of :func:`~ses_bounces.base.aws.clients.open_client`: ``read_seconds``, ``attempts``.
    :raises MissingConnectionError: when the Airflow connection is missing.
    """
    place = Place(settings.queue_connection(queue), queue.region)
    client = open_client("sqs", place, use_fips_endpoint=settings.use_fips_endpoint, threads=threads, **options)
    return SqsQueue(client, queue.url, DirectCalls.of(client))


@contextlib.contextmanager
def _explained(action: str, what: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError) as error:
        kind = QueueError if needs_a_person(error) else FeedError
        raise kind(explain(error, action, what)) from None
