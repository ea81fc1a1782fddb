"""Direct requests to SQS, and what happens when they are not answered as they should be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.session import get_session
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import ProtocolError

from dev.aws import EmulatedAws, Feed, temporary_aws
from ses_bounces.base.exceptions import FeedError, QueueError, SettingsError
from ses_bounces.base.settings import parse
from ses_bounces.feed.sqs.direct import MAX_FAILURES, DirectCalls
from ses_bounces.feed.sqs.queue import SqsQueue, open_queue
from tests.kit.fake_sqs import URL, Answer, Server, refusal, serving

MESSAGE = {
    "MessageId": "m1",
    "ReceiptHandle": "r1",
    "Body": "né",
    "MD5OfBody": "0",
    "Attributes": {"SentTimestamp": "5"},
}
GOOD = (200, json.dumps({"Messages": [MESSAGE]}).encode())
UNDELETED = (200, json.dumps({"Successful": [{"Id": "0"}], "Failed": [{"Id": "1", "Code": "InternalError"}]}).encode())


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    with temporary_aws() as started:
        yield started


def test_a_request_is_what_the_client_would_send(server: Server) -> None:
    server.answers = [GOOD, GOOD, UNDELETED, UNDELETED]
    direct, client = server.queue(), SqsQueue(server.client(), URL)
    [message] = direct.receive()
    [same] = client.receive()
    assert (message["MessageId"], message["ReceiptHandle"], message["Body"]) == ("m1", "r1", "né")
    assert {name: same[name] for name in message} == message  # type: ignore[literal-required]
    assert direct.delete(["a", "b"]) == client.delete(["a", "b"]) == ["b"]
    assert server.ways == ["direct", "client", "direct", "client"]
    sent = [request for _, request in server.seen]
    assert (sent[0], sent[2]) == (sent[1], sent[3])
    for authorization in server.authorizations:
        assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
        assert "/eu-west-1/sqs/aws4_request, SignedHeaders=" in authorization
        for signed in ("host", "x-amz-date", "x-amz-target"):
            assert signed in authorization


@pytest.mark.parametrize(
    "bad",
    [
        (500, b"<html>no JSON</html>"),
        (503, b""),
        refusal(400, "RequestThrottled"),
        (200, b'{"Messages": [{"MessageId": "m1", '),
        (200, b'{"Messages": [{"MessageId": "m1"}]}'),
        (200, b'{"Messages": "of another kind"}'),
        (200, b"null"),
        None,
    ],
)
def test_what_is_no_answer_is_asked_again_by_the_client(server: Server, bad: Answer) -> None:
    server.answers = [bad, GOOD, GOOD]
    queue = server.queue()
    assert [message["MessageId"] for message in queue.receive()] == ["m1"]
    assert server.ways == ["direct", "client"]
    # One failure is no reason to leave the short way.
    assert queue.receive()
    assert server.ways == ["direct", "client", "direct"]


def test_the_client_repeats_as_ever(server: Server) -> None:
    server.answers = [(503, b""), (503, b""), (503, b""), GOOD]
    assert server.queue(attempts=3).receive()
    assert server.ways == ["direct", "client", "client", "client"]


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (refusal(400, "AccessDeniedException"), QueueError, "lacks a permission"),
        (refusal(400, "QueueDoesNotExist"), QueueError, 'correct "queue_urls"'),
        (refusal(403, "ExpiredToken"), QueueError, "the credentials have expired"),
        (refusal(403, "OverLimit"), FeedError, "too many messages are in flight"),
        ((500, b""), FeedError, "sqs:ReceiveMessage"),
        (None, FeedError, "sqs:ReceiveMessage"),
    ],
)
def test_a_refusal_is_explained_as_ever(
    server: Server, caplog: pytest.LogCaptureFixture, answer: Answer, kind: type[Exception], says: str
) -> None:
    server.answers = [answer] * 3
    with pytest.raises(kind, match=says) as raised, caplog.at_level("INFO", "ses_bounces"):
        server.queue().receive()
    assert "someone@example.com" not in f"{raised.value}{caplog.text}"
    assert server.ways[:2] == ["direct", "client"]


def test_after_some_failures_only_the_client_is_asked(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    queue = server.queue()
    server.answers = [(502, b""), GOOD] * MAX_FAILURES + [GOOD, UNDELETED]
    for _ in range(MAX_FAILURES):
        assert queue.receive()
    assert queue.receive()
    assert queue.delete(["a", "b"]) == ["b"]
    assert server.ways == ["direct", "client"] * MAX_FAILURES + ["client", "client"]
    assert [record.levelname for record in caplog.records if record.levelname == "WARNING"] == ["WARNING"]


def test_credentials_are_refreshed_before_they_expire(server: Server) -> None:
    made: list[int] = []

    def fresh(seconds: int) -> Callable[[], dict[str, str]]:
        from datetime import UTC, datetime, timedelta

        def refresh() -> dict[str, str]:
            made.append(len(made))
            expiry = datetime.now(UTC) + timedelta(seconds=seconds)
            return {
                "access_key": f"AKID{len(made)}",
                "secret_key": "s",
                "token": "t",
                "expiry_time": expiry.isoformat(),
            }

        return refresh

    session = get_session()
    # Due at once: every request has new ones.
    refresh = fresh(60)
    session._credentials = RefreshableCredentials.create_from_metadata(refresh(), refresh, "test")
    endpoint = f"http://127.0.0.1:{server.port}"
    client = session.create_client("sqs", region_name="eu-west-1", endpoint_url=endpoint)
    queue = SqsQueue(client, URL, DirectCalls.of(client))
    server.answers = [GOOD, GOOD]
    queue.receive()
    queue.receive()
    assert server.ways == ["direct", "direct"]
    first, second = (authorization.partition("Credential=")[2][:5] for authorization in server.authorizations)
    assert first != second
    assert len(made) >= 3


@pytest.mark.parametrize(
    ("region", "endpoint", "options"),
    [
        ("eu-west-1", None, {}),
        ("cn-north-1", None, {}),
        ("us-east-1", None, {"use_fips_endpoint": True}),
        ("us-gov-west-1", None, {"use_fips_endpoint": True}),
        ("eu-west-1", None, {"use_dualstack_endpoint": True}),
        ("eu-west-1", "https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com", {}),
        ("eu-west-1", "http://127.0.0.1:9/", {}),
        ("eu-west-1", "http://127.0.0.1:9/sqs", {}),
        ("eu-west-1", "http://127.0.0.1:9/sqs/", {}),
        ("eu-west-1", "http://sqs.test/", {"proxies": {"http": "http://127.0.0.1:8"}}),
        ("eu-west-1", None, {"proxies": {"https": "http://127.0.0.1:8"}}),
    ],
)
def test_the_endpoint_is_that_of_the_client(
    monkeypatch: pytest.MonkeyPatch, region: str, endpoint: str | None, options: dict[str, Any]
) -> None:
    client = boto3.client(
        "sqs", region_name=region, endpoint_url=endpoint, aws_access_key_id="x", aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}, **options),
    )  # fmt: skip
    asked: list[tuple[Any, ...]] = []

    def urlopen(pool: HTTPConnectionPool, method: str, url: str, body: bytes, headers: Any, *_: Any, **__: Any) -> None:
        scope = str(headers["Authorization"]).partition(",")[0].partition("/")[2]
        tls = (getattr(pool, "cert_reqs", None), getattr(pool, "ca_certs", None))
        asked.append((pool.scheme, pool.host, pool.port, pool.proxy, method, url, scope, *tls))
        raise ProtocolError

    monkeypatch.setattr(HTTPConnectionPool, "urlopen", urlopen)
    with pytest.raises(FeedError):
        SqsQueue(client, URL, DirectCalls.of(client)).receive()
    direct, by_client = asked[:2]
    assert direct == by_client


@pytest.mark.parametrize("version", ["v4", "bearer", "v4a"])
def test_what_signs_otherwise_goes_through_the_client(version: str) -> None:
    client = boto3.client(
        "sqs", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x",
        config=Config(signature_version=version),
    )  # fmt: skip
    assert (DirectCalls.of(client) is not None) is (version == "v4")
    assert DirectCalls.of(object()) is None


def test_the_drain_s_queue_is_read_directly(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", aws.connection_json())
    feed = Feed.create(aws)
    bodies = [f"body {number} é" for number in range(25)]
    feed.send_bodies(bodies)
    settings = parse({"queue_urls": [feed.queue_url]})
    queue = open_queue(settings, settings.queue_urls[0])
    assert queue.direct is not None
    # Whoever asks the client is found out.
    monkeypatch.setattr(type(queue.client), "_make_api_call", None)
    found: list[str] = []
    while messages := queue.receive():
        for message in messages:
            assert message["Attributes"]["ApproximateReceiveCount"] == "1"
            assert int(message["Attributes"]["SentTimestamp"]) > 1_700_000_000_000
            found.append(message["Body"])
        assert queue.delete([message["ReceiptHandle"] for message in messages]) == []
    assert sorted(found) == sorted(bodies)
    monkeypatch.undo()
    depth = queue.depth()
    assert (depth.waiting, depth.in_flight) == (0, 0)


@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "client"])
def test_without_direct_requests_botocore_s_events_see_each(
    aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch, is_direct: bool
) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", aws.connection_json())
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__DIRECT_REQUESTS", str(is_direct))
    feed = Feed.create(aws)
    bodies = [f"body {number}" for number in range(25)]
    feed.send_bodies(bodies)
    settings = parse({"queue_urls": [feed.queue_url]})
    queue = open_queue(settings, settings.queue_urls[0])
    seen: list[str] = []

    def note(event_name: str, **_: Any) -> None:
        seen.append(event_name)

    for event in ("request-created", "before-send"):
        queue.client.meta.events.register(f"{event}.sqs", note)
    found: list[str] = []
    asked: list[str] = []
    while messages := queue.receive():
        found += [message["Body"] for message in messages]
        assert queue.delete([message["ReceiptHandle"] for message in messages]) == []
        asked += ["ReceiveMessage", "DeleteMessageBatch"]
    asked.append("ReceiveMessage")
    assert sorted(found) == sorted(bodies)
    by_client = [] if is_direct else asked
    assert seen == [f"{event}.sqs.{name}" for name in by_client for event in ("request-created", "before-send")]
    depth = queue.depth()
    assert (depth.waiting, depth.in_flight) == (0, 0)


def test_a_dead_letter_queue_is_read_in_the_same_way(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", aws.connection_json())
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__DIRECT_REQUESTS", "False")
    feed = Feed.create(aws)
    settings = parse({"queue_urls": [feed.queue_url]})
    arn = f"arn:aws:sqs:eu-west-1:000000000000:{settings.queue_urls[0].name}"
    assert open_queue(settings, settings.queue_urls[0]).dead_letter_queue(arn).direct is None


def test_no_queue_is_opened_where_the_configuration_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__DIRECT_REQUESTS", "maybe")
    settings = parse({"queue_urls": [URL]})
    with pytest.raises(SettingsError, match=r'direct_requests is "maybe"; it must be True or False\. Change \[ses_b'):
        open_queue(settings, settings.queue_urls[0])
