"""``report_url`` on a disk: a URL of a folder with any name is that folder, for all that writes or deletes there."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ses_bounces.base.report_folder import report_folder
from ses_bounces.report.files import drop_old_files, publish_reports
from ses_bounces.report.making import make_report
from ses_bounces.suppression.drift import publish_drift, report_drift
from tests.integration.report.test_report import UTC_ZONE, history, reported_day

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

NAME = "50 % off, Müller & Söhne #1? a@b [x]+%20"


def test_reports_and_drift_are_written_and_deleted_in_a_folder_of_any_name(
    database: Connection, tmp_path: Path
) -> None:
    folder = tmp_path / NAME
    history(database)
    day = reported_day()
    make_report(database, day, UTC_ZONE)
    assert publish_reports(database, folder.as_uri(), None) == 1
    publish_drift(database, report_drift(database, 45), folder.as_uri(), None, day)
    assert {path.name for path in (folder / day.isoformat()).iterdir()} == {
        "blocked_report.csv", "blocked_report.html", "summary.json", "suppression_drift.csv",
    }  # fmt: skip
    assert drop_old_files(folder.as_uri(), None, day + timedelta(days=8), 7) == 1
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("url", "path"),
    [
        # As people have written them until now.
        ("file:///srv/reports", "/srv/reports"),
        ("file:///srv/daily reports/ü", "/srv/daily reports/ü"),
        ("file:///srv/100%/x", "/srv/100%/x"),
        # As every program writes them.
        ("file:///srv/daily%20reports/%C3%BC", "/srv/daily reports/ü"),
        ("file:///srv/100%25", "/srv/100%"),
        ("file:///srv/a%3Fb%23c", "/srv/a?b#c"),
        ("file:///srv/%FC", os.fsdecode(b"/srv/\xfc")),
        ("file://localhost/srv/reports", "/srv/reports"),
        ("local:///srv/a%20b", "/srv/a b"),
    ],
)
def test_the_path_of_a_url(url: str, path: str) -> None:
    assert report_folder(url, None).path == path


def test_a_key_of_s3_is_no_url() -> None:
    assert report_folder("s3://bucket/daily%20reports", None).path == "bucket/daily%20reports"
