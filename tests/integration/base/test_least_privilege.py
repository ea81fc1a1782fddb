"""The database role of docs/sql: it can do everything that the job and the pages do, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from dev.aws import Feed, temporary_aws
from dev.postgres import EmbeddedPostgres
from dev.ses import FakeSes
from ses_bounces.actions.action import Action
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.actions.people import people_at
from ses_bounces.actions.stops import request_stops
from ses_bounces.base.database import connection as connections
from ses_bounces.base.database import schema
from ses_bounces.base.database.partitions import drop_partitions, partitions
from ses_bounces.base.settings import parse
from ses_bounces.dags.tasks import doctor as doctor_tasks
from ses_bounces.ledger.lists.blocked import BlockedFilter, stream_blocked
from ses_bounces.ledger.lists.overview import overview
from tests.kit.builders import bounce, complaint, iso, sns
from tests.kit.seeding import address_id, dated
from tests.kit.tasks import Tasks

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

SQL = Path(__file__).resolve().parents[3] / "docs" / "sql"
PASSWORD = "a password: it's 100%"
REGION = "us-east-1"
PEOPLE = """
    CREATE SCHEMA crm;
    CREATE TABLE crm.contact (
        contact_id bigint PRIMARY KEY, email text, mailable boolean NOT NULL DEFAULT true, name text, secret text
    );
    CREATE TABLE public.invoice (id int);
    INSERT INTO crm.contact (contact_id, email) VALUES
        (1, 'Anna@example.com'), (2, 'bo@example.com'), (3, 'cy@example.com'), (4, 'dee@example.com')
"""
NAMES = {"people_table": "crm.contact", "people_id_column": "contact_id", "people_flag_column": "mailable"}


class Place:
    """A database whose administrator ran the two files: as him, and as the role."""

    def __init__(self, postgres: EmbeddedPostgres, name: str, role: str) -> None:
        self.role = role
        self.admin_url = postgres.url(name)
        self.url = (
            f"postgresql://{role}:{PASSWORD.replace('%', '%25').replace(' ', '%20')}@127.0.0.1:{postgres.port}/{name}"
        )
        self._psql = str(postgres.programs / "psql")

    def run(self, file: str, **names: str) -> None:
        """Run one of the files with psql, as docs/reference.md says."""
        given = [part for name, value in names.items() for part in ("--set", f"{name}={value}")]
        environment = os.environ | {"ROLE_PASSWORD": PASSWORD}
        command = [self._psql, "--no-psqlrc", "--quiet", "--dbname", self.admin_url, *given, "--file", str(SQL / file)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def place(postgres: EmbeddedPostgres) -> Iterator[Place]:
    name, role = f"least_{uuid4().hex[:8]}", f"bounces_{uuid4().hex[:8]}"
    postgres.create_database(name)
    made = Place(postgres, name, role)
    with psycopg.connect(made.admin_url, autocommit=True) as admin:
        # A strict administrator: nobody gets anything by being there.
        admin.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        admin.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        admin.execute(PEOPLE)
    for _ in range(2):
        made.run("role.sql", role=role)
        made.run("people.sql", role=role, schema="crm", table="contact", id="contact_id", flag="mailable")
    yield made
    postgres.drop_database(name)
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"DROP ROLE {role}")


@pytest.fixture
def role(place: Place) -> Iterator[Connection]:
    """The role's connection to the schema that it made itself."""
    with connections.connect_url(place.url) as opened:
        assert schema.upgrade(opened) == schema.LAST_REVISION
        assert schema.upgrade(opened) == schema.LAST_REVISION
        yield opened


@pytest.fixture(scope="module")
def ses() -> Iterator[FakeSes]:
    with temporary_aws() as aws, FakeSes(aws) as started:
        yield started


