"""The daily reports that Postgres keeps."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_bounces.base.database.statements import statement

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


class ReportFiles(NamedTuple):
    """What a daily report consists of: the CSV file and the page packed by gzip, and the summary. Times are aware."""

    made_at: datetime
    csv: bytes
    html: bytes
    summary: dict[str, Any]


def report_files(connection: Connection, day: date) -> ReportFiles | None:
    """Return the files of a day's report; None: there is no report of that day."""
    row = connection.execute(statement("report/select_files"), {"day": day}).fetchone()
    return None if row is None else ReportFiles(row[0], bytes(row[1]), bytes(row[2]), row[3])
