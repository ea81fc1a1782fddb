"""SQS queues, through a client of the Amazon provider's hook; the drain's two calls go a shorter way.

API: Amazon SQS API Reference, ReceiveMessage, DeleteMessageBatch, ChangeMessageVisibilityBatch, GetQueueAttributes.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ses_bounces.base.aws.answers import Answer, Received, refused, strange
from ses_bounces.base.aws.clients import Place, open_client
from ses_bounces.base.aws.errors import explain, needs_a_person
from ses_bounces.base.configuration import direct_requests
from ses_bounces.base.exceptions import FeedError, QueueError
from ses_bounces.base.settings import Queue, Settings
from ses_bounces.feed.sqs.direct import DirectCalls

# SQS's own limit of one call.
BATCH = 10
WAIT_SECONDS = 1
# Far longer than a batch takes from receipt to deletion.
VISIBILITY_SECONDS = 120
# Four days: SQS's own default.
DEFAULT_RETENTION_SECONDS = 345_600
_NOT_EACH = "it doesn't say of each message what became of it"


@dataclass(frozen=True)
class Depth:
    """``ApproximateNumberOfMessages`` of a queue, and of those in flight; how long it keeps messages.

    ``visibility``: how long a received message stays in flight, unless its receiver chose another time.
    """

    waiting: int
    in_flight: int
    dead_letter_arn: str | None
    retention: timedelta
    visibility: timedelta = timedelta(seconds=VISIBILITY_SECONDS)


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
        answer = self._ask("ReceiveMessage", request, lambda: self.client.receive_message(**request))
        messages: list[Received] = answer.get("Messages") or []
        return messages

    def delete(self, receipt_handles: Sequence[str]) -> list[str]:
        """Delete up to 10 messages; returns the handles of those that SQS did not delete."""
        entries = [{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(receipt_handles)]
        request = {"QueueUrl": self.url, "Entries": entries}

        def is_whole(answer: Answer) -> bool:
            return refused(answer, [entry["Id"] for entry in entries]) is not None

        answer = self._ask("DeleteMessageBatch", request, lambda: self.client.delete_message_batch(**request), is_whole)
        # A 200 may still hold refusals of single messages.
        return [receipt_handles[int(failed["Id"])] for failed in answer.get("Failed") or ()]

    def give_back(self, receipt_handles: Sequence[str]) -> list[str]:
        """Make up to 10 messages visible again at once, so that a retry needn't wait for them.

        :returns: the handles of those that SQS refused: they are visible again when their visibility timeout ends.
        """
        entries = [
            {"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": 0} for n, handle in enumerate(receipt_handles)
        ]
        with _explained("sqs:ChangeMessageVisibility", self.url):
            answer = self.client.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)
        failed = refused(answer, [str(entry["Id"]) for entry in entries])
        if failed is None:
            raise strange("sqs:ChangeMessageVisibilityBatch", self.url, _NOT_EACH)
        return [receipt_handles[int(id_)] for id_ in failed]

    def depth(self) -> Depth:
        """Ask how many messages there are, and which queue takes those that are received too often."""
        names = [
            "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "RedrivePolicy",
            "MessageRetentionPeriod", "VisibilityTimeout",
        ]  # fmt: skip
        with _explained("sqs:GetQueueAttributes", self.url):
            answer = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        try:
            attributes = answer["Attributes"]
            policy = json.loads(attributes.get("RedrivePolicy") or "{}")
            return Depth(
                int(attributes["ApproximateNumberOfMessages"]),
                int(attributes["ApproximateNumberOfMessagesNotVisible"]),
                policy.get("deadLetterTargetArn"),
                timedelta(seconds=int(attributes.get("MessageRetentionPeriod", DEFAULT_RETENTION_SECONDS))),
                # Our own receipts say so themselves.
                timedelta(seconds=max(VISIBILITY_SECONDS, int(attributes.get("VisibilityTimeout", 0)))),
            )
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            raise strange("sqs:GetQueueAttributes", self.url, "it doesn't have the attributes asked for") from None

    def dead_letter_queue(self, arn: str) -> SqsQueue:
        """Return the queue that an ARN of the same region names."""
        _, _, _, _, account, name = arn.split(":", 5)
        with _explained("sqs:GetQueueUrl", arn):
            response = self.client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
        return SqsQueue(self.client, response["QueueUrl"], self.direct)

    def _ask(
        self,
        operation: str,
        request: dict[str, Any],
        ask_client: Callable[[], Any],
        is_whole: Callable[[Answer], bool] = lambda _answer: True,
    ) -> Answer:
        """Return the answer, asked for directly, or else of the client."""
        action = f"sqs:{operation.removesuffix('Batch')}"
        with _explained(action, self.url):
            answer = self.direct.call(operation, request, is_whole) if self.direct else None
            if answer is not None:
                return answer
            answer = dict(ask_client())
        if not is_whole(answer):
            raise strange(action, self.url, _NOT_EACH)
        return answer


def open_queue(settings: Settings, queue: Queue, threads: int = 1, **options: Any) -> SqsQueue:
    """Return a queue of the settings, with a client of its Airflow connection and the URL's region.

    :param threads: how many threads will use it at once.
    :param options: more of :func:`~ses_bounces.base.aws.clients.open_client`: ``read_seconds``, ``attempts``.
    :raises MissingConnectionError: when the Airflow connection is missing.
    :raises SettingsError: ``direct_requests`` of Airflow's configuration is neither true nor false.
    """
    is_direct = direct_requests()
    place = Place(settings.queue_connection(queue), queue.region)
    client = open_client("sqs", place, use_fips_endpoint=settings.use_fips_endpoint, threads=threads, **options)
    return SqsQueue(client, queue.url, DirectCalls.of(client) if is_direct else None)


@contextlib.contextmanager
def _explained(action: str, what: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError) as error:
        kind = QueueError if needs_a_person(error) else FeedError
        raise kind(explain(error, action, what)) from None
