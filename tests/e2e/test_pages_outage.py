"""What the pages wait for in vain is waited for by them alone: Airflow's own pages are answered meanwhile."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest

from dev.pages_server import SETTINGS, PagesServer, make_database
from dev.postgres import EmbeddedPostgres
from dev.silent import full_backlog, never_answering
from ses_bounces.web.own_threads import CONNECTIONS, THREADS
from tests.e2e.shared import add_connection, own_settings

pytestmark = pytest.mark.e2e

VIEWERS = 50
# Only what hangs takes as long.
LONG_SECONDS = 60


@pytest.fixture(scope="module")
def server(server: PagesServer, postgres: EmbeddedPostgres) -> Iterator[PagesServer]:
    """The server of all, with a database of this module's."""
    database_url = make_database(postgres, "pages_outage")
    add_connection(server.airflow.api, "outage", database_url)
    with own_settings(server.airflow.api):
        yield replace(server, database_url=database_url)


@pytest.fixture
def settings(server: PagesServer) -> Callable[..., None]:
    def change(**ours: Any) -> None:
        given = SETTINGS | {"postgres_conn_id": "outage"} | ours
        server.airflow.api.set_variable("ses_bounces", json.dumps(given))

    return change


@contextmanager
def viewers(server: PagesServer, path: str, number: int = VIEWERS) -> Iterator[list[Future[httpx.Response]]]:
    """Have several people ask for a page; in the block their answers may not be there yet."""

    def ask() -> httpx.Response:
        with server.client("vera") as client:
            return client.get(path)

    server.token("vera")
    with ThreadPoolExecutor(number) as pool:
        yield [pool.submit(ask) for _ in range(number)]


def ask_airflow(server: PagesServer) -> None:
    """Ask what takes one of the threads that Airflow answers with."""
    for _ in range(3):
        answer = httpx.get(f"{server.airflow.url}/api/v2/version", timeout=LONG_SECONDS, trust_env=False)
        assert answer.status_code == 200


def reach(server: PagesServer, conn_id: str, port: int) -> str:
    """Add a connection to what listens on a port; its id."""
    named = f"{conn_id}_{port}"
    add_connection(server.airflow.api, named, f"postgres://nobody:secret@127.0.0.1:{port}/nothing")
    return named


@pytest.mark.parametrize("silent", [full_backlog, never_answering])
def test_a_postgres_that_does_not_answer(
    server: PagesServer, settings: Callable[..., None], silent: Callable[[], Any]
) -> None:
    with silent() as port:
        settings(postgres_conn_id=reach(server, "dead", port))
        with viewers(server, "blocked") as asked:
            ask_airflow(server)
            # Some still wait for it: they hold up nobody else.
            assert not all(one.done() for one in asked)
            answers = [one.result(LONG_SECONDS) for one in asked]
    assert {answer.status_code for answer in answers} == {503}
    assert all("The database can&#39;t be reached, or refused" in answer.text for answer in answers)


def test_the_settings_can_be_mended_meanwhile(server: PagesServer, settings: Callable[..., None]) -> None:
    with never_answering() as port:
        conn_id = reach(server, "wrong", port)
        settings(postgres_conn_id=conn_id)
        with viewers(server, "settings", 10) as asked:
            ask_airflow(server)
            answers = [one.result(LONG_SECONDS) for one in asked]
    assert {answer.status_code for answer in answers} == {200}
    assert all(f'value="{conn_id}"' in answer.text for answer in answers)


def test_a_postgres_that_stops_in_the_middle(server: PagesServer, settings: Callable[..., None]) -> None:
    settings()
    with psycopg.connect(server.database_url) as other:
        other.execute("LOCK TABLE ses_bounces.blocked_list IN ACCESS EXCLUSIVE MODE")
        with viewers(server, "blocked", THREADS + 32) as asked:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            while server.sql(waiting) != [(THREADS,)]:
                assert not any(one.done() for one in asked)
            ask_airflow(server)
            assert not any(one.done() for one in asked)
            # Each may have a connection while it waits for its turn, and no more than that have one.
            connected = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = 'pages_outage' AND pid <> pg_backend_pid()"
            )
            [(number,)] = server.sql(connected)
            assert number <= CONNECTIONS + 1
            other.rollback()
            answers = [one.result(LONG_SECONDS) for one in asked]
    assert {answer.status_code for answer in answers} == {200}


def test_an_sqs_that_does_not_answer(server: PagesServer, settings: Callable[..., None]) -> None:
    with never_answering() as port:
        extra = json.dumps({"region_name": "eu-west-1", "endpoint_url": f"http://127.0.0.1:{port}"})
        body = {"connection_id": f"silent_{port}", "conn_type": "aws", "login": "x", "password": "x", "extra": extra}
        server.airflow.api.request("POST", "/connections", json=body)
        settings(queue_urls=[f"http://127.0.0.1:{port}/000000000000/silent"], aws_conn_id=f"silent_{port}")
        with viewers(server, "queues") as asked:
            ask_airflow(server)
            assert not all(one.done() for one in asked)
            answers = [one.result(LONG_SECONDS) for one in asked]
    assert {answer.status_code for answer in answers} == {200}
    assert all("does not answer" in answer.text for answer in answers)


def test_a_thread_is_free_again_when_its_viewer_has_gone(server: PagesServer, settings: Callable[..., None]) -> None:
    settings()
    path = server.root.removeprefix(server.airflow.url)
    with psycopg.connect(server.database_url) as other:
        other.execute("LOCK TABLE ses_bounces.blocked_list IN ACCESS EXCLUSIVE MODE")
        for _ in range(THREADS):
            host, _, port = server.airflow.url.removeprefix("http://").partition(":")
            with socket.create_connection((host, int(port)), timeout=LONG_SECONDS) as gone:
                head = f"GET {path}blocked HTTP/1.1\r\nHost: {host}\r\nCookie: _token={server.token('vera')}\r\n\r\n"
                gone.sendall(head.encode())
        while server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") != [(THREADS,)]:
            pass
        other.rollback()
    with viewers(server, "blocked", THREADS + 1) as asked:
        assert {one.result(LONG_SECONDS).status_code for one in asked} == {200}
