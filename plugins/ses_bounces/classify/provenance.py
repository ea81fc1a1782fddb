"""Where a message is from, and when it was published: what its envelopes say, and whether that is believed."""

from __future__ import annotations

from datetime import datetime

from ses_bounces.classify.rules import Rules
from ses_bounces.classify.signature import Verify
from ses_bounces.classify.unwrapping import Event, Problem


def published(item: Event | Problem, sent_at: datetime | None) -> datetime | None:
    """Return when an event was published: never later than SQS got it, whatever the message claims."""
    if item.published_at is None or sent_at is None:
        return item.published_at or sent_at
    return min(item.published_at, sent_at)


def refusal(item: Event | Problem, rules: Rules) -> str | None:
    """Return why a message doesn't count for where it is from."""
    allowed = rules.allowed_topic_arns
    if (allowed or rules.verify_signatures) and item.topic_arn is None and not rules.allow_raw:
        return "no TopicArn, and allow_raw is false"
    # Each on the way: whoever publishes to a topic writes what is within.
    if allowed and any(node.TopicArn is not None and node.TopicArn not in allowed for node in item.way):
        return "TopicArn is not in allowed_topic_arns"
    return None


def fault(item: Event | Problem, verify: Verify | None, checked: dict[int, str | None]) -> str | None:
    """Return what is wrong with the signatures on the way of an event.

    :param verify: None: none is right.
    :param checked: what was found already, by the envelope's identity: many events may be in one.
    """
    for node in item.way:
        if node.is_of_sns and id(node) not in checked:
            checked[id(node)] = verify(node) if verify else "its SNS signature was not checked"
    return next((fault for node in item.way if (fault := checked.get(id(node)))), None)
