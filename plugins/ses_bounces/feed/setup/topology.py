"""Topic, queues and subscription: what is there, and what to do about it.

API: Amazon SQS and Amazon SNS API Reference. What is ours bears our tags. What another team made gets the one
statement or subscription that it needs, and nothing else of it is changed; what another site made, not even that.
"""

from __future__ import annotations

import json
from typing import Any

from ses_bounces.base.aws.clients import explained
from ses_bounces.feed import policies
from ses_bounces.feed.setup import whose
from ses_bounces.feed.setup.options import LONG_POLLING_SECONDS, MAX_RECEIVE_COUNT, RETENTION_SECONDS, Target
from ses_bounces.feed.setup.plan import Resource, Step, Undo, nothing

# SQS and SNS keys that AWS manages: their policy lets neither SNS nor SES in, and can't be changed.
_AWS_KEYS = ("alias/aws/sqs", "alias/aws/sns")


def look_at_dead_letter_queue(target: Target) -> Step:
    """Plan the dead-letter queue."""
    return _look_at_queue(target, target.options.dead_letter_queue, "dead-letter queue", {}, None)


def look_at_queue(target: Target) -> Step:
    """Plan the queue, with the statement that lets the topic send to it."""
    options = target.options
    redrive = {
        "deadLetterTargetArn": target.queue_arn(options.dead_letter_queue),
        "maxReceiveCount": MAX_RECEIVE_COUNT,
    }
    wanted = {
        "ReceiveMessageWaitTimeSeconds": str(LONG_POLLING_SECONDS),
        "RedrivePolicy": json.dumps(redrive),
    }
    statement = policies.queue_statement(target.queue_arn(options.queue), target.topic_arn)
    step = _look_at_queue(target, options.queue, "queue", wanted, statement)
    if step.verdict not in ("create", "blocked") and (topics := _other_topics(target)):
        step.verdict = "blocked"
        step.details = [
            f"Queue {options.queue} is subscribed to {', '.join(topics)} already: it is not ours alone. Name another "
            "queue, or that topic."
        ]
    return step


def queue_url(target: Target, name: str) -> str | None:
    """Return a queue's URL; None: there is no such queue."""
    with explained("sqs:GetQueueUrl", name):
        try:
            url: str = target.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        except target.sqs.exceptions.QueueDoesNotExist:
            return None
    return url


def queue_attributes(target: Target, url: str) -> dict[str, str]:
    """Return all attributes of a queue."""
    with explained("sqs:GetQueueAttributes", url):
        found: dict[str, str] = target.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return found


def queue_tags(target: Target, url: str) -> dict[str, str]:
    """Return the queue's tags."""
    with explained("sqs:ListQueueTags", url):
        tags: dict[str, str] = target.sqs.list_queue_tags(QueueUrl=url).get("Tags", {})
    return tags


def _look_at_queue(
    target: Target, name: str, kind: str, more: dict[str, str], statement: policies.Statement | None
) -> Step:
    key = target.options.kms_key
    wanted = {
        "MessageRetentionPeriod": str(RETENTION_SECONDS),
        **({"KmsMasterKeyId": key} if key else {"SqsManagedSseEnabled": "true"}),
        **more,
    }
    url = queue_url(target, name)
    if url is None:
        policy = {"Policy": policies.with_statement(None, statement)} if statement else {}
        details = [f"{attribute}: {value}" for attribute, value in (wanted | policy).items()]
        made = Resource(name, wanted | policy, whose.tags())
        return Step(kind, name, "create", details, lambda: _create_queue(target, made), made)
    tags = queue_tags(target, url)
    if refused := whose.refusal(kind, name, tags):
        return refused
    found = queue_attributes(target, url)
    if found.get("KmsMasterKeyId") in _AWS_KEYS:
        why = (
            f"Queue {name} is encrypted with {found['KmsMasterKeyId']}, whose policy lets no message of SNS in; give "
            "it SQS's own encryption, or a key of your own."
        )
        return Step(kind, name, "blocked", [why])
    if found.get("FifoQueue") == "true":
        return Step(kind, name, "blocked", [f"Queue {name} is a FIFO queue; SES can't publish to FIFO topics."])
    ours = whose.is_ours(tags)
    # A customer's key that is there already is as good as SQS's own encryption.
    if key is None and found.get("KmsMasterKeyId"):
        wanted.pop("SqsManagedSseEnabled")
    differs = {k: v for k, v in wanted.items() if not _same(found.get(k), v)}
    changes = dict(differs) if ours else {}
    details = [f"{k}: {found.get(k, 'none')} → {v}" if ours else _left(k, found, v) for k, v in differs.items()]
    if statement and not policies.has_statement(found.get("Policy"), statement):
        changes["Policy"] = policies.with_statement(found.get("Policy"), statement)
        details.append(f"Policy: + {json.dumps(statement)}")
    if statement and (others := policies.other_senders(found.get("Policy"), target.topic_arn)):
        details.append(f"Others may send to it as well, and so have addresses blocked: {', '.join(others)}.")
    resource = _declared(name, wanted, found, statement) if ours else None
    if changes:
        before = {k: found.get(k, "") for k in changes}
        return Step(kind, name, "change", details, lambda: _set_queue(target, url, changes, before), resource)
    return Step(kind, name, "right" if ours else "left", details, resource=resource)


