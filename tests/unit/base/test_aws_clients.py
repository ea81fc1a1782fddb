"""Clients of AWS: the endpoint that each resolves, with FIPS and without, and the TLS that it speaks."""

from __future__ import annotations

import contextlib
import datetime
import io
import ipaddress
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from airflow.sdk import BaseHook
from botocore import httpsession
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.client import BaseClient
from botocore.exceptions import SSLError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from urllib3 import HTTPResponse

from ses_bounces.base.aws.clients import Place, account_of, explained, open_client, refuse_old_tls
from ses_bounces.base.exceptions import AwsError, MissingConnectionError
from ses_bounces.base.settings import parse
from ses_bounces.doctor.clients import Clients
from ses_bounces.feed.setup.options import Options, open_target
from ses_bounces.feed.sqs.queue import open_queue
from ses_bounces.suppression.import_files import open_folder
from ses_bounces.suppression.ses_list import open_list

pytestmark = pytest.mark.usefixtures("aws_models")

PACKAGE = Path(__file__).resolve().parents[3] / "plugins" / "ses_bounces"
REGION = "us-west-2"
PLACE = Place("ses_bounces_aws", REGION)
# Every service that the package asks, and the name of its endpoint.
SERVICES = {
    "cloudwatch": "monitoring",
    "kms": "kms",
    "s3": "s3",
    "ses": "email",
    "sesv2": "email",
    "sns": "sns",
    "sqs": "sqs",
    "sts": "sts",
}
URL = "https://sqs.us-west-2.amazonaws.com/123456789012/q"


