"""What AWS tells of each queue: rights, encryption, retention, dead letters, age.

API: Amazon SQS API Reference, GetQueueAttributes, GetQueueUrl; Amazon CloudWatch API Reference, GetMetricStatistics.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from ses_bounces.base.aws.clients import Place, explained
from ses_bounces.base.exceptions import SesBouncesError
from ses_bounces.base.settings import Queue
from ses_bounces.base.sites import SETUP, dag_id
from ses_bounces.doctor.clients import Clients
from ses_bounces.doctor.finding import Findings, Severity
from ses_bounces.doctor.rights import try_queue
from ses_bounces.doctor.subscription_checks import check_subscriptions

LONGEST_RETENTION = 1_209_600
DAY_SECONDS = 86_400
# Shares of the retention. Once the oldest message is older, the finding is a warning, then critical.
OLD, TOO_OLD = 0.25, 0.5
# Keys that AWS manages: their policy lets SNS not use them, and can't be changed.
_AWS_KEYS = ("alias/aws/sqs", "alias/aws/sns")


def check_queues(clients: Clients) -> Findings:
    """Look at each queue of the settings, and at what feeds it."""
    findings = Findings("queues")
    for queue in clients.settings.queue_urls:
        place = clients.place_of(queue)
        try:
            sqs = clients.get("sqs", place)
        except SesBouncesError as error:
            findings.add("queue", queue.name, "critical", str(error), "Its reports are not read.", "Correct that.")
            continue
        attributes: dict[str, str] = {}
        with findings.trying("queue", queue.name, needed=True):
            with explained("sqs:GetQueueAttributes", queue.url):
                answer = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])
            attributes = answer.get("Attributes", {})
            waiting = attributes.get("ApproximateNumberOfMessages", "0")
            findings.ok("queue", queue.name, f"It is there; about {waiting} messages wait.")
        if attributes:
            redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
            try_queue(findings, sqs, queue.url, int(redrive["maxReceiveCount"]) if redrive else None)
            _check_attributes(findings, queue, attributes)
            _check_dead_letters(findings, sqs, queue, redrive.get("deadLetterTargetArn"))
            _check_age(findings, clients, place, queue, int(attributes.get("MessageRetentionPeriod", 0)))
            check_subscriptions(findings, clients, queue, attributes)
    _check_allowed_topics(findings, clients)
    return findings


def _check_allowed_topics(findings: Findings, clients: Clients) -> None:
    allowed = clients.settings.allowed_topic_arns
    if allowed:
        findings.ok("allowed topics", "", f"Messages of {len(allowed)} topics count.")
    else:
        feeding = [found.subject.partition(" to ")[2] for found in findings.all if found.check == "subscription"]
        topics = json.dumps(sorted({topic for topic in feeding if topic}))
        findings.add(
            "allowed topics", "", "warning", "allowed_topic_arns is empty: messages of any topic count.",
            "Whoever can write to the queue can have addresses blocked.",
            "Name your topics in allowed_topic_arns, and let only them send in the queue's policy."
            + (f" The queues are subscribed to: {topics}." if topics != "[]" else ""),
        )  # fmt: skip


def _check_attributes(findings: Findings, queue: Queue, attributes: dict[str, str]) -> None:
    retention = int(attributes.get("MessageRetentionPeriod", 0))
    if retention < LONGEST_RETENTION:
        findings.add(
            "retention", queue.name, "warning", f"It keeps messages for {retention / DAY_SECONDS:.1f} days, not 14.",
            "An outage that lasts longer loses reports.", f"Set its retention to 14 days, or run {dag_id(SETUP)}.",
        )  # fmt: skip
    else:
        findings.ok("retention", queue.name, "It keeps messages for 14 days.")
    key = attributes.get("KmsMasterKeyId")
    if key in _AWS_KEYS:
        findings.add(
            "encryption", queue.name, "critical", f"It is encrypted with {key}.",
            "Messages of SNS are lost without an error: the policy of that key does not let SNS use it.",
            "Give the queue SQS's own encryption, or a key of your own that lets SNS use it.",
        )  # fmt: skip
    else:
        findings.ok("encryption", queue.name, "Its encryption keeps nobody out.")


def _check_dead_letters(findings: Findings, sqs: Any, queue: Queue, arn: str | None) -> None:
    if arn is None:
        findings.ok("dead letters", queue.name, "It has no dead-letter queue: messages stay until they are read.")
        return
    _, _, _, _, account, name = arn.split(":", 5)
    with findings.trying("dead letters", queue.name, needed=True):
        with explained("sqs:GetQueueUrl", arn):
            url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
        with explained("sqs:GetQueueAttributes", url):
            names = ["ApproximateNumberOfMessages"]
            waiting = int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]])
        try_queue(findings, sqs, url, None)
        if waiting:
            findings.add(
                "dead letters", queue.name, "warning", f"Its dead-letter queue holds about {waiting} messages.",
                "They were received very often and never landed. The next run drains them as well.",
                "If the number does not fall, look at the last runs of drain_queue.",
            )  # fmt: skip
        else:
            findings.ok("dead letters", queue.name, "Its dead-letter queue is empty.")


def _check_age(findings: Findings, clients: Clients, place: Place, queue: Queue, retention: int) -> None:
    with findings.trying("oldest message", queue.name, needed=False):
        cloudwatch = clients.get("cloudwatch", place)
        dimensions = [{"Name": "QueueName", "Value": queue.name}]
        age = latest(cloudwatch, "AWS/SQS", "ApproximateAgeOfOldestMessage", dimensions, hours=2)
        if age is None:
            findings.ok("oldest message", queue.name, "CloudWatch has no age of the last two hours: it was empty.")
            return
        share = age / retention if retention else 0
        severity: Severity = "critical" if share > TOO_OLD else "warning" if share > OLD else "ok"
        findings.add(
            "oldest message", queue.name, severity, f"The oldest message is {age / 3_600:.1f} hours old.",
            f"SQS deletes messages after {retention / DAY_SECONDS:.1f} days.",
            "Look at the last runs of drain_queue; raise max_drainers if they end with messages left.",
        )  # fmt: skip


def latest(
    cloudwatch: Any, namespace: str, metric: str, dimensions: list[dict[str, str]] | None = None, hours: float = 24
) -> float | None:
    """Return the last value of a metric; None: there was none in that time."""
    now = datetime.now(UTC)
    with explained("cloudwatch:GetMetricStatistics", metric):
        answer = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=dimensions or [],
            StartTime=now - timedelta(hours=hours),
            EndTime=now,
            Period=300,
            Statistics=["Maximum"],
        )
    points = sorted(answer.get("Datapoints", []), key=lambda point: point["Timestamp"])
    return float(points[-1]["Maximum"]) if points else None
