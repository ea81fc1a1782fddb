"""What each task of the DAG ``ses_send_report`` does; see hourly.py."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ses_bounces.base import metrics
from ses_bounces.dags.tasks.run import Counts, recorded, settings_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_bounces.base.settings import Settings
    from ses_bounces.report.sending import Channel, Send


def send_report_email(context: Context) -> Counts:
    """Send the reports of finished days by e-mail, each once.

    :raises AirflowSkipException: ``report_email_to`` is empty.
    :raises PartlySentError: the mail server refuses some of the recipients; the others have it.
    :raises SendRefusedError: the mail server, or SES, refuses; the report itself is made and kept.
    :raises SendError: it can't be reached; a retry tries again.
    """
    from ses_bounces.report.senders import send_email

    settings = settings_of(context)
    _needed(bool(settings.report_email_to), "report_email_to is empty: nobody gets the report by e-mail")
    return _send(context, settings, "email", lambda notice, table: send_email(settings, notice, table))


def send_report_to_chat(context: Context) -> Counts:
    """Send the reports of finished days to a chat, each once.

    :raises AirflowSkipException: ``report_chat_conn_id`` is not set.
    :raises SendRefusedError: the webhook refuses; the report itself is made and kept.
    :raises SendError: it can't be reached; a retry tries again.
    """
    from ses_bounces.report.senders import send_to_chat

    settings = settings_of(context)
    _needed(settings.report_chat_conn_id is not None, "report_chat_conn_id is not set: no chat gets the report")
    return _send(context, settings, "chat", lambda notice, _table: send_to_chat(settings, notice, context))


def _needed(is_there: bool, otherwise: str) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    if not is_there:
        raise AirflowSkipException(otherwise)


def _send(context: Context, settings: Settings, channel: Channel, send: Send) -> Counts:
    from ses_bounces.report.sending import send_reports

    days: list[str] = []
    try:
        with recorded(context, settings) as (connection, counts):
            counts["days"] = days
            # Noted one by one: a day that was sent is on record though the next one fails.
            days.extend(day.isoformat() for day in send_reports(connection, settings, channel, send, _again(context)))
    finally:
        metrics.count("reports_sent", len(days), {"channel": channel})
    return counts


def _again(context: Context) -> date | None:
    day = context["params"].get("again")
    return date.fromisoformat(day) if day else None