def connection(**extra: Any) -> str:
    return json.dumps({"conn_type": "aws", "login": "AKIAXXXX", "password": "secret", "extra": extra})


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_USE_FIPS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", connection())


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The endpoint of each operation that would have gone out; STS answers."""
    made: dict[str, str] = {}

    def call(self: Any, operation: str, parameters: Any) -> Any:
        made[operation] = self.meta.endpoint_url
        if operation == "AssumeRole":
            expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
            keys = {"AccessKeyId": "ASIAX", "SecretAccessKey": "x", "SessionToken": "x", "Expiration": expires}
            return {"Credentials": keys, "AssumedRoleUser": {}, "ResponseMetadata": {"HTTPStatusCode": 200}}
        return {"Account": "123456789012", "ResponseMetadata": {}}

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    return made


def host(client: Any) -> str:
    parts = urlsplit(client.meta.endpoint_url)
    assert parts.scheme == "https"
    return parts.hostname or ""


def test_the_services_are_all_that_the_package_asks() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    asked = set(re.findall(r'(?:open_client|clients\.get)\(\s*"(\w+)"', source))
    [several] = re.findall(
        r"for name in \(([^)]+)\)\}", (PACKAGE / "feed/setup/options.py").read_text(encoding="utf-8")
    )
    assert asked | set(re.findall(r'"(\w+)"', several)) == set(SERVICES)
    # Nobody makes a client beside open_client, where FIPS and TLS are seen to.
    others = re.findall(r"boto3\.client\(|\.get_client_type\(|get_conn\(\)\.|[sS]ession\(\)\.client\(", source)
    assert others == [".get_client_type("]


@pytest.mark.parametrize("service", SERVICES)
def test_the_endpoint_of_each_service(service: str) -> None:
    assert re.fullmatch(rf"{SERVICES[service]}(\.{REGION})?\.amazonaws\.com", host(open_client(service, PLACE)))
    with_fips = open_client(service, PLACE, use_fips_endpoint=True)
    assert host(with_fips) == f"{SERVICES[service]}-fips.{REGION}.amazonaws.com"
    assert with_fips.meta.config.use_fips_endpoint is True


def test_s3_where_its_client_names_no_region() -> None:
    """In us-east-1 the endpoint is resolved anew for each request."""
    client = open_client("s3", Place("ses_bounces_aws", "us-east-1"), use_fips_endpoint=True)
    sent: list[str] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append(request.url)
        return AWSResponse(request.url, 200, {}, HTTPResponse(io.BytesIO(), preload_content=False))

    client.meta.events.register("before-send", answer)
    client.put_object(Bucket="mail", Key="k", Body=b"")
    assert sent == ["https://mail.s3-fips.us-east-1.amazonaws.com/k"]


def test_an_airflow_connection_may_ask_for_fips_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_SES_BOUNCES_AWS", connection(config_kwargs={"use_fips_endpoint": True, "read_timeout": 3})
    )
    client = open_client("sqs", PLACE, read_seconds=7)
    assert host(client) == f"sqs-fips.{REGION}.amazonaws.com"
    # What we need ourselves counts more than the connection's.
    assert client.meta.config.read_timeout == 7


def test_all_that_the_connection_says_holds_and_it_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said = connection(region_name="eu-west-1", verify=False, config_kwargs={"user_agent_extra": "ours"})
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", said)
    reads: list[str] = []
    read = BaseHook.get_connection
    monkeypatch.setattr(BaseHook, "get_connection", lambda conn_id: reads.append(conn_id) or read(conn_id))
    client = open_client("sqs", Place("ses_bounces_aws", None), threads=3)
    # Each is a question to Airflow's API.
    assert reads == ["ses_bounces_aws"]
    assert host(client) == "sqs.eu-west-1.amazonaws.com"
    assert client._endpoint.http_session._verify is False
    assert client.meta.config.user_agent.endswith(" ours")
    assert client.meta.config.max_pool_connections == 6
    assert client._request_signer._credentials.access_key == "AKIAXXXX"


def test_a_missing_connection_is_not_replaced_by_what_boto3_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another account's")
    monkeypatch.delenv("AIRFLOW_CONN_SES_BOUNCES_AWS")
    with pytest.raises(MissingConnectionError, match='connection "ses_bounces_aws" is missing'):
        open_client("sqs", PLACE)
    # Unless that is what the settings say.
    assert open_client("sqs", Place(None, REGION))._request_signer._credentials.access_key == "AKIAOTHER"


def test_the_setting_reaches_whoever_opens_a_client(calls: dict[str, str]) -> None:
    settings = parse({"queue_urls": [URL], "use_fips_endpoint": True, "ses_import_url": "s3://b/c"})
    folder = open_folder(settings, PLACE, REGION)
    assert folder is not None
    target = open_target(Options("example.com", REGION, use_fips_endpoint=True))
    doctor = Clients(settings)
    opened = [
        open_queue(settings, settings.queue_urls[0]).client,
        open_list(settings, PLACE).client,
        folder.client,
        *(target.sesv2, target.ses, target.sns, target.sqs, target.kms()),
        doctor.get("cloudwatch", PLACE),
    ]
    for client in opened:
        assert "-fips." in host(client), client.meta.service_model.service_name
    assert doctor.account(PLACE) == target.account == "123456789012"
    assert set(calls) == {"GetCallerIdentity"}
    assert urlsplit(calls["GetCallerIdentity"]).hostname == f"sts-fips.{REGION}.amazonaws.com"


@pytest.mark.parametrize("fips", [True, False])
def test_the_client_that_assumes_a_role_too(calls: dict[str, str], monkeypatch: pytest.MonkeyPatch, fips: bool) -> None:
    role = "arn:aws:iam::123456789012:role/mail"
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", connection(role_arn=role, region_name=REGION))
    assert account_of(PLACE, use_fips_endpoint=fips) == "123456789012"
    for operation in ("AssumeRole", "GetCallerIdentity"):
        assert ("-fips." in calls[operation]) is fips, operation


def test_fips_and_an_endpoint_of_ones_own_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", connection(endpoint_url="http://127.0.0.1:1"))
    client = open_client("sqs", PLACE, use_fips_endpoint=True, attempts=1)
    with pytest.raises(AwsError) as caught, explained("sqs:GetQueueUrl", "q"):
        client.get_queue_url(QueueName="q")
    assert "127.0.0.1" in str(caught.value) or "endpoint" in str(caught.value)


def answered(service: str, body: bytes, **headers: str) -> Any:
    """A client whose every request gets this answer."""
    client = open_client(service, PLACE, attempts=1)

    def answer(request: Any, **_: Any) -> AWSResponse:
        raw = HTTPResponse(io.BytesIO(body), preload_content=False)
        return AWSResponse(request.url, 200, HeadersDict({k.replace("_", "-"): v for k, v in headers.items()}), raw)

    client.meta.events.register("before-send", answer)
    return client


def test_the_hook_is_told_who_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def stack() -> list[Any]:
        stacks.append(1)
        return []

    stacks: list[int] = []
    monkeypatch.setattr("inspect.stack", stack)
    agent = open_client("sqs", PLACE).meta.config.user_agent
    # To look for it takes a tenth of a second; the rest is the hook's own.
    assert stacks == []
    assert "Caller/ses_bounces " in agent
    assert "AmPP/" in agent


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("sqs", "receive_message", {"QueueUrl": URL}),
        ("sesv2", "list_suppressed_destinations", {}),
        ("sns", "list_topics", {}),
    ],
)
def test_an_answer_that_ended_too_soon_is_not_an_empty_one(
    service: str, operation: str, parameters: dict[str, str]
) -> None:
    whole = b"<R><ListTopicsResult/></R>" if service == "sns" else b"{}"
    for length in (None, len(whole)):
        headers = {} if length is None else {"Content_Length": str(length)}
        assert getattr(answered(service, whole, **headers), operation)(**parameters)
    for cut in (whole, whole + b"   ", b""):
        client = answered(service, cut, Content_Length="500")
        with pytest.raises(AwsError, match="ConnectionClosedError"), explained(operation, "q"):
            getattr(client, operation)(**parameters)


def test_the_answer_to_head_has_a_length_and_no_body() -> None:
    assert answered("s3", b"", Content_Length="5").head_object(Bucket="b", Key="k")["ContentLength"] == 5


class TlsServer:
    """A server of HTTPS on the loopback interface that speaks no later TLS than one version."""

    def __init__(self, folder: Path, version: ssl.TLSVersion) -> None:
        self.ca_file, key_file = folder / "certificate.pem", folder / "key.pem"
        _certificate(self.ca_file, key_file)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.ca_file, key_file)
        # As old as OpenSSL still can be.
        self._context.set_ciphers("ALL:@SECLEVEL=0")
        self._context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        self._context.maximum_version = version
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.spoken: list[str | None] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                raw, _ = self._socket.accept()
            except OSError:
                return
            with raw, contextlib.suppress(OSError):
                raw.settimeout(10)
                with self._context.wrap_socket(raw, server_side=True) as secured:
                    self.spoken.append(secured.version())
                    _read_request(secured)
                    body = b'{"QueueUrl": "https://example.com/1/q"}'
                    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}"
                    secured.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode() + body)

    def close(self) -> None:
        self._socket.close()


def _read_request(secured: ssl.SSLSocket) -> None:
    # Whole: a connection that is closed with something unread in it is reset.
    request = b""
    while b"\r\n\r\n" not in request:
        request += secured.recv(65_536)
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        body += secured.recv(65_536)


def _certificate(certificate_file: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture
def tls(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsServer]:
    server = TlsServer(tmp_path, request.param)
    extra = {"endpoint_url": f"https://127.0.0.1:{server.port}", "verify": str(server.ca_file)}
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", connection(**extra))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.close()


@pytest.mark.parametrize("tls", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], indirect=True)
def test_tls_of_today_is_spoken(tls: TlsServer) -> None:
    client = open_client("sqs", PLACE, attempts=1, read_seconds=5)
    assert client.get_queue_url(QueueName="q")["QueueUrl"] == "https://example.com/1/q"
    assert tls.spoken in (["TLSv1.2"], ["TLSv1.3"])


def lenient_context(*_: Any) -> ssl.SSLContext:
    """botocore's context on a machine whose OpenSSL, by its configuration, still speaks everything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return context


