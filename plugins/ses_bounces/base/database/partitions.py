"""The day partitions of ses_bounces.message: made a week ahead, dropped when their time has come."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from psycopg import sql

from ses_bounces.base.database.statements import SCHEMA, statement

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

DAYS_AHEAD = 7
LOCK_TIMEOUT = "2s"
DETACH_SECONDS = 2.0
_PREFIX = "message_"


def ensure_partitions(connection: Connection) -> int:
    """Make the partitions from yesterday to a week ahead that are not there yet; returns how many were made.

    :param connection: autocommit.
    """
    made = 0
    there = partitions(connection)
    today = _today(connection)
    for day in (today + timedelta(days=offset) for offset in range(-1, DAYS_AHEAD + 1)):
        if day not in there:
            _make(connection, day)
            made += 1
    return made


def drop_partitions(connection: Connection, retention_days: int) -> int:
    """Drop the days before the retention; quarantined and held messages move to ``quarantine``.

    A day with messages that are still pending stays. Readers are not waited for longer than two seconds: what can't
    be dropped now is dropped by a later run, and so is a day that a killed run left detached. May run at any time,
    beside anything, also itself.

    :param connection: autocommit.
    :param retention_days: whole days to keep; 0 keeps all.
    :returns: the number of partitions dropped.
    """
    if not retention_days:
        return 0
    # What an earlier run detached is seen by nobody any more: messages of it that are wanted come back first.
    dropped = sum(_drop(connection, day) for day in sorted(_detached(connection)))
    oldest = _today(connection) - timedelta(days=retention_days)
    for day in sorted(partitions(connection)):
        if day < oldest and not _has_pending(connection, day):
            if not _detach(connection, day):
                break
            dropped += _drop(connection, day)
    return dropped


def partitions(connection: Connection) -> set[date]:
    """Return the days that have a partition."""
    return _days(connection.execute(statement("base/select_partitions")).fetchall())


def _detached(connection: Connection) -> set[date]:
    return _days(connection.execute(statement("base/select_detached_days")).fetchall())


def _days(rows: list[tuple[str]]) -> set[date]:
    return {date.fromisoformat(name.removeprefix(_PREFIX)) for (name,) in rows}


def _make(connection: Connection, day: date) -> None:
    # LIKE and ATTACH wait for no reader, which PARTITION OF would.
    table = _table(day)
    bounds = (sql.Literal(f"{day} 00:00+00"), sql.Literal(f"{day + timedelta(days=1)} 00:00+00"))
    with connection.transaction():
        connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('ses_bounces.partitions', 0))")
        if day in partitions(connection):
            return
        parent = sql.Identifier(SCHEMA, "message")
        connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING IDENTITY)").format(table, parent))
        connection.execute(
            sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(parent, table, *bounds)
        )


def _detach(connection: Connection, day: date) -> bool:
    """Detach a day without making readers wait; False when they held it for too long."""
    import psycopg

    gone = (psycopg.errors.UndefinedTable, psycopg.errors.ObjectNotInPrerequisiteState)
    parent = sql.Identifier(SCHEMA, "message")
    query = sql.SQL("ALTER TABLE {} DETACH PARTITION {} {}")
    # An earlier attempt may have been interrupted halfway: Postgres wants that one to be finished.
    for way in (sql.SQL("CONCURRENTLY"), sql.SQL("FINALIZE")):
        try:
            with _cancelled_after(connection, DETACH_SECONDS):
                connection.execute(query.format(parent, _table(day), way))
            return True
        except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            return False
        except gone:
            # It is half detached, or another run has done it meanwhile.
            continue
    return False


@contextlib.contextmanager
def _cancelled_after(connection: Connection, seconds: float) -> Iterator[None]:
    """Have the statement in the block cancelled after so long.

    Where no transaction may be open ``SET LOCAL`` does nothing, and ``SET`` would be left in a pool of pgbouncer's.
    """
    timer = threading.Timer(seconds, connection.cancel)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        # A cancellation under way must meet no later statement.
        timer.join()


def _drop(connection: Connection, day: date) -> bool:
    """Drop a detached day once what is still wanted of it is elsewhere; False: another session locked or dropped it.

    One transaction: killed, all of it is there, and the next run goes on.
    """
    import psycopg

    table = _table(day)
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(table))
            for name in ("base/keep_pending_of_day", "base/move_to_quarantine"):
                connection.execute(sql.SQL(statement(name)).format(table=table))
            connection.execute(sql.SQL("DROP TABLE {}").format(table))
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.UndefinedTable):
        return False
    return True


def _has_pending(connection: Connection, day: date) -> bool:
    import psycopg

    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE outcome = 'pending')").format(_table(day))
    try:
        row = connection.execute(query).fetchone()
    except psycopg.errors.UndefinedTable:
        # Another run has dropped it meanwhile: there is nothing to do.
        return True
    return bool(row and row[0])


def _table(day: date) -> sql.Identifier:
    return sql.Identifier(SCHEMA, f"{_PREFIX}{day:%Y%m%d}")


def _today(connection: Connection) -> date:
    row = connection.execute("SELECT (now() AT TIME ZONE 'UTC')::date").fetchone()
    assert row is not None
    day: date = row[0]
    return day
