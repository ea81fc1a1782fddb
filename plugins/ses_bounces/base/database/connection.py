"""Connections to Postgres, and its errors without the values that they carry."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ses_bounces.base.exceptions import (
    DatabaseError,
    MissingConnectionError,
    PrivilegeError,
    SchemaError,
    SesBouncesError,
)
from ses_bounces.base.sites import current

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

CONNECT_SECONDS = 10
# A server or network that fell silent: without these a session waits for two hours, and more.
SILENT_SECONDS = 60
_UTF8 = "UTF8"

# SQLSTATE classes of errors that the rows cause; any other error would hit the next rows too.
_DATA_ERRORS = ("22", "23", "54")

# What to do, by SQLSTATE or its class.
_ADVICE = {
    "42501": "The role lacks a privilege; see the grants in docs/reference.md",
    "42P01": "A table is missing: run `ses-bounces db upgrade`",
    "42703": "A column is missing: run `ses-bounces db upgrade`, or correct the people_… settings",
    "42883": "A function is missing: run `ses-bounces db upgrade`",
    "3F000": "The schema is missing: run `ses-bounces db upgrade`",
    "55P03": "Another session holds a lock; the next run tries again",
    "53": "The server is short of a resource (disk, memory or connections)",
    "08": "The connection was lost; a retry goes on where this stopped",
    "57": "The server ended the connection (restart or administrator); a retry goes on where this stopped",
    "40": "A deadlock or serialization failure; a retry goes on where this stopped",
}


@contextlib.contextmanager
def connect(conn_id: str) -> Iterator[Connection]:
    """Open an autocommit psycopg connection of an Airflow connection, and close it.

    :param conn_id: Airflow connection id, of type postgres.
    :raises MissingConnectionError: when it is not defined.
    :raises DatabaseError: when Postgres can't be reached, or refused what was asked in the block.
    """
    with quiet(f'Airflow connection "{conn_id}"'):
        connection: Any = hook_of(conn_id).get_conn()
    with quiet(), contextlib.closing(connection):
        yield prepare(connection)


def hook_of(conn_id: str, most_seconds: int | None = None) -> Any:
    """Return the hook of an Airflow connection of type postgres.

    :param most_seconds: to connect to a host, whatever the connection says; None: that is up to it.
    :raises MissingConnectionError: when it is not defined.
    """
    from airflow.providers.postgres.hooks.postgres import PostgresHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    hook: Any = PostgresHook(conn_id, log_sql=False)
    try:
        # It is read once, and kept by the hook.
        said = hook.connection
    except AirflowNotFoundException:
        raise MissingConnectionError(
            f'Airflow connection "{conn_id}" is missing. Add it under Admin > Connections (type Postgres), or name '
            f'another one as "postgres_conn_id" in Airflow Variable "{current().variable}". If it is defined, Airflow '
            "can't read it: a connection takes one port. Several hosts with a port each are comma-separated in Host, "
            'and their ports in Extra: {"port": "5432,5433"}.'
        ) from None
    extra = said.extra_dejson
    # Rows of another kind are for others who use the connection.
    extra.pop("cursor", None)
    waits = patience() | extra
    if most_seconds is not None and not 0 < _whole(waits["connect_timeout"]) < most_seconds:
        waits["connect_timeout"] = most_seconds
    said.extra = json.dumps(waits)
    return hook


def _whole(value: Any) -> int:
    """Read a number of an Airflow connection; 0, which libpq takes for "no limit", if it is none."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def patience() -> dict[str, int]:
    """Return how long libpq waits, in its own parameters, for a server to answer and for one that fell silent.

    Whoever sets one of them in the connection has the last word.
    """
    return {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": SILENT_SECONDS // 2,
        "keepalives_interval": SILENT_SECONDS // 6,
        "keepalives_count": 3,
        # Milliseconds.
        "tcp_user_timeout": SILENT_SECONDS * 1_000,
    }