def _declared(
    name: str, wanted: dict[str, str], found: dict[str, str], statement: policies.Statement | None
) -> Resource:
    """Return a queue of ours as a template has to declare it: with the key and the statements that it has already."""
    kept = {"KmsMasterKeyId": found["KmsMasterKeyId"]} if found.get("KmsMasterKeyId") else {}
    policy = {"Policy": policies.with_statement(found.get("Policy"), statement)} if statement else {}
    return Resource(name, kept | wanted | policy, whose.tags())


def _left(attribute: str, found: dict[str, str], wanted: str) -> str:
    return f"{attribute} is {found.get(attribute, 'none')}; {wanted} is advised. It is not ours, and left so."


def _same(found: str | None, wanted: str) -> bool:
    if found is None or not wanted.startswith("{"):
        return found == wanted
    return _numbers(json.loads(found)) == _numbers(json.loads(wanted))


def _numbers(document: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in document.items()}


def _create_queue(target: Target, queue: Resource) -> Undo:
    name = queue.name
    with explained("sqs:CreateQueue", name):
        made = target.sqs.create_queue(QueueName=name, Attributes=dict(queue.attributes), tags=dict(queue.tags))
    url = made["QueueUrl"]

    def undo() -> None:
        with explained("sqs:DeleteQueue", name):
            target.sqs.delete_queue(QueueUrl=url)

    return undo


def _set_queue(target: Target, url: str, attributes: dict[str, str], before: dict[str, str]) -> Undo:
    with explained("sqs:SetQueueAttributes", url):
        target.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)

    def undo() -> None:
        with explained("sqs:SetQueueAttributes", url):
            target.sqs.set_queue_attributes(QueueUrl=url, Attributes=before)

    return undo


def _other_topics(target: Target) -> list[str]:
    arn = target.queue_arn(target.options.queue)
    with explained("sns:ListSubscriptions", arn):
        pages = target.sns.get_paginator("list_subscriptions").paginate()
        found = [item["TopicArn"] for page in pages for item in page["Subscriptions"] if item["Endpoint"] == arn]
    return sorted({topic for topic in found if topic != target.topic_arn})


def topic_attributes(target: Target) -> dict[str, str] | None:
    """Return all attributes of the topic; None: there is no such topic."""
    with explained("sns:GetTopicAttributes", target.topic_arn):
        try:
            found: dict[str, str] = target.sns.get_topic_attributes(TopicArn=target.topic_arn)["Attributes"]
        except target.sns.exceptions.NotFoundException:
            return None
    return found


def topic_tags(target: Target) -> dict[str, str]:
    """Return the topic's tags."""
    with explained("sns:ListTagsForResource", target.topic_arn):
        tags = target.sns.list_tags_for_resource(ResourceArn=target.topic_arn).get("Tags", [])
    return whose.as_mapping(tags)


