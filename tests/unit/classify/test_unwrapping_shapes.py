"""In which shapes SES's messages reach a queue, beside those that AWS's documentation of SES names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_bounces.classify import classify_body
from ses_bounces.classify.entry import Classification
from ses_bounces.classify.rules import ADVICE, DETAIL_TYPES, SERVICE_EVENTS
from ses_bounces.classify.unwrapping import Event, unwrap
from tests.kit.builders import ADDRESS, PUBLISHED, bounce, complaint, delivery, eventbridge, lambda_sns, lambda_sqs, sns

Json = dict[str, Any]


def classify(body: Any) -> Classification:
    return classify_body(body if isinstance(body, str) else json.dumps(body))


def sqs_record(body: Any) -> Json:
    """A record of SQS, as EventBridge Pipes passes it on."""
    return {
        "messageId": "1", "receiptHandle": "AQEB", "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"SentTimestamp": "1768032009000"}, "messageAttributes": {}, "md5OfBody": "0",
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:q", "awsRegion": "eu-west-1",
    }  # fmt: skip


def sns_record(event: Json) -> Json:
    """A record of SNS, as Lambda gets it."""
    record: Json = lambda_sns(event)["Records"][0]
    return record


def on_failure(payload: Any) -> Json:
    """What a Lambda destination is sent for an invocation that failed."""
    return {
        "version": "1.0",
        "timestamp": "2026-01-10T09:00:00.000Z",
        "requestContext": {"requestId": "x", "condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "boom"},
    }


SHAPES: dict[str, Any] = {
    "a record of SQS": sqs_record(bounce()),
    "a record of SQS with an envelope": sqs_record(sns(bounce())),
    "a record of SQS whose body is an object": sqs_record("") | {"body": sns(bounce())},
    "a record of SNS": sns_record(bounce()),
    "a record in an envelope": sns(sqs_record(sns(bounce()))),
    "a list of one": [bounce()],
    "a list of records": [sqs_record(sns(bounce()))],
    "a list of a record of SNS": [sns_record(bounce())],
    "a list of EventBridge": [eventbridge(bounce(key="eventType"))],
    "a list of what Lambda gets": [lambda_sns(bounce())],
    "a failed invocation": on_failure(lambda_sns(bounce())),
    "a failed invocation in an envelope": sns(on_failure(lambda_sqs(sns(bounce())))),
    "a failed invocation with an event": on_failure(eventbridge(bounce(key="eventType"))),
    "a failed invocation with a list": on_failure([sqs_record(sns(bounce()))]),
    "a failed invocation with a record": on_failure(sqs_record(sns(bounce()))),
    "a failed invocation within another": on_failure(on_failure(lambda_sns(bounce()))),
    "everything at once": on_failure([sqs_record(sns(lambda_sns(bounce())))]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_event_in_it_counts(shape: str) -> None:
    plain = classify(bounce()).entries[0]
    result = classify(SHAPES[shape])
    assert result.outcome == "applied"
    [entry] = result.entries
    assert (entry.kind, entry.address, entry.dedup_key) == (plain.kind, plain.address, plain.dedup_key)


def test_the_envelope_in_it_says_when() -> None:
    for shape in (sqs_record(sns(bounce())), on_failure(lambda_sns(bounce())), [sns_record(bounce())]):
        [item] = unwrap(json.dumps(shape))
        assert item.published_at == PUBLISHED
        assert item.topic_arn == sns("")["TopicArn"]


@pytest.mark.parametrize(
    "body",
    [
        {"headers": "Host: example.com", "body": json.dumps(sns(bounce()))},
        {"body": json.dumps(bounce())},
        {"messageId": "1", "body": json.dumps(bounce())},
        {"requestPayload": json.dumps(lambda_sns(bounce()))},
        {"ses": {"mail": {}}},
        {"Sns": "text"},
        [],
        [[bounce()]],
        [json.dumps(bounce())],
    ],
    ids=repr,
)
def test_what_only_looks_like_a_record_is_quarantined(body: Any) -> None:
    result = classify(body)
    assert (result.outcome, result.entries) == ("quarantined", [])


def test_in_a_list_each_counts() -> None:
    result = classify([bounce(), "x", 5, complaint("bo@example.com"), {}, sqs_record(delivery("cy@example.com"))])
    assert (result.outcome, result.reason) == ("quarantined", "not an SES event: it has no type")
    assert [(entry.kind, entry.address) for entry in result.entries] == [
        ("permanent_bounce", ADDRESS),
        ("complaint", "bo@example.com"),
        ("delivery", "cy@example.com"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "software.amazon.payloadoffloading.PayloadS3Pointer",
        "com.amazon.sqs.javamessaging.MessageS3Pointer",
    ],
)
def test_a_pointer_to_s3_is_named(name: str) -> None:
    body = json.dumps([name, {"s3BucketName": "a-bucket", "s3Key": "a-key"}])
    for shape in (body, sns(body), lambda_sqs({})["Records"][0] | {"body": body}):
        result = classify(shape)
        assert result.outcome == "quarantined"
        assert result.reason == "a pointer of the SQS extended client: the body lies in S3"
    assert classify(json.dumps(["another list", {}])).reason == "not a JSON object"


@pytest.mark.parametrize("detail_type", SERVICE_EVENTS)
@pytest.mark.parametrize(
    "detail", [{"version": "1.0.0", "data": "{}"}, {"eventType": "AwsApiCall"}, bounce(), "text", 5]
)
def test_what_eventbridge_says_of_no_mail_has_no_effect(detail_type: str, detail: Any) -> None:
    result = classify(eventbridge({}) | {"detail-type": detail_type, "detail": detail})
    assert (result.outcome, result.reason, result.entries) == ("no_effect", SERVICE_EVENTS[detail_type], [])
    assert result.event_type == detail_type


@pytest.mark.parametrize("state", ["Status Open", "Status Resolved", "Status Closed", "of a kind that is not known"])
def test_advice_of_ses_has_no_effect(state: str) -> None:
    body = eventbridge({"version": "1.0.0"}) | {"detail-type": f"Advisor Recommendation {state}"}
    for shape in (body, sns(body), body | {"detail": None}):
        result = classify(shape)
        assert (result.outcome, result.event_type) == ("no_effect", ADVICE)
    assert classify(body | {"source": "aws.other"}).outcome == "quarantined"


@pytest.mark.parametrize(
    "wrong",
    [{"destination": {}}, {"timestamp": 5}, {"messageId": {}}, {"tags": [1]}, {"destination": [ADDRESS, 5]}],
    ids=repr,
)
@pytest.mark.parametrize("shape", ["a record of SQS", "a list of one", "a failed invocation", "everything at once"])
def test_a_field_of_another_type_hides_no_other_however_deep(shape: str, wrong: Json) -> None:
    deep = {"a record of SQS": sqs_record, "a list of one": lambda body: [body], "a failed invocation": on_failure}
    wrap = deep.get(shape, lambda body: [on_failure({"Records": [{"Sns": sns("") | {"Message": body}}]})])
    event = bounce()
    event["mail"] |= wrong
    [entry] = classify(wrap(event)).entries
    assert (entry.kind, entry.address) == ("permanent_bounce", ADDRESS)


@pytest.mark.parametrize(
    "text",
    [
        r"\ud800",
        r"a\udfffb",
        r"\ud83d\ude00",
        r"\ud83d",
        r"\\ud800",
        r"\\\ud800",
        "\ud800",
        r"\\ud800 \ud800",
        r"\\ud800\udc00",
        r"\\\\\ud800\ud83d\ude00",
    ],
)
def test_a_lone_surrogate_is_replaced_and_all_else_stays(text: str) -> None:
    body = json.dumps(bounce(feedbackId="@@")).replace("@@", text)
    expected = json.loads(f'"{text}"').encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    for shape in (body, json.dumps(sns("x")).replace('"x"', json.dumps(body))):
        [entry] = classify(shape).entries
        assert (entry.address, entry.feedback_id) == (ADDRESS, expected)


@pytest.mark.parametrize("key", ["eventType", "notificationType"])
@pytest.mark.parametrize("type_", SERVICE_EVENTS)
def test_only_eventbridge_says_that(key: str, type_: str) -> None:
    assert classify({key: type_}).outcome == "quarantined"
    assert classify(sns({key: type_})).outcome == "quarantined"
    assert classify(eventbridge({}) | {"detail-type": type_, "source": "somebody.else"}).outcome == "quarantined"


@pytest.mark.parametrize(("detail_type", "type_"), DETAIL_TYPES.items())
def test_where_the_event_has_no_type_eventbridge_says_it(detail_type: str, type_: str) -> None:
    event = bounce(key="eventType")
    del event["eventType"]
    [item] = unwrap(json.dumps(eventbridge(event) | {"detail-type": detail_type}))
    assert isinstance(item, Event)
    assert (item.type, item.published_at) == (type_, PUBLISHED)
    # What the event itself says counts before that.
    [item] = unwrap(json.dumps(eventbridge(bounce(key="eventType")) | {"detail-type": detail_type}))
    assert isinstance(item, Event)
    assert item.type == "Bounce"


def test_a_detail_without_any_type_is_quarantined() -> None:
    event = bounce()
    del event["notificationType"]
    assert classify(eventbridge(event)).outcome == "applied"
    assert classify(eventbridge(event) | {"detail-type": "Email Invented"}).outcome == "quarantined"
