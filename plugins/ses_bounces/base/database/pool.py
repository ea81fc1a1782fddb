"""Connections that stay open between the requests of the pages.

To open one takes longer than most pages: a password is checked, and a new session knows no table yet. What the Airflow
connection says is read at every request all the same: when it changes, no later request has the former one's.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ses_bounces.base.database.connection import hook_of, prepare, quiet
from ses_bounces.base.database.gate import Gate
from ses_bounces.base.exceptions import SesBouncesError

if TYPE_CHECKING:
    from sqlalchemy.pool import PoolProxiedConnection, QueuePool

    from ses_bounces.base.database.connection import Connection

# Connections that each process that serves pages keeps open; busy requests open more.
KEPT = 5
KEPT_SECONDS = 600
# How long a person waits for each host of the connection, and for a server that took a connection before.
ANSWER_SECONDS = 3

_lock = threading.Lock()
# By connection id: what the Airflow connection said, and the pool of it.
_pools: dict[str, tuple[str, QueuePool]] = {}
_gates: dict[str, Gate[_Lent]] = {}


@dataclass(frozen=True)
class _Lent:
    """A connection that is out, and where it goes back to."""

    conn_id: str
    pool: QueuePool
    record: PoolProxiedConnection

    @property
    def connection(self) -> Any:
        return self.record.dbapi_connection

    def give_back(self) -> None:
        if _is_reusable(self.connection) and _is_current(self.conn_id, self.pool):
            self.record.close()
        else:
            self.record.invalidate()


def _unchecked(_connection: Connection) -> None:
    """Look at nothing."""


@contextlib.contextmanager
def lend(conn_id: str, check: Callable[[Connection], Any] = _unchecked) -> Iterator[Connection]:
    """Lend an open connection, or a new one, for which this thread waits.

    :param check: looks at it before it is lent.
    :raises MissingConnectionError: the Airflow connection is not defined.
    :raises DatabaseError: Postgres can't be reached, or refused what was asked in the block.
    """
    lent = _gate(conn_id).opened_here(partial(_open, conn_id, check))
    with _out(lent) as connection:
        yield connection


@contextlib.asynccontextmanager
async def lend_async(conn_id: str, check: Callable[[Connection], Any] = _unchecked) -> AsyncIterator[Connection]:
    """The same, while no thread waits."""
    lent = await _gate(conn_id).opened(partial(_open, conn_id, check))
    with _out(lent) as connection:
        yield connection


@contextlib.contextmanager
def _out(lent: _Lent) -> Iterator[Connection]:
    try:
        with quiet():
            yield lent.connection
    finally:
        lent.give_back()


def _gate(conn_id: str) -> Gate[_Lent]:
    with _lock:
        if conn_id not in _gates:
            _gates[conn_id] = Gate(f'Airflow connection "{conn_id}"', _Lent.give_back)
        return _gates[conn_id]


def _open(conn_id: str, check: Callable[[Connection], Any]) -> _Lent:
    with quiet(f'Airflow connection "{conn_id}"'):
        pool = _pool(conn_id)
        return _Lent(conn_id, pool, _lent(pool, check))


def _pool(conn_id: str) -> QueuePool:
    from sqlalchemy.pool import QueuePool

    hook: Any = hook_of(conn_id)
    said = hook.connection.get_uri()
    with _lock:
        known = _pools.get(conn_id)
        if known and known[0] == said:
            return known[1]
        if known:
            known[1].dispose()
        # No limit: the server has one.
        pool = QueuePool(
            lambda: hook_of(conn_id, most_seconds=ANSWER_SECONDS).get_conn(),
            pool_size=KEPT,
            max_overflow=-1,
            recycle=KEPT_SECONDS,
            reset_on_return=None,
            use_lifo=True,
        )
        _pools[conn_id] = (said, pool)
        return pool


def _lent(pool: QueuePool, check: Callable[[Connection], Any]) -> PoolProxiedConnection:
    import psycopg

    while True:
        lent = pool.connect()
        is_new = not lent.info
        lent.info["lent"] = True
        connection: Any = lent.dbapi_connection
        try:
            with _answering(connection):
                if not is_new:
                    # Nothing of the request before, and a server that still answers.
                    connection.execute("DISCARD ALL")
                check(prepare(connection))
        except psycopg.Error as error:
            lent.invalidate()
            # Those beside it lead to the same server.
            if isinstance(error, psycopg.errors.ConnectionTimeout):
                pool.dispose()
                raise
            # Those that the server has ended meanwhile; a new one has no excuse.
            if is_new:
                raise
        except SesBouncesError:
            # Nothing is wrong with the connection.
            lent.close()
            raise
        else:
            return lent


@contextlib.contextmanager
def _answering(connection: Connection) -> Iterator[None]:
    """End a connection whose server does not answer the block in time: libpq itself would wait for good.

    :raises psycopg.errors.ConnectionTimeout: it was ended.
    """
    import psycopg

    ended = threading.Event()

    def end() -> None:
        ended.set()
        with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(ANSWER_SECONDS, end)
    timer.start()
    try:
        yield
    except psycopg.Error:
        if not ended.is_set():
            raise
    finally:
        timer.cancel()
        # It must not end what is lent afterwards.
        timer.join()
    if ended.is_set():
        raise psycopg.errors.ConnectionTimeout(f"no answer for {ANSWER_SECONDS} seconds")


def _is_reusable(connection: Any) -> bool:
    import psycopg

    is_idle: bool = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    return is_idle and not connection.closed


def _is_current(conn_id: str, pool: QueuePool) -> bool:
    with _lock:
        return _pools.get(conn_id, ("", None))[1] is pool
