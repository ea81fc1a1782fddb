"""The report by e-mail (a real SMTP server, the emulated SES) and to a webhook: once, with a link, without addresses."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from airflow.sdk.exceptions import AirflowSkipException

from dev.aws import temporary_aws
from dev.ports import free_port
from dev.ses import FakeSes
from ses_bounces.base.exceptions import (
    MissingConnectionError,
    PartlySentError,
    SendError,
    SendRefusedError,
    SettingsError,
)
from ses_bounces.dags.tasks import send as send_tasks
from ses_bounces.report.making import make_report
from tests.integration.report.test_report import history, reported_day
from tests.kit.days import today
from tests.kit.mailbox import Mailbox, smtp_server
from tests.kit.tasks import Tasks

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/q"
TO = ["ops@example.com", "legal@example.com"]
BASE = "https://airflow.example.com/base"


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mail server on the loopback interface, and the connection smtp_default to it."""
    with smtp_server(monkeypatch) as box:
        yield box


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch, database: Connection, database_url: str) -> Tasks:
    """The report of a day that is over, and the settings to send it by mail."""
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", BASE)
    history(database)
    make_report(database, reported_day(), ZoneInfo("UTC"))
    return Tasks(monkeypatch, database_url, "{}", queue_urls=[QUEUE], report_email_to=TO)


def by_mail(tasks: Tasks, **params: Any) -> list[str]:
    days: list[str] = send_tasks.send_report_email(tasks.context("send_report_email", **params))["days"]
    return days


def to_chat(tasks: Tasks, **params: Any) -> list[str]:
    days: list[str] = send_tasks.send_report_to_chat(tasks.context("send_report_to_chat", **params))["days"]
    return days


def sent(database: Connection) -> list[tuple[Any, ...]]:
    query = "SELECT day, channel, sent_at IS NOT NULL, claimed_at IS NULL FROM ses_bounces.report_notice ORDER BY 1, 2"
    return database.execute(query).fetchall()


def test_a_mail_with_numbers_chart_and_link_and_no_address(
    tasks: Tasks, mailbox: Mailbox, database: Connection
) -> None:
    assert by_mail(tasks) == [reported_day().isoformat()]
    [mail] = mailbox.mails
    assert mailbox.recipients == [TO]
    assert mail["From"] == "airflow@example.com"
    assert mail["Subject"] == f"Email Blocked Report of {reported_day()}: 1 address newly blocked"
    assert mail["Auto-Submitted"] == "auto-generated"
    body = mail.get_body(("html",))
    assert body is not None
    html = body.get_content()
    assert f"{BASE}/ses-bounces/reports/{reported_day()}" in html
    assert "1 complaint" in html
    assert "bgcolor=" in html
    assert "@example" not in html
    assert list(mail.iter_attachments()) == []
    assert sent(database) == [(reported_day(), "email", True, True)]


def test_it_is_sent_once_whatever_happens(tasks: Tasks, mailbox: Mailbox, database: Connection) -> None:
    assert by_mail(tasks) == [reported_day().isoformat()]
    assert by_mail(tasks) == []
    # Late messages, a backfill: the day's report is written again.
    database.execute("UPDATE ses_bounces.report_day SET revision = revision + 1, made_at = now()")
    assert by_mail(tasks) == []
    assert len(mailbox.mails) == 1
    assert by_mail(tasks, again=reported_day().isoformat()) == [reported_day().isoformat()]
    assert len(mailbox.mails) == 2


def test_days_in_order_and_no_flood_at_first(tasks: Tasks, mailbox: Mailbox, database: Connection) -> None:
    for days in (1, 2, 9, 20):
        make_report(database, today() - timedelta(days=days), ZoneInfo("UTC"))
    # Today's, so far: not finished.
    make_report(database, today(), ZoneInfo("UTC"))
    yesterday = today() - timedelta(days=1)
    assert by_mail(tasks) == [yesterday.isoformat()]
    # An outage later: what was missed of the last week.
    database.execute("UPDATE ses_bounces.report_notice SET day = day - 10")
    assert by_mail(tasks) == [day.isoformat() for day in (reported_day(), today() - timedelta(days=2), yesterday)]


def test_addresses_go_along_when_asked(tasks: Tasks, mailbox: Mailbox, database: Connection) -> None:
    tasks.settings["report_send_addresses"] = True
    by_mail(tasks)
    [attached] = mailbox.mails[0].iter_attachments()
    assert attached.get_filename() == f"blocked_report_{reported_day()}.csv.gz"
    table = gzip.decompress(attached.get_payload(decode=True)).decode()  # type: ignore[arg-type]
    assert "new@example.com" in table
    assert "before@example.com" in table


