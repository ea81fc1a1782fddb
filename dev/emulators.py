"""The servers that an Airflow of your own needs for a try: a PostgreSQL and an AWS, without any Airflow of ours."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from dev.aws import EmulatedAws
from dev.postgres import EmbeddedPostgres
from dev.ses import FakeSes
from ses_bounces.base.sites import Site

DATABASE = "app"
PEOPLE = """
CREATE TABLE IF NOT EXISTS public.people (
    id bigint PRIMARY KEY,
    email text NOT NULL,
    allow_group_email boolean NOT NULL DEFAULT true
)
"""


@contextmanager
def emulators(data: Path) -> Iterator[dict[str, str]]:
    """Start PostgreSQL, with an empty people table in a database, and the emulated AWS; both end with the block.

    :param data: the folder of all they keep.
    :returns: the Airflow connections that lead to them, as JSON, by their ids.
    """
    site = Site()
    with ExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres(data / "postgres"))
        ses = stack.enter_context(FakeSes(stack.enter_context(EmulatedAws(data / "aws", persist=True))))
        postgres.create_database(DATABASE)
        with psycopg.connect(postgres.url(DATABASE)) as connection:
            connection.execute(PEOPLE)
        yield {
            site.postgres_conn_id: as_json(postgres.url(DATABASE)),
            site.aws_conn_id: ses.connection_json(),
        }


def as_json(url: str) -> str:
    """Return a libpq URL as an Airflow connection."""
    parts = urllib.parse.urlsplit(url)
    return json.dumps(
        {
            "conn_type": "postgres",
            "host": parts.hostname,
            "port": parts.port,
            "login": parts.username,
            "password": urllib.parse.unquote(parts.password or ""),
            "schema": parts.path.lstrip("/"),
        }
    )
