"""SNS's signatures, with keys and certificates of our own."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import Any

import pytest

from ses_bounces.classify import classify_body
from ses_bounces.classify.body import has_no_effect
from ses_bounces.classify.entry import Classification
from ses_bounces.classify.rules import Rules
from ses_bounces.classify.signature import fault_of, host_of, public_key
from ses_bounces.classify.structs import Node
from ses_bounces.classify.unwrapping import unwrap
from tests.kit.builders import TOPIC_ARN, bounce, complaint, lambda_sqs, sns
from tests.kit.signing import HOST, URL, Signer

SNS = Signer()
OTHER = Signer()
STRICT = Rules(verify_signatures=True)
WRONG = "its SNS signature is wrong"
UNSIGNED = "it has no SNS signature"


def verify(node: Node) -> str | None:
    keys = {SNS.url: public_key(SNS.pem)}
    return fault_of(node, keys.get)


def classify(body: Any, rules: Rules = STRICT) -> Classification:
    return classify_body(json.dumps(body), rules, None, verify)


def control(type_: str) -> dict[str, Any]:
    return {
        "Type": type_,
        "MessageId": "m",
        "Token": "t",
        "TopicArn": TOPIC_ARN,
        "Message": "You have chosen",
        "SubscribeURL": f"https://{HOST}/?Action=ConfirmSubscription",
        "Timestamp": "2026-01-10T08:00:09.000Z",
    }


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("envelope", [sns(bounce()), sns(bounce(), Subject="Äöü \U0001f600")], ids=["", "subject"])
def test_what_sns_signed_counts(envelope: dict[str, Any], version: str) -> None:
    assert classify(SNS.signed(envelope, version)).outcome == "applied"


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("type_", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_so_do_its_control_messages(type_: str, version: str) -> None:
    signed = SNS.signed(control(type_), version)
    assert classify(signed).outcome == "no_effect"
    for name in ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn"):
        assert classify(signed | {name: f"{signed[name]}x"}).reason == WRONG
        assert classify({key: value for key, value in signed.items() if key != name}).outcome == "quarantined"


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn"])
def test_a_changed_field_is_found_out(name: str, version: str) -> None:
    signed = SNS.signed(sns(complaint(), Subject="s"), version)
    changed = json.dumps(complaint("bo@example.com")) if name == "Message" else f"{signed[name]}x"
    result = classify(signed | {name: changed})
    assert (result.outcome, result.reason, result.entries) == ("quarantined", WRONG, [])
    if name == "Subject":
        del signed[name]
        assert classify(signed).reason == WRONG


def test_a_subject_that_is_null_is_none() -> None:
    # As Lambda writes it.
    assert classify(SNS.signed(sns(bounce())) | {"Subject": None}).outcome == "applied"


def test_lambda_spells_the_urls_otherwise() -> None:
    signed = SNS.signed(sns(bounce()))
    signed["SigningCertUrl"] = signed.pop("SigningCertURL")
    signed["UnsubscribeUrl"] = signed.pop("UnsubscribeURL")
    assert classify({"Records": [{"EventSource": "aws:sns", "Sns": signed}]}).outcome == "applied"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Signature": None}, UNSIGNED),
        ({"Signature": ""}, WRONG),
        ({"Signature": "no base64!"}, WRONG),
        ({"Signature": base64.b64encode(b"x" * 256).decode()}, WRONG),
        ({"Signature": 5}, UNSIGNED),
        ({"SignatureVersion": "3"}, "its SNS signature is of a version that is not known"),
        ({"SignatureVersion": None}, "its SNS signature is of a version that is not known"),
        ({"SignatureVersion": "1"}, WRONG),
        ({"SigningCertURL": None}, UNSIGNED),
        ({"SigningCertURL": "https://example.com/x.pem"}, "its SigningCertURL is not one of SNS"),
        ({"SigningCertURL": f"https://{HOST}/other.pem"}, "SNS has no certificate at its SigningCertURL"),
        ({"Message": bounce()}, WRONG),
    ],
    ids=repr,
)
def test_what_is_not_signed_right_is_quarantined(changes: dict[str, Any], reason: str) -> None:
    result = classify(SNS.signed(sns(bounce())) | changes)
    assert (result.outcome, result.reason, result.entries) == ("quarantined", reason, [])


def test_a_signature_with_anything_else_in_it_is_wrong() -> None:
    signed = SNS.signed(sns(bounce()))
    assert classify(signed | {"Signature": f"{signed['Signature'][:8]}\n{signed['Signature'][8:]}"}).reason == WRONG


def test_the_key_of_somebody_else_is_not_sns() -> None:
    assert classify(OTHER.signed(sns(bounce()))).reason == WRONG


def test_without_the_setting_nothing_is_checked() -> None:
    assert classify(sns(bounce()), Rules()).outcome == "applied"


def test_without_anybody_to_check_it_nothing_is_right() -> None:
    result = classify_body(json.dumps(SNS.signed(sns(bounce()))), STRICT)
    assert (result.outcome, result.reason) == ("quarantined", "its SNS signature was not checked")


def test_every_envelope_on_the_way_is_checked() -> None:
    within = SNS.signed(sns(bounce()))
    assert classify(SNS.signed(sns(within))).outcome == "applied"
    forged = within | {"Message": json.dumps(bounce("bo@example.com"))}
    assert classify(SNS.signed(sns(forged))).reason == WRONG
    assert classify(SNS.signed(sns("x")) | {"Message": json.dumps(within)}).reason == WRONG
    some = classify(lambda_sqs(within, forged))
    assert (some.reason, [entry.address for entry in some.entries]) == (WRONG, ["anna@example.com"])


@pytest.mark.parametrize("body", [bounce(), {"Message": json.dumps(bounce())}, lambda_sqs(bounce())], ids=repr)
def test_what_nobody_signed_follows_allow_raw(body: Any) -> None:
    assert classify(body).reason == "no TopicArn, and allow_raw is false"
    assert classify(body, Rules(verify_signatures=True, allow_raw=True)).outcome == "applied"


def test_what_is_put_beside_a_signed_message_is_raw() -> None:
    signed = SNS.signed(sns(bounce()))
    for beside in ({"Records": [bounce("bo@example.com")]}, {"Records": [{"body": json.dumps(bounce())}]}):
        assert classify(signed | beside).reason == "no TopicArn, and allow_raw is false"


def test_nothing_that_is_signed_is_settled_unseen() -> None:
    items = unwrap(json.dumps(SNS.signed(sns({"eventType": "Open"}))))
    assert has_no_effect(items, Rules())
    assert not has_no_effect(items, STRICT)


def test_topic_and_signature_are_both_asked_for() -> None:
    rules = partial(Rules, verify_signatures=True)
    signed = SNS.signed(sns(bounce()))
    assert classify(signed, rules(allowed_topic_arns=[TOPIC_ARN])).outcome == "applied"
    assert classify(signed, rules(allowed_topic_arns=["arn:other"])).reason == "TopicArn is not in allowed_topic_arns"


@pytest.mark.parametrize(
    "url",
    [
        URL, "https://sns.us-gov-west-1.amazonaws.com/a/b_c-D.pem", "https://sns.cn-north-1.amazonaws.com.cn/x.pem",
        "https://sns.ap-southeast-7.amazonaws.com/SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem",
    ],
)  # fmt: skip
def test_urls_of_sns(url: str) -> None:
    assert host_of(url) == url.split("/")[2]


@pytest.mark.parametrize(
    "url",
    [
        "", f"http://{HOST}/x.pem", f"HTTPS://{HOST}/x.pem", f"https://{HOST}:443/x.pem", f"https://{HOST}:8443/x.pem",
        f"https://user@{HOST}/x.pem", f"https://{HOST}@example.com/x.pem", f"https://{HOST}/x.pem?y", f"https://{HOST}/x.pem#y",
        f"https://{HOST}/?Action=x.pem", f"https://{HOST}/../x.pem", f"https://{HOST}/x.pem\n", f" https://{HOST}/x.pem",
        f"https://{HOST}.example.com/x.pem", f"https://{HOST}./x.pem", f"https://{HOST}\\@example.com/x.pem",
        "https://sns.amazonaws.com/x.pem", "https://example.com/sns.eu-west-1.amazonaws.com/x.pem",
        "https://s3.eu-west-1.amazonaws.com/x.pem", "https://sns.eu-west-1.amazonaws.com.example/x.pem",
        "https://sns.eu-west-1.amazonaws.org/x.pem", "https://sns.eu-west-1.s3.amazonaws.com/x.pem",
        f"https://{HOST}/x.pem%00", f"https://{HOST}/%2e%2e/x.pem", f"https://{HOST}//x.pem", f"https://{HOST}/x.crt",
        "https://sns.eu\uff0dwest-1.amazonaws.com/x.pem", "https://sns.eu-west-١.amazonaws.com/x.pem", f"https://{HOST}/ä.pem",
        f"//{HOST}/x.pem", f"https:/{HOST}/x.pem", f"https://{HOST}", f"https://{HOST}/{'x' * 5_000}.pem",
    ],
    ids=repr,
)  # fmt: skip
def test_other_urls_are_not_asked(url: str) -> None:
    assert host_of(url) is None


def test_what_is_no_certificate() -> None:
    assert public_key(SNS.pem) is not None
    for content in (b"", b"<html>", SNS.pem[:200], SNS.key_pem, b"\xff" * 100):
        assert public_key(content) is None
