"""
# The Email Blocked Report by e-mail and to a chat, once a day

Runs whenever the hourly DAG has written a report, and sends each finished day's once: to the addresses in
`report_email_to`, and to the chat of `report_chat_conn_id`. Both get the numbers, the chart of the last 30 days and a
link to the report's page; addresses only where `report_send_addresses` says so.

**Everything may be repeated.** What was sent is noted in `ses_bounces.report_notice`: a retry, a backfill or a report
that is written again because late messages came sends nothing twice. (Only a task that is killed in the second between
sending and noting it sends that one again.) Reports older than a week are not sent; a channel that is new begins with
the newest one.

- **`send_report_email`** sends one mail for each day, by the connection `report_email_conn_id` (SMTP, or AWS for
  SES).
  - When it fails: *refused*: correct the connection's login, `report_email_from`, or `report_email_to`; for SES verify
    the sender. *can't be used*: the server doesn't answer; it is tried again for about two hours, and by the next run.
- **`send_report_to_chat`** sends one message for each day, by the connection `report_chat_conn_id`.
  - When it fails: *refused*: the webhook is gone, or `report_chat_format` is wrong. *can't be reached*: it is tried
    again.

A report that could not be sent is made and kept all the same: see the pages, or `report_url`. Where neither setting is
there, both tasks are skipped.

**To send a day's report again**: trigger this DAG with that day.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, dag, get_current_context, task

from ses_bounces.base import sites
from ses_bounces.dags.shape import Retries, Shape, report_asset, run_for
from ses_bounces.dags.tasks import send as send_tasks

_PARAMS = {
    "again": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Send again the report of",
        description="Also where it was sent before. Empty: what was not sent yet.",
    )
}


def build(shape: Shape) -> DAG:
    """Return the DAG of a site."""
    site = shape.site
    arguments = shape.arguments(
        sites.SEND_REPORT,
        title="Email bounces: send the report",
        description="Sends the daily Email Blocked Report by e-mail and to a chat",
        runbook=__doc__,
        schedule=[report_asset(site)],
        timeout=timedelta(hours=6),
        retries=Retries(6, timedelta(minutes=2), timedelta(minutes=40)),
        params=_PARAMS,
    )

    @dag(**arguments)
    def ses_send_report() -> None:
        @task(doc_md=send_tasks.send_report_email.__doc__)
        @run_for(site)
        def send_report_email() -> dict[str, Any]:
            return send_tasks.send_report_email(get_current_context())

        @task(doc_md=send_tasks.send_report_to_chat.__doc__)
        @run_for(site)
        def send_report_to_chat() -> dict[str, Any]:
            return send_tasks.send_report_to_chat(get_current_context())

        send_report_email()
        send_report_to_chat()

    made: DAG = ses_send_report()
    return made
