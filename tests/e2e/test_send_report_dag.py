"""The report's way to a mailbox on a real Airflow: the hourly DAG's asset event starts the DAG that sends it, once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dev.airflow_api import AirflowApi
from dev.stack import DAG_ID, VARIABLE, Stack
from ses_bounces.database.connection import connect_url
from ses_bounces.report import make_report
from tests.mailbox import Mailbox, smtp_server

pytestmark = pytest.mark.e2e

SEND = "ses_send_report"
TO = "ops@example.com"
START_SECONDS = 180


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture
def mailbox(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mail server, known to Airflow as smtp_default."""
    with smtp_server(monkeypatch) as box:
        import os

        connection = json.loads(os.environ["AIRFLOW_CONN_SMTP_DEFAULT"])
        body = connection | {"connection_id": "smtp_default", "extra": json.dumps(connection["extra"])}
        stack.airflow.api.request("POST", "/connections", json=body)
        yield box


def next_run(api: AirflowApi, known: set[str]) -> dict[str, Any]:
    """The run of the sending DAG that an asset event started; waits for its end."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        for run in api.runs(SEND):
            if run["dag_run_id"] not in known:
                known.add(run["dag_run_id"])
                run["state"] = api.wait_for_run(SEND, run["dag_run_id"])
                return run
        time.sleep(1)
    raise AssertionError(f"no run of {SEND} began within {START_SECONDS} seconds")


def test_a_report_is_mailed_once(stack: Stack, mailbox: Mailbox) -> None:
    api = stack.airflow.api
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    settings = json.loads(api.variable(VARIABLE) or "{}") | {"report_email_to": [TO]}
    api.set_variable(VARIABLE, json.dumps(settings))
    with connect_url(stack.database_url) as connection:
        make_report(connection, yesterday, ZoneInfo("UTC"))
    api.wait_for_dag(SEND)
    api.pause(SEND, False)
    assert stack.run_once()[1] == "success"
    known: set[str] = set()
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
