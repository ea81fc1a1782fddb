"""What starts, and what is imported then: in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from ses_bounces.dags.preload import LIBRARIES
from tests.kit.plugin_modules import PLUGIN_MODULES

# Each case is a fork of a process that has imported what all of them have: to import it takes seconds.
START = """
import importlib, json, os, sys, traceback
import airflow.jobs.job, airflow.sdk.execution_time.task_runner
from airflow.sdk.execution_time.task_runner import TaskRunnerMarker
from airflow.sdk.listener import get_listener_manager

def imported(command, start, executor):
    os.environ["AIRFLOW__CORE__EXECUTOR"] = executor
    importlib.import_module(f"airflow.cli.commands.{command}")
    before = set(sys.modules)
    exec(start)
    return sorted(set(sys.modules) - before)

for case in json.loads(sys.argv[1]):
    if os.fork() == 0:
        try:
            found = imported(*case)
        except BaseException:
            found = traceback.format_exc()
        print(json.dumps([case, found]), flush=True)
        os._exit(0)
    os.wait()
"""
SCHEDULER, TRIGGERER, PARSER = "scheduler_command", "triggerer_command", "dag_processor_command"
JOB = "airflow.jobs.job.Job()"
TASK = "get_listener_manager().hook.on_starting(component=TaskRunnerMarker())"
READ = "from ses_bounces.dags import build_dags; build_dags('ses_bounces')"
JOB_THEN_READ = f"{JOB}; before.update(sys.modules); {READ}"

# Module of the command, what is run, executor.
Case = tuple[str, str, str]

FORKING = ("LocalExecutor", "CeleryExecutor,LocalExecutor")
OTHERS = (
    (SCHEDULER, JOB, "CeleryExecutor"),
    (SCHEDULER, JOB, "KubernetesExecutor"),
    (TRIGGERER, JOB, "LocalExecutor"),
    (PARSER, JOB, "LocalExecutor"),
    # Forked from the scheduler.
    (SCHEDULER, TASK, "LocalExecutor"),
)
# What a task reads the DAG file with.
READERS = ((SCHEDULER, READ, "LocalExecutor"), (SCHEDULER, JOB_THEN_READ, "LocalExecutor"))


def modules_imported(cases: Iterable[Case], home: Path) -> dict[Case, set[str]]:
    """Which modules each case imports after the start of a command of Airflow's.

    :param cases: the command's module, what is run then, and the executor.
    :param home: an empty folder for Airflow.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment = own | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "none"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    wanted = list(cases)
    command = [sys.executable, "-c", START, json.dumps(wanted)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[[")]
    assert [tuple(case) for case, _ in found] == wanted
    assert [error for _, error in found if isinstance(error, str)] == []
    return {tuple(case): set(modules) for case, modules in found}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[Case, set[str]]:
    """Which modules Airflow's own call of its listeners imports, in a process that has begun with a command of its."""
    cases = [*((SCHEDULER, JOB, executor) for executor in FORKING), *OTHERS, *READERS]
    return modules_imported(cases, tmp_path_factory.mktemp("airflow"))


@pytest.mark.parametrize("executor", FORKING)
def test_where_the_scheduler_forks_tasks_it_imports_the_libraries(
    imported: dict[Case, set[str]], executor: str
) -> None:
    found = imported[SCHEDULER, JOB, executor]
    assert set(LIBRARIES) <= found
    # Of our modules only the plugin's, and none that does a task's work: those may change while the scheduler runs.
    ours = {name for name in found if name.startswith("ses_bounces")}
    assert ours == set(PLUGIN_MODULES)


@pytest.mark.parametrize(("command", "start", "executor"), OTHERS)
def test_else_nobody_does(imported: dict[Case, set[str]], command: str, start: str, executor: str) -> None:
    found = imported[command, start, executor]
    # The listener was there: else this could not fail.
    assert "ses_bounces.dags.preload" in found
    assert found.isdisjoint(LIBRARIES)


def test_behind_that_a_dag_file_imports_nothing_but_this_package(imported: dict[Case, set[str]]) -> None:
    alone, later = ({n for n in imported[case] if not n.startswith("ses_bounces")} for case in READERS)
    assert alone >= {"airflow.providers.standard.decorators.python"}
    assert later == set()
