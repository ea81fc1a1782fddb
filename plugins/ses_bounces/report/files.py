"""The retention of the report's files under ``report_url``; that of the database is in making.py."""

from __future__ import annotations

import gzip
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.files import write_file
from ses_bounces.base.report_folder import make_folder, report_folder
from ses_bounces.report.kept import report_files

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


# The files of a day's folder; any other file there is left alone.
FILES = ("summary.json", "blocked_report.html", "blocked_report.csv", "suppression_drift.csv")


def drop_old_files(url: str, conn_id: str | None, today: date, days_kept: int) -> int:
    """Delete the files of days before the retention, and their folders where nothing else is in them.

    :param url: the setting ``report_url``.
    :param conn_id: Airflow connection of the storage.
    :param days_kept: whole days back from today; 0 keeps all.
    :returns: of how many days.
    """
    if not days_kept:
        return 0
    root = report_folder(url, conn_id)
    oldest = today - timedelta(days=days_kept)
    dropped = 0
    for folder in list(root.iterdir()) if root.exists() else []:
        day = _day(folder.name)
        if day is None or day >= oldest:
            continue
        there = [folder / name for name in FILES if (folder / name).exists()]
        # The summary marks a report as whole: it goes first.
        for file in there:
            file.unlink()
        # In S3 a folder is gone with its last file.
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
        dropped += bool(there)
    return dropped


def _day(name: str) -> date | None:
    """Return the day of a folder that is ours; Python also reads dates that we write in no name (``20260101``)."""
    try:
        day = date.fromisoformat(name)
    except ValueError:
        return None
    return day if name == day.isoformat() else None


def publish_reports(connection: Connection, url: str, conn_id: str | None) -> int:
    """Write the files of all reports that are not yet written, ``summary.json`` last; returns how many reports.

    :param url: the setting ``report_url``; each day gets a folder of its own in it.
    :param conn_id: Airflow connection of the storage.
    """
    from ses_bounces.base.report_folder import report_folder

    root = report_folder(url, conn_id)
    written = 0
    with quiet():
        for (day,) in connection.execute(statement("report/select_unpublished")).fetchall():
            made = report_files(connection, day)
            if made is None:
                continue
            folder = root / day.isoformat()
            make_folder(folder)
            # The summary marks the report as whole: it goes first, and comes back last.
            (folder / "summary.json").unlink(missing_ok=True)
            write_file(folder, "blocked_report.csv", gzip.decompress(made.csv))
            write_file(folder, "blocked_report.html", gzip.decompress(made.html))
            write_file(folder, "summary.json", (json.dumps(made.summary, indent=2, sort_keys=True) + "\n").encode())
            connection.execute(statement("report/note_published"), {"day": day, "made_at": made.made_at})
            written += 1
    return written


def drop_old_reports(connection: Connection, days_kept: int) -> int:
    """Delete the reports of days before the retention; returns how many."""
    with quiet():
        return connection.execute(statement("report/drop_old"), {"days_kept": days_kept}).rowcount
