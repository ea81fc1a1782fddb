"""The doctor on a real Airflow: what it finds, what makes its run fail, and what its log holds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from dev.stack import DAG_ID as JOB
from tests.e2e.shared import Ledger, SharedStack, own_ledger

pytestmark = pytest.mark.e2e

DAG_ID = "ses_bounces_doctor"


@pytest.fixture(scope="module")
def ledger(feed_stack: SharedStack) -> Iterator[Ledger]:
    """A ledger on which the job ran a moment ago, on an Airflow without one of our DAGs."""
    api = feed_stack.airflow.api
    with own_ledger(feed_stack) as own:
        assert api.wait_for_run(JOB, api.trigger(JOB)) == "success"
        api.pause(DAG_ID, False)
        yield own
        api.pause(DAG_ID)


def examine(ledger: Ledger) -> tuple[str, str]:
    """Run the doctor; its run's state, and the log of its last task."""
    api = ledger.api
    run_id = api.trigger(DAG_ID)
    state = api.wait_for_run(DAG_ID, run_id)
    assert {task: set(states) for task, states in api.task_states(DAG_ID, run_id).items()} == {
        **{f"check_{area}": {"success"} for area in ("queues", "sending", "ledger", "dags")},
        "report_findings": {state},
    }
    return state, api.task_log(DAG_ID, run_id, "report_findings")


def findings(ledger: Ledger) -> dict[tuple[str, str], tuple[str, str]]:
    with psycopg.connect(ledger.database_url) as connection:
        rows = connection.execute("SELECT check_name, subject, severity, found FROM ses_bounces.finding").fetchall()
    return {(check, subject): (severity, found) for check, subject, severity, found in rows}


def test_it_tells_of_the_feed_and_the_dags_and_fails_when_something_is_critical(ledger: Ledger) -> None:
    state, log = examine(ledger)
    found = findings(ledger)
    assert state == "success"
    assert not [key for key, (severity, _) in found.items() if severity == "critical"]
    assert found["dag", "ses_bounces"][0] == "ok"
    assert found["dag", "ses_lift_blocks"] == ("warning", "Airflow has no such DAG.")
    assert found["dag", "ses_suppression_sync"] == ("warning", "It is paused.")
    assert found["processing", ""][0] == "ok"
    assert "What was found:" in log
    assert "Airflow has no such DAG." in log
    addresses = re.findall(r"[\w.+-]+@[\w-]+\.[\w.]+", log)
    assert addresses == []

    sqs: Any = ledger.stack.aws.client("sqs")
    url = ledger.feed.queue_url
    kept = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    try:
        state, log = examine(ledger)
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=kept)
    assert state == "failed"
    assert "The queue's policy does not let the topic send." in log
    [critical] = [key for key, (severity, _) in findings(ledger).items() if severity == "critical"]
    assert critical[0] == "queue policy"
    assert examine(ledger)[0] == "success"


def test_the_shell_reads_what_airflow_has(ledger: Ledger) -> None:
    """A Variable and a connection of Airflow's own database, as a user adds them in the UI."""
    environment = {k: v for k, v in ledger.stack.airflow.environment.items() if not k.startswith("AIRFLOW_CONN_")}
    with psycopg.connect(ledger.database_url) as connection:
        row = connection.execute(
            "SELECT b.address FROM ses_bounces.blocked_list b WHERE b.unblocked_at IS NULL ORDER BY 1 LIMIT 1"
        ).fetchone()
    assert row is not None
    command = [sys.executable, "-m", "ses_bounces", "check", "--json", row[0]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    [answer] = json.loads(done.stdout)
    assert answer["is_blocked"] is True
