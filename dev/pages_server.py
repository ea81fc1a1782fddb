"""A real API server with the pages on a real Postgres, for what needs no tasks: no scheduler runs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from dev.airflow import LocalAirflow
from dev.postgres import EmbeddedPostgres
from dev.template import MIGRATED
from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.sites import Site

USERS = {"anna": "admin", "otto": "op", "uma": "user", "vera": "viewer"}
QUEUE_URL = "http://127.0.0.1:9/000000000000/ses-bounces-queue"
# There is no SES to be asked.
SETTINGS = {"queue_urls": [QUEUE_URL], "people_table": "public.people", "lift_at_ses": False}
PEOPLE = """
CREATE TABLE IF NOT EXISTS public.people (
    id bigint PRIMARY KEY,
    email text NOT NULL,
    allow_group_email boolean NOT NULL DEFAULT true
)
"""


@dataclass
class PagesServer:
    """A started API server and a site's pages on it. ``database_url``: of its data; ``root``: the URL of its pages."""

    airflow: LocalAirflow
    database_url: str
    metadata_url: str
    tokens: dict[str, str] = field(default_factory=dict)
    site: Site = field(default_factory=Site)

    @property
    def root(self) -> str:
        """The URL of the pages."""
        return f"{self.airflow.url}/{self.site.slug}/"

    def token(self, user: str, password: str | None = None) -> str:
        """The token of a user who logged in."""
        if user not in self.tokens:
            sent = {"username": user, "password": password or self.airflow.passwords[user]}
            answer = httpx.post(f"{self.airflow.url}/auth/token", json=sent, timeout=60, trust_env=False)
            assert answer.status_code == 201, answer.text
            self.tokens[user] = answer.json()["access_token"]
        return self.tokens[user]

    @contextlib.contextmanager
    def client(self, user: str | None) -> Iterator[httpx.Client]:
        """A client with the cookie that a browser would have; paths are below the pages' root."""
        cookies = {"_token": self.token(user)} if user else {}
        with httpx.Client(base_url=self.root, cookies=cookies, timeout=60, trust_env=False) as opened:
            yield opened

    def sql(self, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """The rows of a query on our data; nothing for a statement without rows."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def store_variable(self, key: str, settings: Mapping[str, Any]) -> None:
        """Put a Variable into Airflow's database, over one that is there; whoever may log in need not be known."""
        with psycopg.connect(self.metadata_url) as connection:
            connection.execute(
                "INSERT INTO variable (key, val, is_encrypted) VALUES (%s, %s, false)"
                " ON CONFLICT (key) DO UPDATE SET val = excluded.val, is_encrypted = false",
                [key, json.dumps(settings)],
            )

    def audit_log(self, event: str) -> list[tuple[str, str]]:
        """Owner and extra of the entries in Airflow's Audit Log, the oldest first."""
        with psycopg.connect(self.metadata_url) as connection:
            query = "SELECT owner, extra FROM log WHERE event = %s ORDER BY id"
            return connection.execute(query, [event]).fetchall()

    def last_audit_entry(self) -> int:
        """The id of the last entry in Airflow's Audit Log; 0 if there is none."""
        with psycopg.connect(self.metadata_url) as connection:
            row = connection.execute("SELECT coalesce(max(id), 0) FROM log").fetchone()
        assert row is not None
        return int(row[0])

    def logs(self) -> str:
        """Everything that the API server has logged."""
        return "\n".join(path.read_text() for path in (self.airflow.home / "components").glob("*.log"))


@contextlib.contextmanager
def pages_server(
    folder: Path,
    postgres: EmbeddedPostgres,
    name: str,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    **options: Any,
) -> Iterator[PagesServer]:
    """Start an API server on two databases of its own, called after ``name``, with an empty table of people.

    :param environment: more variables for it.
    :param settings: of the Variable, beside ours.
    :param options: more of :class:`dev.airflow.LocalAirflow`.
    """
    ours, metadata = f"pages_{name}", f"airflow_{name}"
    make_database(postgres, ours)
    postgres.create_database(metadata, migrated_metadata(folder, postgres))
    airflow = LocalAirflow(
        folder,
        postgres.url(metadata),
        components=("api-server",),
        # Any free one: several servers may start at once.
        preferred_port=0,
        users=options.pop("users", USERS),
        environment={
            "AIRFLOW_CONN_SES_BOUNCES_POSTGRES": postgres.url(ours),
            "AIRFLOW_CONN_SES_BOUNCES_AWS": json.dumps({"conn_type": "aws", "extra": {"region_name": "eu-west-1"}}),
            **(environment or {}),
        },
        **options,
    )
    airflow.note_migrated()
    with airflow:
        server = PagesServer(airflow, postgres.url(ours), postgres.url(metadata))
        server.store_variable(server.site.variable, {**SETTINGS, **(settings or {})})
        yield server


def make_database(postgres: EmbeddedPostgres, name: str) -> str:
    """Make a database with our schema and an empty table of people, if it isn't there; its libpq URI."""
    postgres.create_database(name)
    with connect_url(postgres.url(name)) as connection:
        schema.upgrade(connection)
        connection.execute(PEOPLE)
    return postgres.url(name)


def migrated_metadata(folder: Path, postgres: EmbeddedPostgres) -> str:
    """The name of a metadata database to copy, with the tables of every auth manager.

    Made by the first who asks, if it isn't there: that takes longer than all that follows.
    """
    if postgres.create_database(MIGRATED):
        airflow = LocalAirflow(folder / "migration", postgres.url(MIGRATED), preferred_port=0)
        airflow.begin_migration()
        airflow.finish_migration()
    return MIGRATED
