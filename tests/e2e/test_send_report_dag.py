"""The report's way to a mailbox on a real Airflow: the hourly DAG's asset event starts the DAG that sends it, once."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dev.airflow_api import AirflowApi
from dev.stack import DAG_ID
from ses_bounces.base.database.connection import connect_url
from ses_bounces.report.making import make_report
from tests.e2e.shared import EMPTY, Ledger, SharedStack, own_ledger
from tests.kit.mailbox import Mailbox, smtp_server

pytestmark = pytest.mark.e2e

SEND = "ses_send_report"
SMTP = "smtp_default"
TO = "ops@example.com"
START_SECONDS = 180


@pytest.fixture
def ledger(whole_stack: SharedStack) -> Iterator[Ledger]:
    """A ledger in which nothing has happened; reports are sent as long as it is there."""
    api = whole_stack.airflow.api
    with own_ledger(whole_stack, EMPTY) as own:
        api.pause(SEND, False)
        yield own
        api.pause(SEND)


@pytest.fixture
def mailbox(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mail server, known to Airflow as the connection of the settings."""
    with smtp_server(monkeypatch) as box:
        connection = json.loads(os.environ["AIRFLOW_CONN_SMTP_DEFAULT"])
        body = connection | {"connection_id": SMTP, "extra": json.dumps(connection["extra"])}
        ledger.api.request("POST", "/connections", json=body)
        yield box
        ledger.api.request("DELETE", f"/connections/{SMTP}")


def next_run(api: AirflowApi, known: set[str]) -> dict[str, Any]:
    """The run of the sending DAG that an asset event started; waits for its end."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        for run in api.runs(SEND):
            if run["dag_run_id"] not in known:
                known.add(run["dag_run_id"])
                run["state"] = api.wait_for_run(SEND, run["dag_run_id"])
                return run
        time.sleep(0.2)
    raise AssertionError(f"no run of {SEND} began within {START_SECONDS} seconds")


def test_a_report_is_mailed_once(ledger: Ledger, mailbox: Mailbox) -> None:
    api = ledger.api
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    ledger.set(report_email_to=[TO])
    with connect_url(ledger.database_url) as connection:
        make_report(connection, yesterday, ZoneInfo("UTC"))
    known = {run["dag_run_id"] for run in api.runs(SEND)}
    run_id = api.trigger(DAG_ID, {"report_today": True})
    assert api.wait_for_run(DAG_ID, run_id) == "success"
    run = next_run(api, known)
    assert (run["run_type"], run["state"]) == ("asset_triggered", "success")
    assert [(mail["To"], mail["Subject"]) for mail in mailbox.mails] == [
        (TO, f"Email Blocked Report of {yesterday}: 0 addresses newly blocked")
    ]
    assert api.task_states(SEND, run["dag_run_id"]) == {
        "send_report_email": ["success"],
        "send_report_to_chat": ["skipped"],
    }
    log = api.task_log(SEND, run["dag_run_id"], "send_report_email", 1)
    assert f"Sent the report of {yesterday}" in log
    assert "@" not in log

    # The day's report is written again, and its DAG runs again: nobody gets a second mail.
    run_id = api.trigger(DAG_ID, {"report_today": True})
    assert api.wait_for_run(DAG_ID, run_id) == "success"
    assert next_run(api, known)["state"] == "success"
    assert len(mailbox.mails) == 1

    # The mail server refuses: that task is red, and the report's is not.
    mailbox.answer = "550 no such user"
    run_id = api.trigger(SEND, {"again": yesterday.isoformat()})
    assert api.wait_for_run(SEND, run_id) == "failed"
    assert api.task_states(SEND, run_id)["send_report_email"] == ["failed"]
    log = api.task_log(SEND, run_id, "send_report_email", 1)
    assert "refused all recipients of report_email_to (550)" in log
    assert TO not in log
