"""The retention of raw messages: with readers in the way, beside other runs, killed halfway and run again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ses_bounces.base.database import connection as connections
from ses_bounces.base.database.partitions import _detach, _drop, _make, drop_partitions, ensure_partitions, partitions
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger.pending import classify_pending
from tests.kit.builders import bounce, sns

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

OLD = date(2020, 5, 1)
DAYS = 90
LANDED = 60
OUTCOMES = ("applied", "no_effect", "held", "quarantined", "dismissed")


def land(connection: Connection, address: str, outcome: str, day: date | None = None) -> int:
    received_at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) if day else datetime.now(UTC)
    row = connection.execute(
        "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, received_at, outcome)"
        " VALUES ('id', 'q', %s, %s, %s, %s) RETURNING message_id",
        [json.dumps(sns(bounce(address))), received_at, received_at, outcome],
    ).fetchone()
    assert row is not None
    id_: int = row[0]
    return id_


@pytest.fixture
def old(database: Connection) -> dict[str, int]:
    """A day long ago with a message of each outcome but pending, by outcome."""
    _make(database, OLD)
    return {outcome: land(database, f"{outcome}@example.com", outcome, OLD) for outcome in OUTCOMES}


def kept(connection: Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT q.outcome, q.message_id FROM ses_bounces.quarantine q").fetchall())


def is_there(connection: Connection, day: date) -> bool:
    row = connection.execute("SELECT to_regclass(%s)", [f"ses_bounces.message_{day:%Y%m%d}"]).fetchone()
    return row is not None and row[0] is not None


def wanted(old: dict[str, int]) -> dict[str, int]:
    return {outcome: old[outcome] for outcome in ("held", "quarantined")}


def test_a_reader_is_not_waited_for_and_nothing_is_lost(
    database: Connection, database_url: str, old: dict[str, int]
) -> None:
    with connections.connect_url(database_url) as reader:
        with reader.transaction():
            assert reader.execute("SELECT count(*) FROM ses_bounces.message").fetchone() == (len(OUTCOMES),)
            assert drop_partitions(database, DAYS) == 0
            # Half detached by now: what makes partitions, lands and classifies goes on all the same.
            ahead = min(partitions(database) - {OLD}) - timedelta(days=30)
            _make(database, ahead)
            assert ensure_partitions(database) == 0
            land(database, "new@example.com", "pending")
            assert classify_pending(database, Rules()).outcomes == {"applied": 1}
            assert drop_partitions(database, DAYS) == 0
            assert is_there(database, OLD)
        assert drop_partitions(database, DAYS) == 1
    assert not is_there(database, OLD)
    assert kept(database) == wanted(old)


def test_killed_between_detach_and_drop(database: Connection, old: dict[str, int]) -> None:
    assert _detach(database, OLD)
    assert OLD not in partitions(database)
    assert is_there(database, OLD)
    assert drop_partitions(database, DAYS) == 1
    assert not is_there(database, OLD)
    assert kept(database) == wanted(old)
    assert drop_partitions(database, DAYS) == 0


def test_killed_while_detaching(database: Connection, database_url: str, old: dict[str, int]) -> None:
    """The first half of a detach is committed by itself; the run that began it is gone."""
    with connections.connect_url(database_url) as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM ses_bounces.message")
        with connections.connect_url(database_url) as killed:
            assert not _detach(killed, OLD)
    pending = database.execute(
        "SELECT i.inhdetachpending FROM pg_inherits i WHERE i.inhrelid = 'ses_bounces.message_20200501'::regclass"
    ).fetchone()
    assert pending == (True,)
    assert drop_partitions(database, DAYS) == 1
    assert kept(database) == wanted(old)


def test_killed_before_the_drop_is_committed(database: Connection, database_url: str, old: dict[str, int]) -> None:
    assert _detach(database, OLD)
    with connections.connect_url(database_url) as killed:
        killed.execute("BEGIN")
        assert _drop(killed, OLD)
        # Nobody commits.
    assert is_there(database, OLD)
    assert kept(database) == {}
    assert drop_partitions(database, DAYS) == 1
    assert kept(database) == wanted(old)


def test_a_message_that_is_retried_meanwhile_is_not_dropped(database: Connection, old: dict[str, int]) -> None:
    """It became pending after the day was looked at, and before it was detached."""
    database.execute("UPDATE ses_bounces.message SET outcome = 'pending' WHERE outcome = 'quarantined'")
    assert drop_partitions(database, DAYS) == 0
    assert OLD in partitions(database)
    assert _detach(database, OLD)
    assert drop_partitions(database, DAYS) == 1
    assert kept(database) == {"held": old["held"]}
    row = database.execute("SELECT m.message_id, m.outcome FROM ses_bounces.message m").fetchone()
    assert row == (old["quarantined"], "pending")
    assert classify_pending(database, Rules()).outcomes == {"applied": 1}
    assert database.execute("SELECT ses_bounces.is_blocked('quarantined@example.com')").fetchone() == (True,)


def test_a_held_day_is_left_for_later(database: Connection, database_url: str, old: dict[str, int]) -> None:
    assert _detach(database, OLD)
    with connections.connect_url(database_url) as other, other.transaction():
        other.execute("LOCK TABLE ses_bounces.message_20200501 IN ACCESS SHARE MODE")
        assert drop_partitions(database, DAYS) == 0
    assert drop_partitions(database, DAYS) == 1
    assert kept(database) == wanted(old)


def test_a_deadlock_leaves_the_day_for_the_next_run(
    database: Connection, database_url: str, old: dict[str, int]
) -> None:
    """Somebody who holds what the drop needs wants what the drop holds: Postgres ends the one that waited first."""
    _detach(database, OLD)
    dropped = []

    def drop() -> None:
        with connections.connect_url(database_url) as connection:
            dropped.append(_drop(connection, OLD))

    thread = threading.Thread(target=drop)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'ses_bounces.quarantine'::regclass"
    with database.transaction():
        # The other one is to be ended.
        database.execute("SET LOCAL deadlock_timeout = '1min'")
        database.execute("LOCK TABLE ses_bounces.quarantine IN ACCESS EXCLUSIVE MODE")
        thread.start()
        while database.execute(waiting).fetchone() == (0,):
            pass
        database.execute(f"LOCK TABLE ses_bounces.message_{OLD:%Y%m%d} IN ACCESS EXCLUSIVE MODE")
    thread.join(60)
    assert dropped == [False]
    assert is_there(database, OLD)
    assert _drop(database, OLD)
    assert kept(database) == wanted(old)


class Workers:
    """Threads with a connection of their own each, and what went wrong in them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.errors: list[BaseException] = []
        self.dropped: list[int] = []
        self.done = threading.Event()

    def start(self, work: Callable[[Connection], None]) -> threading.Thread:
        def run() -> None:
            try:
                with connections.connect_url(self.url) as connection:
                    work(connection)
            except BaseException as error:
                self.errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def drop(self, connection: Connection) -> None:
        for _ in range(20):
            self.dropped.append(drop_partitions(connection, DAYS))

    def drain(self, connection: Connection) -> None:
        for number in range(LANDED):
            ensure_partitions(connection)
            land(connection, f"n{number}@example.com", "pending")

    def classify(self, connection: Connection) -> None:
        while not self.done.is_set():
            classify_pending(connection, Rules())


def test_several_runs_at_once_beside_landing_and_classifying(database: Connection, database_url: str) -> None:
    days = [OLD + timedelta(days=number) for number in range(12)]
    held = set()
    for day in days:
        _make(database, day)
        held.add(land(database, f"{day}@example.com", "held", day))
        land(database, f"gone-{day}@example.com", "applied", day)
    workers = Workers(database_url)
    classifier = workers.start(workers.classify)
    for thread in [workers.start(work) for work in (workers.drop, workers.drop, workers.drain)]:
        thread.join(120)
    workers.done.set()
    classifier.join(120)
    assert workers.errors == []
    while set(days) & partitions(database):
        workers.dropped.append(drop_partitions(database, DAYS))
    classify_pending(database, Rules())
    assert sum(workers.dropped) == len(days)
    assert {id_ for (id_,) in database.execute("SELECT q.message_id FROM ses_bounces.quarantine q")} == held
    assert database.execute("SELECT count(*) FROM ses_bounces.blocked_list").fetchone() == (LANDED,)
