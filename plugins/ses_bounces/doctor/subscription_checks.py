"""From the topic to the queue: subscription, policies, raw delivery.

API: Amazon SNS API Reference, ListSubscriptions, GetSubscriptionAttributes, GetTopicAttributes.
"""

from __future__ import annotations

from typing import Any

from ses_bounces.base.aws.clients import Place, explained
from ses_bounces.base.settings import Queue
from ses_bounces.base.sites import SETUP, dag_id
from ses_bounces.doctor.clients import Clients
from ses_bounces.doctor.finding import Findings
from ses_bounces.feed import policies

_AWS_KEY = "alias/aws/sns"


def check_subscriptions(findings: Findings, clients: Clients, queue: Queue, attributes: dict[str, str]) -> None:
    """Look at what feeds a queue.

    :param attributes: all that SQS tells of the queue.
    """
    with findings.trying("subscription", queue.name, needed=False):
        found = [
            (place, topic, subscription)
            for place in topic_places(clients, queue)
            for topic, subscription in subscriptions(clients.get("sns", place), attributes.get("QueueArn", ""))
        ]
        if not found:
            _tell_of_none(findings, clients, queue, attributes.get("Policy"))
        for place, topic, subscription in found:
            _check_subscription(findings, clients, place, queue, topic, subscription, attributes)


def topic_places(clients: Clients, queue: Queue) -> list[Place]:
    """Return where topics may be that feed a queue: SES and its topic are of one region, the queue may be elsewhere."""
    own = clients.place_of(queue)
    regions = [own.region, *(clients.settings.ses_regions or ())]
    return [Place(own.aws_conn_id, region) for region in dict.fromkeys(regions)]


def subscriptions(sns: Any, queue_arn: str) -> list[tuple[str, str]]:
    """Return the topics that a queue subscribes to, with the subscriptions' ARNs (``PendingConfirmation`` is none)."""
    with explained("sns:ListSubscriptions", queue_arn):
        pages = sns.get_paginator("list_subscriptions").paginate()
        return [
            (item["TopicArn"], item["SubscriptionArn"])
            for page in pages
            for item in page["Subscriptions"]
            if item["Endpoint"] == queue_arn
        ]


def _tell_of_none(findings: Findings, clients: Clients, queue: Queue, policy: str | None) -> None:
    """Tell a feed that was cut from one that can't be seen from here; the queue's policy says who is to send."""
    senders = policies.other_senders(policy, "")
    accounts = {arn.split(":")[4] for arn in senders if arn.count(":") >= 5 and ":sns:" in arn}
    if any(":events:" in arn for arn in senders):
        findings.ok("subscription", queue.name, "No topic is subscribed; its policy says that EventBridge feeds it.")
    elif accounts and clients.account(clients.place_of(queue)) not in accounts:
        findings.add(
            "subscription", queue.name, "unknown", f"It is fed from account {', '.join(sorted(accounts))}.",
            "The subscription can't be looked at from here.", "Look at it there.",
        )  # fmt: skip
    else:
        findings.add(
            "subscription", queue.name, "critical", "It is subscribed to no topic.", "Nothing reaches it.",
            f"{_setup()}; or subscribe it to the topic that SES reports to.",
        )  # fmt: skip


def _check_subscription(
    findings: Findings,
    clients: Clients,
    place: Place,
    queue: Queue,
    topic: str,
    subscription: str,
    attributes: dict[str, str],
) -> None:
    subject = f"{queue.name} to {topic}"
    if not subscription.startswith("arn:"):
        findings.add(
            "subscription", subject, "critical", "It waits for its confirmation.", "Nothing is delivered until then.",
            "Have the owner of the queue confirm it, or subscribe it again as its owner.",
        )  # fmt: skip
        return
    findings.ok("subscription", subject, "It is there.")
    policy = attributes.get("Policy")
    if policies.is_let(policy, "sns.amazonaws.com", "sqs:SendMessage", ("aws:sourcearn", topic)):
        findings.ok("queue policy", subject, "The queue's policy lets the topic send.")
    else:
        findings.add(
            "queue policy", subject, "critical", "The queue's policy does not let the topic send.",
            "SNS drops the messages without an error.", f"{_setup()}, or add the statement of docs/iam.md.",
        )  # fmt: skip
    others = [sender for sender in policies.other_senders(policy, topic) if ":events:" not in sender]
    if "*" in others:
        findings.add(
            "open queue", queue.name, "warning", "The queue's policy lets everybody send.",
            "Whoever sends to it can have addresses blocked.", "Let only your topics send; see docs/iam.md.",
        )  # fmt: skip
    allowed = clients.settings.allowed_topic_arns
    if allowed and topic not in allowed:
        findings.add(
            "allowed topics", subject, "critical", "The topic is not in allowed_topic_arns.",
            "All of its messages are quarantined.", "Add it to allowed_topic_arns, or end the subscription.",
        )  # fmt: skip
    sns = clients.get("sns", place)
    with findings.trying("raw delivery", subject, needed=False):
        _check_attributes(findings, clients, sns, subject, subscription)
    with findings.trying("topic", topic, needed=False):
        _check_topic(findings, sns, topic, clients.account(place))


def _check_attributes(findings: Findings, clients: Clients, sns: Any, subject: str, subscription: str) -> None:
    with explained("sns:GetSubscriptionAttributes", subscription):
        found = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    raw = found.get("RawMessageDelivery") == "true"
    settings = clients.settings
    if raw and (settings.allowed_topic_arns or settings.verify_signatures) and not settings.allow_raw:
        findings.add(
            "raw delivery", subject, "critical", "Raw delivery is on, and allow_raw is false.",
            "Raw messages name no topic, and have no signature: all of them are quarantined.",
            "Switch raw delivery off, or set allow_raw to true.",
        )  # fmt: skip
    else:
        findings.ok("raw delivery", subject, f"Raw delivery is {'on' if raw else 'off'}.")
    if found.get("FilterPolicy"):
        findings.add(
            "filter policy", subject, "warning", "The subscription has a filter policy.",
            "It may keep reports away from the queue.", "Look at it in the SNS console.",
        )  # fmt: skip


def _check_topic(findings: Findings, sns: Any, topic: str, account: str) -> None:
    with explained("sns:GetTopicAttributes", topic):
        try:
            found = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
        except sns.exceptions.NotFoundException:
            findings.add(
                "topic", topic, "critical", "It was deleted.", "SES has nobody to report to.",
                f"{_setup()}: it creates it again and has SES report to it.",
            )  # fmt: skip
            return
    if found.get("KmsMasterKeyId") == _AWS_KEY:
        findings.add(
            "topic", topic, "critical", f"It is encrypted with {_AWS_KEY}, whose policy keeps SES out.",
            "Reports are lost without an error.", "Give it no key, or one of your own that lets SES use it.",
        )  # fmt: skip
    elif policies.is_let(found.get("Policy"), "ses.amazonaws.com", "sns:Publish", ("aws:sourceaccount", account)):
        findings.ok("topic", topic, "Its policy lets SES publish.")
    else:
        findings.add(
            "topic", topic, "critical", "Its policy does not let SES publish.", "Reports are lost without an error.",
            f"{_setup()}, or add the statement of docs/iam.md.",
        )  # fmt: skip


def _setup() -> str:
    return f"Run {dag_id(SETUP)}, which mends it"
