"""What each message means, by the table of docs/semantics.md."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_bounces.classify import classify_body
from ses_bounces.classify.address import address_key
from ses_bounces.classify.entry import Classification
from ses_bounces.classify.rules import Rules
from tests.kit.builders import ADDRESS, bounce, complaint, delivery, eventbridge, iso, lambda_sns, lambda_sqs, sns

SENT_AT = datetime(2026, 3, 1, tzinfo=UTC)


def classify(body: Any, rules: Rules | None = None) -> Classification:
    text = body if isinstance(body, str) else json.dumps(body)
    return classify_body(text, rules or Rules(), SENT_AT)


def kinds(body: Any) -> list[str]:
    return [entry.kind for entry in classify(body).entries]


@pytest.mark.parametrize(
    ("type_", "sub_type", "kind"),
    [
        ("Permanent", "General", "permanent_bounce"),
        ("Permanent", "NoEmail", "permanent_bounce"),
        ("Permanent", "Suppressed", "permanent_bounce"),
        ("Permanent", "EmailValidationSuppressed", "permanent_bounce"),
        ("Permanent", "InventedIn2031", "permanent_bounce"),
        ("Permanent", None, "permanent_bounce"),
        ("Permanent", "OnAccountSuppressionList", "ses_suppression"),
        ("Permanent", "OnTenantSuppressionList", "ses_suppression"),
        ("Permanent", "UnsubscribedRecipient", "unsubscribed"),
        ("Transient", "General", "transient_bounce"),
        ("Transient", "MailboxFull", "transient_bounce"),
        ("Transient", "InventedIn2031", "transient_bounce"),
        ("Undetermined", "Undetermined", "transient_bounce"),
    ],
)
def test_bounces(type_: str, sub_type: str | None, kind: str) -> None:
    result = classify(sns(bounce(type_=type_, sub_type=sub_type)))
    assert (result.outcome, [entry.kind for entry in result.entries]) == ("applied", [kind])
    assert result.entries[0].address == ADDRESS


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, "complaint"),
        ({"complaintFeedbackType": None}, "complaint"),
        *[({"complaintFeedbackType": name}, "complaint") for name in ("abuse", "fraud", "virus", "other", "new")],
        ({"complaintFeedbackType": "not-spam"}, "not_spam"),
        ({"complaintFeedbackType": "auth-failure"}, "auth_failure"),
        ({"complaintFeedbackType": "not-spam", "complaintSubType": "OnAccountSuppressionList"}, "ses_suppression"),
    ],
)
def test_complaints(fields: dict[str, Any], kind: str) -> None:
    assert kinds(sns(complaint(**fields))) == [kind]


@pytest.mark.parametrize(
    "type_", ["DeliveryDelay", "Reject", "Rendering Failure", "Send", "Open", "Click", "Subscription", "Received"]
)
def test_no_effect(type_: str) -> None:
    result = classify(sns({"eventType": type_, "mail": {}}))
    assert (result.outcome, result.entries) == ("no_effect", [])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("no json", "not JSON"),
        ("[1]", "not a JSON object"),
        ("{}", "not an SES event: it has no type"),
        ({"eventType": "Unheard"}, "unknown event type"),
        ({"eventType": "Bounce"}, "a bounce without its bounce object"),
        (bounce(type_="permanent"), "unknown bounceType"),
        (bounce([]), "no recipients"),
        (bounce("nobody"), "a recipient is not an address"),
        (complaint([]), "no recipients"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_quarantined(body: Any, reason: str) -> None:
    result = classify(body)
    assert (result.outcome, result.reason, result.entries) == ("quarantined", reason, [])


def test_the_good_recipients_of_a_bad_message_count() -> None:
    result = classify(bounce([ADDRESS, "nobody"], destination=[ADDRESS]))
    assert result.outcome == "quarantined"
    assert [entry.address for entry in result.entries] == [ADDRESS]


@pytest.mark.parametrize("shape", [sns, eventbridge, lambda_sns, lambda_sqs, lambda event: event])
def test_one_event_has_one_key_in_every_shape(shape: Any) -> None:
    plain = classify(bounce()).entries[0]
    wrapped = classify(shape(bounce(key="eventType"))).entries[0]
    assert (wrapped.dedup_key, wrapped.address, wrapped.kind) == (plain.dedup_key, plain.address, plain.kind)


def test_a_foreign_address_blocks_nobody() -> None:
    result = classify(bounce("forwarded@example.net", destination=[ADDRESS]))
    assert {(entry.kind, entry.address) for entry in result.entries} == {
        ("foreign_bounce", "forwarded@example.net"),
        ("transient_bounce", ADDRESS),
    }


@pytest.mark.parametrize("destination", [["undisclosed"], ["a\x00@example.net"], ["other@example.com"]])
def test_a_destination_that_does_not_name_the_address_makes_it_foreign(destination: list[str]) -> None:
    result = classify(bounce(ADDRESS, destination=destination))
    assert ("foreign_bounce", ADDRESS) in {(entry.kind, entry.address) for entry in result.entries}
    assert "permanent_bounce" not in {entry.kind for entry in result.entries}


def test_without_a_destination_nothing_is_foreign() -> None:
    assert kinds(bounce(ADDRESS, destination=[])) == ["permanent_bounce"]


@pytest.mark.parametrize("odd", ["\ud800", "\x00", "é\udfff"])
def test_a_destination_is_cleaned_as_a_recipient_is(odd: str) -> None:
    """Both spellings go one way, so that an odd character never makes an address foreign to itself."""
    result = classify(bounce(f"a{odd}@example.com"))
    assert [entry.kind for entry in result.entries] == ["permanent_bounce"]
    result.entries[0].address.encode()
    foreign = classify(bounce("x@example.org", destination=[f"a{odd}@example.com"]))
    assert [entry.kind for entry in foreign.entries] == ["foreign_bounce", "transient_bounce"]
    for entry in foreign.entries:
        entry.address.encode()


def test_a_delivery_with_a_bad_recipient_counts_for_the_good_ones() -> None:
    result = classify(delivery([ADDRESS, "bad"]))
    assert (result.outcome, result.reason) == ("quarantined", "a recipient is not an address")
    assert [entry.address for entry in result.entries] == [ADDRESS]
    assert classify(delivery([])).outcome == "no_effect"


def test_a_foreign_address_of_a_mail_to_several_is_only_recorded() -> None:
    assert kinds(bounce("forwarded@example.net", destination=[ADDRESS, "other@example.com"])) == ["foreign_bounce"]


def test_several_possible_complainers() -> None:
    entries = classify(complaint([ADDRESS, "other@example.com"])).entries
    assert [entry.reason for entry in entries] == ["one of 2 possible complainers"] * 2


def test_a_bounce_dated_2030_does_not_last_for_ever() -> None:
    event = bounce()
    event["bounce"]["timestamp"] = "2030-01-01T00:00:00.000Z"
    entry = classify(event).entries[0]
    assert entry.occurred_at == SENT_AT
    assert entry.reason is not None
    assert "moved" in entry.reason


@pytest.mark.parametrize(("late", "is_said"), [(0, False), (0.999, False), (1, True), (90, True)])
def test_a_time_in_the_second_of_the_publication_is_held_and_not_worth_a_word(late: float, is_said: bool) -> None:
    event = complaint()
    event["complaint"]["timestamp"] = iso(SENT_AT + timedelta(seconds=late))
    entry = classify(event).entries[0]
    assert entry.occurred_at == SENT_AT
    assert ("moved" in (entry.reason or "")) is is_said


def test_transients_carry_deadline_and_policy() -> None:
    rules = Rules(grace=timedelta(days=3), promotion="age_and_rebounce", promotion_excludes=["MessageTooLarge"])
    entry = classify(bounce(type_="Transient"), rules).entries[0]
    assert (entry.deadline, entry.policy) == (entry.occurred_at + timedelta(days=3), "age_and_rebounce")
    assert classify(bounce(type_="Transient", sub_type="MessageTooLarge"), rules).entries[0].deadline is None


def test_topics() -> None:
    event = sns(delivery())
    topic = event["TopicArn"]
    assert classify(event, Rules(allowed_topic_arns=[topic])).outcome == "applied"
    assert classify(event, Rules(allowed_topic_arns=["arn:other"])).outcome == "quarantined"
    assert classify(delivery(), Rules(allowed_topic_arns=[topic])).outcome == "quarantined"
    assert classify(delivery(), Rules(allowed_topic_arns=[topic], allow_raw=True)).outcome == "applied"


def test_nul_and_lone_surrogates_become_replacement_characters() -> None:
    event = json.dumps(bounce())
    text = event.replace('"diagnosticCode": "', '"diagnosticCode": "\\u0000\\ud800')
    assert text != event
    entry = classify(text).entries[0]
    assert entry.diagnostic_code is not None
    assert entry.diagnostic_code.startswith("\ufffd\ufffd")


KEYS = [
    "Type", "Message", "Timestamp", "TopicArn", "Records", "Sns", "body", "ses", "source", "detail", "time",
    "notificationType", "eventType", "mail", "bounce", "complaint", "delivery", "bounceType", "bouncedRecipients",
    "complainedRecipients", "recipients", "emailAddress", "timestamp", "destination", "tags", "messageId", "feedbackId",
]  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["Notification", "Bounce", "Complaint", "Delivery", "Permanent", "Transient", "aws.ses", "a@b.c",
                     "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "{}", ""]),
    st.text(),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)),
    max_leaves=30,
)


@given(VALUES)
@settings(max_examples=500, deadline=None)
def test_no_json_raises_or_blocks_whom_it_does_not_name(value: Any) -> None:
    body = json.dumps(value)
    result = classify(body)
    assert result.outcome in ("applied", "no_effect", "quarantined")
    for entry in result.entries:
        assert address_key(entry.address) == entry.address
        assert entry.address.partition("@")[0] in body.lower()


@given(st.binary())
@settings(max_examples=300, deadline=None)
def test_no_bytes_raise(body: bytes) -> None:
    assert classify_body(body).entries == []