@pytest.mark.parametrize(
    ("answer", "error"),
    [("550 no such user", SendRefusedError), ("451 try later", SendError)],
    ids=["for good", "for now"],
)
def test_a_refusal_is_said_without_addresses_and_the_day_stays_due(
    tasks: Tasks, mailbox: Mailbox, database: Connection, answer: str, error: type[Exception]
) -> None:
    mailbox.answer = answer
    with pytest.raises(error) as raised:
        by_mail(tasks)
    assert type(raised.value) is error
    assert "smtp_default" in str(raised.value)
    assert answer[:3] in str(raised.value)
    assert "@" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    assert sent(database) == [(reported_day(), "email", False, True)]
    mailbox.answer = None
    assert by_mail(tasks) == [reported_day().isoformat()]


@pytest.mark.parametrize("answer", ["550 no such user", "450 try later"])
def test_one_of_two_recipients_who_is_refused_is_told_of(
    tasks: Tasks, mailbox: Mailbox, database: Connection, answer: str
) -> None:
    mailbox.answers[TO[1]] = answer
    with pytest.raises(PartlySentError) as raised:
        by_mail(tasks)
    assert f"refused 1 of 2 recipients of report_email_to ({answer[:3]})" in str(raised.value)
    assert "@" not in str(raised.value)
    # Whoever took it gets it once: the day is done.
    assert mailbox.recipients == [TO[:1]]
    assert sent(database) == [(reported_day(), "email", True, True)]
    assert by_mail(tasks) == []
    # As the error says.
    mailbox.answers.clear()
    assert by_mail(tasks, again=reported_day().isoformat()) == [reported_day().isoformat()]
    assert mailbox.recipients == [TO[:1], TO]


def test_a_refused_recipient_stops_no_other_day(tasks: Tasks, mailbox: Mailbox, database: Connection) -> None:
    mailbox.answers[TO[1]] = "550 no such user"
    make_report(database, reported_day() - timedelta(days=1), ZoneInfo("UTC"))
    database.execute(
        "INSERT INTO ses_bounces.report_notice (day, channel, sent_at) VALUES (%s, 'email', now())",
        [reported_day() - timedelta(days=2)],
    )
    with pytest.raises(PartlySentError):
        by_mail(tasks)
    assert len(mailbox.mails) == 2


def test_a_server_that_does_not_answer_is_tried_again(
    tasks: Tasks, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "airflow@example.com", "retry_limit": 1}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": free_port(9), "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
    with pytest.raises(SendError, match="can't be used"):
        by_mail(tasks)
    assert sent(database) == [(reported_day(), "email", False, True)]


def test_two_senders_at_once_send_one(tasks: Tasks, mailbox: Mailbox, database: Connection) -> None:
    claim = (
        "INSERT INTO ses_bounces.report_notice (day, channel, claimed_at) VALUES (%s, 'email', now() - %s::interval)"
    )
    database.execute(claim, [reported_day(), "1 minute"])
    assert by_mail(tasks) == []
    assert mailbox.mails == []
    # The other one was killed.
    database.execute("UPDATE ses_bounces.report_notice SET claimed_at = now() - interval '11 minutes'")
    assert by_mail(tasks) == [reported_day().isoformat()]


