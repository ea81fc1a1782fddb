"""Rows of Airflow's own database, for pages that are shown where no scheduler runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg

from ses_bounces.base.sites import DAG_NAMES

BUNDLE = "dags-folder"


@contextlib.contextmanager
def our_dags_there(metadata_url: str) -> Iterator[psycopg.Connection]:
    """Airflow has our DAGs, unpaused and without a run; the connection to its database."""
    with psycopg.connect(metadata_url, autocommit=True) as connection:
        connection.execute("INSERT INTO dag_bundle (name) VALUES (%s) ON CONFLICT DO NOTHING", [BUNDLE])
        for dag_id in DAG_NAMES:
            connection.execute(
                "INSERT INTO dag (dag_id, is_paused, is_stale, bundle_name, timetable_type, max_active_tasks,"
                " max_consecutive_failed_dag_runs, has_task_concurrency_limits, has_import_errors, fileloc,"
                " partition_mapper_info, owners) VALUES (%s, false, false, %s, 'NullTimetable', 1, 0, false, false,"
                " '/dags/ours.py', '[]', 'email')",
                [dag_id, BUNDLE],
            )
        try:
            yield connection
        finally:
            connection.execute("DELETE FROM dag_run WHERE dag_id = ANY (%s)", [list(DAG_NAMES)])
            connection.execute("DELETE FROM dag WHERE dag_id = ANY (%s)", [list(DAG_NAMES)])
