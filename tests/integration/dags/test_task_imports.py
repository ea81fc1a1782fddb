"""What each task of an empty hour imports, in a process of its own: no module that it has no use for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import ses_bounces
from dev import people
from dev.aws import Feed, temporary_aws
from ses_bounces.dags.preload import LIBRARIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ses_bounces.base.database.connection import Connection

# Forked like Airflow's own: each task begins with what its runner and the DAG file have imported.
RUN = """
import importlib, json, os, sys
import airflow.sdk.execution_time.task_runner
from datetime import UTC, datetime
from types import SimpleNamespace
from ses_bounces.dags import build_dags

build_dags("ses_bounces")
from ses_bounces.dags.tasks import hourly

def context(task_id):
    run = SimpleNamespace(run_type="manual", run_id="manual__1", run_after=datetime.now(UTC), triggering_user_name="ops")
    ti = SimpleNamespace(run_id="manual__1", task_id=task_id, map_index=-1, try_number=1, dag_id="ses_bounces")
    ti.get_task_states = lambda **_: {"manual__1": {}}
    return {"params": {}, "dag_run": run, "ti": ti, "run_id": "manual__1"}

url = json.loads(os.environ["AIRFLOW_VAR_SES_BOUNCES"])["queue_urls"][0]
job = {"queue_url": url, "url": url, "max_messages": None}
for library in os.environ["PRELOADED"].split():
    importlib.import_module(library)
before = set(sys.modules)
print(json.dumps(["before", sorted(before)]), flush=True)
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            getattr(hourly, name)(context(name), *([job] if name == "drain_queue" else []))
            print(json.dumps([name, sorted(set(sys.modules) - before)]), flush=True)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0, name
"""
WITH_AWS = ("plan_drain", "drain_queue")
WITHOUT_AWS = (
    "classify_bounces", "promote_expired_transients", "sync_allow_group_email", "emit_blocked_report", "check_brake",
)  # fmt: skip
# The pages' lists. The small part of their engine that figures are read with is none of them.
LISTS = [
    f"ses_bounces.ledger.lists.{path.stem}"
    for path in (Path(ses_bounces.__file__).parent / "ledger" / "lists").glob("*.py")
    if path.stem != "__init__"
]
# No task uses these: some are the pages', one is the definition of the tables.
NEVER = (
    "pandas", "numpy", "polars", "alembic", "fastapi", "pygal", "airflow.providers.smtp.hooks", "ses_bounces.web",
    *LISTS, "ses_bounces.ledger.lists.engine.listing", "ses_bounces.base.database.tables",
)  # fmt: skip
AWS = (
    "boto3",
    "botocore",
    "aiobotocore",
    "s3transfer",
    "requests",
    "airflow.providers.amazon.aws",
    "ses_bounces.base.aws.hook",
)
POSTGRES = ("psycopg", "airflow.providers.postgres.hooks")


def found(modules: list[str], names: tuple[str, ...]) -> list[str]:
    """Which of these packages are among some modules."""
    return [name for name in names if any(module == name or module.startswith(f"{name}.") for module in modules)]


def imported_by_task(
    database_url: str, tmp_path: Path, *tasks: str, preloaded: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Run tasks, each forked from a process that has imported some modules; which each imported, and those "before"."""
    people.create(database_url)
    with temporary_aws() as aws:
        settings = {
            "queue_urls": [Feed.create(aws).queue_url], "people_table": people.TABLE, "report_url": tmp_path.as_uri(),
        }  # fmt: skip
        environment = {
            **os.environ,
            "_AIRFLOW_PROCESS_CONTEXT": "server",
            "PRELOADED": " ".join(preloaded),
            "AIRFLOW_VAR_SES_BOUNCES": json.dumps(settings),
            "AIRFLOW_CONN_SES_BOUNCES_AWS": aws.connection_json(),
            "AIRFLOW_CONN_SES_BOUNCES_POSTGRES": database_url,
        }
        command = [sys.executable, "-c", RUN, *tasks]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))


def test_tasks_of_an_empty_hour_import_what_they_need(database_url: str, database: Connection, tmp_path: Path) -> None:
    tasks = (*WITH_AWS, *WITHOUT_AWS, "check_run")
    imported = imported_by_task(database_url, tmp_path, *tasks)
    # Else what follows could not fail.
    assert found(imported.pop("before"), (*NEVER, *AWS, *POSTGRES)) == []
    assert list(imported) == list(tasks)
    assert {name: found(modules, NEVER) for name, modules in imported.items()} == {name: [] for name in tasks}
    for name in WITH_AWS:
        assert found(imported[name], ("boto3", "ses_bounces.base.aws.hook")) == [
            "boto3",
            "ses_bounces.base.aws.hook",
        ], name
    for name in WITHOUT_AWS:
        assert found(imported[name], AWS) == [], name
        assert found(imported[name], POSTGRES) == list(POSTGRES), name
    assert found(imported["check_run"], (*AWS, *POSTGRES)) == []
    runs = database.execute("SELECT task_id FROM ses_bounces.run WHERE finished_at IS NOT NULL ORDER BY run_row_id")
    assert [task for (task,) in runs] == [*WITH_AWS, *WITHOUT_AWS]


def test_what_the_scheduler_preloads_is_all_that_they_import(database_url: str, tmp_path: Path) -> None:
    imported = imported_by_task(database_url, tmp_path, *WITH_AWS, *WITHOUT_AWS, preloaded=LIBRARIES)
    assert set(LIBRARIES) <= set(imported.pop("before"))
    # The settings' model, the DAG's supervisor and a folder's path are Airflow's own.
    others = {name.partition(".")[0] for modules in imported.values() for name in modules} - sys.stdlib_module_names
    assert others - {"airflow", "ses_bounces", "upath"} == set()
