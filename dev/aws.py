"""Services of AWS on a loopback port (ministack), and the feed of notifications through SES, SNS and SQS.

The services are SES, SNS, SQS, S3, CloudWatch, CloudFormation and KMS.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from dev import launcher, processes
from dev.endpoint import REGION, Clients, Endpoint
from dev.ports import LOOPBACK, free_port

ACCOUNT_ID = "000000000000"
PREFERRED_PORT = 4566
START_SECONDS = 30
STOP_SECONDS = 5

TOPIC = "ses-bounces-topic"
QUEUE = "ses-bounces-queue"
DEAD_LETTER_QUEUE = "ses-bounces-dead-letter-queue"
MAX_RECEIVE_COUNT = 1000
RETENTION_SECONDS = "1209600"
SENDER = "newsletter@news.example.com"
NOTIFICATION_TYPES = ("Bounce", "Complaint", "Delivery")


class EmulatedAws(Endpoint):
    """An AWS emulator on a loopback port. With `persist` it keeps its queues and files across a clean stop.

    >>> with EmulatedAws(Path("build/aws")) as aws:
    ...     feed = Feed.create(aws)
    ...     aws.client("ses").send_email(...)
    """

    def __init__(self, directory: Path, *, persist: bool = False, preferred_port: int | None = PREFERRED_PORT) -> None:
        """Everything that it writes goes under `directory`. Nothing is started yet.

        The first start takes `preferred_port` if it is free; None: any free port, for several that may start at once.
        """
        self.directory = directory.resolve()
        self._persist = persist
        self._preferred_port = preferred_port
        self._service: processes.Service | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the emulator and waits for it.

        Raises RuntimeError with the end of its log if it does not come up.
        """
        try:
            self.begin()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def begin(self) -> None:
        """Starts the emulator, on the port of the last time if it is free; ends one left over by a killed process."""
        self.directory.mkdir(parents=True, exist_ok=True)
        processes.stop_leftovers(self.directory, STOP_SECONDS)
        port_file = self.directory / "port"
        last_port = int(port_file.read_text()) if port_file.exists() else None
        self.port = free_port(self.port or last_port or self._preferred_port)
        if last_port and last_port != self.port:
            self._move_queues(last_port, self.port)
        port_file.write_text(str(self.port))
        self._service = processes.spawn(
            "the AWS emulator",
            [sys.executable, "-m", "ministack"],
            self._environment(self.port),
            self.directory / "ministack.log",
            self.directory,
        )

    def wait_ready(self) -> None:
        """Waits until the started emulator answers. RuntimeError with the end of its log if it does not come up."""
        service = self._service
        if service is None:
            raise RuntimeError("the AWS emulator was not started")
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            service.check_alive()
            try:
                if httpx.get(f"{self.endpoint_url}/_ministack/ready", trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(processes.POLL_SECONDS)
        raise RuntimeError(
            f"the AWS emulator was not ready in {START_SECONDS} s; the end of {service.log}:\n{service.log_tail()}"
        )

    def reset(self) -> None:
        """Empties the account: every service as it was at the first start."""
        httpx.post(f"{self.endpoint_url}/_ministack/reset", trust_env=False, timeout=START_SECONDS).raise_for_status()

    def check_alive(self) -> None:
        """Raises RuntimeError with the end of its log if the emulator has ended."""
        if self._service:
            self._service.check_alive()

    def stop(self) -> None:
        """Stops the emulator and waits for its end. Does nothing when it does not run."""
        if self._service:
            processes.stop([self._service], STOP_SECONDS)
            self._service = None
        # One whose start was interrupted is not known as our service.
        processes.stop_leftovers(self.directory, 0)

    def _environment(self, port: int) -> dict[str, str]:
        scratch = self.directory / "tmp"
        scratch.mkdir(exist_ok=True)
        own = {
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(port),
            # Pins the host in queue URLs; otherwise it is that of whichever request asked.
            "MINISTACK_HOST": LOOPBACK,
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            "SERVICES": "cloudformation,kms,monitoring,s3,ses,sns,sqs,sts",
            # Listens on another port, on all interfaces.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # At INFO its log would have the text of every message.
            "LOG_LEVEL": "WARNING",
            "PERSIST_STATE": "1" if self._persist else "0",
            "STATE_DIR": str(self.directory / "state"),
            "S3_PERSIST": "1" if self._persist else "0",
            "S3_DATA_DIR": str(self.directory / "s3"),
            "TMPDIR": str(scratch),
        }
        return {**os.environ, **own}

    def _move_queues(self, old_port: int, new_port: int) -> None:
        # Queues are kept under their whole URL: under the old port they would be there, unreachable by name.
        state = self.directory / "state" / "sqs.json"
        if state.exists():
            text = state.read_text()
            state.write_text(
                text.replace(
                    f"{LOOPBACK}:{old_port}/{ACCOUNT_ID}/",
                    f"{LOOPBACK}:{new_port}/{ACCOUNT_ID}/",
                )
            )


@dataclass(frozen=True)
class Feed:
    """The way of a notification: SES identity ▶ SNS topic ▶ SQS queue, with its dead-letter queue."""

    aws: Clients
    topic_arn: str
    queue_url: str
    dead_letter_queue_url: str

    @classmethod
    def create(
        cls,
        aws: Clients,
        suffix: str = "",
        sender: str = SENDER,
        attributes: dict[str, str] | None = None,
        max_receive_count: int = MAX_RECEIVE_COUNT,
    ) -> Self:
        """Makes everything that is missing; a `suffix` on the names and a `sender` make a feed beside others.

        `attributes` are more attributes of the queue, for example `{"VisibilityTimeout": "2"}` (seconds).
        """
        ses, sns, sqs = aws.client("ses"), aws.client("sns"), aws.client("sqs")
        dead_letter_queue_url = sqs.create_queue(QueueName=DEAD_LETTER_QUEUE + suffix)["QueueUrl"]
        queue_url = sqs.create_queue(QueueName=QUEUE + suffix)["QueueUrl"]
        topic_arn = sns.create_topic(Name=TOPIC + suffix)["TopicArn"]
        redrive_policy = {
            "deadLetterTargetArn": _queue_arn(sqs, dead_letter_queue_url),
            "maxReceiveCount": max_receive_count,
        }
        # Not given on creation: a queue that is there with other attributes would then be refused.
        sqs.set_queue_attributes(
            QueueUrl=queue_url,
            Attributes={
                "MessageRetentionPeriod": RETENTION_SECONDS,
                "Policy": json.dumps(sending_policy(_queue_arn(sqs, queue_url), topic_arn)),
                "RedrivePolicy": json.dumps(redrive_policy),
                **(attributes or {}),
            },
        )
        sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=_queue_arn(sqs, queue_url))
        ses.verify_email_identity(EmailAddress=sender)
        for notification_type in NOTIFICATION_TYPES:
            ses.set_identity_notification_topic(Identity=sender, NotificationType=notification_type, SnsTopic=topic_arn)
        return cls(aws, topic_arn, queue_url, dead_letter_queue_url)

    def depth(self) -> int:
        """Messages in the queue and in its dead-letter queue, those in flight included."""
        sqs = self.aws.client("sqs")
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        total = 0
        for url in (self.queue_url, self.dead_letter_queue_url):
            counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            total += sum(int(counts[name]) for name in names)
        return total

    def purge(self) -> None:
        """Empties the queue and its dead-letter queue."""
        sqs = self.aws.client("sqs")
        for url in (self.queue_url, self.dead_letter_queue_url):
            sqs.purge_queue(QueueUrl=url)

    def send_bodies(self, bodies: Sequence[str], queue_url: str | None = None) -> None:
        """Puts bodies into the queue (or another one) as they are, past SNS. RuntimeError if one was refused."""
        sqs = self.aws.client("sqs")
        for start in range(0, len(bodies), 10):
            entries = [
                {"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies[start : start + 10])
            ]
            answer = sqs.send_message_batch(QueueUrl=queue_url or self.queue_url, Entries=entries)
            if answer.get("Failed"):
                raise RuntimeError(f"SQS refused messages: {answer['Failed']}")


@contextmanager
def temporary_aws() -> Iterator[EmulatedAws]:
    """An emulator in a directory of its own that is removed at the end; for tests and benchmarks."""
    directory = Path(tempfile.mkdtemp(prefix="aws-", dir=launcher.watch().folder))
    try:
        with EmulatedAws(directory, preferred_port=None) as aws:
            yield aws
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def sending_policy(queue_arn: str, topic_arn: str) -> dict[str, Any]:
    """The queue's policy that lets the topic send to it, as AWS asks for."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _queue_arn(sqs: Any, url: str) -> str:
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn
