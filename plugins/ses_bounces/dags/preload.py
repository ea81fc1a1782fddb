"""What the scheduler imports when it starts, where its own processes run the tasks: the libraries that tasks import.

LocalExecutor forks each task from the scheduler, with what it has imported. Without this, half of the time that a task
of an empty hour adds is the import of Postgres's driver and of the providers' hooks. Nothing of this package is among
it: that may be a folder which changes while the scheduler runs, and each task reads it again.
"""

from __future__ import annotations

import importlib
import sys

from airflow.listeners import hookimpl

LIBRARIES = (
    "airflow.providers.amazon.aws.hooks.base_aws",
    "airflow.providers.postgres.hooks.postgres",
    "airflow.providers.standard.decorators.python",
    "airflow.sdk.definitions.decorators",
    "psycopg",
)
# A job is told its type only after listeners have heard of it; DAG processor and triggerer don't import this.
_SCHEDULER = "airflow.jobs.scheduler_job_runner"


@hookimpl
def on_starting(component: object) -> None:
    """Import them before LocalExecutor starts its workers; Airflow calls this in each task, too.

    :param component: what starts: a ``Job`` (scheduler, DAG processor, triggerer), or the marker of a task.
    """
    if type(component).__name__ != "Job" or _SCHEDULER not in sys.modules:
        return
    from airflow.configuration import conf

    if "LocalExecutor" in conf.get_mandatory_value("core", "executor"):
        for name in LIBRARIES:
            importlib.import_module(name)
