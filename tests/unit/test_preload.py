"""What starts, and what is imported then: in processes of their own."""

from __future__ import annotations

import os

import pytest

from ses_bounces.preload import LIBRARIES
from tests import forked

BEGINNING = """
import sys
import airflow.jobs.job, airflow.sdk.execution_time.task_runner
from airflow.sdk.execution_time.task_runner import TaskRunnerMarker
from airflow.sdk.listener import get_listener_manager
"""
START = """
from airflow.cli.commands import {command}
before = set(sys.modules)
{start}
result = sorted(set(sys.modules) - before)
"""
SCHEDULER, TRIGGERER, PARSER = "scheduler_command", "triggerer_command", "dag_processor_command"
JOB = "airflow.jobs.job.Job()"
TASK = "get_listener_manager().hook.on_starting(component=TaskRunnerMarker())"
Case = tuple[str, str, str]
FORKING: list[Case] = [(SCHEDULER, JOB, "LocalExecutor"), (SCHEDULER, JOB, "CeleryExecutor,LocalExecutor")]
OTHERS: list[Case] = [
    (SCHEDULER, JOB, "CeleryExecutor"),
    (SCHEDULER, JOB, "KubernetesExecutor"),
    (TRIGGERER, JOB, "LocalExecutor"),
    (PARSER, JOB, "LocalExecutor"),
    # Forked from the scheduler.
    (SCHEDULER, TASK, "LocalExecutor"),
]


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[Case, set[str]]:
    """Which modules Airflow's own call of its listeners imports, in a process that has begun with a command of its."""
    home = tmp_path_factory.mktemp("airflow")
    own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment = own | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "none"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    programs = {
        str(case): ({"AIRFLOW__CORE__EXECUTOR": case[2]}, START.format(command=case[0], start=case[1]))
        for case in FORKING + OTHERS
    }
    found = forked.results(BEGINNING, programs, environment)
    return {case: set(found[str(case)]) for case in FORKING + OTHERS}


@pytest.mark.parametrize("case", FORKING, ids=lambda case: case[2])
def test_where_the_scheduler_forks_tasks_it_imports_the_libraries(case: Case, imported: dict[Case, set[str]]) -> None:
    found = imported[case]
    assert set(LIBRARIES) <= found
    # Of our own what the plugin is, and nothing that does a task's work: it may change while the scheduler runs.
    ours = {name for name in found if name.startswith("ses_bounces")}
    assert ours == {"ses_bounces", *(f"ses_bounces.{name}" for name in ("exceptions", "plugin", "preload", "sites"))}


@pytest.mark.parametrize("case", OTHERS, ids="-".join)
def test_else_nobody_does(case: Case, imported: dict[Case, set[str]]) -> None:
    found = imported[case]
    # The listener was there: else this could not fail.
    assert "ses_bounces.preload" in found
    assert found.isdisjoint(LIBRARIES)
