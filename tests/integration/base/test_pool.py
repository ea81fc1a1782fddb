"""Connections that the pages keep: nothing goes from one request to the next, and what has changed is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from dev.postgres import EmbeddedPostgres, temporary_postgres
from ses_bounces.base.database import pool
from ses_bounces.base.database.pool import lend
from ses_bounces.base.exceptions import DatabaseError, MissingConnectionError

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

CONN_ID = "pooled"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server of its own: it is restarted."""
    with temporary_postgres({"fsync": "off"}) as started:
        started.create_database("first")
        started.create_database("second")
        yield started


@pytest.fixture(autouse=True)
def _connected(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AIRFLOW_CONN_POOLED", server.url("first"))
    yield
    for _, kept in pool._pools.values():
        kept.dispose()
    pool._pools.clear()


def one(connection: Connection, query: str) -> object:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def pid() -> object:
    with lend(CONN_ID) as connection:
        return one(connection, "SELECT pg_backend_pid()")


def test_a_request_gets_the_connection_of_the_one_before() -> None:
    assert pid() == pid()


def test_requests_at_once_have_one_each() -> None:
    with lend(CONN_ID) as first, lend(CONN_ID) as second:
        assert first is not second
        assert one(first, "SELECT pg_backend_pid()") != one(second, "SELECT pg_backend_pid()")


def test_nothing_is_left_of_the_request_before() -> None:
    with lend(CONN_ID) as first:
        first.execute("SET statement_timeout = '7s'")
        first.execute("CREATE TEMP TABLE left_over ()")
        first.execute("SELECT pg_advisory_lock(1)")
        before = one(first, "SELECT pg_backend_pid()")
    with lend(CONN_ID) as second:
        assert one(second, "SELECT pg_backend_pid()") == before
        assert one(second, "SHOW statement_timeout") == "0"
        assert one(second, "SHOW application_name") == "ses_bounces"
        assert one(second, "SELECT to_regclass('left_over')") is None
        assert one(second, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
        assert second.autocommit


def test_a_transaction_that_was_left_open_is_of_nobody_else() -> None:
    with lend(CONN_ID) as first:
        before = one(first, "SELECT pg_backend_pid()")
        first.execute("BEGIN")
    assert first.closed
    assert pid() != before


def test_an_error_of_a_request_is_not_the_next_ones() -> None:
    with pytest.raises(DatabaseError, match="22012"), lend(CONN_ID) as connection:
        connection.execute("SELECT 1 / 0")
    assert pid() == pid()


def test_a_server_that_was_restarted(server: EmbeddedPostgres) -> None:
    with lend(CONN_ID), lend(CONN_ID):
        before = pid()
    server.restart()
    assert pid() != before
    server.stop()
    try:
        with pytest.raises(DatabaseError, match='can\'t be reached through Airflow connection "pooled"'):
            pid()
    finally:
        server.start()
    assert pid() == pid()


def test_a_connection_that_is_changed(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    with lend(CONN_ID) as before:
        assert one(before, "SELECT current_database()") == "first"
        monkeypatch.setenv("AIRFLOW_CONN_POOLED", server.url("second"))
        with lend(CONN_ID) as after:
            assert one(after, "SELECT current_database()") == "second"
    # The former one goes with its last request.
    assert before.closed
    assert not after.closed
    monkeypatch.delenv("AIRFLOW_CONN_POOLED")
    with pytest.raises(MissingConnectionError, match='"pooled" is missing'), lend(CONN_ID):
        pass
