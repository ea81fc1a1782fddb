"""Postgres, and Airflow's connection to it, as others have set them: what we do is the same, or refused in a sentence."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psycopg
import pytest

from dev.postgres import EmbeddedPostgres
from ses_bounces.base.database import connection as connections
from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect, connect_url
from ses_bounces.base.database.pool import _pools, lend
from ses_bounces.base.exceptions import DatabaseError, MissingConnectionError, SchemaError
from ses_bounces.base.settings import parse
from ses_bounces.classify.address import address_key
from ses_bounces.mailer import is_blocked
from ses_bounces.people.sync import sync
from ses_bounces.report.as_of import blocked_as_of
from ses_bounces.report.making import make_report
from tests.integration.report.test_report import history, moment, reported_day, stored

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

SETTINGS = {
    "datestyle": "'SQL, DMY'",
    "intervalstyle": "'sql_standard'",
    "client_encoding": "'latin1'",
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "default_transaction_isolation": "'serializable'",
    "timezone": "'Asia/Kathmandu'",
    "bytea_output": "'escape'",
    "extra_float_digits": "-15",
    "client_min_messages": "'error'",
}


def change(database_url: str, **values: str) -> None:
    name = urlsplit(database_url).path[1:]
    with psycopg.connect(database_url, autocommit=True) as admin:
        for setting, value in values.items():
            admin.execute(f"ALTER DATABASE {name} SET {setting} = {value}")  # type: ignore[arg-type]


def seen(connection: Connection) -> Any:
    """A history, and all that is read of it."""
    history(connection)
    summary = make_report(connection, reported_day(), ZoneInfo("America/Havana"))
    rows = list(blocked_as_of(connection, moment(3)))
    entries = connection.execute(
        "SELECT e.occurred_at, e.deadline - e.occurred_at, e.dedup_key, a.address"
        " FROM ses_bounces.address_event e JOIN ses_bounces.address a USING (address_id) ORDER BY 1"
    ).fetchall()
    connection.execute(
        "CREATE TABLE public.people (id int PRIMARY KEY, email text, allow_group_email boolean);"
        "INSERT INTO public.people VALUES (1, 'new@example.com', true), (2, 'nobody', true), (3, 'after@example.com', true)"
    )
    done = sync(connection, parse({"queue_urls": "http://127.0.0.1/1/q", "people_table": "public.people"}))
    is_one = is_blocked(connection, "NEW@example.com")
    return summary, rows, entries, stored(connection, reported_day(), "csv"), is_one, done.switched_off, done.unreadable


def test_what_roles_and_databases_set_makes_no_difference(database: Connection, postgres: EmbeddedPostgres) -> None:
    usual = seen(database)
    postgres.create_database("otherwise")
    try:
        change(postgres.url("otherwise"), **SETTINGS)
        with connect_url(postgres.url("otherwise")) as other:
            schema.upgrade(other)
            assert seen(other) == usual
            with other.transaction():
                assert other.execute("SHOW transaction_isolation").fetchone() == ("read committed",)
            assert other.execute("SELECT 'ł😀'").fetchone() == ("ł😀",)
    finally:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("DROP DATABASE otherwise WITH (FORCE)")


WRITTEN = (
    "Ann@Example.com", "ann@bücher.example", '"a\\"b"@example.com', "Ann <ann@example.com>", '"A\\\\" <ann@example.com>',
    "ann@exa\u0001mple.com", "a\\b@example.com", "a(b@example.com", "ann@example.c0m",
)  # fmt: skip


def test_keys_are_the_same_in_the_session_of_whoever_asks(database: Connection, database_url: str) -> None:
    """An application's own, whose people table is indexed by them."""
    change(database_url, standard_conforming_strings="off", escape_string_warning="off")
    with psycopg.connect(database_url, autocommit=True) as other:
        assert other.execute("SHOW standard_conforming_strings").fetchone() == ("off",)
        keys = other.execute(
            "SELECT ses_bounces.address_key(t) FROM unnest(%s::text[]) WITH ORDINALITY w(t, n) ORDER BY n",
            [list(WRITTEN)],
        ).fetchall()
    assert [key for (key,) in keys] == [address_key(text) for text in WRITTEN]


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_another_encoding_is_refused_in_a_sentence_before_anything_is_made(
    postgres: EmbeddedPostgres, encoding: str
) -> None:
    name = f"in_{encoding.lower()}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")  # type: ignore[arg-type]
        try:
            said = f'Database "{name}" has the encoding {encoding}; it must be UTF8'
            with pytest.raises(SchemaError, match=said), connect_url(postgres.url(name)) as opened:
                schema.upgrade(opened)
            with psycopg.connect(postgres.url(name)) as found:
                assert found.execute("SELECT to_regnamespace('ses_bounces') IS NULL").fetchone() == (True,)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture
