"""Airflow's own database, to wait by: a look into it costs a twentieth of a request to the API server."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

import psycopg

LOOK_SECONDS = 0.05


def look(
    url: str, query: LiteralString, parameters: Sequence[Any], timeout_seconds: float
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a query, again and again until the time is over; `url` is the libpq URI of the database."""
    deadline = time.monotonic() + timeout_seconds
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            yield connection.execute(query, parameters).fetchall()
            time.sleep(LOOK_SECONDS)


def end_schedulers(url: str) -> int:
    """Notes that every scheduler of this database has ended, and returns how many were still called running.

    A scheduler takes back the tasks of those that ended when it starts, and looks again after 5 minutes only. One that
    was killed counts as running for half a minute; a run that it had begun would block the next run until then.
    """
    with psycopg.connect(url) as connection:
        return connection.execute(
            "UPDATE job SET state = 'failed', end_date = now() WHERE job_type = 'SchedulerJob' AND state = 'running'"
        ).rowcount