@pytest.mark.parametrize("tls", [ssl.TLSVersion.TLSv1_1], indirect=True)
def test_older_tls_is_not_whatever_the_machine_allows(tls: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpsession, "create_urllib3_context", lenient_context)
    client = open_client("sqs", PLACE, attempts=1, read_seconds=5)
    with (
        pytest.raises(AwsError, match=r"\(SSLError, 127\.0\.0\.1\).*TLS 1\.2 or later"),
        explained("sqs:GetQueueUrl", "q"),
    ):
        client.get_queue_url(QueueName="q")
    # Nothing was agreed on: with anybody else on such a machine, the server speaks it.
    assert tls.spoken == []
    other = boto3.client("sqs", region_name=REGION, endpoint_url=f"https://127.0.0.1:{tls.port}", verify=tls.ca_file,
                         aws_access_key_id="AKIAXXXX", aws_secret_access_key="secret")  # fmt: skip
    assert other.get_queue_url(QueueName="q")["QueueUrl"] == "https://example.com/1/q"
    assert tls.spoken == ["TLSv1.1"]


def test_nor_to_a_proxy_or_through_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpsession, "create_urllib3_context", lenient_context)
    session = open_client("sqs", PLACE, attempts=1)._endpoint.http_session
    through = session._get_proxy_manager("http://127.0.0.1:1")
    assert through.connection_pool_kw["ssl_context"].minimum_version == ssl.TLSVersion.TLSv1_2
    assert session._get_ssl_context().minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_botocore_that_connects_in_another_way_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    refuse_old_tls(object())
    assert "up to the machine" in caplog.text


@pytest.mark.parametrize("tls", [ssl.TLSVersion.TLSv1_3], indirect=True)
def test_a_certificate_that_nobody_knows_is_refused(tls: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", connection(endpoint_url=f"https://127.0.0.1:{tls.port}"))
    client = open_client("sqs", PLACE, attempts=1, read_seconds=5)
    with pytest.raises(SSLError) as raised:
        client.get_queue_url(QueueName="q")
    # By its class: OpenSSL's words differ.
    assert isinstance(raised.value.kwargs["error"].args[0], ssl.SSLCertVerificationError)
