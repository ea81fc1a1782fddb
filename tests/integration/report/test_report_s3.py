"""``report_url`` in S3: the files are written whole, written again, and deleted after their retention."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from dev.aws import EmulatedAws, temporary_aws
from ses_bounces.report.files import drop_old_files, publish_reports
from ses_bounces.report.making import make_report
from ses_bounces.suppression.drift import publish_drift, report_drift
from tests.integration.report.test_report import history, reported_day
from tests.kit.days import today

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

UTC_ZONE = ZoneInfo("UTC")
BUCKET, PREFIX = "reports", "mail/blocked"
URL = f"s3://{BUCKET}/{PREFIX}"
CONNECTION = "reports_s3"


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    with temporary_aws() as started:
        yield started


@pytest.fixture
def s3(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The bucket, and an Airflow connection to it."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", aws.connection_json())
    client = aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    for key in keys(client):
        client.delete_object(Bucket=BUCKET, Key=key)
    return client


def keys(client: Any) -> list[str]:
    return [entry["Key"] for entry in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_reports_are_written_to_s3_and_again_when_revised(database: Connection, s3: Any) -> None:
    history(database)
    make_report(database, reported_day(), UTC_ZONE)
    assert publish_reports(database, URL, CONNECTION) == 1
    names = ("blocked_report.csv", "blocked_report.html", "summary.json")
    # No temporary file is left.
    assert keys(s3) == [f"{PREFIX}/{reported_day()}/{name}" for name in names]
    written = s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}/{reported_day()}/blocked_report.csv")["Body"].read().decode()
    assert "new@example.com" in written
    assert publish_reports(database, URL, CONNECTION) == 0
    database.execute("UPDATE ses_bounces.report_day SET published_at = NULL, summary = summary || '{\"revision\": 7}'")
    assert publish_reports(database, URL, CONNECTION) == 1
    summary = json.loads(s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}/{reported_day()}/summary.json")["Body"].read())
    assert summary["revision"] == 7
    drift = report_drift(database, 45)
    publish_drift(database, drift, URL, CONNECTION, reported_day())
    assert f"{PREFIX}/{reported_day()}/suppression_drift.csv" in keys(s3)


def test_old_files_go_from_s3_and_nothing_else_does(database: Connection, s3: Any) -> None:
    old, kept = today() - timedelta(days=31), today() - timedelta(days=30)
    for day in (old, kept):
        for name in ("summary.json", "blocked_report.csv", "blocked_report.html", "suppression_drift.csv"):
            s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{day}/{name}", Body=b"x")
    others = [f"{PREFIX}/{old}/notes.txt", f"{PREFIX}/archive/summary.json", f"elsewhere/{old}/summary.json"]
    for key in others:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    assert drop_old_files(URL, CONNECTION, today(), 0) == 0
    assert drop_old_files(URL, CONNECTION, today(), 30) == 1
    left = keys(s3)
    assert [key for key in left if f"/{old}/" in key and key.startswith(PREFIX)] == [f"{PREFIX}/{old}/notes.txt"]
    assert len([key for key in left if f"/{kept}/" in key]) == 4
    assert set(others) <= set(left)
    assert drop_old_files(URL, CONNECTION, today(), 30) == 0


@pytest.mark.parametrize(
    "name",
    ["20200101", "2020-W01-1", "2020W011", "2020-01-01 ", "2020-1-1", "2020-01-01T00", "20-01-01", "２020-01-01"],
)
def test_a_folder_whose_name_is_not_as_we_write_it_is_somebody_elses(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "summary.json").write_text("mine")
    assert drop_old_files(tmp_path.as_uri(), None, today(), 7) == 0
    assert (tmp_path / name / "summary.json").read_text() == "mine"


def test_old_folders_go_from_a_disk(tmp_path: Path) -> None:
    old = tmp_path / (today() - timedelta(days=8)).isoformat()
    noted = tmp_path / (today() - timedelta(days=9)).isoformat()
    kept = tmp_path / (today() - timedelta(days=7)).isoformat()
    for folder in (old, noted, kept):
        folder.mkdir()
        (folder / "summary.json").write_text("{}")
    (noted / "notes.txt").write_text("mine")
    assert drop_old_files(tmp_path.as_uri(), None, today(), 7) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([noted.name, kept.name])
    assert [path.name for path in noted.iterdir()] == ["notes.txt"]
    assert drop_old_files((tmp_path / "not there yet").as_uri(), None, today(), 7) == 0
