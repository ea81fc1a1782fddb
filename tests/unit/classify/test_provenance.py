"""Where a message is from and when it was published: the outermost envelope says it, not who wrote what is within."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ses_bounces.classify import classify_body
from ses_bounces.classify.rules import Rules
from ses_bounces.classify.unwrapping import unwrap
from tests.kit.builders import PUBLISHED, TOPIC_ARN, bounce, eventbridge, iso, lambda_sns, lambda_sqs, sns

OTHER = "arn:aws:sns:eu-west-1:999999999999:somebody-elses"
ONLY_OURS = Rules(allowed_topic_arns=[TOPIC_ARN])
WITH_RAW = Rules(allowed_topic_arns=[TOPIC_ARN], allow_raw=True)
NOT_ALLOWED = "TopicArn is not in allowed_topic_arns"
RAW = "no TopicArn, and allow_raw is false"


def reason(body: Any, rules: Rules) -> str | None:
    result = classify_body(json.dumps(body), rules)
    assert (result.outcome == "applied") == bool(result.entries)
    return result.reason


OURS_IN_OTHERS: dict[str, Any] = {
    "an envelope within the message": sns(sns(bounce()), TopicArn=OTHER),
    "an object within the message": sns("", TopicArn=OTHER) | {"Message": sns(bounce())},
    "in a record": lambda_sns(sns(bounce())) | {"Records": [{"Sns": sns(sns(bounce()), TopicArn=OTHER)}]},
    "in a record of SQS": lambda_sqs(sns(sns(bounce()), TopicArn=OTHER)),
    "in a failed invocation": {"requestPayload": {"Records": [{"Sns": sns(sns(bounce()), TopicArn=OTHER)}]}},
    "records within the message": sns(lambda_sns(bounce()), TopicArn=OTHER),
    "three deep": sns(sns(sns(bounce())), TopicArn=OTHER),
    "another's within ours": sns(sns(bounce(), TopicArn=OTHER)),
    "another's between ours": sns(sns(sns(bounce()), TopicArn=OTHER)),
    "another's without the other fields": sns({"TopicArn": OTHER, "Message": json.dumps(bounce())}),
}


@pytest.mark.parametrize("shape", OURS_IN_OTHERS)
def test_every_topic_on_the_way_must_be_allowed(shape: str) -> None:
    assert reason(OURS_IN_OTHERS[shape], ONLY_OURS) == NOT_ALLOWED
    assert reason(OURS_IN_OTHERS[shape], WITH_RAW) == NOT_ALLOWED
    both = Rules(allowed_topic_arns=[TOPIC_ARN, OTHER])
    assert reason(OURS_IN_OTHERS[shape], both) is None


@pytest.mark.parametrize(
    "body",
    [sns(bounce()), sns(sns(bounce())), lambda_sns(bounce()), lambda_sqs(sns(bounce())), [sns(bounce())],
     {"requestPayload": lambda_sns(bounce())}, sns(lambda_sqs(bounce())), sns(eventbridge(bounce(key="eventType")))],
)  # fmt: skip
def test_ours_counts_in_whatever_it_is_handed_on(body: Any) -> None:
    assert reason(body, ONLY_OURS) is None


def without(name: str) -> dict[str, Any]:
    envelope = sns(bounce())
    del envelope[name]
    return envelope


@pytest.mark.parametrize(
    "body",
    [
        {"TopicArn": TOPIC_ARN, "Message": json.dumps(bounce())},
        without("MessageId"), without("Timestamp"), without("TopicArn"),
        without("Type"), sns(bounce()) | {"MessageId": 5}, sns(bounce()) | {"Timestamp": None},
        # What is around it is none of SNS's: whoever wrote that wrote the envelope as well.
        {"Message": json.dumps(sns(bounce()))},
        eventbridge(sns(bounce())),
        bounce(),
        eventbridge(bounce(key="eventType")),
        bounce() | {"TopicArn": TOPIC_ARN},
    ],
)  # fmt: skip
def test_what_is_no_envelope_of_sns_counts_as_raw(body: Any) -> None:
    assert reason(body, ONLY_OURS) == RAW
    assert reason(body, WITH_RAW) is None
    assert reason(body, Rules()) is None


def test_settling_without_a_look_follows_the_same_rules() -> None:
    from ses_bounces.classify.body import has_no_effect

    opened = {"eventType": "Open"}
    for body, expected in ((sns(opened), True), (sns(sns(opened), TopicArn=OTHER), False), (opened, False)):
        assert has_no_effect(unwrap(json.dumps(body)), ONLY_OURS) is expected


LATER = PUBLISHED + timedelta(hours=1)


@pytest.mark.parametrize(
    ("body", "published"),
    [
        (sns(sns(bounce(), Timestamp=iso(LATER))), PUBLISHED),
        (sns(sns(bounce(), Timestamp=iso(PUBLISHED)), Timestamp=iso(LATER)), LATER),
        (sns(eventbridge(bounce(key="eventType"), time=iso(LATER))), PUBLISHED),
        (eventbridge(bounce(key="eventType")), PUBLISHED),
        ({"Message": json.dumps(sns(bounce()))}, PUBLISHED),
        ({"Records": [{"body": json.dumps(sns(sns(bounce(), Timestamp=iso(LATER))))}]}, PUBLISHED),
    ],
)
def test_the_outermost_time_is_that_of_publication(body: Any, published: Any) -> None:
    [item] = unwrap(json.dumps(body))
    assert item.published_at == published


def test_nothing_is_published_later_than_sqs_got_it() -> None:
    forged = sns(bounce(timestamp="2030-01-01T00:00:00.000Z"), Timestamp="2030-01-01T00:00:00.000Z")
    got = PUBLISHED + timedelta(seconds=1)
    for body in (forged, lambda_sns(bounce()) | {"Records": [{"Sns": forged}]}, [forged]):
        result = classify_body(json.dumps(body), Rules(), got)
        [entry] = result.entries
        assert result.published_at == entry.occurred_at == got
        assert entry.reason == "reported for 2030-01-01 00:00:00 UTC, which can't be: moved"
    # An earlier time is left: a message may wait in SNS.
    assert classify_body(json.dumps(sns(bounce())), Rules(), LATER).published_at == PUBLISHED
