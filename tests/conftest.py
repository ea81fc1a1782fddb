"""A real Postgres for every test that asks for one: a fresh, migrated database each."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

from dev import launcher
from dev.postgres import EmbeddedPostgres, temporary_postgres
from ses_bounces.database import connection as connections
from ses_bounces.database import schema

if TYPE_CHECKING:
    from ses_bounces.database.connection import Connection

pytest_plugins = ["tests.needed_tools"]

TEMPLATE = "migrated"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make screenshots` gives it."""
    parser.addoption("--screenshots", action="store_true", help="take the pictures of the documentation anew")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Nothing that the tests start outlives them, however they end."""
    # Pytest's own folders stay where they were: those of the last three sessions are kept.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    launcher.keep_temporary_files()
    if not hasattr(config, "workerinput"):
        # Without its lock a folder is kept like that of a session that came to its end.
        launcher.remove_at_end(config._tmp_path_factory.getbasetemp() / ".lock")


_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server of the session."""
    with temporary_postgres({"fsync": "off", "max_connections": "200"}) as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database to copy."""
    postgres.create_database(TEMPLATE)
    with connections.connect_url(postgres.url(TEMPLATE)) as opened:
        schema.upgrade(opened)
    return TEMPLATE


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield postgres.url(name)
    # Another connection: a test may have restarted the server.
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Connection]:
    """A connection to a fresh, migrated database, as the tasks open it."""
    with connections.connect_url(database_url) as opened:
        yield opened
