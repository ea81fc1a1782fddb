"""The plan as a Terraform configuration in Terraform's JSON syntax.

Reference: Terraform's JSON Configuration Syntax, and the resources of the provider hashicorp/aws. It has all that the
plan makes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ses_bounces.feed.setup.declared import declared, linked, remarks
from ses_bounces.feed.setup.options import Target
from ses_bounces.feed.setup.plan import Plan, Resource

# By resource type, then by name in the configuration.
Blocks = dict[tuple[str, str], dict[str, Any]]

_QUEUE_ARGUMENTS = {
    "MessageRetentionPeriod": "message_retention_seconds",
    "ReceiveMessageWaitTimeSeconds": "receive_wait_time_seconds",
    "SqsManagedSseEnabled": "sqs_managed_sse_enabled",
    "KmsMasterKeyId": "kms_master_key_id",
}
_TOPIC = ("aws_sns_topic", "topic")
_TOPIC_POLICY = ("aws_sns_topic_policy", "topic")
_IDENTITY = ("aws_sesv2_email_identity", "identity")
_SET = ("aws_sesv2_configuration_set", "configuration_set")
_NOTIFICATION = "aws_ses_identity_notification_topic"


def terraform(plan: Plan, target: Target) -> str:
    """Return the configuration.

    :raises SetupError: something is in the way, or there is nothing to declare.
    """
    blocks: Blocks = {}
    for kind, resource in declared(plan, _MAKERS):
        safe = Resource(_escaped(resource.name), _escaped(resource.attributes), _escaped(resource.tags))
        blocks |= _MAKERS[kind](kind, safe)
    links = _links(target, blocks)
    resources: dict[str, dict[str, Any]] = {}
    for (type_, name), arguments in blocks.items():
        written = _written(linked(arguments, links))
        if waits := _waits(type_, blocks):
            written["depends_on"] = waits
        resources.setdefault(type_, {})[name] = written
    return json.dumps({"//": remarks(plan, target, _MAKERS), "resource": resources}, indent=2, ensure_ascii=False)


def _links(target: Target, blocks: Blocks) -> dict[str, str]:
    arns = {
        target.topic_arn: _TOPIC,
        target.queue_arn(target.options.queue): ("aws_sqs_queue", "queue"),
        target.queue_arn(target.options.dead_letter_queue): ("aws_sqs_queue", "dead_letter_queue"),
    }
    return {arn: f"${{{type_}.{name}.arn}}" for arn, (type_, name) in arns.items() if (type_, name) in blocks}


def _escaped(value: Any) -> Any:
    """Return a value in which Terraform finds no template of its own."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value.replace("${", "$${").replace("%{", "%%{") if isinstance(value, str) else value


def _written(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments with documents as the texts that the provider takes."""
    documents = {key: json.dumps(arguments[key]) for key in ("policy", "redrive_policy") if key in arguments}
    return arguments | documents


def _waits(type_: str, blocks: Blocks) -> list[str]:
    """Return what a resource refers to by its name only, or what SES tries when it gets the resource."""
    feedback = [key for key in blocks if key[0] == _NOTIFICATION]
    waits = {
        _NOTIFICATION: [_TOPIC_POLICY, _IDENTITY],
        "aws_sesv2_email_identity_feedback_attributes": [_IDENTITY, *feedback],
        "aws_sesv2_configuration_set_event_destination": [_TOPIC_POLICY, _SET],
    }.get(type_, [])
    return [".".join(key) for key in waits if key in blocks]


def _topic(_kind: str, topic: Resource) -> Blocks:
    key = topic.attributes.get("KmsMasterKeyId")
    arguments = {"name": topic.name, **({"kms_master_key_id": key} if key else {}), "tags": dict(topic.tags)}
    policy = json.loads(topic.attributes["Policy"])
    return {_TOPIC: arguments, _TOPIC_POLICY: {"arn": "${aws_sns_topic.topic.arn}", "policy": policy}}


def _queue(kind: str, queue: Resource) -> Blocks:
    name = kind.replace("-", "_").replace(" ", "_")
    given = queue.attributes
    arguments: dict[str, Any] = {"name": queue.name, "tags": dict(queue.tags)}
    for attribute, argument in _QUEUE_ARGUMENTS.items():
        if attribute in given:
            value = given[attribute]
            arguments[argument] = value if attribute == "KmsMasterKeyId" else json.loads(value)
    if "RedrivePolicy" in given:
        arguments["redrive_policy"] = json.loads(given["RedrivePolicy"])
    found: Blocks = {("aws_sqs_queue", name): arguments}
    if "Policy" in given:
        policy = json.loads(given["Policy"])
        found["aws_sqs_queue_policy", name] = {"queue_url": f"${{aws_sqs_queue.{name}.url}}", "policy": policy}
    return found


def _subscription(_kind: str, subscription: Resource) -> Blocks:
    given = subscription.attributes
    arguments = {
        "topic_arn": given["TopicArn"],
        "protocol": given["Protocol"],
        "endpoint": given["Endpoint"],
        "raw_message_delivery": given["RawMessageDelivery"] == "true",
    }
    return {("aws_sns_topic_subscription", "subscription"): arguments}


def _identity(_kind: str, identity: Resource) -> Blocks:
    return {_IDENTITY: {"email_identity": identity.name, "tags": dict(identity.tags)}}


def _notification(_kind: str, notification: Resource) -> Blocks:
    given = notification.attributes
    type_ = given["NotificationType"]
    arguments = {"identity": given["Identity"], "notification_type": type_, "topic_arn": given["SnsTopic"]}
    return {(_NOTIFICATION, type_.lower()): arguments}


def _forwarding(_kind: str, forwarding: Resource) -> Blocks:
    given = forwarding.attributes
    arguments = {"email_identity": given["Identity"], "email_forwarding_enabled": given["ForwardingEnabled"]}
    return {("aws_sesv2_email_identity_feedback_attributes", "forwarding"): arguments}


def _configuration_set(_kind: str, holder: Resource) -> Blocks:
    return {_SET: {"configuration_set_name": holder.name, "tags": dict(holder.tags)}}


def _event_destination(_kind: str, destination: Resource) -> Blocks:
    given = destination.attributes
    arguments = {
        "configuration_set_name": given["ConfigurationSetName"],
        "event_destination_name": destination.name,
        "event_destination": {
            "enabled": given["Enabled"],
            "matching_event_types": given["MatchingEventTypes"],
            "sns_destination": {"topic_arn": given["SnsDestination"]["TopicArn"]},
        },
    }
    return {("aws_sesv2_configuration_set_event_destination", "event_destination"): arguments}


_MAKERS: dict[str, Callable[[str, Resource], Blocks]] = {
    "identity": _identity,
    "topic": _topic,
    "dead-letter queue": _queue,
    "queue": _queue,
    "subscription": _subscription,
    "configuration set": _configuration_set,
    "event destination": _event_destination,
    "notification": _notification,
    "forwarding": _forwarding,
}
