"""Requests that fail are repeated for half a minute, whatever botocore's own pauses are; what won't pass is not."""

from __future__ import annotations

import io
import json
import socket
import ssl
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import botocore.retries.standard
import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, SSLError
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPResponse
from urllib3.exceptions import NameResolutionError

from ses_bounces.base.aws import patience
from ses_bounces.base.aws.clients import Place, explained, open_client
from ses_bounces.base.exceptions import AwsError, AwsRefusedError
from ses_bounces.base.settings import parse
from ses_bounces.doctor.clients import Clients
from ses_bounces.report.notice import Notice
from ses_bounces.report.senders import send_email
from tests.unit.report.test_notice import SUMMARY

pytestmark = pytest.mark.usefixtures("aws_models")

PLACE = Place("ses_bounces_aws", "us-west-2")
URL = "https://sqs.us-west-2.amazonaws.com/123456789012/q"

Answer = Callable[[float, str], tuple[int, bytes] | Exception]


class Aws:
    """What answers in AWS's place, with a clock that only pauses move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.times: list[float] = []
        self.hosts: list[str] = []
        self.answer: Answer = lambda now, url: (200, b"{}")

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def send(self, request: Any) -> AWSResponse:
        self.times.append(self.now)
        self.hosts.append(request.url.split("/")[2])
        found = self.answer(self.now, request.url)
        if isinstance(found, Exception):
            raise found
        status, body = found
        kind = "text/xml" if body.startswith(b"<") else "application/x-amz-json-1.0"
        headers = HeadersDict({"Content-Type": kind, "x-amzn-RequestId": "1"})
        return AWSResponse(request.url, status, headers, HTTPResponse(io.BytesIO(body), preload_content=False))


# Those of botocore 1.43, and those that 1.44 has always.
@pytest.fixture(params=[False, True], ids=["botocore-1.43", "botocore-1.44"])
def aws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setattr(botocore.retries.standard, "NEW_RETRIES_ENABLED", request.param, raising=False)
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", connection(region_name="us-west-2"))
    made = Aws()
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=made.sleep))
    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=lambda: made.now))
    monkeypatch.setattr(URLLib3Session, "send", lambda self, request: made.send(request))
    return made


def connection(**extra: Any) -> str:
    return json.dumps({"conn_type": "aws", "login": "AKIAXXXX", "password": "secret", "extra": extra})


def failing_until(end: float, failure: tuple[int, bytes] | Exception) -> Answer:
    return lambda now, url: failure if now < end else (200, b"{}")


THROTTLED = json.dumps({"__type": "com.amazonaws.sqs#RequestThrottled"}).encode()
PASSING = {
    "server error": (500, b"{}"),
    "unavailable": (503, b"<html>busy</html>"),
    "throttled": (400, THROTTLED),
    "too many": (429, b"{}"),
    "refused": EndpointConnectionError(endpoint_url=URL, error=ConnectionRefusedError()),
    "silent": ConnectTimeoutError(endpoint_url=URL),
    "no DNS": EndpointConnectionError(endpoint_url=URL, error=socket.gaierror(socket.EAI_AGAIN, "later")),
}


@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize("seconds", [1, 29.9])
def test_an_outage_of_half_a_minute_is_bridged(aws: Aws, kind: str, seconds: float) -> None:
    aws.answer = failing_until(seconds, PASSING[kind])
    answer = open_client("sqs", PLACE).receive_message(QueueUrl=URL)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    # Soon after it is over, and by few requests.
    assert aws.now < seconds + 1.25 * patience.LONGEST_PAUSE_SECONDS
    assert len(aws.times) <= 10


@pytest.mark.parametrize("kind", PASSING)
def test_a_longer_one_is_an_error(aws: Aws, kind: str) -> None:
    aws.answer = failing_until(1_000, PASSING[kind])
    with pytest.raises(AwsError), explained("sqs:ReceiveMessage", URL):
        open_client("sqs", PLACE).receive_message(QueueUrl=URL)
    assert 30 <= aws.now < 30 + 1.25 * patience.LONGEST_PAUSE_SECONDS


def test_the_fewest_requests_are_made_however_long_each_takes(aws: Aws) -> None:
    def answer(now: float, url: str) -> tuple[int, bytes]:
        aws.now += 60
        return (503, b"") if len(aws.times) < 4 else (200, b"{}")

    aws.answer = answer
    open_client("sqs", PLACE, attempts=4).receive_message(QueueUrl=URL)
    assert len(aws.times) == 4


@pytest.mark.parametrize("kind", PASSING)
def test_where_a_person_waits_nothing_is_repeated(aws: Aws, kind: str) -> None:
    aws.answer = failing_until(1_000, PASSING[kind])
    with pytest.raises(AwsError), explained("sqs:ReceiveMessage", URL):
        open_client("sqs", PLACE, attempts=1).receive_message(QueueUrl=URL)
    assert aws.times == [0]


def test_the_doctor_waits_for_each_a_short_time(aws: Aws) -> None:
    aws.answer = failing_until(1_000, (503, b"{}"))
    with pytest.raises(AwsError), explained("sqs:ReceiveMessage", URL):
        Clients(parse({"queue_urls": URL})).get("sqs", PLACE).receive_message(QueueUrl=URL)
    assert 5 <= aws.now < 15


def no_such_host(host: str) -> EndpointConnectionError:
    """As urllib3 has it: the system's error is only what led to its own."""
    try:
        try:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        except socket.gaierror as error:
            raise NameResolutionError(host, SimpleNamespace(host=host), error) from error  # type: ignore[arg-type]
    except NameResolutionError as error:
        return EndpointConnectionError(endpoint_url=f"https://{host}/", error=error)


