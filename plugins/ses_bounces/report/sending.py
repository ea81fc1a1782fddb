"""A day's report goes out once on each channel.

``ses_bounces.report_notice`` says so: a sender claims the report first, so that two runs don't send it at once, and
notes when it was sent right afterwards. Only a sender that is killed in between sends it again.
"""

from __future__ import annotations

import csv
import gzip
import io
import logging
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from ses_bounces.base import sites
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import PartlySentError, SettingsError
from ses_bounces.base.pages import page_url
from ses_bounces.base.spreadsheet import plain
from ses_bounces.report.kept import report_files
from ses_bounces.report.notice import Notice

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings

log = logging.getLogger(__name__)

Channel = Literal["email", "chat"]
# Takes the notice, and the report's table packed by gzip where ``report_send_addresses`` is on.
Send = Callable[[Notice, bytes | None], None]


def send_reports(
    connection: Connection, settings: Settings, channel: Channel, send: Send, again: date | None = None
) -> Iterator[date]:
    """Send the reports of finished days that this channel has not had; yields each day that was sent.

    :param connection: autocommit.
    :param again: this day only, whether it was sent or not.
    :raises SettingsError: there is no report of ``again``.
    :raises PartlySentError: some recipients were refused; all days were sent to the others.
    """
    refused: PartlySentError | None = None
    days = [again] if again else [day for (day,) in _rows(connection, "report/select_to_send", channel=channel)]
    for day in days:
        if _rows(connection, "report/claim_notice", day=day, channel=channel, again=again is not None):
            try:
                _send_claimed(connection, settings, channel, day, send)
            except PartlySentError as error:
                # The other days are still sent to those who are not refused.
                refused = error
            log.info("Sent the report of %s (%s)", day, channel)
            yield day
        else:
            log.info("Another run is sending the report of %s (%s)", day, channel)
    if not days:
        log.info("No report is due (%s)", channel)
    if refused is not None:
        raise refused


def _send_claimed(connection: Connection, settings: Settings, channel: Channel, day: date, send: Send) -> None:
    revision = None
    try:
        with quiet():
            made = report_files(connection, day)
        if made is None:
            raise SettingsError(f"There is no report of {day}. Choose a day that has one (Param again).")
        notice = _notice(settings, made.summary, made.csv)
        try:
            send(notice, made.csv if settings.report_send_addresses else None)
        except PartlySentError:
            # Those who have it are not told twice.
            revision = made.summary["revision"]
            raise
        revision = made.summary["revision"]
    finally:
        # Without a revision the next run may send it at once.
        with quiet():
            done = {"day": day, "channel": channel, "revision": revision}
            connection.execute(statement("report/finish_notice"), done)


def _notice(settings: Settings, summary: dict[str, Any], table: bytes) -> Notice:
    new = tuple(_newly_blocked(summary, table, settings)) if settings.report_send_addresses else ()
    return Notice(summary, _link(summary["day"]), new, sites.current())


def _newly_blocked(summary: dict[str, Any], table: bytes, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield address and reason of what the report's table has since the day began."""
    zone = settings.report_zone
    with gzip.open(io.BytesIO(table), "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if datetime.fromisoformat(row["since"]).astimezone(zone).date().isoformat() == summary["day"]:
                yield plain(row["address"]), row["reason"]


def _link(day: str) -> str | None:
    """Return the URL of a report's page; None: Airflow does not know its own."""
    url = page_url(f"reports/{day}")
    if url is None:
        log.warning("[api] base_url of Airflow's configuration is not set: the report goes out without a link")
    return url


def _rows(connection: Connection, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with quiet():
        return connection.execute(statement(name), parameters).fetchall()