def look_at_topic(target: Target) -> Step:
    """Plan the topic, with the statement that lets SES publish to it."""
    arn, options = target.topic_arn, target.options
    statement = policies.topic_statement(arn, target.account)
    found = topic_attributes(target)
    if found is None:
        if options.topic.startswith("arn:"):
            return Step("topic", arn, "blocked", [f"There is no topic {arn}. Name one that is there, or a new name."])
        attributes = {"Policy": policies.with_statement(None, statement)}
        if options.kms_key:
            attributes["KmsMasterKeyId"] = options.kms_key
        details = [f"{attribute}: {value}" for attribute, value in attributes.items()]
        made = Resource(options.topic, attributes, whose.tags())
        return Step("topic", arn, "create", details, lambda: _create_topic(target, attributes), made)
    tags = topic_tags(target)
    if refused := whose.refusal("topic", arn, tags):
        return refused
    if found.get("KmsMasterKeyId") in _AWS_KEYS:
        why = f"Topic {arn} is encrypted with {found['KmsMasterKeyId']}, whose policy lets SES not publish."
        return Step("topic", arn, "blocked", [f"{why} Give it no key, or a key of your own."])
    policy = policies.with_statement(found.get("Policy"), statement)
    ours = whose.is_ours(tags)
    key = options.kms_key or found.get("KmsMasterKeyId")
    kept = {"KmsMasterKeyId": key} if key else {}
    resource = Resource(arn.rpartition(":")[2], {"Policy": policy, **kept}, whose.tags()) if ours else None
    if policies.has_statement(found.get("Policy"), statement):
        return Step("topic", arn, "right" if ours else "left", resource=resource)
    details = [f"Policy: + {json.dumps(statement)}"]
    before = found.get("Policy", "")
    return Step("topic", arn, "change", details, lambda: _set_policy(target, policy, before), resource)


def _create_topic(target: Target, attributes: dict[str, str]) -> Undo:
    name = target.topic_arn.rpartition(":")[2]
    with explained("sns:CreateTopic", name):
        target.sns.create_topic(Name=name, Attributes=attributes, Tags=whose.listed_tags())

    def undo() -> None:
        with explained("sns:DeleteTopic", name):
            target.sns.delete_topic(TopicArn=target.topic_arn)

    return undo


def _set_policy(target: Target, policy: str, before: str) -> Undo:
    def put(value: str) -> None:
        with explained("sns:SetTopicAttributes", target.topic_arn):
            target.sns.set_topic_attributes(TopicArn=target.topic_arn, AttributeName="Policy", AttributeValue=value)

    put(policy)
    return lambda: put(before)


def subscription(target: Target) -> str | None:
    """Return the ARN of the queue's subscription to the topic, or ``PendingConfirmation``; None: there is none."""
    arn = target.queue_arn(target.options.queue)
    with explained("sns:ListSubscriptionsByTopic", target.topic_arn):
        pages = target.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=target.topic_arn)
        try:
            found = [item for page in pages for item in page["Subscriptions"] if item["Endpoint"] == arn]
        except target.sns.exceptions.NotFoundException:
            return None
    return found[0]["SubscriptionArn"] if found else None


def look_at_subscription(target: Target) -> Step:
    """Plan the queue's subscription to the topic."""
    name = f"{target.topic_arn} → {target.options.queue}"
    found = subscription(target)
    ends = {"TopicArn": target.topic_arn, "Protocol": "sqs", "Endpoint": target.queue_arn(target.options.queue)}
    resource = Resource(name, {**ends, "RawMessageDelivery": "false"})
    if found is None:
        details = ["RawMessageDelivery: false"]
        return Step("subscription", name, "create", details, lambda: _subscribe(target, ends), resource)
    if not found.startswith("arn:"):
        why = "The subscription waits for its confirmation: have the owner of the queue confirm it."
        return Step("subscription", name, "blocked", [why])
    with explained("sns:GetSubscriptionAttributes", name):
        attributes = target.sns.get_subscription_attributes(SubscriptionArn=found)["Attributes"]
    if attributes.get("FilterPolicy"):
        why = "It has a filter policy, which may keep feedback away from the queue; look at it in the SNS console."
        return Step("subscription", name, "left", [why])
    raw = attributes.get("RawMessageDelivery") == "true"
    details = ["Raw delivery is on: set allow_raw if you set allowed_topic_arns."] if raw else []
    declared = Resource(name, {**resource.attributes, "RawMessageDelivery": "true" if raw else "false"})
    return Step("subscription", name, "right", details, resource=declared)


def _subscribe(target: Target, ends: dict[str, str]) -> Undo:
    with explained("sns:Subscribe", target.topic_arn):
        arn = target.sns.subscribe(**ends, ReturnSubscriptionArn=True)["SubscriptionArn"]
    return lambda: unsubscribe(target, arn)


def unsubscribe(target: Target, arn: str) -> Undo:
    """End a subscription."""
    with explained("sns:Unsubscribe", arn):
        target.sns.unsubscribe(SubscriptionArn=arn)
    return nothing
