"""The retention of the report's files under ``report_url``; that of the database is in making.py."""

from __future__ import annotations

from datetime import date, timedelta

from ses_bounces.base.report_folder import report_folder

# What is written into a day's folder; anything else there is somebody else's.
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
