"""``verify_signatures`` from the certificate's host to Postgres: over TLS and a proxy, with certificates of our own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from ses_bounces.base.aws import certificates
from ses_bounces.base.aws.certificates import Certificates
from ses_bounces.base.exceptions import CertificateError, MissingConnectionError, ReplayError
from ses_bounces.base.settings import parse
from ses_bounces.classify.rules import Rules
from ses_bounces.dags.tasks import hourly
from ses_bounces.ledger import pending
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.replay import replay, try_replay
from tests.kit.builders import TOPIC_ARN, bounce, iso, sns
from tests.kit.certificate_host import CertificateHost
from tests.kit.signing import HOST, URL, Signer
from tests.kit.tasks import Tasks

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

SNS = Signer()
PATH = urlsplit(URL).path
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/queue"
STRICT = Rules(verify_signatures=True)
WRONG = "its SNS signature is wrong"
NOW = datetime.now(UTC).replace(microsecond=0)
WINDOW = (NOW - timedelta(hours=1), NOW + timedelta(hours=1))
GONE = f"https://{HOST}/made-up.pem"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CertificateHost]:
    monkeypatch.setattr(certificates, "PAUSES", (0.0, 0.0))
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    with CertificateHost(tmp_path) as host:
        host.pages[PATH] = 200, SNS.pem
        monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", host.connection())
        yield host


def ours() -> Certificates:
    return Certificates.of(parse({"queue_urls": [QUEUE], "verify_signatures": True}))


def reported(name: str) -> dict[str, Any]:
    event = bounce(f"{name}@example.com", feedbackId=f"feedback of {name}", timestamp=iso(NOW))
    event["mail"]["timestamp"] = iso(NOW - timedelta(seconds=9))
    return sns(event, Timestamp=iso(NOW))


def signed(name: str, signer: Signer = SNS, version: str = "2") -> str:
    return json.dumps(signer.signed(reported(name), version))


def forged(name: str) -> str:
    return json.dumps(SNS.signed(reported("somebody")) | {"Message": reported(name)["Message"]})


def put(connection: Connection, *bodies: str) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome)"
            " VALUES ('id', 'queue', %s, %s, 'pending')",
            [(body, NOW) for body in bodies],
        )


def outcomes(connection: Connection) -> list[tuple[str, str | None]]:
    query = "SELECT outcome, reason FROM ses_bounces.message ORDER BY message_id"
    return [(str(outcome), reason) for outcome, reason in connection.execute(query)]


def blocked(connection: Connection) -> set[str]:
    query = "SELECT split_part(address, '@', 1) FROM ses_bounces.blocked_list WHERE is_open"
    return {str(name) for (name,) in connection.execute(query)}


def test_only_what_sns_signed_counts(host: CertificateHost, database: Connection) -> None:
    unsigned = json.dumps(bounce("raw@example.com"))
    put(database, signed("one", version="1"), signed("two"), forged("three"), signed("four", Signer()), unsigned)
    done = classify_pending(database, STRICT, verify=ours().fault_of)
    assert outcomes(database) == [
        ("applied", None),
        ("applied", None),
        ("quarantined", WRONG),
        ("quarantined", WRONG),
        ("quarantined", "no TopicArn, and allow_raw is false"),
    ]
    assert blocked(database) == {"one", "two"}
    assert done.left == set()
    # Once, through the proxy, and nothing else.
    assert host.asked == [f"CONNECT {HOST}:443", f"GET {PATH}"]


def test_raw_ones_follow_allow_raw(host: CertificateHost, database: Connection) -> None:
    put(database, json.dumps(bounce("raw@example.com")), forged("three"))
    classify_pending(database, Rules(verify_signatures=True, allow_raw=True), verify=ours().fault_of)
    assert blocked(database) == {"raw"}
    assert host.asked == [f"CONNECT {HOST}:443", f"GET {PATH}"]


def test_an_authority_that_the_connection_does_not_name_is_not_trusted(
    host: CertificateHost, database: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(Signer().pem)
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", host.connection(verify=str(other)))
    put(database, signed("one"))
    done = classify_pending(database, STRICT, verify=ours().fault_of)
    assert (outcomes(database), blocked(database)) == ([("pending", None)], set())
    assert f"A certificate can't be had: {URL} (SSLError). Let the workers reach {HOST} on port 443" in done.why_left


def test_a_certificate_of_another_host_is_not_trusted(database: Connection, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(certificates, "PAUSES", ())
    with CertificateHost(tmp_path, name="example.com") as host:
        host.pages[PATH] = 200, SNS.pem
        monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", host.connection())
        put(database, signed("one"))
        done = classify_pending(database, STRICT, verify=ours().fault_of)
    assert done.left
    assert "SSLError" in done.why_left


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((404, b""), "status 404"),
        ((403, b"<AccessDenied/>"), "status 403"),
        ((500, b""), "status 500"),
        ((302, b""), "status 302"),
        ((200, b"<html>log in</html>"), "what was answered is no certificate"),
        ((200, b""), "what was answered is no certificate"),
        ((200, b"x" * 1_000_000), "what was answered is no certificate"),
    ],
)
def test_without_its_certificate_a_message_stays_pending_and_others_go_on(
    host: CertificateHost, database: Connection, answer: tuple[int, bytes], problem: str
) -> None:
    host.pages[PATH] = answer
    put(database, signed("one"), json.dumps(bounce("raw@example.com")), signed("two"), "no JSON")
    rules = Rules(verify_signatures=True, allow_raw=True)
    done = classify_pending(database, rules, verify=ours().fault_of)
    assert [outcome for outcome, _ in outcomes(database)] == ["pending", "applied", "pending", "quarantined"]
    assert len(done.left) == 2
    assert f"A certificate can't be had: {URL} ({problem})." in done.why_left
    # A server's fault is tried again; what it says is not.
    assert len(host.asked) == 2 * (3 if answer[0] == 500 else 1)
    # The next run goes on.
    host.pages[PATH] = 200, SNS.pem
    assert classify_pending(database, rules, verify=ours().fault_of).outcomes == {"applied": 2}
    assert blocked(database) == {"one", "two", "raw"}


def test_many_that_stay_pending_keep_nobody_from_being_classified(
    host: CertificateHost, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "MESSAGES_PER_CHUNK", 3)
    host.pages.clear()
    put(database, *(signed(f"s{n}") for n in range(8)), json.dumps(bounce("raw@example.com")), *[signed("x")] * 8)
    done = classify_pending(database, Rules(verify_signatures=True, allow_raw=True), verify=ours().fault_of)
    assert (done.outcomes, len(done.left), blocked(database)) == ({"applied": 1}, 16, {"raw"})


@pytest.mark.parametrize("is_first", [True, False])
def test_a_name_that_was_made_up_keeps_nothing_waiting(
    host: CertificateHost, database: Connection, is_first: bool
) -> None:
    made_up = signed("forger", Signer(GONE))
    put(database, *((made_up, signed("one")) if is_first else (signed("one"), made_up)))
    done = classify_pending(database, STRICT, verify=ours().fault_of)
    assert (done.left, done.why_left, blocked(database)) == (set(), "", {"one"})
    assert ("quarantined", "SNS has no certificate at its SigningCertURL") in outcomes(database)
    assert sorted(host.asked) == [f"CONNECT {HOST}:443"] * 2 + sorted([f"GET {PATH}", "GET /made-up.pem"])


def test_a_host_that_does_not_answer_is_asked_once(
    host: CertificateHost, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody listens there.
    nobody = {"config_kwargs": {"proxies": {"https": "http://user:secret@127.0.0.1:9"}}}
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", host.connection(**nobody))
    put(database, *(signed(f"s{n}", Signer(f"https://{HOST}/{n}.pem")) for n in range(3)))
    fetched: list[str] = []
    check = ours()
    fetch = check._fetch

    def counting(url: str) -> tuple[int, bytes]:
        fetched.append(url)
        return fetch(url)

    check._fetch = counting
    done = classify_pending(database, STRICT, verify=check.fault_of)
    assert len(done.left) == 3
    assert "(ProxyConnectionError)" in done.why_left
    assert "secret" not in done.why_left
    assert fetched == [f"https://{HOST}/0.pem"] * 3


def test_a_connection_that_is_missing_is_the_tasks_error_not_the_messages(
    host: CertificateHost, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SES_BOUNCES_AWS")
    put(database, signed("one"))
    with pytest.raises(MissingConnectionError):
        classify_pending(database, STRICT, verify=ours().fault_of)
    assert outcomes(database) == [("pending", None)]


def test_nothing_is_fetched_within_a_transaction(host: CertificateHost, database: Connection) -> None:
    """Not within one of the same session: what is read ahead is read while Postgres works on the batch before."""
    check = ours()
    states: list[bool] = []
    fetch = check._fetch

    def looking(url: str) -> tuple[int, bytes]:
        states.append(database.info.transaction_status.name == "IDLE")
        return fetch(url)

    check._fetch = looking
    put(database, signed("one"))
    classify_pending(database, STRICT, verify=check.fault_of)
    try_replay(database, STRICT, WINDOW, ours().fault_of)
    assert states == [True]


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch, database_url: str, host: CertificateHost) -> Tasks:
    return Tasks(monkeypatch, database_url, host.connection(), queue_urls=[QUEUE], verify_signatures=True)


def test_the_task_fails_and_says_what_to_do(tasks: Tasks, host: CertificateHost, database: Connection) -> None:
    host.pages.clear()
    put(database, signed("one"), signed("two"))
    with pytest.raises(
        CertificateError, match=rf"^2 messages can't be checked\. A certificate can't be had: {URL} .* stays pending"
    ):
        hourly.classify_bounces(tasks.context("classify_bounces"))
    assert [outcome for outcome, _ in outcomes(database)] == ["pending", "pending"]
    host.pages[PATH] = 200, SNS.pem
    assert hourly.classify_bounces(tasks.context("classify_bounces"))["outcomes"] == {"applied": 2}
    assert blocked(database) == {"one", "two"}


def test_a_replay_takes_away_what_a_forged_message_did(host: CertificateHost, database: Connection) -> None:
    put(database, signed("one"), forged("two"))
    classify_pending(database, Rules())
    assert blocked(database) == {"one", "two"}
    tried = try_replay(database, STRICT, WINDOW, ours().fault_of)
    assert tried.outcomes == {"applied → quarantined": 1}
    replay(database, STRICT, WINDOW, ours().fault_of)
    assert blocked(database) == {"one"}
    assert outcomes(database) == [("applied", None), ("quarantined", WRONG)]
    # Back again, without the setting: what was tried with other settings does not count.
    with pytest.raises(ReplayError, match="was not tried"):
        replay(database, Rules(), WINDOW)
    try_replay(database, Rules(), WINDOW)
    replay(database, Rules(), WINDOW)
    assert blocked(database) == {"one", "two"}


def test_a_replay_without_the_certificate_changes_nothing(host: CertificateHost, database: Connection) -> None:
    put(database, signed("one"), forged("two"))
    classify_pending(database, Rules())
    try_replay(database, STRICT, WINDOW, ours().fault_of)
    host.pages.clear()
    before = outcomes(database)
    for read in (try_replay, replay):
        with pytest.raises(CertificateError, match=r"can't be had"):
            read(database, STRICT, WINDOW, ours().fault_of)
    assert (outcomes(database), blocked(database)) == (before, {"one", "two"})


def test_a_replay_leaves_what_an_erased_address_was_taken_out_of(host: CertificateHost, database: Connection) -> None:
    put(database, signed("one"), forged("two"), signed("three"))
    classify_pending(database, STRICT, verify=ours().fault_of)
    change = "UPDATE ses_bounces.message SET body = replace(body, 'one', 'gone'), erased_at = now() WHERE body ~ 'one@'"
    assert database.execute(change).rowcount == 1
    database.execute("UPDATE ses_bounces.message SET erased_at = now() WHERE body ~ 'two@'")
    before = outcomes(database)
    tried = try_replay(database, STRICT, WINDOW, ours().fault_of)
    assert (tried.messages, tried.found, tried.outcomes) == (1, {}, {})
    replay(database, STRICT, WINDOW, ours().fault_of)
    assert (outcomes(database), blocked(database)) == (before, {"one", "three"})


def test_topics_are_asked_for_before_anything_is_fetched(host: CertificateHost, database: Connection) -> None:
    put(database, signed("one"))
    rules = Rules(verify_signatures=True, allowed_topic_arns=[f"{TOPIC_ARN}-other"])
    classify_pending(database, rules, verify=ours().fault_of)
    assert outcomes(database) == [("quarantined", "TopicArn is not in allowed_topic_arns")]
    assert host.asked == []
