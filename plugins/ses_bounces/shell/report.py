"""``ses-bounces report``: the daily report that is kept, in words, or its files."""

from __future__ import annotations

import argparse
import gzip
from datetime import date
from typing import TYPE_CHECKING

from ses_bounces.base.exceptions import ActionError
from ses_bounces.shell.command import DONE
from ses_bounces.shell.context import database
from ses_bounces.shell.export import write_whole
from ses_bounces.shell.output import answer, stream

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.ledger.lists.reports import ReportDay


def run(options: argparse.Namespace) -> int:
    """Show it, or write a file of it."""
    from ses_bounces.ledger.lists.reports import report_days

    with database(options) as connection:
        days = report_days(connection)
        if options.list:
            lines = [f"{one.day}{_notes(one)}" for one in days] or ["No report is kept yet."]
            answer(options, [one.day.isoformat() for one in days], *lines)
            return DONE
        found = _chosen(days, options.day)
        if options.format != "summary":
            _write(connection, options, found.day)
        else:
            from ses_bounces.report.notice import Notice

            answer(options, found.summary, *Notice(found.summary).text().splitlines(), *filter(None, [_notes(found)]))
    return DONE


def _chosen(days: list[ReportDay], day: date | None) -> ReportDay:
    """Return the report of a day, or of the newest finished one.

    :raises ActionError: there is none.
    """
    if day is None:
        newest = next((one for one in days if one.is_over), days[0] if days else None)
        if newest is None:
            raise ActionError("No report is kept yet: the first one is made by the hourly run after the first day.")
        return newest
    for one in days:
        if one.day == day:
            return one
    kept = f"kept are {days[-1].day} to {days[0].day}" if days else "none is kept yet"
    raise ActionError(f"There is no report of {day}: {kept}.")


def _write(connection: Connection, options: argparse.Namespace, day: date) -> None:
    from ses_bounces.report.kept import report_files

    files = report_files(connection, day)
    if files is None:
        raise ActionError(f"The report of {day} was dropped meanwhile.")
    text = gzip.decompress(files.csv if options.format == "csv" else files.html).decode()
    if options.output is None:
        stream().reconfigure(newline="")  # type: ignore[attr-defined]
        stream().write(text)
        stream().flush()
    else:
        write_whole(options.output, [text])


def _notes(one: ReportDay) -> str:
    notes = [
        *(["it was made before the day was over"] if not one.is_over else []),
        *(["later messages concern it: the next hourly run makes it again"] if one.is_stale else []),
    ]
    return f"  ({'; '.join(notes)})" if notes else ""