def test_what_is_missing_is_said(tasks: Tasks, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_POSTBOX", "http://127.0.0.1:9")
    for changed, error, said in (
        ({"report_email_to": []}, AirflowSkipException, "report_email_to is empty"),
        ({"report_email_conn_id": "nowhere"}, MissingConnectionError, "report_email_conn_id"),
        ({"report_email_conn_id": "postbox"}, SettingsError, "of type http"),
    ):
        before = dict(tasks.settings)
        tasks.settings |= changed
        with pytest.raises(error, match=said):
            by_mail(tasks)
        tasks.settings = before
    with pytest.raises(AirflowSkipException, match="report_chat_conn_id is not set"):
        to_chat(tasks)
    with pytest.raises(SettingsError, match="There is no report of 2020-01-01"):
        by_mail(tasks, again="2020-01-01")
    assert mailbox.mails == []


def test_by_ses(tasks: Tasks, database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    with temporary_aws() as aws, FakeSes(aws) as ses:
        monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", ses.connection_json())
        tasks.settings |= {"report_email_conn_id": "ses_bounces_aws", "report_send_addresses": True}
        with pytest.raises(SettingsError, match="report_email_from is not set"):
            by_mail(tasks)
        tasks.settings["report_email_from"] = "reports@news.example.com"
        ses.refuse["SendRawEmail"] = ("MessageRejected", 1)
        with pytest.raises(SendRefusedError, match="MessageRejected") as raised:
            by_mail(tasks)
        assert "@" not in str(raised.value)
        ses.refuse.clear()
        ses.client("ses").verify_email_identity(EmailAddress="reports@news.example.com")
        assert by_mail(tasks) == [reported_day().isoformat()]
        messages = httpx.get(f"{aws.endpoint_url}/_ministack/ses/messages", trust_env=False).json()["messages"]
    [[kept]] = messages.values()
    assert (kept["Source"], kept["To"]) == ("reports@news.example.com", TO)
    assert f"Email Blocked Report of {reported_day()}" in kept["Subject"]
    assert f"/reports/{reported_day()}" in kept["BodyHtml"]
    assert sent(database) == [(reported_day(), "email", True, True)]


class Chat(HTTPServer):
    """A chat's incoming webhook."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        # Where it says that it is now.
        self.location: str | None = None
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Webhook)


class _Webhook(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posted.append((self.path, body))
        moved = self.server.location is not None and self.path != self.server.location
        self.send_response(self.server.status if moved or self.server.location is None else 200)
        if moved:
            self.send_header("Location", self.server.location or "")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        pass


@contextmanager
def serving(chat: Chat) -> Iterator[None]:
    thread = threading.Thread(target=chat.serve_forever)
    thread.start()
    yield
    chat.shutdown()
    thread.join()
    chat.server_close()


@pytest.fixture
def chat(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    webhook = Chat()
    connection = {
        "conn_type": "http",
        "host": f"http://127.0.0.1:{webhook.server_port}/services",
        "password": "T0/B0/hidden",
    }
    monkeypatch.setenv("AIRFLOW_CONN_OPS_CHAT", json.dumps(connection))
    tasks.settings["report_chat_conn_id"] = "ops_chat"
    with serving(webhook):
        yield webhook


def test_to_a_chat(tasks: Tasks, chat: Chat, database: Connection) -> None:
    assert to_chat(tasks) == [reported_day().isoformat()]
    assert to_chat(tasks) == []
    [(path, body)] = chat.posted
    assert path == "/services/T0/B0/hidden"
    assert list(body) == ["text"]
    assert f"{BASE}/ses-bounces/reports/{reported_day()}" in body["text"]
    assert "@" not in body["text"]
    assert sent(database) == [(reported_day(), "chat", True, True)]


def test_to_a_chat_with_the_newly_blocked(tasks: Tasks, chat: Chat) -> None:
    tasks.settings |= {"report_send_addresses": True, "report_chat_format": "discord"}
    to_chat(tasks)
    [(_, body)] = chat.posted
    assert "`new@example.com`: complaint" in body["content"]
    assert "before@example.com" not in body["content"]


def test_a_chat_shows_the_address_and_not_its_cell_of_the_file(tasks: Tasks, chat: Chat, database: Connection) -> None:
    """A spreadsheet would take it for a formula: in the file an apostrophe stands before it."""
    database.execute("UPDATE ses_bounces.address SET address = '=sum@example.com' WHERE address = 'new@example.com'")
    make_report(database, reported_day(), ZoneInfo("UTC"))
    tasks.settings |= {"report_send_addresses": True}
    to_chat(tasks)
    assert "`=sum@example.com`: complaint" in chat.posted[0][1]["text"]


@pytest.mark.parametrize(("status", "error"), [(404, SendRefusedError), (503, SendError), (429, SendError)])
def test_a_webhook_that_refuses(
    tasks: Tasks,
    chat: Chat,
    database: Connection,
    status: int,
    error: type[Exception],
    capfd: pytest.CaptureFixture[str],
) -> None:
    chat.status = status
    with pytest.raises(error, match=str(status)) as raised:
        to_chat(tasks)
    assert type(raised.value) is error
    # Whoever has the path may write into the chat.
    assert "hidden" not in str(raised.value) + "".join(capfd.readouterr())
    assert sent(database) == [(reported_day(), "chat", False, True)]


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_webhook_that_has_moved_is_not_told_by_a_get(
    tasks: Tasks, chat: Chat, database: Connection, status: int
) -> None:
    chat.status, chat.location = status, "/login"
    with pytest.raises(SendRefusedError, match=f"has moved: it answered with status {status}") as raised:
        to_chat(tasks)
    assert "hidden" not in str(raised.value)
    assert chat.asked == []
    assert sent(database) == [(reported_day(), "chat", False, True)]


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirection_that_keeps_the_method_is_followed(tasks: Tasks, chat: Chat, status: int) -> None:
    chat.status, chat.location = status, "/elsewhere"
    assert to_chat(tasks) == [reported_day().isoformat()]
    assert [path for path, _ in chat.posted] == ["/services/T0/B0/hidden", "/elsewhere"]
    assert chat.posted[0][1] == chat.posted[1][1]


def test_an_answer_that_is_no_success_is_none(tasks: Tasks, chat: Chat) -> None:
    chat.status = 304
    with pytest.raises(SendRefusedError, match="304"):
        to_chat(tasks)


def test_a_webhook_that_is_not_there(
    tasks: Tasks, chat: Chat, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    gone = {"conn_type": "http", "host": f"http://127.0.0.1:{free_port(9)}", "password": "T0/B0/hidden"}
    monkeypatch.setenv("AIRFLOW_CONN_OPS_CHAT", json.dumps(gone))
    with pytest.raises(SendError, match="can't be reached") as raised:
        to_chat(tasks)
    assert "hidden" not in str(raised.value) + "".join(capfd.readouterr())


def test_without_a_url_of_airflow_there_is_no_link(tasks: Tasks, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW__API__BASE_URL")
    to_chat(tasks)
    assert "http" not in chat.posted[0][1]["text"]
