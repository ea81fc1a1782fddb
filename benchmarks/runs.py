"""What does an hour cost beyond what Airflow itself takes, on a real Airflow?

The hourly DAG is compared with one of as many tasks, chained in the same way, which do nothing. An empty hour also
waits for two answers of the empty queue, of a second each. With messages in the queue, what counts is the time from the
request that triggers the run to the moment at which the last flag was switched off; in the other DAG, to the end of the
task in the same place.

The scheduler is that of `make run`, which sleeps for a quarter of a second when there is nothing to do: what counts is
also whether a task ends just before or just after a look at it. By Airflow's default it sleeps for a second; that is
measured when asked.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from benchmarks.showing import add, comparison
from dev.airflow import REPOSITORY
from dev.generate import bodies
from dev.stack import DAG_ID, Stack

if TYPE_CHECKING:
    from rich.table import Table

EMPTY_DAG_ID = "as_many_tasks"
EMPTY_AIM, MESSAGES_AIM = "≤ 1.15", "≤ 1.3"
POLLS_SECONDS = 2
# What `make run` sets, as people wait for it; and Airflow's default.
IDLE_SECONDS, DEFAULT_IDLE_SECONDS = 0.25, 1.0
SYNC = "sync_allow_group_email"

_EMPTY_DAG = """
from airflow.sdk import dag, task


@dag(schedule=None, max_active_runs=1)
def as_many_tasks():
    @task
    def plan_drain():
        return [1]

    @task
    def drain_queue(job):
        return job

    @task(trigger_rule="all_done")
    def nothing():
        return {}

    def step(name):
        return nothing.override(task_id=name)()

    classified = step("classify_bounces")
    classified >> step("check_brake")
    (
        drain_queue.expand(job=plan_drain())
        >> classified
        >> step("promote_expired_transients")
        >> step("sync_allow_group_email")
        >> step("emit_blocked_report")
        >> step("check_run")
    )


as_many_tasks()
"""


def table(rounds: int = 5, messages: int = 100, idle_seconds: float = IDLE_SECONDS) -> Table:
    """Measure runs of each kind in turn, and return the medians.

    :param idle_seconds: how long the scheduler sleeps when there is nothing to do.
    """
    shown = comparison(
        f"Runs on a real Airflow, scheduler_idle_sleep_time {idle_seconds:g}: medians of {rounds}", "DAG of empty tasks"
    )
    empty: list[float] = []
    bare: list[float] = []
    flags: list[float] = []
    bare_flags: list[float] = []
    with _stack(idle_seconds) as stack:
        tasks = [len(stack.airflow.api.task_instances(dag, _run(stack, dag)[0])) for dag in (DAG_ID, EMPTY_DAG_ID)]
        assert tasks[0] == tasks[1], f"{tasks[0]} tasks against {tasks[1]}"
        with psycopg.connect(stack.database_url, autocommit=True) as connection:
            for number in range(rounds):
                empty.append(_run(stack, DAG_ID)[1])
                run_id, seconds = _run(stack, EMPTY_DAG_ID)
                bare.append(seconds)
                flags.append(_messages(stack, connection, messages, number))
                bare_flags.append(_until(stack, run_id))
    add(shown, "empty hour: seconds", statistics.median(empty), statistics.median(bare) + POLLS_SECONDS, EMPTY_AIM)
    add(
        shown,
        f"trigger to flags off, {messages} messages: seconds",
        statistics.median(flags),
        statistics.median(bare_flags) + POLLS_SECONDS,
        MESSAGES_AIM,
    )
    shown.caption = (
        f"{tasks[0]} task instances each. The two polls of the empty queue, {POLLS_SECONDS} s, are added to the empty "
        f"DAG, which takes {statistics.median(bare):.2f} s, {statistics.median(bare_flags):.2f} s up to its {SYNC}."
    )
    return shown


@contextmanager
def _stack(idle_seconds: float) -> Iterator[Stack]:
    # A server started by root runs as another user, for whom the folder is opened.
    folder = Path(tempfile.mkdtemp(prefix="ses-bounces-runs-"))
    try:
        dags = folder / "dags"
        shutil.copytree(REPOSITORY / "dags", dags)
        (dags / f"{EMPTY_DAG_ID}.py").write_text(_EMPTY_DAG)
        sleep = {"AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": f"{idle_seconds:g}"}
        with Stack(folder / "stack", dags=dags, environment=sleep) as stack:
            api = stack.airflow.api
            api.wait_for_dag(EMPTY_DAG_ID)
            api.pause(EMPTY_DAG_ID, False)
            # The sample, and what is done once a day.
            assert stack.run_once()[1] == "success"
            _wait_idle(stack)
            yield stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(stack: Stack, dag_id: str) -> tuple[str, float]:
    """Trigger a run and wait for its end; returns its id, and the seconds from the request to the end."""
    _wait_idle(stack)
    began = datetime.now(UTC)
    run_id = stack.airflow.api.trigger(dag_id)
    assert stack.airflow.api.wait_for_run(dag_id, run_id) == "success"
    return run_id, _seconds(began, stack.airflow.api.run(dag_id, run_id)["end_date"])


def _until(stack: Stack, run_id: str) -> float:
    run = stack.airflow.api.run(EMPTY_DAG_ID, run_id)
    ends = {task["task_id"]: task["end_date"] for task in stack.airflow.api.task_instances(EMPTY_DAG_ID, run_id)}
    return _seconds(datetime.fromisoformat(run["queued_at"]), ends[SYNC])


def _messages(stack: Stack, connection: psycopg.Connection[tuple[object, ...]], messages: int, number: int) -> float:
    """Return the seconds from the request to the last flag."""
    first = 1_000_000 + number * messages
    texts = [text.replace("person", f"round{number}.") for text in bodies(messages, number)]
    texts = [text.replace("0102019a-", f"0102019a-{number}-").replace("Transient", "Permanent") for text in texts]
    # One person at each address, as the notification spells it.
    emails = [text.partition('emailAddress\\": \\"')[2].partition("\\")[0] for text in texts]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO people (id, name, email) VALUES (%s, 'Somebody', %s)",
            [(first + place, email) for place, email in enumerate(emails)],
        )
    stack.feed.send_bodies(texts)
    _wait_idle(stack)
    began = datetime.now(UTC)
    run_id = stack.airflow.api.trigger(DAG_ID)
    assert stack.airflow.api.wait_for_run(DAG_ID, run_id) == "success"
    row = connection.execute(
        "SELECT count(*), max(changed_at) FROM ses_bounces.flag_change WHERE changed_at > %s", [began]
    ).fetchone()
    assert row is not None
    assert row[0] == messages, f"{row[0]} flags of {messages}"
    assert isinstance(row[1], datetime)
    return (row[1] - began).total_seconds()


def _wait_idle(stack: Stack) -> None:
    """Wait until nothing runs: runs that schedules began, too."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        states = ["queued", "running"]
        if not stack.airflow.api.request("GET", "/dags/~/dagRuns", params={"state": states})["total_entries"]:
            return
        time.sleep(0.5)
    raise TimeoutError("a run had not ended after 120 s")


def _seconds(began: datetime, end: str) -> float:
    return (datetime.fromisoformat(end) - began).total_seconds()