@contextlib.contextmanager
def connect_url(url: str) -> Iterator[Connection]:
    """The same for a libpq URL, without Airflow."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    with quiet("the given URL"):
        # In this order: what the URL says itself counts.
        connection = psycopg.connect(**{**patience(), **conninfo_to_dict(url)})  # type: ignore[arg-type]
    with contextlib.closing(connection):
        yield prepare(connection)


def prepare(connection: Connection) -> Connection:
    """Set what the statements of this package rely on, whatever role, database and environment say.

    :raises SchemaError: the database's encoding is another one than UTF8.
    """
    import psycopg

    # All that is read here came with the connection: nothing is asked.
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != _UTF8:
        raise SchemaError(
            f'Database "{connection.info.dbname}" has the encoding {encoding}; it must be UTF8, for addresses may have '
            f"any letter. Make one for it: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
        )
    # Transactions are explicit; no server-side prepared statements, which pgbouncer's transaction mode can't keep.
    connection.autocommit = True
    connection.prepare_threshold = None
    # A transaction begins by waiting for a lock, and must see what was done meanwhile. It is said with each BEGIN: as a
    # setting of the session it would be left behind in a pool of pgbouncer's.
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    # Short statements with high cost estimates: compiling them takes longer than running them.
    connection.execute(
        "SET TIME ZONE 'UTC'; SET client_min_messages = 'warning'; SET application_name = 'ses_bounces'; SET jit = off;"
        " SET client_encoding = 'UTF8'; SET datestyle = 'ISO, MDY'; SET standard_conforming_strings = on"
    )
    if connection.info.parameter_status("IntervalStyle") != "postgres":
        connection.execute("SET intervalstyle = 'postgres'")
    return connection


def database_time(connection: Connection) -> datetime:
    """Return the time by the database's clock, aware; within a transaction, when that began."""
    with quiet():
        row = connection.execute("SELECT now()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


@contextlib.contextmanager
def quiet(where: str = "Postgres") -> Iterator[None]:
    """Turn psycopg's errors into a DatabaseError that shows no row value: DETAIL and CONTEXT lines carry them."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise _kind(error)(describe(error, where)) from None


def is_of_rows(error: Exception) -> bool:
    """Tell whether an error is the fault of single rows, so that without them the others would go through."""
    import psycopg

    if isinstance(error, psycopg.Error):
        if error.sqlstate is None:
            # psycopg refuses a value that it can't send, like a NUL.
            return isinstance(error, psycopg.DataError)
        return error.sqlstate.startswith(_DATA_ERRORS)
    return not isinstance(error, (SesBouncesError, OSError, MemoryError))


def name_of(error: Exception) -> str:
    """Return an error's class, and its SQLSTATE where it has one; its text may hold an address."""
    sqlstate = getattr(error, "sqlstate", None)
    return f"{type(error).__name__} {sqlstate}" if sqlstate else type(error).__name__


def _kind(error: psycopg.Error) -> type[SesBouncesError]:
    # A missing table, column, function or schema is still missing at the next try.
    if error.sqlstate == "42501":
        return PrivilegeError
    return SchemaError if error.sqlstate in ("42P01", "42703", "42883", "3F000") else DatabaseError


def describe(error: psycopg.Error, where: str = "Postgres") -> str:
    """Say what Postgres refused and what to do about it, without row values.

    :param where: the connection's id, for errors of connecting.
    """
    state = error.sqlstate
    if state is None:
        # No server answered: libpq's own message, which names host and port.
        text = " ".join(str(error).split())
        return f"Postgres can't be reached through {where}: {text}. Nothing is lost; the next run goes on."
    diagnostic = error.diag
    place = diagnostic.constraint_name or diagnostic.table_name
    advice = _ADVICE.get(state) or _ADVICE.get(state[:2]) or "See the server's log"
    return f"Postgres refused with SQLSTATE {state} ({type(error).__name__}{f', {place}' if place else ''}). {advice}."
