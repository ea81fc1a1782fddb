"""Connections that stay open between the requests of the pages.

To open one takes longer than most pages: a password is checked, and a new session knows no table yet. What the Airflow
connection says is read at every request all the same: when it changes, no later request has the former one's.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ses_bounces.base.database.connection import hook_of, prepare, quiet

if TYPE_CHECKING:
    from sqlalchemy.pool import PoolProxiedConnection, QueuePool

    from ses_bounces.base.database.connection import Connection

# Connections that each process that serves pages keeps open; busy requests open more.
KEPT = 5
KEPT_SECONDS = 600

_lock = threading.Lock()
# By connection id: what the Airflow connection said, and the pool of it.
_pools: dict[str, tuple[str, QueuePool]] = {}


@contextlib.contextmanager
def lend(conn_id: str) -> Iterator[Connection]:
    """Lend an open connection, or a new one; otherwise as :func:`ses_bounces.base.database.connection.connect`."""
    with quiet(f'Airflow connection "{conn_id}"'):
        pool = _pool(conn_id)
        lent = _lent(pool)
    connection: Any = lent.dbapi_connection
    try:
        with quiet():
            yield connection
    finally:
        if _is_reusable(connection) and _is_current(conn_id, pool):
            lent.close()
        else:
            lent.invalidate()


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
            lambda: hook_of(conn_id).get_conn(),
            pool_size=KEPT,
            max_overflow=-1,
            recycle=KEPT_SECONDS,
            reset_on_return=None,
            use_lifo=True,
        )
        _pools[conn_id] = (said, pool)
        return pool


def _lent(pool: QueuePool) -> PoolProxiedConnection:
    import psycopg

    while True:
        lent = pool.connect()
        is_new = not lent.info
        lent.info["lent"] = True
        try:
            connection: Any = lent.dbapi_connection
            if not is_new:
                # Nothing of the request before, and a server that still answers.
                connection.execute("DISCARD ALL")
            prepare(connection)
        except psycopg.Error:
            lent.invalidate()

            # Those that the server has ended meanwhile; a new one has no excuse.
            if is_new:
                raise
        else:
            return lent


def _is_reusable(connection: Any) -> bool:
    import psycopg

    is_idle: bool = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    return is_idle and not connection.closed


def _is_current(conn_id: str, pool: QueuePool) -> bool:
    with _lock:
        return _pools.get(conn_id, ("", None))[1] is pool
