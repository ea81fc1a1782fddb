"""A Postgres that takes no connection, takes it and says nothing, or stops: what waits for it, and for how long."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest

from dev.postgres import EmbeddedPostgres, temporary_postgres
from dev.silent import frozen, full_backlog, never_answering
from ses_bounces.base.database import gate, pool
from ses_bounces.base.database.connection import hook_of
from ses_bounces.base.database.pool import lend, lend_async
from ses_bounces.base.exceptions import DatabaseError, SchemaError

CONN_ID = "dying"
WAITS_FOR_GOOD = 60
SILENT = {"full backlog": full_backlog, "never answers": never_answering}


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server of its own: it is stopped."""
    with temporary_postgres({"fsync": "off"}) as started:
        yield started


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    for _, kept in pool._pools.values():
        kept.dispose()
    pool._pools.clear()
    pool._gates.clear()


@pytest.fixture(params=SILENT)
def silent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The Airflow connection leads to a server that never answers."""
    opened: AbstractContextManager[int] = SILENT[request.param]()
    with opened as port:
        monkeypatch.setenv("AIRFLOW_CONN_DYING", f"postgres://nobody:secret@127.0.0.1:{port}/nothing")
        yield


def refused() -> str:
    with pytest.raises(DatabaseError) as raised, lend(CONN_ID):
        pass
    return str(raised.value)


async def refused_async() -> str:
    try:
        async with lend_async(CONN_ID):
            return "opened"
    except DatabaseError as error:
        return str(error)


def pid() -> object:
    with lend(CONN_ID) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return row[0]


@pytest.mark.usefixtures("silent")
def test_four_wait_and_the_next_is_told_at_once() -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(gate.PLACES) as asking:
        waiting = [asking.submit(refused) for _ in range(gate.PLACES)]
        time.sleep(gate.SLOW_SECONDS + 0.5)
        assert not any(one.done() for one in waiting)
        asked = time.monotonic()
        assert "4 requests wait for it already" in refused()
        assert time.monotonic() - asked < gate.SLOW_SECONDS
        said = {one.result(WAITS_FOR_GOOD) for one in waiting}
    assert time.monotonic() - began < WAITS_FOR_GOOD / 2
    assert all('can\'t be reached through Airflow connection "dying"' in one for one in said)
    # For some seconds nobody is made to wait for what did not answer.
    asked = time.monotonic()
    assert {refused() for _ in range(20)} <= said
    assert time.monotonic() - asked < gate.SLOW_SECONDS


@pytest.mark.usefixtures("silent")
def test_fifty_requests_hold_no_thread_but_the_four_that_open() -> None:
    before = set(threading.enumerate())

    async def ask() -> tuple[list[str], set[threading.Thread]]:
        requests = [asyncio.create_task(refused_async()) for _ in range(50)]
        await asyncio.sleep(gate.SLOW_SECONDS / 2)
        begun = set(threading.enumerate()) - before
        return await asyncio.gather(*requests), begun

    said, begun = asyncio.run(ask())
    assert len(begun) == gate.PLACES
    assert all(thread.name.startswith("ses-bounces-open") for thread in begun)
    assert sum("4 requests wait for it already" in one for one in said) == 50 - gate.PLACES
    assert sum("can't be reached through" in one for one in said) == gate.PLACES


def test_one_that_comes_back_is_asked_again(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "REMEMBERED_SECONDS", 0.5)
    with never_answering() as port:
        monkeypatch.setenv("AIRFLOW_CONN_DYING", f"postgres://nobody:secret@127.0.0.1:{port}/nothing")
        assert "can't be reached" in refused()
        monkeypatch.setenv("AIRFLOW_CONN_DYING", server.url())
        assert "can't be reached" in refused()
        time.sleep(0.6)
        assert pid() == pid()


def test_a_refusal_that_comes_at_once_is_not_remembered(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_DYING", server.url("nothing"))
    assert "3D000" in refused() or "nothing" in refused()
    server.create_database("nothing")
    assert pid() == pid()


def test_a_kept_connection_of_a_server_that_stopped(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "ANSWER_SECONDS", 2)
    monkeypatch.setattr(gate, "REMEMBERED_SECONDS", 0.0)
    monkeypatch.setenv("AIRFLOW_CONN_DYING", server.url())
    with lend(CONN_ID), lend(CONN_ID), lend(CONN_ID):
        pass
    before = pid()
    with frozen(server):
        began = time.monotonic()
        # All three that are kept at once, and not one after the other.
        assert "no answer for 2 seconds" in refused()
        assert "can't be reached" in refused()
        assert time.monotonic() - began < WAITS_FOR_GOOD / 2
    assert pid() not in (before, None)
    assert pid() == pid()


def test_what_opens_after_all_is_kept_for_the_next(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "SLOW_SECONDS", 0.1)
    monkeypatch.setattr(gate, "GIVE_UP_SECONDS", 0.2)
    monkeypatch.setattr(gate, "REMEMBERED_SECONDS", 0.0)
    monkeypatch.setenv("AIRFLOW_CONN_DYING", server.url())
    opened: list[object] = []
    go = threading.Event()

    def slow(connection: object) -> None:
        opened.append(connection)
        assert go.wait(WAITS_FOR_GOOD)

    with pytest.raises(DatabaseError, match="no answer for"), lend(CONN_ID, slow):
        pass
    go.set()
    until = time.monotonic() + WAITS_FOR_GOOD
    while not pool._pools[CONN_ID][1].checkedin():
        assert time.monotonic() < until
        time.sleep(0.01)
    monkeypatch.setattr(gate, "GIVE_UP_SECONDS", 30.0)
    with lend(CONN_ID) as connection:
        assert connection is opened[0]


def test_a_check_that_fails_leaves_the_connection_for_the_next(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_DYING", server.url())

    def refuse(_connection: object) -> None:
        raise SchemaError("not this one")

    before = pid()
    with pytest.raises(SchemaError, match="not this one"), lend(CONN_ID, refuse):
        pass
    assert pid() == before


@pytest.mark.parametrize(
    ("extra", "tasks", "pages"),
    [
        ("", 10, 3),
        ("?connect_timeout=2", "2", "2"),
        ("?connect_timeout=7", "7", 3),
        ("?connect_timeout=0", "0", 3),
        ("?connect_timeout=soon", "soon", 3),
    ],
)
def test_how_long_a_host_may_take_to_answer(
    monkeypatch: pytest.MonkeyPatch, extra: str, tasks: object, pages: object
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_DYING", f"postgres://nobody:secret@127.0.0.1:1/nothing{extra}")
    assert hook_of(CONN_ID).connection.extra_dejson["connect_timeout"] == tasks
    assert hook_of(CONN_ID, pool.ANSWER_SECONDS).connection.extra_dejson["connect_timeout"] == pages
