"""What SQS says of the queue's KMS key, as botocore gives it and as the JSON protocol does, in words."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from ses_bounces.base.aws.errors import explain, is_throttling, needs_a_person

KINDS = [
    ("AccessDeniedException", "AccessDenied", "the role may not use the queue's KMS key"),
    ("DisabledException", "Disabled", "KMS key is disabled"),
    ("InvalidStateException", "InvalidState", "KMS key can't be used in its state"),
    ("InvalidKeyUsageException", "InvalidKeyUsage", "KMS key is not one for encryption"),
    ("NotFoundException", "NotFound", "KMS key does not exist"),
    ("OptInRequired", "OptInRequired", "not signed up for KMS"),
]
CODES = [
    (code, said) for of_query, of_json, said in KINDS
    for code in (f"KMS.{of_query}", f"Kms{of_json}", f"com.amazonaws.sqs#Kms{of_json}")
]  # fmt: skip


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "of someone@example.com"}}, "ReceiveMessage")


@pytest.mark.parametrize(("code", "said"), CODES)
def test_a_key_that_is_not_for_us(code: str, said: str) -> None:
    told = explain(error(code), "sqs:ReceiveMessage", "q")
    assert said in told
    assert code in told
    assert "@" not in told
    assert needs_a_person(error(code))


@pytest.mark.parametrize("code", ["KMS.ThrottlingException", "KmsThrottled", "com.amazonaws.sqs#KmsThrottled"])
def test_a_key_that_is_asked_for_too_often(code: str) -> None:
    assert "fewer requests" in explain(error(code), "sqs:ReceiveMessage", "q")
    assert is_throttling(code)
    assert not needs_a_person(error(code))


def test_a_code_of_the_service_itself_counts_without_its_prefix() -> None:
    assert "no such queue" in explain(error("AWS.SimpleQueueService.NonExistentQueue"), "sqs:ReceiveMessage", "q")
    assert needs_a_person(error("AWS.SimpleQueueService.NonExistentQueue"))
