"""What each task of the DAG ``ses_send_report`` does; see hourly.py.

A day's report goes out once on each channel. That is noted in ``ses_bounces.report_notice``: a claim first, so that two
runs don't send at once, and when it was sent, at once after. Only a sender that is killed in between sends again.
"""

from __future__ import annotations

import csv
import gzip
import io
import logging
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from ses_bounces.base import metrics, sites
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import PartlySentError, SettingsError
from ses_bounces.dags.tasks.run import recorded, settings_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings
    from ses_bounces.report.notice import Notice

log = logging.getLogger(__name__)

Counts = dict[str, Any]
Send = Callable[["Notice", bytes | None], None]

EMAIL, CHAT = "email", "chat"


def send_report_email(context: Context) -> Counts:
    """Send the reports of finished days by e-mail, each once.

    :raises AirflowSkipException: ``report_email_to`` is empty.
    :raises PartlySentError: the mail server refuses some of the recipients; the others have it.
    :raises SendRefusedError: the mail server, or SES, refuses; the report itself is made and kept.
    :raises SendError: it can't be reached; a retry tries again.
    """
    from ses_bounces.report.senders import send_email

    settings = settings_of(context)
    _needed(bool(settings.report_email_to), "report_email_to is empty: the report is sent to nobody")
    return _send(context, settings, EMAIL, lambda notice, table: send_email(settings, notice, table))


def send_report_to_chat(context: Context) -> Counts:
    """Send the reports of finished days to a chat, each once.

    :raises AirflowSkipException: ``report_chat_conn_id`` is not set.
    :raises SendRefusedError: the webhook refuses; the report itself is made and kept.
    :raises SendError: it can't be reached; a retry tries again.
    """
    from ses_bounces.report.senders import send_to_chat

    settings = settings_of(context)
    _needed(settings.report_chat_conn_id is not None, "report_chat_conn_id is not set: no chat gets the report")
    return _send(context, settings, CHAT, lambda notice, _table: send_to_chat(settings, notice, context))


def _needed(is_there: bool, otherwise: str) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    if not is_there:
        raise AirflowSkipException(otherwise)


def _send(context: Context, settings: Settings, channel: str, send: Send) -> Counts:
    refused: PartlySentError | None = None
    with recorded(context, settings) as (connection, counts):
        counts["days"] = []
        again = _again(context)
        days = [again] if again else [day for (day,) in _rows(connection, "report/select_to_send", channel=channel)]
        for day in days:
            if _rows(connection, "report/claim_notice", day=day, channel=channel, again=again is not None):
                try:
                    _send_one(connection, settings, channel, day, send)
                except PartlySentError as error:
                    # The other days are still told to those who are not refused.
                    refused = error
                counts["days"].append(day.isoformat())
                log.info("Sent the report of %s (%s)", day, channel)
            else:
                log.info("The report of %s is being sent by another run (%s)", day, channel)
        if not days:
            log.info("No report is to be sent (%s)", channel)
    metrics.count("reports_sent", len(counts["days"]), {"channel": channel})
    if refused is not None:
        raise refused
    return counts


def _send_one(connection: Connection, settings: Settings, channel: str, day: date, send: Send) -> None:
    revision = None
    try:
        rows = _rows(connection, "report/select_files", day=day)
        if not rows:
            raise SettingsError(f"There is no report of {day}. Choose a day that has one (Param again).")
        _, table, _, summary = rows[0]
        notice = _notice(settings, summary, table)
        try:
            send(notice, table if settings.report_send_addresses else None)
        except PartlySentError:
            # Whoever has it is not told twice.
            revision = summary["revision"]
            raise
        revision = summary["revision"]
    finally:
        # Not sent: the next run may try at once.
        with quiet():
            done = {"day": day, "channel": channel, "revision": revision}
            connection.execute(statement("report/finish_notice"), done)


def _notice(settings: Settings, summary: dict[str, Any], table: bytes) -> Notice:
    from ses_bounces.report.notice import Notice

    new = tuple(_newly_blocked(summary, table, settings)) if settings.report_send_addresses else ()
    return Notice(summary, _link(summary["day"]), new, sites.current())


def _newly_blocked(summary: dict[str, Any], table: bytes, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield address and reason of what the report's table has since the day began."""
    from ses_bounces.report.csv_file import plain

    zone = settings.report_zone
    with gzip.open(io.BytesIO(table), "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if datetime.fromisoformat(row["since"]).astimezone(zone).date().isoformat() == summary["day"]:
                yield plain(row["address"]), row["reason"]


def _link(day: str) -> str | None:
    """Return the URL of a report's page; None: Airflow does not know its own."""
    from airflow.sdk.configuration import conf

    base: str | None = conf.get("api", "base_url", fallback=None)
    if not base:
        log.warning("[api] base_url of Airflow's configuration is not set: the report goes out without a link")
        return None
    return f"{base.rstrip('/')}/{sites.current().slug}/reports/{day}"


def _again(context: Context) -> date | None:
    day = context["params"].get("again")
    return date.fromisoformat(day) if day else None


def _rows(connection: Connection, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with quiet():
        return connection.execute(statement(name), parameters).fetchall()
