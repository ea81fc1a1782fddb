"""The plan as a CloudFormation template in JSON.

Reference: AWS CloudFormation Template Reference, resource types of Amazon SES, SNS and SQS. It has none for the
notifications of an identity: a remark in ``Metadata`` has the commands for those.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ses_bounces.feed.setup.declared import declared, linked, remarks
from ses_bounces.feed.setup.options import Target
from ses_bounces.feed.setup.plan import Plan, Resource

_IDS = {
    "identity": "Identity",
    "topic": "Topic",
    "dead-letter queue": "DeadLetterQueue",
    "queue": "Queue",
    "subscription": "Subscription",
    "configuration set": "ConfigurationSet",
    "event destination": "EventDestination",
}


def cloudformation(plan: Plan, target: Target) -> str:
    """Return the template.

    :raises SetupError: something is in the way, or there is nothing to declare.
    """
    things = declared(plan, _IDS)
    made: dict[str, dict[str, Any]] = {}
    for kind, resource in things:
        made |= _MAKERS[kind](_IDS[kind], resource)
    if "EventDestination" in made:
        # SES tries the topic when it gets the destination.
        waits = [name for name in ("TopicPolicy", "ConfigurationSet") if name in made]
        made["EventDestination"] |= {"DependsOn": waits} if waits else {}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Bounces and complaints of {target.options.identity}, for airflow-ses-bounces.",
        "Metadata": {"Comments": remarks(plan, target, _IDS)},
        "Resources": linked(made, _links(target, made)),
    }
    return json.dumps(template, indent=2, ensure_ascii=False)


def _links(target: Target, made: Mapping[str, Any]) -> dict[str, Any]:
    arns = {
        target.topic_arn: ("Topic", {"Ref": "Topic"}),
        target.queue_arn(target.options.queue): ("Queue", {"Fn::GetAtt": ["Queue", "Arn"]}),
        target.queue_arn(target.options.dead_letter_queue): (
            "DeadLetterQueue",
            {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]},
        ),
    }
    return {arn: link for arn, (name, link) in arns.items() if name in made}


def _of_type(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{type_}", "Properties": properties}


def _tags(resource: Resource) -> dict[str, Any]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in resource.tags.items()]}


def _topic(name: str, topic: Resource) -> dict[str, Any]:
    attributes = dict(topic.attributes)
    policy = json.loads(attributes.pop("Policy"))
    return {
        name: _of_type("SNS::Topic", TopicName=topic.name, **attributes, **_tags(topic)),
        "TopicPolicy": _of_type("SNS::TopicPolicy", Topics=[{"Ref": name}], PolicyDocument=policy),
    }


def _queue(name: str, queue: Resource) -> dict[str, Any]:
    # SQS takes all attributes as texts, CloudFormation as what they are. A key's name stays a text, whatever it is.
    values = {k: v if k == "KmsMasterKeyId" else json.loads(v) for k, v in queue.attributes.items()}
    policy = values.pop("Policy", None)
    found = {name: _of_type("SQS::Queue", QueueName=queue.name, **values, **_tags(queue))}
    if policy:
        found["QueuePolicy"] = _of_type("SQS::QueuePolicy", Queues=[{"Ref": name}], PolicyDocument=policy)
    return found


def _subscription(name: str, subscription: Resource) -> dict[str, Any]:
    raw = subscription.attributes["RawMessageDelivery"] == "true"
    return {name: _of_type("SNS::Subscription", **{**subscription.attributes, "RawMessageDelivery": raw})}


def _identity(name: str, identity: Resource) -> dict[str, Any]:
    return {name: _of_type("SES::EmailIdentity", EmailIdentity=identity.name, **_tags(identity))}


def _configuration_set(name: str, holder: Resource) -> dict[str, Any]:
    return {name: _of_type("SES::ConfigurationSet", Name=holder.name, **_tags(holder))}


def _event_destination(name: str, destination: Resource) -> dict[str, Any]:
    given = destination.attributes
    properties = {
        "Name": destination.name,
        "Enabled": given["Enabled"],
        "MatchingEventTypes": [type_.lower() for type_ in given["MatchingEventTypes"]],
        "SnsDestination": {"TopicARN": given["SnsDestination"]["TopicArn"]},
    }
    holder = given["ConfigurationSetName"]
    type_ = "SES::ConfigurationSetEventDestination"
    return {name: _of_type(type_, ConfigurationSetName=holder, EventDestination=properties)}


_MAKERS: dict[str, Callable[[str, Resource], dict[str, Any]]] = {
    "identity": _identity,
    "topic": _topic,
    "dead-letter queue": _queue,
    "queue": _queue,
    "subscription": _subscription,
    "configuration set": _configuration_set,
    "event destination": _event_destination,
}