def test_it_can_do_what_the_dags_and_pages_do(
    place: Place, role: Connection, ses: FakeSes, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed.create(ses)
    tasks = Tasks(
        monkeypatch, place.url, ses.connection_json(), queue_urls=[feed.queue_url], ses_regions=[REGION],
        push_to_ses=True, lift_at_ses=False, raw_retention_days=1, never_block=["@protected.example.com"], **NAMES,
    )  # fmt: skip
    events = [
        dated(bounce("anna@example.com"), 2), dated(complaint("bo@example.com"), 2),
        dated(bounce("cy@example.com", "Transient"), 20),
    ]  # fmt: skip
    now = iso(datetime.now(UTC))
    feed.send_bodies([*(json.dumps(sns(event, Timestamp=now)) for event in events), "not JSON"])
    tasks.hour(report_today=True)
    with psycopg.connect(place.admin_url) as admin:
        off = "SELECT contact_id FROM crm.contact WHERE NOT mailable ORDER BY 1"
        assert admin.execute(off).fetchall() == [(1,), (2,), (3,)]

    # Old days go.
    with psycopg.connect(place.admin_url, autocommit=True) as admin, as_role(admin, place.role):
        make_day(admin, "20260101")
    assert len(partitions(role)) == 10
    assert drop_partitions(role, 1) == 1

    settings = parse(tasks.settings)
    person = Action("ops", "is mended", str(uuid4()))
    lifted = lift_blocks(role, person, {address_id(role, "anna@example.com"): ["permanent_bounce"]})
    assert [result.outcome for result in lifted] == ["done"]
    assert people_at(role, settings, [address_id(role, "bo@example.com")])
    stops = request_stops(role, Action("ops", "asked", str(uuid4())), ["dee@example.com", "new@example.com"])
    assert len(stops) == 2
    assert overview(role).quarantined.found == 1
    # With the header.
    assert len(list(stream_blocked(role, BlockedFilter()))) == 5

    tasks.suppression_sync()
    doctor_tasks.check_ledger(tasks.context("check_ledger"))
    tasks.hour("manual__2")
    with psycopg.connect(place.admin_url) as admin:
        assert admin.execute(off).fetchall() == [(2,), (3,), (4,)]


@contextmanager
def as_role(connection: psycopg.Connection[Any], role: str) -> Iterator[None]:
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    yield
    connection.execute("RESET ROLE")


def make_day(connection: psycopg.Connection[Any], day: str) -> None:
    connection.execute(
        f"CREATE TABLE ses_bounces.message_{day} PARTITION OF ses_bounces.message"
        f" FOR VALUES FROM ('{day[:4]}-{day[4:6]}-{day[6:]} 00:00+00') TO ('{day[:4]}-{day[4:6]}-{int(day[6:]) + 1:02} 00:00+00')"
    )


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM crm.contact",
        "SELECT name FROM crm.contact",
        "UPDATE crm.contact SET email = 'x'",
        "UPDATE crm.contact SET contact_id = 9",
        "UPDATE crm.contact SET mailable = false, name = 'x'",
        "INSERT INTO crm.contact (contact_id) VALUES (9)",
        "DELETE FROM crm.contact",
        "TRUNCATE crm.contact",
        "ALTER TABLE crm.contact ADD COLUMN x int",
        "CREATE INDEX ON crm.contact (email)",
        "CREATE TABLE crm.mine ()",
        "CREATE TABLE public.mine ()",
        "SELECT id FROM public.invoice",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_it_can_do_nothing_else(place: Place, query: str) -> None:
    with (
        psycopg.connect(place.url, autocommit=True) as role,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        role.execute(query)


def test_of_the_people_it_reads_and_writes_what_the_settings_name(place: Place) -> None:
    with psycopg.connect(place.url) as role:
        role.execute("UPDATE crm.contact SET mailable = false WHERE contact_id = 1")
        query = "SELECT contact_id, email, mailable, xmin::text <> '0' FROM crm.contact WHERE NOT mailable"
        assert role.execute(query).fetchall() == [(1, "Anna@example.com", False, True)]


def test_without_a_password_nothing_is_made(postgres: EmbeddedPostgres) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ROLE_PASSWORD"}
    command = [str(postgres.programs / "psql"), "--no-psqlrc", "--dbname", postgres.url(), "--set", "role=nobody_yet"]
    command += ["--file", str(SQL / "role.sql")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "ROLE_PASSWORD is not set" in done.stderr
    with psycopg.connect(postgres.url()) as admin:
        assert admin.execute("SELECT FROM pg_roles WHERE rolname = 'nobody_yet'").rowcount == 0
