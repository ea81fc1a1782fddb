"""What starts, and what is imported then: in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ses_bounces.preload import LIBRARIES

START = """
import json, sys
import airflow.jobs.job, airflow.sdk.execution_time.task_runner
from airflow.cli.commands import {command}
from airflow.sdk.execution_time.task_runner import TaskRunnerMarker
from airflow.sdk.listener import get_listener_manager
before = set(sys.modules)
{start}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
SCHEDULER, TRIGGERER, PARSER = "scheduler_command", "triggerer_command", "dag_processor_command"
JOB = "airflow.jobs.job.Job()"
TASK = "get_listener_manager().hook.on_starting(component=TaskRunnerMarker())"


def imported(command: str, start: str, executor: str, tmp_path: Path) -> set[str]:
    """Which modules Airflow's own call of its listeners imports, in a process that has begun with a command of its."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment = own | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__EXECUTOR": executor,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(tmp_path / "none"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
    }
    code = START.format(command=command, start=start)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("executor", ["LocalExecutor", "CeleryExecutor,LocalExecutor"])
def test_where_the_scheduler_forks_tasks_it_imports_the_libraries(executor: str, tmp_path: Path) -> None:
    found = imported(SCHEDULER, JOB, executor, tmp_path)
    assert set(LIBRARIES) <= found
    # Of our own what the plugin is, and nothing that does a task's work: it may change while the scheduler runs.
    ours = {name for name in found if name.startswith("ses_bounces")}
    assert ours == {"ses_bounces", *(f"ses_bounces.{name}" for name in ("exceptions", "plugin", "preload", "sites"))}


@pytest.mark.parametrize(
    ("command", "start", "executor"),
    [
        (SCHEDULER, JOB, "CeleryExecutor"),
        (SCHEDULER, JOB, "KubernetesExecutor"),
        (TRIGGERER, JOB, "LocalExecutor"),
        (PARSER, JOB, "LocalExecutor"),
        # Forked from the scheduler.
        (SCHEDULER, TASK, "LocalExecutor"),
    ],
)
def test_else_nobody_does(command: str, start: str, executor: str, tmp_path: Path) -> None:
    found = imported(command, start, executor, tmp_path)
    # The listener was there: else this could not fail.
    assert "ses_bounces.preload" in found
    assert found.isdisjoint(LIBRARIES)
