"""What the launcher writes into Airflow's own database."""

from __future__ import annotations

import psycopg
import pytest

from dev import metadata, template
from dev.postgres import EmbeddedPostgres


def test_a_scheduler_that_was_killed_no_longer_counts_as_running(tmp_path_factory: pytest.TempPathFactory) -> None:
    jobs = [("SchedulerJob", "running"), ("SchedulerJob", "success"), ("TriggererJob", "running")]
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), {"fsync": "off"}, template.ready) as postgres:
        url = postgres.url(template.MIGRATED)
        with psycopg.connect(url) as connection:
            connection.cursor().executemany("INSERT INTO job (job_type, state) VALUES (%s, %s)", jobs)
        assert metadata.end_schedulers(url) == 1
        with psycopg.connect(url) as connection:
            after = connection.execute("SELECT job_type, state, end_date IS NOT NULL FROM job ORDER BY id").fetchall()
        assert after == [
            ("SchedulerJob", "failed", True),
            ("SchedulerJob", "success", False),
            ("TriggererJob", "running", False),
        ]
        assert metadata.end_schedulers(url) == 0
