"""What of a plan the emulator can't show: a customer's KMS key, and the records of a domain that is not verified yet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from ses_bounces.base.exceptions import AwsRefusedError
from ses_bounces.feed.setup.key import look_at_key
from ses_bounces.feed.setup.options import Options, Target
from ses_bounces.feed.setup.sending import verification

KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class OfKms(Target):
    """A target of which only the key is asked."""

    client: Any = None

    def kms(self) -> Any:
        return self.client


@pytest.fixture
def kms() -> Iterator[Stubber]:
    client = boto3.client("kms", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def target(kms: Stubber, key: str | None = "alias/mail") -> Target:
    options = Options("example.com", "eu-west-1", kms_key=key)
    return OfKms(options, None, None, None, None, ACCOUNT, "eu-west-1", "aws", client=kms.client)


def described(kms: Stubber, **fields: Any) -> None:
    metadata = {"KeyId": KEY_ID, "KeyManager": "CUSTOMER", "KeyState": "Enabled"} | fields
    kms.add_response("describe_key", {"KeyMetadata": metadata}, {"KeyId": "alias/mail"})


def with_policy(kms: Stubber, *statements: dict[str, Any]) -> None:
    described(kms)
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    # Not by the alias: GetKeyPolicy takes none.
    kms.add_response("get_key_policy", {"Policy": policy}, {"KeyId": KEY_ID, "PolicyName": "default"})


def grant(
    services: Any, actions: Any = ("kms:Decrypt", "kms:GenerateDataKey*"), account: str | None = None
) -> dict[str, Any]:
    condition = {"Condition": {"StringEquals": {"aws:SourceAccount": account}}} if account else {}
    given = [actions] if isinstance(actions, str) else list(actions)
    return {"Effect": "Allow", "Principal": {"Service": services}, "Action": given, "Resource": "*", **condition}


BOTH = ["ses.amazonaws.com", "sns.amazonaws.com"]


def test_without_a_key_nothing_is_asked(kms: Stubber) -> None:
    assert look_at_key(target(kms, None)) is None


@pytest.mark.parametrize(
    "statements",
    [
        [grant(BOTH)],
        [grant(BOTH[0], account=ACCOUNT), grant(BOTH[1], "kms:*")],
        [grant(BOTH, "kms:Decrypt"), grant(BOTH, "kms:GenerateDataKey")],
    ],
)
def test_a_key_that_lets_both_in_is_left_alone(kms: Stubber, statements: list[dict[str, Any]]) -> None:
    with_policy(kms, *statements)
    step = look_at_key(target(kms))
    assert step is not None
    assert (step.verdict, step.details) == ("left", [])


@pytest.mark.parametrize(
    ("statements", "lacking"),
    [
        ([grant("ses.amazonaws.com")], "sns.amazonaws.com"),
        ([grant("sns.amazonaws.com")], "ses.amazonaws.com"),
        ([grant(BOTH, "kms:Decrypt")], "ses.amazonaws.com and sns.amazonaws.com"),
        ([grant(BOTH[1]), grant(BOTH[0], account="210987654321")], "ses.amazonaws.com"),
        ([grant(BOTH) | {"Effect": "Deny"}], "ses.amazonaws.com and sns.amazonaws.com"),
    ],
)
def test_a_key_that_keeps_one_out_is_in_the_way(kms: Stubber, statements: list[dict[str, Any]], lacking: str) -> None:
    with_policy(kms, *statements)
    step = look_at_key(target(kms))
    assert step is not None
    assert step.verdict == "blocked"
    assert step.details == [
        f"Key alias/mail does not let {lacking} use kms:Decrypt and kms:GenerateDataKey*: messages would be lost. "
        "Add that to its policy; see docs/iam.md."
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"KeyManager": "AWS"}, "is managed by AWS; its policy lets neither SES nor SNS in"),
        ({"KeyState": "PendingDeletion"}, "is PendingDeletion: messages would be lost"),
        ({"KeyState": "Disabled"}, "is Disabled: messages would be lost. Enable it."),
    ],
)
def test_a_key_that_can_not_be_used_is_in_the_way(kms: Stubber, fields: dict[str, str], words: str) -> None:
    described(kms, **fields)
    step = look_at_key(target(kms))
    assert step is not None
    assert step.verdict == "blocked"
    assert words in step.details[0]


def test_a_key_that_is_not_there_and_one_that_may_not_be_looked_at(kms: Stubber) -> None:
    kms.add_client_error("describe_key", "NotFoundException")
    step = look_at_key(target(kms))
    assert step is not None
    assert step.details == ["There is no key alias/mail in eu-west-1: name one that is there, by id or ARN."]
    kms.add_client_error("describe_key", "AccessDeniedException")
    with pytest.raises(AwsRefusedError, match=r"kms:DescribeKey on alias/mail was refused .* lacks a permission"):
        look_at_key(target(kms))


def test_what_the_owner_of_an_identity_has_to_do() -> None:
    pending: dict[str, Any] = {"VerifiedForSendingStatus": False}
    assert verification("news@example.com", pending) == [
        "It is not verified: open the link in the mail that SES has sent to this address."
    ]
    records = [
        "It is not verified: put these records into the domain's DNS.",
        "abc._domainkey.example.com CNAME abc.dkim.amazonses.com",
        "def._domainkey.example.com CNAME def.dkim.amazonses.com",
    ]
    assert verification("example.com", pending | {"DkimAttributes": {"Tokens": ["abc", "def"]}}) == records
    # Some regions have a zone of their own.
    attributes = {"Tokens": ["abc"], "SigningHostedZone": "dkim.eu-south-1.amazonses.com"}
    assert verification("example.com", pending | {"DkimAttributes": attributes})[1] == (
        "abc._domainkey.example.com CNAME abc.dkim.eu-south-1.amazonses.com"
    )
    assert verification("example.com", {"VerifiedForSendingStatus": True}) == ["It is verified."]
