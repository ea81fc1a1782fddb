"""Postgres is put back to a backup: what was drained since is lost, and ``ses-bounces restored`` says so."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from dev.aws import temporary_aws
from dev.ses import FakeSes
from ses_bounces.__main__ import main
from ses_bounces.base.database.connection import connect_url
from ses_bounces.report.kept import report_files
from tests.kit.builders import bounce, iso, sns
from tests.kit.tasks import Tasks

REGION = "us-east-1"


@pytest.fixture(scope="module")
def ses() -> Iterator[FakeSes]:
    with temporary_aws() as aws, FakeSes(aws) as started:
        yield started


class Site:
    """A feed, its hourly run, and a database that can be put back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, database_url: str, ses: FakeSes) -> None:
        self.url = database_url
        self.name = database_url.rpartition("/")[2].partition("?")[0]
        self.sqs = ses.client("sqs")
        self.queue = self.sqs.create_queue(QueueName="bounces")["QueueUrl"]
        self.sqs.purge_queue(QueueUrl=self.queue)
        ses.region().listed.clear()
        aws = ses.connection_json(region=REGION)
        self.tasks = Tasks(monkeypatch, database_url, aws, queue_urls=[self.queue], ses_regions=[REGION])
        # Sets the Variable.
        self.tasks.context("none")

    def bounces(self, address: str) -> None:
        event = bounce(address, feedbackId=address)
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=json.dumps(sns(event)))

    def hour(self) -> None:
        self.tasks.hour(report_today=True)

    def back_up(self) -> None:
        self._admin(f"CREATE DATABASE {self.name}_backup TEMPLATE {self.name}")

    def restore(self) -> None:
        self._admin(f"DROP DATABASE {self.name} WITH (FORCE)")
        self._admin(f"ALTER DATABASE {self.name}_backup RENAME TO {self.name}")

    def _admin(self, query: str) -> None:
        with psycopg.connect(self.url.replace(f"/{self.name}", "/postgres"), autocommit=True) as admin:
            admin.execute(query)

    def rows(self, query: str) -> list[Any]:
        with connect_url(self.url) as connection:
            return connection.execute(query).fetchall()

    def blocked(self) -> set[tuple[str, str]]:
        return set(self.rows("SELECT address, reason FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL"))

    def gaps(self) -> list[Any]:
        return self.rows("SELECT queue_url, first, last, cause FROM ses_bounces.feed_gap")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, database_url: str, ses: FakeSes) -> Site:
    return Site(monkeypatch, database_url, ses)


def restored(capsys: pytest.CaptureFixture[str], to: datetime, *more: str) -> Any:
    capsys.readouterr()
    status = main(["restored", "--from", to.isoformat(), "--reason", "the disk failed", "--json", *more])
    out, err = capsys.readouterr()
    assert status == 3, err
    return json.loads(out)


def test_what_was_drained_after_the_backup_is_told_and_comes_back_from_ses(
    site: Site, ses: FakeSes, capsys: pytest.CaptureFixture[str]
) -> None:
    site.bounces("anna@example.com")
    site.hour()
    site.back_up()
    at = datetime.now(UTC)
    site.bounces("bo@example.com")
    site.hour()
    assert site.blocked() == {("anna@example.com", "permanent_bounce"), ("bo@example.com", "permanent_bounce")}
    site.restore()
    ses.region().listed["bo@example.com"] = ("BOUNCE", datetime.now(UTC))
    assert site.blocked() == {("anna@example.com", "permanent_bounce")}

    tried = restored(capsys, at, "--dry-run")
    assert (len(tried["gaps"]), tried["reports"], tried["ses"]) == (1, 1, [])
    assert site.gaps() == []
    assert site.rows("SELECT FROM ses_bounces.admin_action") == []

    done = restored(capsys, at)
    assert done["ses"][0]["recorded"] == 1
    assert site.blocked() == {("anna@example.com", "permanent_bounce"), ("bo@example.com", "ses_suppression")}
    [(queue, first, last, cause)] = site.gaps()
    assert (queue, cause) == (site.queue, "restore")
    assert first <= at < last <= datetime.now(UTC)
    assert at - first < timedelta(minutes=2), "the drain before the backup read to the end"
    assert site.rows("SELECT kind, reason FROM ses_bounces.admin_action") == [("restored", "the disk failed")]

    site.hour()
    [(day, stale)] = site.rows("SELECT day, stale FROM ses_bounces.report_day")
    assert not stale
    [lacks] = site.rows("SELECT summary -> 'may_lack' FROM ses_bounces.report_day")[0][0]
    assert (lacks["queue"], lacks["cause"]) == ("bounces", "restore")
    with connect_url(site.url) as connection:
        files = report_files(connection, day)
    assert files is not None
    assert "Postgres was put back to a backup after bounces had been read" in gzip.decompress(files.html).decode()


def test_it_may_be_repeated_also_after_a_drain(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.hour()
    site.back_up()
    at = datetime.now(UTC)
    site.hour()
    site.restore()
    resumed = datetime.now(UTC)
    site.hour()
    # The queue was drained since: what it was before is told by the runs.
    first = restored(capsys, at, "--no-ses")
    [gap] = first["gaps"]
    assert datetime.fromisoformat(gap["first"]) <= at
    assert at <= resumed <= datetime.fromisoformat(gap["last"])
    [noted] = site.gaps()
    again = restored(capsys, at, "--no-ses")
    assert (again["gaps"], site.gaps()) == (first["gaps"], [noted])


def test_without_a_drain_before_the_backup_the_settings_say_which_queues_there_are(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    at = datetime.now(UTC)
    [gap] = restored(capsys, at, "--no-ses")["gaps"]
    assert (gap["queue"], datetime.fromisoformat(gap["first"])) == ("bounces", at)


def test_open_transients_may_have_been_answered(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    full = {"status": "4.2.2", "diagnosticCode": "smtp; 452 4.2.2 mailbox full"}
    now = iso(datetime.now(UTC))
    event = bounce("slow@example.com", "Transient", "MailboxFull", recipient=full, timestamp=now)
    site.sqs.send_message(QueueUrl=site.queue, MessageBody=json.dumps(sns(event, Timestamp=now)))
    site.hour()
    assert restored(capsys, datetime.now(UTC), "--no-ses")["transients"] == 1


@pytest.mark.parametrize(
    ("time", "says"), [("2999-01-01T00:00:00+00:00", "is not over by its own clock"), ("2999-01-01", "is not over")]
)
def test_a_time_that_is_not_over_is_refused(
    site: Site, capsys: pytest.CaptureFixture[str], time: str, says: str
) -> None:
    assert main(["restored", "--from", time, "--reason", "x"]) == 1
    assert says in capsys.readouterr().err
    assert site.gaps() == []


def test_what_aws_refuses_is_left_to_the_dag(site: Site, ses: FakeSes, capsys: pytest.CaptureFixture[str]) -> None:
    ses.refuse["ListSuppressedDestinations"] = ("AccessDeniedException", None)
    try:
        site.hour()
        [told] = restored(capsys, datetime.now(UTC))["ses"]
    finally:
        ses.refuse.clear()
    assert "was not read" in told["text"]
    assert "Trigger ses_suppression_sync with First day" in told["text"]
    assert len(site.gaps()) == 1
