"""SES's suppression lists into the ledger over HTTP: pages, throttling, kills, drift, and constant memory."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from dev.ses import FakeSes
from ses_bounces.base.aws.clients import Pace
from ses_bounces.base.exceptions import AwsError
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.brake import decisions, held
from ses_bounces.ledger.protection import mirror_settings
from ses_bounces.ledger.writing import writing
from ses_bounces.suppression.drift import DRIFT_COLUMNS, publish_drift, report_drift
from ses_bounces.suppression.pushing import push_blocked
from ses_bounces.suppression.reading import Bounds, read_list
from ses_bounces.suppression.ses_list import SuppressedAddress, SuppressionList, SuppressionPage
from tests.integration.ledger.test_pipeline import at, classified
from tests.kit.builders import bounce, sns

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

NOW = datetime.now(UTC).replace(microsecond=0)
ACCOUNT = "123456789012"


@pytest.fixture
def ses(server: FakeSes) -> Iterator[FakeSes]:
    yield server
    server.region().listed.clear()
    server.refuse.clear()
    server.calls.clear()
    server.requests_per_second, server.page_size, server.throttled = None, 1_000, 0
    server.forget_pace()


def listing(ses: FakeSes, seconds: float = 0, **config: Any) -> SuppressionList:
    return SuppressionList(ses.client("sesv2", **config), ACCOUNT, Pace(seconds))


def fill(ses: FakeSes, count: int, days_ago: float = 3, reason: str = "BOUNCE") -> None:
    moment = NOW - timedelta(days=days_ago)
    ses.region().listed.update({f"user{n:06}@example.com": (reason, moment) for n in range(count)})


def blocked(connection: Connection) -> dict[str, str]:
    query = "SELECT address, string_agg(reason, ' ' ORDER BY reason) FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL GROUP BY 1"
    return dict(connection.execute(query).fetchall())


def drift_rows(connection: Connection, drift_id: int) -> list[list[str]]:
    query = "SELECT csv FROM ses_bounces.suppression_drift WHERE suppression_drift_id = %s"
    row = connection.execute(query, [drift_id]).fetchone()
    assert row
    return list(csv.reader(io.StringIO(gzip.decompress(row[0]).decode())))


def test_every_page_is_recorded_and_blocks(database: Connection, ses: FakeSes) -> None:
    fill(ses, 25)
    ses.page_size = 10
    reading = read_list(database, listing(ses))
    assert (reading.full, reading.pages, reading.listed, reading.recorded, reading.finished) == (True, 3, 25, 25, True)
    assert blocked(database) == {f"user{n:06}@example.com": "ses_suppression" for n in range(25)}
    event = database.execute(
        "SELECT DISTINCT kind, occurred_at, reason, actor FROM ses_bounces.address_event"
    ).fetchall()
    assert event == [
        ("ses_suppression", NOW - timedelta(days=3), "on SES's suppression list of us-east-1: bounce", "ses")
    ]


def test_a_second_reading_asks_for_what_changed_and_records_nothing_twice(database: Connection, ses: FakeSes) -> None:
    fill(ses, 5)
    read_list(database, listing(ses))
    ses.region().listed["new@example.com"] = ("COMPLAINT", NOW)
    reading = read_list(database, listing(ses))
    assert (reading.full, reading.listed, reading.recorded) == (False, 1, 1)
    again = read_list(database, listing(ses), Bounds(full=True))
    assert (again.full, again.listed, again.recorded, again.gone) == (True, 6, 0, 0)


def test_a_date_range_of_a_person_is_read_as_asked(database: Connection, ses: FakeSes) -> None:
    fill(ses, 3, days_ago=20)
    ses.region().listed["later@example.com"] = ("BOUNCE", NOW - timedelta(days=5))
    reading = read_list(database, listing(ses), Bounds(NOW - timedelta(days=6), NOW - timedelta(days=4)))
    assert (reading.full, reading.listed) == (False, 1)
    # It does not stand in for the first full reading.
    assert read_list(database, listing(ses)).listed == 4


def test_an_address_that_left_the_list_leaves_the_copy_at_the_next_full_reading(
    database: Connection, ses: FakeSes
) -> None:
    fill(ses, 3)
    read_list(database, listing(ses))
    del ses.region().listed["user000001@example.com"]
    database.execute("UPDATE ses_bounces.suppression_pass SET started_at = started_at - interval '8 days'")
    assert read_list(database, listing(ses)).gone == 1
    copied = database.execute("SELECT listed_address FROM ses_bounces.ses_listed ORDER BY 1").fetchall()
    assert copied == [("user000000@example.com",), ("user000002@example.com",)]
    # Whoever took it off SES's list did not lift our block.
    assert "user000001@example.com" in blocked(database)


class KilledError(Exception):
    """Stands for the end of the process."""


def test_a_killed_reading_goes_on_where_it_stopped(database: Connection, ses: FakeSes) -> None:
    fill(ses, 40)
    ses.page_size = 10

    class Killed(SuppressionList):
        def page(self, *args: Any) -> SuppressionPage:
            if ses.calls["ListSuppressedDestinations"] == 2:
                raise KilledError
            return super().page(*args)

    with pytest.raises(KilledError):
        read_list(database, Killed(ses.client("sesv2"), ACCOUNT, Pace(0)))
    assert len(blocked(database)) == 20
    ses.calls.clear()
    reading = read_list(database, listing(ses))
    assert reading.finished
    assert ses.calls["ListSuppressedDestinations"] == 2
    assert len(blocked(database)) == 40
    counts = database.execute("SELECT pages, listed, recorded FROM ses_bounces.suppression_pass").fetchall()
    assert counts == [(4, 40, 40)]


def test_time_that_is_up_leaves_the_rest_to_the_next_run(database: Connection, ses: FakeSes) -> None:
    fill(ses, 20)
    assert not read_list(database, listing(ses), seconds=0).finished
    assert read_list(database, listing(ses)).recorded == 20


def test_a_place_in_the_list_that_ses_forgot_is_begun_anew(database: Connection, ses: FakeSes) -> None:
    fill(ses, 20)
    ses.page_size = 10
    assert not read_list(database, listing(ses), seconds=0).finished
    database.execute("UPDATE ses_bounces.suppression_pass SET next_token = 'forgotten', pages = 1")
    reading = read_list(database, listing(ses))
    assert (reading.finished, reading.recorded) == (True, 20)


def test_throttling_is_waited_for(database: Connection, ses: FakeSes) -> None:
    fill(ses, 30)
    ses.page_size, ses.requests_per_second = 10, 4
    config = {"retries": {"mode": "standard", "total_max_attempts": 8}}
    assert read_list(database, listing(ses, **config)).recorded == 30
    assert ses.throttled > 0


def test_our_own_pace_is_never_throttled(database: Connection, ses: FakeSes) -> None:
    fill(ses, 30)
    ses.page_size, ses.requests_per_second = 10, 10
    # Far enough apart that a busy machine does not bring two of them within a tenth of a second.
    assert read_list(database, listing(ses, seconds=0.3)).recorded == 30
    assert ses.throttled == 0


def test_throttling_that_does_not_end_is_an_error_that_a_retry_mends(database: Connection, ses: FakeSes) -> None:
    fill(ses, 20)
    ses.page_size = 10
    ses.refuse["ListSuppressedDestinations"] = ("TooManyRequestsException", None)
    with pytest.raises(AwsError, match="AWS asks for fewer requests"):
        read_list(database, listing(ses, retries={"total_max_attempts": 1}))
    ses.refuse.clear()
    assert read_list(database, listing(ses)).recorded == 20


def test_lost_bounces_come_back_after_an_outage(database: Connection, ses: FakeSes) -> None:
    """Messages older than the queue's retention are gone; SES's list still has their addresses, dated."""
    lost = NOW - timedelta(days=20)
    ses.region().listed |= {"bounced@example.com": ("BOUNCE", lost), "Complained@Example.com": ("COMPLAINT", lost)}
    reading = read_list(database, listing(ses))
    assert reading.recorded == 2
    assert set(blocked(database)) == {"bounced@example.com", "complained@example.com"}
    row = database.execute("SELECT count(*), min(since) FROM ses_bounces.do_not_email").fetchone()
    assert row == (2, lost)
    as_of = database.execute("SELECT count(*) FROM ses_bounces.blocked_as_of(%s)", [NOW - timedelta(days=10)])
    assert as_of.fetchone() == (2,)


def test_what_is_no_address_is_counted_and_the_rest_goes_on(database: Connection, ses: FakeSes) -> None:
    ses.region().listed |= {"no address": ("BOUNCE", NOW), "good@example.com": ("BOUNCE", NOW - timedelta(hours=1))}
    reading = read_list(database, listing(ses))
    assert (reading.listed, reading.not_addresses, reading.recorded) == (2, 1, 1)


def drifting(database: Connection, ses: FakeSes) -> None:
    moment = NOW - timedelta(days=2)
    ses.region().listed |= {
        "theirs@example.com": ("BOUNCE", moment),
        "protected@example.com": ("BOUNCE", moment),
        "both@example.com": ("BOUNCE", moment),
        "differs@example.com": ("COMPLAINT", moment),
        "Complainer@Example.com": ("BOUNCE", moment),
    }
    mirror_settings(database, True, ["protected@example.com"])
    for number, address in enumerate(["both@example.com", "differs@example.com", "ours@example.com"]):
        classified(database, json.dumps(sns(at(bounce(address), 1, f"drift {number}"))))
    with writing(database) as writer:
        entries = [Entry("complaint", "complainer@example.com", "complainer@example.com", moment, bytes(16))]
        writer.append((entry, None) for entry in entries)


def test_drift(database: Connection, ses: FakeSes, tmp_path: Path) -> None:
    drifting(database, ses)
    read_list(database, listing(ses))
    drift = report_drift(database, 45)
    assert drift.counts == {"theirs_only": 2, "ours_only": 1, "reasons_differ": 2}
    rows = drift_rows(database, drift.drift_id)
    assert tuple(rows[0]) == DRIFT_COLUMNS
    assert [(row[0], row[1], row[2], row[4]) for row in rows[1:]] == [
        ("ours_only", "ours@example.com", "permanent_bounce", ""),
        ("reasons_differ", "complainer@example.com", "complaint ses_suppression", "BOUNCE"),
        ("reasons_differ", "differs@example.com", "permanent_bounce ses_suppression", "COMPLAINT"),
        ("theirs_only", "protected@example.com", "", "BOUNCE"),
        ("theirs_only", "theirs@example.com", "ses_suppression", "BOUNCE"),
    ]
    publish_drift(database, drift, tmp_path.as_uri(), None, date(2026, 1, 2))
    written = (tmp_path / "2026-01-02" / "suppression_drift.csv").read_text()
    assert list(csv.reader(io.StringIO(written))) == rows


def test_pushing_puts_ours_there_once(database: Connection, ses: FakeSes) -> None:
    drifting(database, ses)
    read_list(database, listing(ses))
    assert push_blocked(database, listing(ses)) == (1, True)
    assert ses.region().listed["ours@example.com"][0] == "BOUNCE"
    assert push_blocked(database, listing(ses)) == (0, True)
    assert report_drift(database, 45).counts["ours_only"] == 0
    # What we put there is an entry like any other at the next reading.
    assert read_list(database, listing(ses)).recorded == 1


class Endless(SuppressionList):
    """A list of 100,000 entries that holds none of them: what memory there is is the reader's."""

    pages = 100
    kill_at: int | None = None

    def __init__(self, ses: FakeSes) -> None:
        super().__init__(ses.client("sesv2"), ACCOUNT, Pace(0))
        self.memory: list[int] = []

    def page(self, _since: datetime | None, _until: datetime | None, next_token: str | None) -> SuppressionPage:
        number = int(next_token or 0)
        if number == self.kill_at:
            raise KilledError
        self.memory.append(psutil.Process().memory_info().rss)
        moment = NOW - timedelta(days=3)
        entries = [SuppressedAddress(f"user{number:03}{n:03}@example.com", "BOUNCE", moment) for n in range(1_000)]
        return SuppressionPage(entries, str(number + 1) if number + 1 < self.pages else None)


