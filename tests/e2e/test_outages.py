"""Outages of hours and of weeks, a backfill beside other runs, and kill -9, on a real Airflow: what comes of it.

No clock is moved: messages are dated in the past, and the queue has them at once.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

import httpx
import psycopg
import pytest

from dev.airflow_api import AirflowApi
from dev.stack import DAG_ID
from tests.e2e.outage import Outage
from tests.e2e.shared import SharedStack, addresses_in_airflow, own_settings
from tests.integration.dags.test_runbook import commands

pytestmark = pytest.mark.e2e

SYNC = "ses_suppression_sync"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BACKFILLED_HOURS = 48
# More than a run takes in the test of a backlog.
MORE = 1_300
WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def stack(feed_stack: SharedStack) -> Iterator[SharedStack]:
    api = feed_stack.airflow.api
    with own_settings(api):
        # Its daily run of today comes at once.
        api.pause(SYNC, False)
        yield feed_stack
        api.pause(SYNC)
        feed_stack.ses.region().listed.clear()


@pytest.fixture
def api(stack: SharedStack) -> AirflowApi:
    return stack.airflow.api


def run(api: AirflowApi, dag_id: str = DAG_ID, **conf: object) -> str:
    """Trigger a run and wait for its end; its id."""
    run_id = api.trigger(dag_id, conf)
    assert api.wait_for_run(dag_id, run_id) == "success", api.task_states(dag_id, run_id)
    return run_id


def log_of(api: AirflowApi, run_id: str, task_id: str) -> str:
    [instance] = [t for t in api.task_instances(DAG_ID, run_id) if t["task_id"] == task_id]
    return api.task_log(DAG_ID, run_id, task_id, instance["try_number"], instance["map_index"])


def test_six_hours(stack: SharedStack, api: AirflowApi) -> None:
    outage = Outage.begin(stack, "hours", 6 * HOUR)
    run_id = run(api)
    assert outage.feed.depth() == 0
    outage.check_lists()
    outage.check_reports()
    assert "the queue is empty" in log_of(api, run_id, "drain_queue")
    assert all(summary["may_lack"] == [] for summary, _ in outage.reports().values())


@pytest.mark.timeout(1_800)
def test_five_days_with_a_backfill_beside_other_runs(stack: SharedStack, api: AirflowApi) -> None:
    outage = Outage.begin(stack, "days", 5 * DAY)
    outage.send_more(MORE)
    # The budget of one run is not enough.
    first = run(api, max_messages=700, max_drainers=1)
    left = outage.feed.depth()
    assert 0 < left < len(outage.kept) - 700 + 100
    log = log_of(api, first, "drain_queue")
    assert "the queue holds more: the next run goes on" in log
    told = re.search(
        r"Still waiting: about ([\d,]+) messages, the oldest for ([\d.]+) hours\. At the pace of the last", log
    )
    assert told, log
    # The age is by SQS's clock, which had them a moment ago.
    assert (told[1], float(told[2])) == (f"{left:,}", 0.0)
    assert "the next run takes all that waits, in about a minute." in log
    page = see(api, stack, "queues")
    assert f"{left:,}" in page
    assert re.search(r"At the pace of the last drain \([\d,]+ messages a second\) the next run takes all", page)
    assert "behind" in see(api, stack, "")

    # Pressed before the drain has caught up, beside a scheduled run and a manual one, which drain the rest.
    scheduled, hour = next(
        (r["dag_run_id"], datetime.fromisoformat(r["logical_date"])) for r in api.runs(DAG_ID)
        if r["run_type"] == "scheduled"
    )  # fmt: skip
    # Its own hour it does not share with the backfill.
    last = hour - HOUR
    backfill = as_the_runbook_says(stack, last - (BACKFILLED_HOURS - 1) * HOUR, last)
    api.clear(DAG_ID, scheduled)
    manual = api.trigger(DAG_ID)
    for run_id in (scheduled, manual):
        assert api.wait_for_run(DAG_ID, run_id) == "success"
    assert api.wait_for_backfill(backfill, 900) == ["success"] * BACKFILLED_HOURS
    assert outage.feed.depth() == 0
    # What it made stale behind the last of the other runs is written by the next one.
    run(api)
    outage.check_lists()
    outage.check_reports()


def test_fifteen_days_are_longer_than_the_queue_keeps(stack: SharedStack, api: AirflowApi) -> None:
    outage = Outage.begin(stack, "weeks", 15 * DAY)
    assert outage.listed
    run_id = run(api)
    log = log_of(api, run_id, "plan_drain")
    assert "was not drained for longer than it keeps messages" in log
    assert f"{outage.start:%Y-%m-%d}" in log
    run(api, SYNC, first_day=f"{outage.start:%Y-%m-%d}", last_day=f"{outage.now:%Y-%m-%d}")
    run(api)
    outage.check_lists()
    outage.check_reports()

    lacking = {day: summary["may_lack"] for day, (summary, _) in outage.reports().items() if summary["may_lack"]}
    days = sorted({outage.start.date(), outage.lost_until.date()})
    assert sorted(lacking) == days
    [told] = lacking[days[0]]
    assert told["queue"] == outage.feed.queue_url.rpartition("/")[2]
    assert told["first"][:16] == f"{outage.start:%Y-%m-%dT%H:%M}"
    folder = stack.data / "reports-weeks"
    for day in outage.reports():
        has = "Messages may be missing." in (folder / f"{day}" / "blocked_report.html").read_text()
        written = json.loads((folder / f"{day}" / "summary.json").read_text())["may_lack"]
        assert (has, bool(written)) == (day in days, day in days)


def test_killed_in_each_task_and_cleared(stack: SharedStack, api: AirflowApi) -> None:
    outage = Outage.begin(stack, "killed", 2 * DAY)
    due = outage.hold_a_promotion_back()
    holds = {
        "plan_drain": "LOCK TABLE ses_bounces.queue IN SHARE MODE",
        # Behind the landing and the deletion, before it is noted.
        "drain_queue": "SELECT FROM ses_bounces.queue FOR UPDATE",
        "classify_bounces": "SELECT pg_advisory_xact_lock(hashtextextended('ses_bounces.state', 0))",
        "promote_expired_transients": f"SELECT FROM ses_bounces.bounce_list WHERE bounce_list_id = {due} FOR UPDATE",
        "sync_allow_group_email": "LOCK TABLE ses_bounces.flag_change IN SHARE MODE",
        "emit_blocked_report": "LOCK TABLE ses_bounces.report_day IN SHARE MODE",
    }
    run_id = ""
    with ExitStack() as held:
        for task_id, hold in holds.items():
            # Held before the task begins: before the one before it goes on.
            holder = psycopg.connect(outage.database_url)
            holder.execute(hold)  # type: ignore[arg-type]
            if not run_id:
                run_id = api.trigger(DAG_ID)
            held.close()
            kill(outage, api, run_id, task_id)
            held.callback(clear, api, run_id, task_id)
            held.callback(holder.close)
    assert api.wait_for_run(DAG_ID, run_id) == "success", api.task_states(DAG_ID, run_id)
    # Beside the others it would be one of two that wait.
    with psycopg.connect(outage.database_url) as holder:
        holder.execute("LOCK TABLE ses_bounces.brake IN ACCESS EXCLUSIVE MODE")
        clear(api, run_id, "check_brake")
        kill(outage, api, run_id, "check_brake")
    clear(api, run_id, "check_brake")
    assert api.wait_for_run(DAG_ID, run_id) == "success", api.task_states(DAG_ID, run_id)
    assert set(api.task_states(DAG_ID, run_id)["check_brake"]) == {"success"}
    assert outage.feed.depth() == 0
    outage.check_lists()
    outage.check_reports()


def test_no_address_anywhere_in_airflow(stack: SharedStack) -> None:
    """Asked once more when the Airflow ends: after all runs."""
    assert addresses_in_airflow(stack) == []


def see(api: AirflowApi, stack: SharedStack, path: str) -> str:
    """A page, as the administrator sees it."""
    url = f"{stack.airflow.url}/ses-bounces/{path}"
    answer = httpx.get(url, cookies={"_token": api.token()}, timeout=60, trust_env=False)
    assert answer.status_code == 200
    return answer.text


def as_the_runbook_says(stack: SharedStack, first: datetime, last: datetime) -> int:
    """Start a backfill with the command of docs/operations.md, which has four active runs; its id."""
    [line] = commands("airflow")
    words = shlex.split(line)[1:]
    for option, moment in (("--from-date", first), ("--to-date", last)):
        words[words.index(option) + 1] = moment.isoformat()
    stack.airflow.run_command(*words)
    started = stack.airflow.api.request("GET", "/backfills", params={"dag_id": DAG_ID})["backfills"]
    return max(int(backfill["id"]) for backfill in started)


def kill(outage: Outage, api: AirflowApi, run_id: str, task_id: str) -> None:
    """Wait until the task's process waits for what the test holds, and kill it; what it waited for it does not get."""
    wait_for_a_lock(outage)
    (pid,) = api.task_pids(DAG_ID, run_id, task_id)
    os.kill(pid, signal.SIGKILL)
    api.wait_for_task(DAG_ID, run_id, task_id, {"up_for_retry", "failed"})


def wait_for_a_lock(outage: Outage) -> None:
    """Wait until a database session of a task waits for a lock."""
    query = (
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'ses_bounces'"
        " AND datname = current_database()"
    )
    until = time.monotonic() + WAIT_SECONDS
    with psycopg.connect(outage.database_url, autocommit=True) as connection:
        while time.monotonic() < until:
            if connection.execute(query).rowcount:
                return
            time.sleep(0.05)
    raise AssertionError("no task waits")


def clear(api: AirflowApi, run_id: str, task_id: str) -> None:
    """Have a task that was killed begin again."""
    api.clear(DAG_ID, run_id, [task_id])