def airflow(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Define Airflow connection ``others`` to the database, with what is given in its Extra."""
    parts = urlsplit(database_url)

    def define(host: str | None = None, number: Any = parts.port, **extra: Any) -> None:
        said = {
            "conn_type": "postgres", "host": host or parts.hostname, "port": number, "login": parts.username,
            "password": parts.password, "schema": parts.path[1:], "extra": extra,
        }  # fmt: skip
        monkeypatch.setenv("AIRFLOW_CONN_OTHERS", json.dumps(said))

    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    yield define
    for _, kept in _pools.values():
        kept.dispose()
    _pools.clear()


@pytest.mark.parametrize("open_", [connect, lend])
@pytest.mark.parametrize("cursor", ["dictcursor", "namedtuplecursor", "realdictcursor"])
def test_rows_are_ours_whatever_cursor_others_want(airflow: Callable[..., None], open_: Any, cursor: str) -> None:
    airflow(cursor=cursor)
    for _ in range(2):
        with open_("others") as opened:
            assert schema.check(opened) == schema.LAST_REVISION
            assert type(opened.execute("SELECT 1").fetchone()) is tuple


def test_several_hosts_have_a_port_each(airflow: Callable[..., None], database_url: str) -> None:
    port = urlsplit(database_url).port
    airflow("127.0.0.1,127.0.0.1", None, port=f"1,{port}")
    with connect("others") as opened:
        assert schema.check(opened) == schema.LAST_REVISION
    # Airflow can't read it otherwise, and says only that it is not there.
    airflow("127.0.0.1,127.0.0.1", f"1,{port}")
    with (
        pytest.raises(MissingConnectionError, match=r'their ports in Extra: \{"port": "5432,5433"\}'),
        connect("others"),
    ):
        pass


def waits_of(connection: Connection) -> dict[str, int]:
    """What the kernel has for the connection's socket."""
    with socket.socket(fileno=connection.fileno()) as own:
        try:
            options = {name: getattr(socket, name) for name in ("TCP_USER_TIMEOUT", "TCP_KEEPIDLE", "TCP_KEEPINTVL")}
            return {name: own.getsockopt(socket.IPPROTO_TCP, option) for name, option in options.items()}
        finally:
            # It stays libpq's.
            own.detach()


def test_a_network_that_fell_silent_is_noticed_within_a_minute(airflow: Callable[..., None], database_url: str) -> None:
    airflow()
    usual = {"TCP_USER_TIMEOUT": 60_000, "TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10}
    for open_, where in ((connect, "others"), (lend, "others"), (connect_url, database_url)):
        with open_(where) as opened:
            assert waits_of(opened) == usual, open_
    # What the connection says itself counts.
    airflow(tcp_user_timeout=5_000, keepalives_idle=7)
    for open_, where in ((connect, "others"), (connect_url, f"{database_url}?tcp_user_timeout=5000&keepalives_idle=7")):
        with open_(where) as opened:
            assert waits_of(opened) == usual | {"TCP_USER_TIMEOUT": 5_000, "TCP_KEEPIDLE": 7}, open_


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A server that takes connections and says nothing; its port."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(listening.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    for one in taken:
        one.close()


@pytest.mark.parametrize("open_", [connect, lend])
def test_a_server_that_says_nothing_is_not_waited_for(
    airflow: Callable[..., None], monkeypatch: pytest.MonkeyPatch, open_: Any
) -> None:
    # libpq's least; without any it waits for good.
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 2)
    began = time.monotonic()
    with silent() as port:
        airflow("127.0.0.1", port)
        with pytest.raises(DatabaseError, match="timeout expired"), open_("others"):
            pass
    # Without it psycopg waits for more than two minutes.
    assert time.monotonic() - began < 60


def test_a_timezone_and_a_style_do_not_change_what_is_kept_of_a_time(database: Connection, database_url: str) -> None:
    change(database_url, datestyle="'German'", intervalstyle="'iso_8601'", timezone="'America/New_York'")
    with connect_url(database_url) as other:
        row = other.execute("SELECT '2026-01-02 03:04:05+00'::timestamptz, interval '1 day 2 hours'").fetchone()
    assert row is not None
    assert (row[0].isoformat(), row[1]) == ("2026-01-02T03:04:05+00:00", timedelta(days=1, hours=2))