@pytest.mark.parametrize(
    ("failure", "kind", "said"),
    [
        ((403, b'{"__type": "com.amazonaws.sqs#AccessDenied"}'), AwsRefusedError, "lacks a permission"),
        (SSLError(endpoint_url=URL, error=ssl.SSLCertVerificationError()), AwsError, "certificate of an authority"),
        (no_such_host("sqs.us-west-9.amazonaws.com"), AwsError, "there is no such host; check"),
        (
            no_such_host("sqs-fips.eu-west-1.amazonaws.com"),
            AwsRefusedError,
            "AWS has no FIPS endpoint of this service in this region; set use_fips_endpoint to false",
        ),
    ],
)
def test_what_does_not_pass_is_said_at_once(aws: Aws, failure: Any, kind: type[Exception], said: str) -> None:
    aws.answer = failing_until(1_000, failure)
    with pytest.raises(kind, match=said) as raised, explained("sqs:ReceiveMessage", URL):
        open_client("sqs", PLACE).receive_message(QueueUrl=URL)
    assert type(raised.value) is kind
    # What botocore makes of it itself takes a few short pauses more.
    assert len(aws.times) <= 4


ASSUMED = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>x</SessionToken>
<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


def test_whoever_assumes_the_role_waits_as_long(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    role = connection(role_arn="arn:aws:iam::123456789012:role/mail", region_name="us-west-2")
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", role)

    def answer(now: float, url: str) -> tuple[int, bytes]:
        if not url.startswith("https://sts."):
            return 200, b"{}"
        return (200, ASSUMED) if now >= 29.9 else (503, b"<html/>")

    aws.answer = answer
    open_client("sqs", PLACE).receive_message(QueueUrl=URL)
    assert aws.hosts[-2:] == ["sts.us-west-2.amazonaws.com", "sqs.us-west-2.amazonaws.com"]
    assert aws.now >= 29.9


SENT = b"""<SendRawEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><SendRawEmailResult>
<MessageId>1</MessageId></SendRawEmailResult></SendRawEmailResponse>"""


@pytest.mark.parametrize("fips", [False, True])
def test_a_report_by_ses_goes_by_the_same_kind_of_client(aws: Aws, fips: bool) -> None:
    aws.answer = lambda now, url: (200, SENT) if now >= 29.9 else (503, b"<html/>")
    settings = parse(
        {
            "queue_urls": URL, "report_email_to": "ops@example.com", "report_email_from": "reports@example.com",
            "report_email_conn_id": "ses_bounces_aws", "use_fips_endpoint": fips,
        }
    )  # fmt: skip
    send_email(settings, Notice(SUMMARY), None)
    assert aws.now >= 29.9
    assert set(aws.hosts) == {"email-fips.us-west-2.amazonaws.com" if fips else "email.us-west-2.amazonaws.com"}
