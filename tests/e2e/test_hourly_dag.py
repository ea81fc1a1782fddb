"""The whole job on a real Airflow: Postgres metadata, LocalExecutor, an emulated SES, SNS and SQS over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from dev import results
from dev.airflow_api import AirflowApi
from dev.ports import free_port
from dev.stack import DAG_ID
from ses_bounces.actions.action import Action
from ses_bounces.actions.brake import decide_domains
from ses_bounces.base.database.connection import connect_url
from ses_bounces.ledger.brake.decisions import Decision
from ses_bounces.ledger.brake.held import held_domains
from tests.e2e.shared import Ledger, SharedStack, add_connection, addresses_in_airflow, own_ledger

pytestmark = pytest.mark.e2e

TASKS = (
    "plan_drain",
    "drain_queue",
    "classify_bounces",
    "promote_expired_transients",
    "sync_allow_group_email",
    "emit_blocked_report",
    "check_brake",
    "check_run",
)
STATE = (
    "SELECT address_id, kind, occurred_at, dedup_key FROM ses_bounces.address_event ORDER BY event_id",
    "SELECT * FROM ses_bounces.bounce_list ORDER BY 1",
    "SELECT * FROM ses_bounces.blocked_list ORDER BY 1",
    "SELECT * FROM ses_bounces.flag_change ORDER BY 1",
    "SELECT * FROM ses_bounces.last_delivery ORDER BY 1",
    "SELECT message_id, outcome, reason, body FROM ses_bounces.message ORDER BY 1",
    "SELECT *, xmin FROM public.people ORDER BY id",
)


@pytest.fixture
def ledger(whole_stack: SharedStack) -> Iterator[Ledger]:
    """A ledger as the sample leaves it, and an empty queue."""
    with own_ledger(whole_stack) as own:
        yield own


@pytest.fixture
def api(whole_stack: SharedStack) -> AirflowApi:
    return whole_stack.airflow.api


def run(api: AirflowApi, conf: dict[str, Any] | None = None) -> tuple[str, str, dict[str, list[str | None]]]:
    """Trigger a run and wait for its end: its id, its state, and the states of its tasks."""
    run_id = api.trigger(DAG_ID, conf)
    state = api.wait_for_run(DAG_ID, run_id)
    return run_id, state, api.task_states(DAG_ID, run_id)


def state_of(ledger: Ledger) -> list[Any]:
    with psycopg.connect(ledger.database_url) as connection:
        return [connection.execute(query).fetchall() for query in STATE]


def failed_log(api: AirflowApi, run_id: str, task_id: str) -> str:
    failed = [t for t in api.task_instances(DAG_ID, run_id) if t["task_id"] == task_id and t["state"] == "failed"]
    assert failed, f"{task_id} did not fail"
    return api.task_log(DAG_ID, run_id, task_id, failed[0]["try_number"], failed[0]["map_index"])


def test_the_sample_leads_to_what_it_must(whole_stack: SharedStack) -> None:
    assert results.differences(whole_stack.database_url, whole_stack.expected()) == []
    assert whole_stack.airflow.api.import_errors() == {}


def test_the_report_is_where_it_was_told_to_be(whole_stack: SharedStack) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    with psycopg.connect(whole_stack.database_url) as connection:
        days = [str(day) for (day,) in connection.execute("SELECT day FROM ses_bounces.report_day")]
        blocked = {a for (a,) in connection.execute("SELECT address FROM ses_bounces.do_not_email")}
    assert today in days
    folder = whole_stack.reports / today
    assert sorted(path.name for path in folder.iterdir()) == [
        "blocked_report.csv",
        "blocked_report.html",
        "summary.json",
    ]
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["blocked_addresses"] == len(blocked)
    csv = (folder / "blocked_report.csv").read_text()
    assert all(address in csv for address in blocked)


def test_a_second_run_changes_nothing(ledger: Ledger, api: AirflowApi) -> None:
    before = state_of(ledger)
    _, state, tasks = run(api)
    assert state == "success", tasks
    assert state_of(ledger) == before


def test_cleared_tasks_change_nothing(ledger: Ledger, api: AirflowApi) -> None:
    run_id, _, _ = run(api)
    before = state_of(ledger)
    for task_ids in (["sync_allow_group_email"], ["classify_bounces"], ["promote_expired_transients"], TASKS):
        api.clear(DAG_ID, run_id, task_ids)
        assert api.wait_for_run(DAG_ID, run_id) == "success"
    assert state_of(ledger) == before


def test_backfill_drains_nothing(ledger: Ledger, api: AirflowApi) -> None:
    before = state_of(ledger)
    ledger.feed.send_bodies(["left in the queue by a backfill"])
    start = ledger.stack.hour_of(datetime.now(UTC) - timedelta(hours=30))
    backfill = api.backfill(DAG_ID, start, start + timedelta(hours=2), max_active_runs=3)
    assert api.wait_for_backfill(backfill) == ["success"] * 3
    assert state_of(ledger) == before
    assert ledger.feed.depth() == 1
    _, state, _ = run(api)
    assert state == "success"
    assert ledger.feed.depth() == 0


def test_a_backfill_repairs_the_lists_of_its_hours(ledger: Ledger, api: AirflowApi) -> None:
    rows = "SELECT address, reason, blocked_at FROM ses_bounces.blocked_list WHERE is_open ORDER BY 1, 2"
    with psycopg.connect(ledger.database_url, autocommit=True) as connection:
        before = connection.execute(rows).fetchall()
        oldest = min(blocked_at for _, reason, blocked_at in before if reason == "permanent_bounce")
        connection.execute("DELETE FROM ses_bounces.blocked_list WHERE blocked_at = %s", [oldest])
        assert connection.execute(rows).fetchall() != before
        hour = ledger.stack.hour_of(oldest)
        assert api.wait_for_backfill(api.backfill(DAG_ID, hour, hour)) == ["success"]
        assert connection.execute(rows).fetchall() == before


def test_a_replay_is_tried_first_and_changes_nothing_where_the_rules_are_the_same(
    ledger: Ledger, api: AirflowApi
) -> None:
    before = state_of(ledger)
    now = datetime.now(UTC)
    window = {"reprocess_from": (now - timedelta(days=60)).isoformat(), "reprocess_to": now.isoformat()}
    conf = {"reprocess": True, "dry_run": False, **window}
    run_id, state, _ = run(api, conf)
    assert state == "failed"
    assert "was not tried with today's rules and settings" in failed_log(api, run_id, "classify_bounces")
    for dry_run in (True, False):
        run_id, state, _ = run(api, conf | {"dry_run": dry_run})
        assert state == "success"
        assert "Nothing differs." in api.task_log(DAG_ID, run_id, "classify_bounces")
    assert state_of(ledger) == before


def test_switched_off_skips_everything(ledger: Ledger, api: AirflowApi) -> None:
    ledger.set(enabled=False)
    _, state, tasks = run(api)
    assert state == "success"
    assert {task: set(states) for task, states in tasks.items() if task != "check_run"} == {
        task: {"skipped"} for task in TASKS if task != "check_run"
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"transient_grace_days": 45},
            r"transient_grace_days is 45; it must be a whole number from 0 to 30\. Change it in Airflow Variable",
        ),
        ({"queue_urls": []}, r"queue_urls is \[\]; it must be one or more SQS queue URLs"),
        ({"postgres_conn_id": "nope"}, r'Airflow connection "nope" is missing\. Add it under Admin > Connections'),
        ({"postgres_conn_id": "ses_bounces_empty"}, r"Run `ses-bounces db upgrade`"),
        ({"postgres_conn_id": "ses_bounces_stranger"}, r"The role lacks a privilege"),
    ],
)
def test_what_plan_drain_refuses(ledger: Ledger, api: AirflowApi, change: dict[str, Any], message: str) -> None:
    before = state_of(ledger)
    add_connections(ledger)
    ledger.feed.send_bodies(["not to be touched"])
    ledger.set(**change)
    run_id, state, tasks = run(api)
    assert state == "failed"
    assert re.search(message, failed_log(api, run_id, "plan_drain"))
    assert tasks["plan_drain"] == ["failed"]
    assert tasks["classify_bounces"] == tasks["emit_blocked_report"] == ["skipped"]
    assert "plan_drain" in failed_log(api, run_id, "check_run")
    assert state_of(ledger) == before
    assert ledger.feed.depth() == 1


def test_an_hour_of_5_1_1_costs_no_more_than_the_limit(ledger: Ledger, api: AirflowApi) -> None:
    ledger.set(max_new_blocks_per_domain=5)
    bodies = [
        bounce_of(f"person{n}@{domain}", f"smtp; 550 5.1.1 <person{n}@{domain}>: user unknown")
        for domain in ("down.example", "gone.example")
        for n in range(30)
    ]
    others = [f"person@fine{n}.example" for n in range(5)]
    ledger.feed.send_bodies(bodies + [bounce_of(address) for address in others])
    for expected in (5, 5):
        run_id, state, tasks = run(api)
        assert state == "failed"
        failed = {task for task, states in tasks.items() if "failed" in states}
        assert failed == {"check_brake"}
        assert {state for task in set(TASKS) - failed for state in tasks[task]} == {"success"}
        assert blocked_at(ledger, "down.example") == blocked_at(ledger, "gone.example") == expected
    log = failed_log(api, run_id, "check_brake")
    for domain in ("down.example", "gone.example"):
        assert f"{domain}: 25 bounces are held (25 messages" in log
    assert "25 times “smtp; 550 5.1.1 <‹address›>: user unknown”" in log
    assert "@down.example" not in log
    assert all(blocked_at(ledger, address.partition("@")[2]) == 1 for address in others)
    # Somebody decides: what is confirmed is applied in the next run.
    with connect_url(ledger.database_url) as connection:
        held = {one.domain: one.brake_id for one in held_domains(connection)}
        decisions: dict[str, Decision] = {"gone.example": "confirmed", "down.example": "dismissed"}
        for domain, decision in decisions.items():
            decide_domains(connection, Action("ops", "looked at it", str(uuid4())), [held[domain]], decision)
    _, state, tasks = run(api)
    assert (state, tasks["check_brake"]) == ("success", ["success"])
    assert (blocked_at(ledger, "gone.example"), blocked_at(ledger, "down.example")) == (30, 5)
    # SQS delivers some once more: what was dismissed never blocks.
    ledger.feed.send_bodies(bodies)
    _, state, _ = run(api)
    assert state == "success"
    assert (blocked_at(ledger, "gone.example"), blocked_at(ledger, "down.example")) == (30, 5)
    with psycopg.connect(ledger.database_url) as connection:
        rows = connection.execute("SELECT domain, decision, reason FROM ses_bounces.brake ORDER BY 1").fetchall()
        left = connection.execute("SELECT count(*) FROM ses_bounces.message WHERE outcome = 'held'").fetchone()
    assert rows == [("down.example", "dismissed", "looked at it"), ("gone.example", "confirmed", "looked at it")]
    assert left == (0,)


def blocked_at(ledger: Ledger, domain: str) -> int:
    """How many addresses of a domain are blocked."""
    with psycopg.connect(ledger.database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM ses_bounces.do_not_email WHERE address LIKE %s", [f"%@{domain}"]
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_an_unreachable_database_is_retried(ledger: Ledger, api: AirflowApi) -> None:
    port = free_port()
    add_connection(api, "ses_bounces_nowhere", f"postgresql://somebody@127.0.0.1:{port}/nowhere")
    ledger.set(postgres_conn_id="ses_bounces_nowhere")
    run_id = api.trigger(DAG_ID)
    api.wait_for_task(DAG_ID, run_id, "plan_drain", {"up_for_retry"})
    log = api.task_log(DAG_ID, run_id, "plan_drain")
    assert re.search(r"Postgres can't be reached through Airflow connection \"ses_bounces_nowhere\"", log)
    assert "Nothing is lost" in log
    api.request("PATCH", f"/dags/{DAG_ID}/dagRuns/{run_id}", json={"state": "failed"})
    api.wait_for_run(DAG_ID, run_id)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("queue", r'there is no such queue; correct "queue_urls" in Airflow Variable "ses_bounces"'),
        ("connection", r'Airflow connection "nope" is missing'),
    ],
)
def test_a_broken_queue_stops_no_other(ledger: Ledger, api: AirflowApi, change: str, message: str) -> None:
    url = ledger.feed.queue_url
    broken = {"queue": f"{url}-typo", "connection": {"url": f"{url}-other", "aws_conn_id": "nope"}}[change]
    ledger.set(queue_urls=[broken, url])
    address = f"beside.a.broken.{change}@example.org"
    ledger.feed.send_bodies([bounce_of(address)])
    run_id, state, tasks = run(api)
    assert state == "failed"
    assert sorted(map(str, tasks["drain_queue"])) == ["failed", "success"]
    assert re.search(message, failed_log(api, run_id, "drain_queue"))
    assert tasks["classify_bounces"] == tasks["sync_allow_group_email"] == ["success"]
    assert "drain_queue" in failed_log(api, run_id, "check_run")
    with psycopg.connect(ledger.database_url) as connection:
        assert connection.execute("SELECT ses_bounces.is_blocked(%s)", [address]).fetchone() == (True,)


def test_no_address_anywhere_in_airflow(whole_stack: SharedStack) -> None:
    """Asked once more when the Airflow ends: after all runs that succeeded, failed, and were cleared."""
    assert addresses_in_airflow(whole_stack) == []


def add_connections(ledger: Ledger) -> None:
    postgres = ledger.stack.postgres
    if postgres.create_database("empty"):
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
    add_connection(ledger.api, "ses_bounces_empty", postgres.url("empty"))
    with psycopg.connect(ledger.database_url, autocommit=True) as connection:
        connection.execute("GRANT USAGE ON SCHEMA ses_bounces TO stranger")
        connection.execute("GRANT SELECT ON ses_bounces.alembic_version TO stranger")
    address = psycopg.conninfo.conninfo_to_dict(ledger.database_url)
    url = f"postgresql://stranger:stranger@{address['host']}:{address['port']}/{address['dbname']}"
    add_connection(ledger.api, "ses_bounces_stranger", url)


def bounce_of(address: str, diagnostic: str | None = None) -> str:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
    return json.dumps(
        {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "NoEmail",
                "bouncedRecipients": [{"emailAddress": address, "diagnosticCode": diagnostic}],
                "timestamp": now,
                "feedbackId": f"of {address}",
            },
            "mail": {"timestamp": now, "messageId": f"to {address}", "destination": [address]},
        }
    )
