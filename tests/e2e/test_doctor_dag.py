"""The doctor on a real Airflow: what it finds, what makes its run fail, and what its log holds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dev.stack import Stack

pytestmark = pytest.mark.e2e

DAG_ID = "ses_bounces_doctor"


@pytest.fixture(scope="module")
def stack(airflow_stack: Stack, dags_folder: Path) -> Stack:
    """An Airflow that ran the job a moment ago; one of our DAGs is not there."""
    assert not (dags_folder / "ses_lift_blocks.py").exists(), "it was put there by an earlier module"
    assert airflow_stack.run_once()[1] == "success"
    airflow_stack.airflow.api.wait_for_dag(DAG_ID)
    return airflow_stack


def examine(stack: Stack) -> tuple[str, str]:
    """Run the doctor; its run's state, and the log of its last task."""
    api = stack.airflow.api
    run_id = api.trigger(DAG_ID)
    api.pause(DAG_ID, False)
    state = api.wait_for_run(DAG_ID, run_id)
    assert {task: set(states) for task, states in api.task_states(DAG_ID, run_id).items()} == {
        **{f"check_{area}": {"success"} for area in ("queues", "sending", "ledger", "dags")},
        "report_findings": {state},
    }
    return state, api.task_log(DAG_ID, run_id, "report_findings")


def findings(stack: Stack) -> dict[tuple[str, str], tuple[str, str]]:
    with psycopg.connect(stack.database_url) as connection:
        rows = connection.execute("SELECT check_name, subject, severity, found FROM ses_bounces.finding").fetchall()
    return {(check, subject): (severity, found) for check, subject, severity, found in rows}


def test_it_tells_of_the_feed_and_the_dags_and_fails_when_something_is_critical(stack: Stack) -> None:
    state, log = examine(stack)
    found = findings(stack)
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

    sqs: Any = stack.aws.client("sqs")
    url = stack.feed.queue_url
    kept = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    try:
        state, log = examine(stack)
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=kept)
    assert state == "failed"
    assert "The queue's policy does not let the topic send." in log
    [critical] = [key for key, (severity, _) in findings(stack).items() if severity == "critical"]
    assert critical[0] == "queue policy"
    assert examine(stack)[0] == "success"


def test_the_shell_reads_what_airflow_has(stack: Stack, tmp_path: Path) -> None:
    """A Variable and a connection of Airflow's own database, as somebody adds them in the UI."""
    with psycopg.connect(stack.database_url) as connection:
        info = connection.info
        api = stack.airflow.api
        fields = {"host": info.host, "port": info.port, "login": info.user, "password": info.password}
        fields |= {"connection_id": "ledger", "conn_type": "postgres", "schema": info.dbname}
        api.request("POST", "/connections", json=fields)
        kept = api.variable("ses_bounces")
        assert kept is not None
        api.set_variable("ses_bounces", json.dumps(json.loads(kept) | {"postgres_conn_id": "ledger"}))
        environment = {k: v for k, v in stack.airflow.environment.items() if not k.startswith("AIRFLOW_CONN_")}
        try:
            row = connection.execute(
                "SELECT b.address FROM ses_bounces.blocked_list b WHERE b.unblocked_at IS NULL ORDER BY 1 LIMIT 1"
            ).fetchone()
            assert row is not None
            command = [sys.executable, "-m", "ses_bounces", "check", "--json", row[0]]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        finally:
            api.set_variable("ses_bounces", kept)
    assert done.returncode == 3, done.stderr
    [answer] = json.loads(done.stdout)
    assert answer["is_blocked"] is True
