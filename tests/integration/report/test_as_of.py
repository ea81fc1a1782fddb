"""Who was blocked at a time, by what is on record now or was then, against the model's reading of what was known."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_bounces.base.database import connection as connections
from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.protection import mirror_settings
from ses_bounces.ledger.writing import writing
from ses_bounces.report.as_of import REPORT_COLUMNS, blocked_as_of
from tests.integration.ledger.test_address_state import MANY, store, unique
from tests.kit import model, strategies

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
numbers = itertools.count()


@pytest.fixture
def ledger(database_url: str) -> Iterator[Connection]:
    with connections.connect_url(database_url) as opened:
        yield opened


@st.composite
def recordings(draw: st.DrawFn, history: list[model.Entry]) -> list[tuple[datetime, datetime | None]]:
    """When each entry came in, often much later than it occurred, and when it was superseded, if it was."""
    found = []
    for entry in history:
        recorded = entry.occurred_at + draw(st.sampled_from((0, 0, 1, 24, 24 * 9))) * HOUR
        superseded = draw(st.sampled_from((None, None, None, 0, 1, 24, 24 * 5)))
        found.append((recorded, None if superseded is None else recorded + superseded * HOUR))
    return found


@given(data=st.data())
@MANY
def test_what_was_known_agrees_with_the_model(ledger: Connection, data: st.DataObject) -> None:
    history = unique(data.draw(strategies.histories()))
    recorded = data.draw(recordings(history))
    marks = sorted({moment for pair in recorded for moment in pair if moment}) or [strategies.BASE]
    known_at = data.draw(st.sampled_from(marks)) + data.draw(st.sampled_from((0, 0, 1, -1))) * HOUR
    at = data.draw(st.one_of(st.just(known_at), strategies.times(history)))
    address_id = store(ledger, history)
    for entry, (recorded_at, superseded_at) in zip(history, recorded, strict=True):
        ledger.execute(
            "UPDATE ses_bounces.address_event SET recorded_at = %s, superseded_at = %s WHERE dedup_key = %s",
            [recorded_at, superseded_at, entry.dedup_key],
        )
    # Read by hand: what had come in, and was not taken back by then.
    known = [
        entry
        for entry, (recorded_at, superseded_at) in zip(history, recorded, strict=True)
        if recorded_at <= known_at and (superseded_at is None or superseded_at > known_at)
    ]
    live = [entry for entry, (_, superseded_at) in zip(history, recorded, strict=True) if superseded_at is None]
    query = "SELECT b.reason, b.since FROM ses_bounces.blocked_as_of(%s{}) b WHERE b.address_id = %s"
    then = ledger.execute(query.format(", known_at => %s"), [at, known_at, address_id]).fetchall()
    assert dict(then) == model.state(known, at).blocking
    now = ledger.execute(query.format(""), [at, address_id]).fetchall()
    assert dict(now) == model.state(live, at).blocking


def event(kind: str, address: str, at: datetime, **more: Any) -> Entry:
    key = next(numbers).to_bytes(16, "big")
    return Entry(kind, address, address, at, key, **more)


def append(connection: Connection, *entries: Entry, lifts: list[str] | None = None) -> datetime:
    """Append entries; returns a time after they were recorded, and before the next ones are."""
    with writing(connection) as writer:
        writer.append(((entry, None) for entry in entries), lifts=lifts)
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def blocked(connection: Connection, at: datetime, known_at: datetime | None = None) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in blocked_as_of(connection, at, known_at)}


def test_a_late_arrival_and_one_taken_back(database: Connection) -> None:
    first = append(database, event("permanent_bounce", "early@example.com", NOON - HOUR))
    second = append(database, event("complaint", "late@example.com", NOON - HOUR))
    with writing(database) as writer:
        ids = [id_ for (id_,) in database.execute("SELECT event_id FROM ses_bounces.address_event LIMIT 1")]
        writer.supersede(ids)
    assert blocked(database, NOON, first) == {"early@example.com": "permanent_bounce"}
    assert blocked(database, NOON, second) == {"early@example.com": "permanent_bounce", "late@example.com": "complaint"}
    assert blocked(database, NOON) == {"late@example.com": "complaint"}
    assert blocked(database, NOON - 2 * HOUR) == {}


@pytest.mark.parametrize("delivery_first", [False, True], ids=["in order", "delivery came first"])
def test_a_delivery_counts_from_when_it_came_in(database: Connection, delivery_first: bool) -> None:
    """Only the newest delivery is kept; whatever came in later, the one that ended the problem is on record."""
    address = "somebody@example.com"
    bounce = event("transient_bounce", address, NOON, deadline=NOON + HOUR, policy="age")
    delivery = event("delivery", address, NOON + 2 * HOUR)
    later, newest = event("delivery", address, NOON + 8 * HOUR), event("delivery", address, NOON + 9 * HOUR)
    order = (delivery, bounce) if delivery_first else (bounce, delivery)
    known = [append(database, entry) for entry in (*order, later, newest)]
    at = NOON + 3 * HOUR
    expected: dict[str, str] = {} if delivery_first else {address: "expired_transient"}
    assert [blocked(database, at, moment) for moment in known] == [expected, {}, {}, {}]
    assert blocked(database, at) == {}
    assert blocked(database, NOON + 90 * timedelta(minutes=1), known[-1]) == {address: "expired_transient"}


def test_patterns_of_that_time(database: Connection) -> None:
    known = [append(database, event("permanent_bounce", "vip@example.com", NOON))]
    for patterns in (["vip@example.com"], [], ["@example.com"]):
        mirror_settings(database, True, patterns)
        known.append(append(database))
    free: dict[str, str] = {}
    held = {"vip@example.com": "permanent_bounce"}
    assert [blocked(database, NOON, moment) for moment in known] == [held, free, held, free]


def test_rows_are_those_of_the_report(database: Connection) -> None:
    from zoneinfo import ZoneInfo

    from ses_bounces.report.making import make_report

    append(
        database,
        event("permanent_bounce", "a@example.com", NOON, bounce_type="Permanent", diagnostic_code="550 no such user"),
        event("complaint", "a@example.com", NOON + HOUR),
        event("transient_bounce", "b@example.com", NOON - 48 * HOUR, deadline=NOON - 24 * HOUR, policy="age"),
    )
    make_report(database, NOON.date(), ZoneInfo("UTC"))
    row = database.execute("SELECT csv FROM ses_bounces.report_day").fetchone()
    assert row is not None
    import gzip

    report = list(csv.reader(io.StringIO(gzip.decompress(row[0]).decode())))
    end_of_day = datetime(2026, 2, 1, tzinfo=UTC) - timedelta(microseconds=1)
    rows = [["" if cell is None else cell for cell in row] for row in blocked_as_of(database, end_of_day)]
    assert [list(REPORT_COLUMNS), *rows] == report
    assert len(rows) == 3
    assert [row[0] for row in blocked_as_of(database, end_of_day, reason="complaint")] == ["a@example.com"]


def test_a_wrong_question_is_refused(database: Connection) -> None:
    with pytest.raises(ActionError, match="reason is 'whim'"):
        blocked_as_of(database, NOON, reason="whim")
    with pytest.raises(ActionError, match=r"known_at .* time zone"):
        blocked_as_of(database, NOON, NOON.replace(tzinfo=None))
