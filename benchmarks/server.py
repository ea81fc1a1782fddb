"""A Postgres server for a benchmark, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil

from benchmarks.measure import Cost
from dev.postgres import EmbeddedPostgres, temporary_postgres
from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect_url

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# As a server of its own would have it; commits are on disk.
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB", "maintenance_work_mem": "512MB"}


@contextmanager
def migrated(name: str = "bench", settings: dict[str, str] | None = None) -> Iterator[tuple[EmbeddedPostgres, str]]:
    """Start a server with one migrated database; it is removed at the end. Gives the server and the database's URL."""
    with temporary_postgres({**SETTINGS, **(settings or {})}) as postgres:
        yield postgres, new_database(postgres, name)


def new_database(postgres: EmbeddedPostgres, name: str) -> str:
    """Make a migrated database and return its URL."""
    postgres.create_database(name)
    with connect_url(postgres.url(name)) as connection:
        schema.upgrade(connection)
    return postgres.url(name)


class ServerWatch:
    """Like :class:`benchmarks.measure.Stopwatch`, with the CPU of all of the server's processes, ended ones too."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        assert postgres.pid is not None
        self._postmaster = psutil.Process(postgres.pid)
        self._began = self._now()

    def cost(self) -> Cost:
        """Return the seconds spent since the start."""
        now = self._now()
        return Cost(*(later - earlier for later, earlier in zip(now, self._began, strict=True)))

    def _now(self) -> tuple[float, float, float]:
        own = self._postmaster.cpu_times()
        server = own.user + own.system + own.children_user + own.children_system
        for child in self._postmaster.children():
            with suppress(psutil.NoSuchProcess):
                times = child.cpu_times()
                server += times.user + times.system
        return time.perf_counter(), time.process_time(), server


@contextmanager
def without_indexes(connection: Connection, *tables: str) -> Iterator[None]:
    """Drop the indexes of tables that are filled in the block, and build them after; constraints of keys stay."""
    found = connection.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
        " WHERE i.indrelid = ANY (%s::regclass[])"
        " AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
        [[f"ses_bounces.{table}" for table in tables]],
    ).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _, definition in found:
        connection.execute(definition)


def one(connection: Connection, query: str, *parameters: object) -> int:
    """Return the one number that a query yields."""
    row = connection.execute(query, list(parameters)).fetchone()
    assert row is not None
    return int(row[0])
