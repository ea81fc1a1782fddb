"""Behind pgbouncer in transaction mode, where each transaction may be of another session: nothing is left in one."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from dev.pooler import LocalPooler
from dev.postgres import EmbeddedPostgres
from ses_bounces.base.database import partitions, schema
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.database.pool import _pools, lend
from ses_bounces.base.exceptions import ReplayError
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.replay import try_replay
from tests.integration.base.test_other_settings import seen
from tests.kit.builders import bounce

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

SESSIONS = 3
# What any session of the pool may be asked by somebody else.
LEFT = (
    "SELECT current_setting('lock_timeout'), current_setting('statement_timeout'), current_setting('search_path'),"
    " current_setting('default_transaction_isolation'), current_setting('synchronous_commit'),"
    " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),"
    " (SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND pg_table_is_visible(oid)), pg_backend_pid()"
)


@pytest.fixture(scope="module")
def pooler(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPooler]:
    with LocalPooler(tmp_path_factory.mktemp("pooler"), postgres.url(), SESSIONS) as started:
        yield started


@pytest.fixture
def pooled_url(pooler: LocalPooler, database_url: str) -> str:
    return pooler.url(urlsplit(database_url).path[1:])


def left(url: str) -> list[tuple[object, ...]]:
    """What is left in each session of the pool."""
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(SESSIONS):
            connection = stack.enter_context(psycopg.connect(url, prepare_threshold=None))
            # Its transaction stays open: the next one gets another session.
            found.append(connection.execute(LEFT).fetchone() or ())
    assert len({row[-1] for row in found}) == SESSIONS
    return [row[:-1] for row in found]


@contextlib.contextmanager
def ending(url: str) -> Iterator[Connection]:
    """A connection whose statement is ended if it would wait for a lock that nobody gives back."""
    with connect_url(url) as connection:
        timer = threading.Timer(60, connection.cancel)
        timer.start()
        try:
            yield connection
        finally:
            timer.cancel()


def upgraded(url: str) -> int:
    with ending(url) as connection:
        return schema.upgrade(connection)


def test_each_transaction_may_be_of_another_session(pooled_url: str) -> None:
    """Else the rest could not fail."""
    left(pooled_url)
    with connect_url(pooled_url) as connection:
        pids = {connection.execute("SELECT pg_backend_pid()").fetchone() for _ in range(20)}
    assert len(pids) > 1


def test_an_upgrade_leaves_no_lock_behind(postgres: EmbeddedPostgres, pooler: LocalPooler) -> None:
    postgres.create_database("upgraded")
    try:
        before = left(pooler.url("upgraded"))
        for _ in range(3):
            assert upgraded(pooler.url("upgraded")) == schema.LAST_REVISION
        assert left(pooler.url("upgraded")) == before
    finally:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("DROP DATABASE upgraded WITH (FORCE)")


def test_upgrades_at_once_come_one_after_the_other(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("at_once")
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(upgraded, [postgres.url("at_once")] * 4))
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("DROP DATABASE at_once WITH (FORCE)")
    assert done == [schema.LAST_REVISION] * 4


def test_all_that_is_read_is_the_same(database: Connection, postgres: EmbeddedPostgres, pooler: LocalPooler) -> None:
    usual = seen(database)
    postgres.create_database("behind")
    try:
        left(pooler.url("behind"))
        upgraded(pooler.url("behind"))
        with connect_url(pooler.url("behind")) as connection:
            assert seen(connection) == usual
    finally:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("DROP DATABASE behind WITH (FORCE)")


def test_old_days_go_and_leave_no_limit_behind(pooled_url: str, database: Connection, database_url: str) -> None:
    old = datetime.now(UTC).date() - timedelta(days=40)
    before = left(pooled_url)
    partitions._make(database, old)
    with ending(pooled_url) as connection, psycopg.connect(database_url) as reader:
        # Somebody reads the day: it is not waited for.
        reader.execute("SELECT count(*) FROM ses_bounces.message")
        assert partitions.drop_partitions(connection, 30) == 0
        assert left(pooled_url) == before
        reader.rollback()
        assert partitions.drop_partitions(connection, 30) == 1
    assert left(pooled_url) == before
    assert old not in partitions.partitions(database)


def test_a_replay_that_loses_its_session_says_so_and_changes_nothing(pooled_url: str, database: Connection) -> None:
    database.execute(
        "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, receive_count, outcome)"
        " VALUES ('m', 'q', %s, now(), 1, 'pending')",
        [json.dumps(bounce("somebody@example.com"))],
    )
    classify_pending(database, Rules())
    now = datetime.now(UTC)
    window = (now - timedelta(hours=1), now + timedelta(hours=1))
    left(pooled_url)
    with ending(pooled_url) as connection, pytest.raises(ReplayError, match="a pool in session mode"):
        try_replay(connection, Rules(), window)
    assert database.execute("SELECT FROM ses_bounces.replay").fetchall() == []
    # By itself it does.
    assert try_replay(database, Rules(), window).messages == 1


def test_messages_are_classified_and_pages_have_their_connection(
    pooled_url: str, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute(
        "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, receive_count, outcome)"
        " SELECT 'm' || n, 'q', replace(%s, 'somebody', 'n' || n), now(), 1, 'pending' FROM generate_series(1, 50) n",
        [json.dumps(bounce("somebody@example.com"))],
    )
    before = left(pooled_url)
    with connect_url(pooled_url) as connection:
        classify_pending(connection, Rules())
    monkeypatch.setenv("AIRFLOW_CONN_POOLED", pooled_url)
    for _ in range(10):
        with lend("pooled") as lent:
            assert lent.execute("SELECT count(*) FROM ses_bounces.blocked_list").fetchone() == (50,)
    for _, kept in _pools.values():
        kept.dispose()
    _pools.clear()
    assert left(pooled_url) == before