def test_a_hundred_thousand_entries_take_constant_memory_and_survive_a_kill(database: Connection, ses: FakeSes) -> None:
    killed, resumed = Endless(ses), Endless(ses)
    killed.kill_at = 60
    with pytest.raises(KilledError):
        read_list(database, killed)
    reading = read_list(database, resumed)
    assert (len(killed.memory), len(resumed.memory), reading.recorded) == (60, 40, 40_000)
    # Kept, 80,000 entries would take 40 MB.
    assert max(resumed.memory) - max(killed.memory[:20]) < 15_000_000
    assert report_drift(database, 45).counts == {"theirs_only": 100_000, "ours_only": 0, "reasons_differ": 0}


def test_the_first_reading_is_not_braked_and_later_ones_are(database: Connection, ses: FakeSes) -> None:
    fill(ses, 5)
    assert read_list(database, listing(ses), max_new_blocks=2).recorded == 5
    later = {f"late{n}@example.com": ("BOUNCE", NOW - timedelta(hours=1)) for n in range(4)}
    ses.region().listed.update(later | {"wish@example.com": ("COMPLAINT", NOW - timedelta(hours=1))})
    reading = read_list(database, listing(ses), max_new_blocks=2)
    assert (reading.recorded, reading.held) == (3, 2)
    assert "wish@example.com" in blocked(database)
    assert len(blocked(database)) == 8
    [domain] = held.undecided(database)
    assert (domain.domain, domain.bounces, domain.messages, domain.listings) == ("example.com", 2, 0, 2)
    # A full reading meets them again, a range of a person too: they wait.
    for bounds in (Bounds(full=True), Bounds(NOW - timedelta(days=1), NOW + timedelta(days=1))):
        assert read_list(database, listing(ses), bounds, max_new_blocks=2).recorded == 0
    with writing(database) as writer:
        decisions.decide(writer, [domain.brake_id], "confirmed", "alice", "real")
    assert decisions.settle(database).changes.blocked == {"ses_suppression": 2}
    assert len(blocked(database)) == 10
    assert read_list(database, listing(ses), Bounds(full=True), max_new_blocks=2).recorded == 0


def test_a_dismissed_entry_of_ses_s_list_stays_out(database: Connection, ses: FakeSes) -> None:
    fill(ses, 1)
    read_list(database, listing(ses), max_new_blocks=1)
    ses.region().listed.update({f"late{n}@example.com": ("BOUNCE", NOW - timedelta(hours=1)) for n in range(3)})
    read_list(database, listing(ses), max_new_blocks=1)
    [domain] = held.undecided(database)
    with writing(database) as writer:
        decisions.decide(writer, [domain.brake_id], "dismissed", "alice", "an outage")
    assert decisions.settle(database).changes.blocked == {}
    for limit in (1, None):
        assert read_list(database, listing(ses), Bounds(full=True), max_new_blocks=limit).recorded == 0
    assert len(blocked(database)) == 2


def test_a_range_that_a_person_asked_for_is_not_braked(database: Connection, ses: FakeSes) -> None:
    fill(ses, 1)
    read_list(database, listing(ses))
    fill(ses, 20, days_ago=2)
    asked = Bounds(NOW - timedelta(days=3), NOW)
    assert read_list(database, listing(ses), asked, max_new_blocks=1).recorded == 20
