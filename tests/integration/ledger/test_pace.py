"""How much is written in one transaction goes by how long the ones before kept others waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.database.statements import statement
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger import pace as pacing
from ses_bounces.ledger.pace import Pace
from ses_bounces.ledger.promotion import promote_expired
from ses_bounces.ledger.rebuild import rebuild
from ses_bounces.ledger.writing import lock_state, writing
from tests.kit.builders import bounce
from tests.kit.seeding import receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

WAIT_SECONDS = 30
OTHER_LOCK = "SELECT pg_advisory_xact_lock(1)"


def paced(written: int, seconds: float, most: int = 6_000) -> Pace:
    """After a first transaction of so much that took so long."""
    pace = Pace(most)
    pace.writes(written)
    pace.note_held(seconds)
    return pace


def waiting_for(url: str, lock: str) -> threading.Thread:
    """Another session that waits for a lock, which the caller holds, until it gets it."""

    def wait() -> None:
        with connect_url(url) as connection, connection.transaction():
            connection.execute(lock)  # type: ignore[arg-type]

    thread = threading.Thread(target=wait)
    thread.start()
    until = time.monotonic() + WAIT_SECONDS
    with connect_url(url) as connection:
        query = "SELECT count(*) FROM pg_locks l WHERE NOT l.granted AND l.locktype = 'advisory'"
        while connection.execute(query).fetchone() != (1,):
            assert time.monotonic() < until, "The other session did not come to wait"
            time.sleep(0.01)
    return thread


@pytest.mark.parametrize(
    ("written", "seconds", "size"),
    [
        # As long as it is to be.
        (500, 0.15, 500),
        # Twice too long, and half as long; no more than twice as much at once.
        (500, 0.30, 250),
        (500, 0.10, 750),
        (500, 0.001, 1_000),
        # Ten times too long, but a transaction costs something whatever it writes.
        (500, 15.0, 100),
        # Little was written, in little time: that tells nothing of more.
        (10, 0.05, 500),
        # Little was written, in too long a time.
        (300, 0.30, 150),
    ],
)
def test_the_next_one_writes_what_fits(written: int, seconds: float, size: int) -> None:
    assert paced(written, seconds).size == size


def test_no_more_is_written_than_the_caller_allows() -> None:
    assert Pace(10).size == 10
    assert paced(10, 0.001, most=10).size == 10
    assert paced(10, 60.0, most=10).size == 10


@pytest.mark.parametrize(
    ("lock", "size"),
    [
        (statement("ledger/lock_state"), round(500 * pacing.AWAITED_SECONDS / pacing.HOLD_SECONDS)),
        # Whoever waits for something else is not meant.
        (OTHER_LOCK, 500),
    ],
)
def test_less_is_written_while_another_session_waits(
    database: Connection, database_url: str, lock: str, size: int
) -> None:
    pace = Pace(6_000)
    pace.writes(500)
    with database.transaction():
        lock_state(database)
        database.execute(OTHER_LOCK)
        pace.note_waiting(database)
        pace.note_held(pacing.HOLD_SECONDS)
        assert pace.size == 500
        thread = waiting_for(database_url, lock)
        pace.note_waiting(database)
    thread.join(WAIT_SECONDS)
    pace.note_held(pacing.HOLD_SECONDS)
    assert pace.size == size


def test_a_transaction_tells_its_pace_how_long_it_took(database: Connection) -> None:
    pace = Pace(6_000)
    with writing(database, pace):
        pace.writes(500)
        database.execute("SELECT pg_sleep(%s)", [2 * pacing.HOLD_SECONDS])
    assert pace.size < 251


@pytest.mark.parametrize("is_awaited", [True, False])
def test_a_transaction_tells_its_pace_who_waits(
    database: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch, is_awaited: bool
) -> None:
    monkeypatch.setattr(pacing, "HOLD_SECONDS", 3_600.0)
    monkeypatch.setattr(pacing, "AWAITED_SECONDS", 0.0)
    pace, threads = Pace(6_000), []
    with writing(database, pace):
        pace.writes(500)
        if is_awaited:
            threads.append(waiting_for(database_url, statement("ledger/lock_state")))
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert pace.size == (pacing.LEAST if is_awaited else 1_000)


@pytest.fixture
def growing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever they take, transactions count as quick."""
    monkeypatch.setattr(pacing, "FIRST", 4)
    monkeypatch.setattr(pacing, "LEAST", 1)
    monkeypatch.setattr(pacing, "HOLD_SECONDS", 3_600.0)


@pytest.mark.usefixtures("growing")
def test_a_backlog_is_classified_at_such_a_pace(database: Connection) -> None:
    receive(database, *(bounce(f"p{n}@example.com", feedbackId=f"f{n}") for n in range(30)))
    query = "SELECT count(*) FROM ses_bounces.address_event e GROUP BY e.recorded_at ORDER BY e.recorded_at"
    assert database.execute(query).fetchall() == [(4,), (8,), (16,), (2,)]


@pytest.mark.usefixtures("growing")
@pytest.mark.parametrize(
    ("spoiled", "work"), [("due_at = now() - interval '1 hour'", promote_expired), ("kind = 'permanent'", rebuild)]
)
def test_deadlines_and_repairs_have_such_a_pace(
    database: Connection, spoiled: str, work: Callable[[Connection], object]
) -> None:
    at = datetime.now(UTC) - timedelta(days=1)
    with writing(database) as writer:
        for n in range(30):
            who, key = f"p{n}@example.com", f"{n:016}".encode()
            entry = Entry("transient_bounce", who, who, at, key, deadline=at + timedelta(days=14), policy="age")
            writer.append([(entry, None)])
    database.execute(f"UPDATE ses_bounces.bounce_list SET {spoiled}")  # type: ignore[arg-type]
    work(database)
    rows = database.execute(
        "SELECT b.xmin::text::bigint, count(*) FROM ses_bounces.bounce_list b"
        " WHERE b.kind = 'transient' AND b.closed_at IS NULL AND b.due_at > now() GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert [count for _, count in rows] == [4, 8, 16, 2]
