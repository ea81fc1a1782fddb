"""What a queue threw away before it was read: noted once, and told by the reports of those days."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from ses_bounces.base.settings import Queue
from ses_bounces.base.sites import Site
from ses_bounces.feed.gaps import note_gap
from ses_bounces.report.days import due_days
from ses_bounces.report.making import make_report

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

DAY = timedelta(days=1)
KEEPS = timedelta(days=14)
UTC_ZONE = ZoneInfo("UTC")
QUEUE = Queue(url="https://sqs.eu-west-1.amazonaws.com/123456789012/bounces")
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of the test, not that at which the file was read."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))


def drained(connection: Connection, emptied: float | None, left: float | None = None, first: float = 40) -> None:
    """The queue as drains left it, in days ago."""

    def ago(days: float | None) -> datetime | None:
        return None if days is None else NOW - days * DAY

    connection.execute(
        "INSERT INTO ses_bounces.queue (queue_url, belongs_to, first_drained_at, last_drained_at, emptied_at,"
        " left_since) VALUES (%(url)s, %(url)s, %(first)s, now(), %(emptied)s, %(left)s)"
        " ON CONFLICT (queue_url) DO UPDATE SET emptied_at = excluded.emptied_at, left_since = excluded.left_since",
        {"url": QUEUE.url, "first": ago(first), "emptied": ago(emptied), "left": ago(left)},
    )


def gaps(connection: Connection) -> list[tuple[float, float]]:
    """First and last of each, in days ago."""
    rows = connection.execute("SELECT first, last FROM ses_bounces.feed_gap ORDER BY first").fetchall()
    return [(round((NOW - first) / DAY, 2), round((NOW - last) / DAY, 2)) for first, last in rows]


@pytest.mark.parametrize(
    ("emptied", "left", "wanted"),
    [
        (1, None, []),
        (13.9, None, []),
        (15, None, [(15, 14)]),
        # The last drain did not get to the end.
        (20, 13.5, []),
        (20, 15, [(15, 14)]),
        # It could not tell of when what it left is.
        (0.1, 14.1, []),
        (None, 15, [(15, 14)]),
    ],
)
def test_what_counts_as_a_gap(
    database: Connection, emptied: float | None, left: float | None, wanted: list[tuple[float, float]]
) -> None:
    drained(database, emptied, left)
    assert note_gap(database, QUEUE, KEEPS) is bool(wanted)
    assert gaps(database) == wanted


def test_a_first_drain_finds_no_gap(database: Connection) -> None:
    assert not note_gap(database, QUEUE, KEEPS)
    drained(database, None, 14, first=0.1)
    assert not note_gap(database, QUEUE, timedelta(days=4))
    assert gaps(database) == []


def test_a_gap_grows_for_as_long_as_nothing_is_read(database: Connection) -> None:
    drained(database, 20)
    assert note_gap(database, QUEUE, timedelta(days=16))
    assert note_gap(database, QUEUE, KEEPS)
    assert gaps(database) == [(20, 14)]
    drained(database, 0)
    assert not note_gap(database, QUEUE, KEEPS)


def _html(connection: Connection, day: Any) -> str:
    row = connection.execute("SELECT html FROM ses_bounces.report_day WHERE day = %s", [day]).fetchone()
    assert row is not None
    return gzip.decompress(row[0]).decode()


def test_the_reports_of_those_days_say_so(database: Connection) -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    drained(database, 0)
    days = [(midnight - days * DAY).date() for days in (22, 21, 20, 19, 18)]
    for day in days:
        make_report(database, day, UTC_ZONE)
    before = {day: _html(database, day) for day in days}
    assert due_days(database, UTC_ZONE, 25)[0] > days[2] or set(due_days(database, UTC_ZONE, 25)).isdisjoint(days)

    hours = (NOW - midnight) / DAY
    drained(database, 20.5 + hours)
    assert note_gap(database, QUEUE, (18.75 + hours) * DAY)
    assert set(due_days(database, UTC_ZONE, 25)) & set(days) == set(days[1:4])
    lacking = {day: make_report(database, day, UTC_ZONE).may_lack for day in days}
    assert [len(lacking[day]) for day in days] == [0, 1, 1, 1, 0]
    day = days[2]
    whole = {"queue": "bounces", "first": f"{day}T00:00+00:00", "last": f"{days[3]}T00:00+00:00", "cause": "retention"}
    assert lacking[day] == [whole]
    assert lacking[days[3]][0]["last"] == f"{days[3]}T06:00+00:00"
    assert f"what was sent between {days[1]} 12:00 and {day} 00:00 (UTC)" in _html(database, days[1])
    assert "Messages may be missing." in _html(database, day)
    for other in (days[0], days[4]):
        assert _html(database, other) == before[other]


@pytest.mark.parametrize(
    ("site", "dag_id"), [("default", "ses_suppression_sync"), ("news", "ses_bounces_news_suppression_sync")]
)
def test_the_dag_that_brings_some_of_it_back_is_that_of_the_site(
    database: Connection, caplog: pytest.LogCaptureFixture, site: str, dag_id: str
) -> None:
    drained(database, 20)
    with Site(site).current():
        assert note_gap(database, QUEUE, KEEPS)
        make_report(database, (NOW - 16 * DAY).date(), UTC_ZONE)
    assert f"Trigger {dag_id} with First day" in caplog.text
    assert f"<code>{dag_id}</code>" in _html(database, (NOW - 16 * DAY).date())
