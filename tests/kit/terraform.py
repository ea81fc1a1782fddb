"""Makes the resources of a Terraform configuration in JSON, as the provider hashicorp/aws does, for those of a feed.

It knows the arguments of their types and no others: an unknown type, argument or reference is an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

Client = Callable[[str], Any]
Arguments = dict[str, Any]

_REFERENCE = re.compile(r"(?<!\$)\$\{([a-z0-9_]+\.[a-z0-9_]+)\.([a-z]+)\}")
_QUEUE = {
    "message_retention_seconds": "MessageRetentionPeriod",
    "receive_wait_time_seconds": "ReceiveMessageWaitTimeSeconds",
    "sqs_managed_sse_enabled": "SqsManagedSseEnabled",
    "kms_master_key_id": "KmsMasterKeyId",
    "redrive_policy": "RedrivePolicy",
}


def apply(client: Client, configuration: dict[str, Any]) -> None:
    """Make all resources, each after those that it refers to."""
    assert set(configuration) == {"//", "resource"}
    waiting = {
        f"{type_}.{name}": one for type_, named in configuration["resource"].items() for name, one in named.items()
    }
    made: dict[str, dict[str, str]] = {}
    while waiting:
        ready = [name for name, one in waiting.items() if _needs(one) <= set(made)]
        assert ready, f"these wait for each other, or for what is not there: {sorted(waiting)}"
        for name in ready:
            given = _resolved(waiting.pop(name), made)
            given.pop("depends_on", None)
            made[name] = _MAKERS[name.partition(".")[0]](client, given) or {}
            assert given == {}, f"{name} has unknown arguments"


def _needs(arguments: Arguments) -> set[str]:
    return {name for name, _ in _REFERENCE.findall(json.dumps(arguments))} | set(arguments.get("depends_on", ()))


def _resolved(value: Any, made: dict[str, dict[str, str]]) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(item, made) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, made) for item in value]
    if not isinstance(value, str):
        return value
    text = _REFERENCE.sub(lambda found: made[found[1]][found[2]], value)
    return text.replace("$${", "${").replace("%%{", "%{")


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _topic(client: Client, given: Arguments) -> dict[str, str]:
    attributes = {"KmsMasterKeyId": given.pop("kms_master_key_id")} if "kms_master_key_id" in given else {}
    tags = _listed(given.pop("tags"))
    return {"arn": client("sns").create_topic(Name=given.pop("name"), Attributes=attributes, Tags=tags)["TopicArn"]}


def _topic_policy(client: Client, given: Arguments) -> None:
    client("sns").set_topic_attributes(
        TopicArn=given.pop("arn"), AttributeName="Policy", AttributeValue=given.pop("policy")
    )


def _queue(client: Client, given: Arguments) -> dict[str, str]:
    sqs, name, tags = client("sqs"), given.pop("name"), given.pop("tags")
    values = {_QUEUE[argument]: given.pop(argument) for argument in list(given)}
    attributes = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    url = sqs.create_queue(QueueName=name, Attributes=attributes, tags=tags)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return {"url": url, "arn": found["QueueArn"]}


def _queue_policy(client: Client, given: Arguments) -> None:
    client("sqs").set_queue_attributes(QueueUrl=given.pop("queue_url"), Attributes={"Policy": given.pop("policy")})


def _subscription(client: Client, given: Arguments) -> None:
    raw = json.dumps(given.pop("raw_message_delivery"))
    client("sns").subscribe(
        TopicArn=given.pop("topic_arn"),
        Protocol=given.pop("protocol"),
        Endpoint=given.pop("endpoint"),
        Attributes={"RawMessageDelivery": raw},
    )


def _identity(client: Client, given: Arguments) -> None:
    tags = _listed(given.pop("tags"))
    client("sesv2").create_email_identity(EmailIdentity=given.pop("email_identity"), Tags=tags)


def _notification(client: Client, given: Arguments) -> None:
    client("ses").set_identity_notification_topic(
        Identity=given.pop("identity"),
        NotificationType=given.pop("notification_type"),
        SnsTopic=given.pop("topic_arn"),
    )


def _feedback(client: Client, given: Arguments) -> None:
    # The same setting by the older API, whose emulation refuses it before the notifications are set.
    client("ses").set_identity_feedback_forwarding_enabled(
        Identity=given.pop("email_identity"), ForwardingEnabled=given.pop("email_forwarding_enabled")
    )


def _configuration_set(client: Client, given: Arguments) -> None:
    tags = _listed(given.pop("tags"))
    client("sesv2").create_configuration_set(ConfigurationSetName=given.pop("configuration_set_name"), Tags=tags)


def _event_destination(client: Client, given: Arguments) -> None:
    wanted = given.pop("event_destination")
    client("sesv2").create_configuration_set_event_destination(
        ConfigurationSetName=given.pop("configuration_set_name"),
        EventDestinationName=given.pop("event_destination_name"),
        EventDestination={
            "Enabled": wanted.pop("enabled"),
            "MatchingEventTypes": wanted.pop("matching_event_types"),
            "SnsDestination": {"TopicArn": wanted.pop("sns_destination").pop("topic_arn")},
        },
    )
    assert wanted == {}


_MAKERS: dict[str, Callable[[Client, Arguments], dict[str, str] | None]] = {
    "aws_sns_topic": _topic,
    "aws_sns_topic_policy": _topic_policy,
    "aws_sqs_queue": _queue,
    "aws_sqs_queue_policy": _queue_policy,
    "aws_sns_topic_subscription": _subscription,
    "aws_sesv2_email_identity": _identity,
    "aws_ses_identity_notification_topic": _notification,
    "aws_sesv2_email_identity_feedback_attributes": _feedback,
    "aws_sesv2_configuration_set": _configuration_set,
    "aws_sesv2_configuration_set_event_destination": _event_destination,
}
