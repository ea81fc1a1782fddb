"""Signatures with what is kept: those that botocore makes of the same request at the same time."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

from ses_bounces.feed.sqs import signing
from ses_bounces.feed.sqs.signing import Signer

URL = "https://sqs.eu-west-1.amazonaws.com/"
KEYS = ReadOnlyCredentials("AKIDEXAMPLE", "secret", None)
HEADERS = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ReceiveMessage", "User-Agent": "us"}


class Auths:
    """Gives botocore's signer, and counts what it signs itself."""

    def __init__(self, keys: Any = KEYS, region: str = "eu-west-1") -> None:
        self.keys, self.region = keys, region
        self.signed = 0

    def __call__(self) -> SigV4Auth:
        outer = self

        class Counting(SigV4Auth):  # type: ignore[misc]
            def add_auth(self, request: Any) -> None:
                outer.signed += 1
                super().add_auth(request)

        return Counting(self.keys, "sqs", self.region)


def of_botocore(auth: SigV4Auth, url: str, headers: dict[str, str], data: bytes, at: str) -> dict[str, str]:
    request = AWSRequest("POST", url, {**headers, "X-Amz-Date": at}, data)
    request.context["timestamp"] = at
    if auth.credentials.token:
        request.headers["X-Amz-Security-Token"] = auth.credentials.token
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    auth._inject_signature_to_request(request, signature)
    return dict(request.headers.items())


words = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=",/"), min_size=1, max_size=40)


@given(
    access=words, secret=words, token=st.none() | words, region=st.sampled_from(["eu-west-1", "us-gov-west-1", "cn-north-1"]),
    url=st.sampled_from([URL, "http://127.0.0.1:4566/", "http://127.0.0.1:4566/sqs", "https://h.example/a b/é/../c"]),
    bodies=st.lists(st.binary(max_size=200), min_size=2, max_size=4),
)  # fmt: skip
def test_it_is_botocore_s_signature(
    access: str, secret: str, token: str | None, region: str, url: str, bodies: list[bytes]
) -> None:
    auths = Auths(ReadOnlyCredentials(access, secret, token), region)
    signer = Signer(auths, url)
    for body in bodies:
        signed = signer.sign("ReceiveMessage", HEADERS, body)
        assert signed == of_botocore(auths(), url, HEADERS, body, signed["X-Amz-Date"])
    # Midnight may have been in between.
    assert auths.signed in (1, 2)


def test_each_operation_has_its_own() -> None:
    auths = Auths()
    signer = Signer(auths, URL)
    other = {**HEADERS, "X-Amz-Target": "AmazonSQS.DeleteMessageBatch"}
    for _ in range(3):
        for operation, headers in (("ReceiveMessage", HEADERS), ("DeleteMessageBatch", other)):
            signed = signer.sign(operation, headers, b"{}")
            assert signed["X-Amz-Target"] == headers["X-Amz-Target"]
            assert signed == of_botocore(auths(), URL, headers, b"{}", signed["X-Amz-Date"])
    assert auths.signed in (2, 4)


@pytest.mark.parametrize(
    "fresh",
    [
        ReadOnlyCredentials("AKIDOTHER", "secret", None),
        ReadOnlyCredentials("AKIDEXAMPLE", "other", None),
        ReadOnlyCredentials("AKIDEXAMPLE", "secret", "token"),
    ],
)
def test_refreshed_credentials_are_used_at_once(fresh: ReadOnlyCredentials) -> None:
    auths = Auths()
    signer = Signer(auths, URL)
    first = signer.sign("ReceiveMessage", HEADERS, b"{}")
    auths.keys = fresh
    second = signer.sign("ReceiveMessage", HEADERS, b"{}")
    assert second != first
    assert second == of_botocore(auths(), URL, HEADERS, b"{}", second["X-Amz-Date"])
    assert second.get("X-Amz-Security-Token") == fresh.token


def test_a_key_is_used_for_its_day_only(monkeypatch: pytest.MonkeyPatch) -> None:
    auths = Auths()
    signer = Signer(auths, URL)
    signer.sign("ReceiveMessage", HEADERS, b"{}")
    tomorrow = time.gmtime(time.time() + 86_400)
    monkeypatch.setattr(signing.time, "gmtime", lambda: tomorrow)
    signer.sign("ReceiveMessage", HEADERS, b"{}")
    assert auths.signed == 2


def test_without_credentials_it_says_so() -> None:
    auths = Auths(None)
    with pytest.raises(NoCredentialsError):
        Signer(auths, URL).sign("ReceiveMessage", HEADERS, b"{}")
    auths.keys = Credentials("AKIDEXAMPLE", "secret")
    signer = Signer(auths, URL)
    signer.sign("ReceiveMessage", HEADERS, b"{}")
    auths.keys = None
    with pytest.raises(NoCredentialsError):
        signer.sign("ReceiveMessage", HEADERS, b"{}")


def test_a_botocore_that_signs_otherwise_signs_itself(caplog: pytest.LogCaptureFixture) -> None:
    class OfLater(SigV4Auth):  # type: ignore[misc]
        def string_to_sign(self, request: Any, canonical_request: str) -> Any:
            return f"{super().string_to_sign(request, canonical_request)}\nand more"

    signer = Signer(lambda: OfLater(KEYS, "sqs", "eu-west-1"), URL)
    for body in (b"1", b"2", b"3"):
        signed = signer.sign("ReceiveMessage", HEADERS, body)
        theirs = of_botocore(OfLater(KEYS, "sqs", "eu-west-1"), URL, HEADERS, body, signed["X-Amz-Date"])
        assert signed == theirs
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "secret" not in caplog.text
