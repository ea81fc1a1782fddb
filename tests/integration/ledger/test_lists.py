"""What the pages show, compared with the same thing filtered and sorted in Python."""

from __future__ import annotations

import csv
import io
import itertools
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_bounces.actions.action import Action
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.actions.stops import request_stops
from ses_bounces.actions.transients import delete_transients
from ses_bounces.base.database.tables.ledger import BOUNCE_LIST_KINDS
from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.causes import CAUSES
from ses_bounces.classify.entry import Entry
from ses_bounces.classify.rules import RULES_VERSION
from ses_bounces.ledger import search_index
from ses_bounces.ledger.lists.blocked import (
    BlockedFilter,
    BlockedRow,
    count_blocked,
    count_causes,
    list_blocked,
    stream_blocked,
)
from ses_bounces.ledger.lists.bounces import BounceFilter, BounceRow, count_bounces, list_bounces, stream_bounces
from ses_bounces.ledger.lists.engine import counting, listing, ordering, sampling, search
from ses_bounces.ledger.lists.engine.paging import Count
from ses_bounces.ledger.lists.engine.search import KEPT_OF_A_USER, grams, keep_text, kept_text
from ses_bounces.ledger.lists.history import address_history, message_body
from ses_bounces.ledger.lists.lookup import lookup
from ses_bounces.ledger.lists.overview import overview
from ses_bounces.ledger.lists.quarantine import list_quarantine, quarantine_reasons
from ses_bounces.ledger.writing import writing

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

NOW = datetime.now(UTC).replace(microsecond=0)
LAST = "\U0010ffff"
ADDRESSES = [
    f"{name}{number}@{domain}"
    for number, (name, domain) in enumerate(
        itertools.product(
            ["ada", "a_b", "a%b", "x\\y", "=sum", "ada.lund", "jürgen", "@odd"],
            ["example.com", "example.org", "mail.example.com", "xn--mller-kva.example"],
        )
    )
]
TEXTS = [None, "a", "ad", "ada", "lund", "_", "%", "a_b", "a%b", "x\\y", "ürg", "EXAMPLE.org", "@", "@e", "@example.com",
         "@müller.example", "nobody", "1@e", "com", " ada "]  # fmt: skip


# So that all ways to a page and to a count are taken.
WAYS = {
    "few": (10_000, 50_000, 4),
    "many, by the others": (3, 20, 4),
    "many, looked up": (3, 20, 0),
    "many, not walked": (3, 6, 0),
}
every_way = pytest.mark.parametrize("filled", list(WAYS.values()), ids=list(WAYS), indirect=True)


@pytest.fixture
def filled(database: Connection, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Connection:
    """Lists with ties, closed rows, and rows without a deadline; half of the addresses are in the search index."""
    candidates, walked_far, lookup_cost = getattr(request, "param", WAYS["few"])
    monkeypatch.setattr(sampling, "SAMPLED_PERCENT", 100)
    monkeypatch.setattr(search, "CANDIDATES", candidates)
    monkeypatch.setattr(listing, "WALKED", 5)
    monkeypatch.setattr(ordering, "WALKED", 5)
    monkeypatch.setattr(listing, "WALKED_FAR", walked_far)
    monkeypatch.setattr(counting, "WALKED_FAR", walked_far)
    monkeypatch.setattr(listing, "LOOKUP_COST", lookup_cost)
    insert = "INSERT INTO ses_bounces.address (address, address_as_reported) VALUES (%s, %s)"
    for address in ADDRESSES[: len(ADDRESSES) // 2]:
        database.execute(insert, [address, address])
    search_index.index_addresses(database)
    for address in ADDRESSES[len(ADDRESSES) // 2 :]:
        database.execute(insert, [address, address])
    for number, address in enumerate(ADDRESSES * 3):
        is_open = number < len(ADDRESSES)
        kind = BOUNCE_LIST_KINDS[number % 3 if number % 8 else 3]
        at = NOW - timedelta(hours=number % 7)
        deadline = NOW + timedelta(days=number % 5 - 1, minutes=30) if kind == "transient" and number % 4 else None
        database.execute(
            "INSERT INTO ses_bounces.bounce_list (address_id, address, kind, details, bounce_sub_type,"
            " configuration_set, is_reply, first_bounced_at, last_bounced_at, bounce_count, transient_fix_deadline, opened_at,"
            " closed_at) SELECT a.address_id, a.address, %s, 'd', %s, %s, %s, %s, %s, 1, %s, %s, %s"
            " FROM ses_bounces.address a WHERE a.address = %s",
            [kind, ["General", "MailboxFull", None][number % 3], ["news", None][number % 2], number % 3 == 0, at, at, deadline, at,
             None if is_open else NOW, address],
        )  # fmt: skip
        for reason in {CAUSES[number % 6], CAUSES[number % 4]}:
            database.execute(
                "INSERT INTO ses_bounces.blocked_list (address_id, address, reason, blocked_at, event_id,"
                " unblocked_at) SELECT a.address_id, a.address, %s, %s, 1, %s FROM ses_bounces.address a"
                " WHERE a.address = %s",
                [reason, at, None if is_open else NOW, address],
            )
    return database


def matches(text: str | None, address: str) -> bool:
    """What a text finds, said once more."""
    text = (text or "").strip()
    text = "".join(c.lower() if c.isascii() else c for c in text).replace("@müller", "@xn--mller-kva")
    if text.startswith("@"):
        return address.rpartition("@")[2].startswith(text[1:])
    return address.startswith(text) if len(text) < 3 else text in address


def everything(read: Callable[..., Any], *arguments: Any, limit: int) -> list[Any]:
    rows: list[Any] = []
    after = None
    while True:
        page = read(*arguments, after, limit)
        rows += page.rows
        assert len(page.rows) == limit or page.after is None
        if page.after is None:
            return rows
        assert "@" not in page.after
        after = page.after
        assert len(rows) < 1_000


def ordered(rows: list[Any], key: Callable[[Any], Any], id_: str, direction: str) -> list[Any]:
    """Those without a value come last, whatever the direction."""
    rows = sorted(rows, key=lambda row: getattr(row, id_), reverse=direction == "descending")
    there = [row for row in rows if key(row) is not None]
    there.sort(key=key, reverse=direction == "descending")
    return there + [row for row in rows if key(row) is None]


SETTINGS = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
DIRECTIONS = st.sampled_from(["ascending", "descending"])
LIMITS = st.sampled_from([1, 3, 10, 500])
MOMENTS = st.sampled_from([None, NOW - timedelta(hours=5), NOW - timedelta(hours=2), NOW])


@every_way
@SETTINGS
@given(
    filter_=st.builds(
        BounceFilter,
        state=st.sampled_from(["open", "closed"]),
        kind=st.sampled_from([None, *BOUNCE_LIST_KINDS]),
        sub_type=st.sampled_from([None, None, "General", "MailboxFull", "nothing"]),
        configuration_set=st.sampled_from([None, None, "news"]),
        days_left_min=st.sampled_from([None, None, -1, 1]),
        days_left_max=st.sampled_from([None, None, 0, 2]),
        is_reply=st.sampled_from([False, False, True]),
        bounced_from=MOMENTS,
        bounced_to=MOMENTS,
        text=st.sampled_from(TEXTS),
    ),
    sort=st.sampled_from(["date", "address", "deadline"]),
    direction=DIRECTIONS,
    limit=LIMITS,
)
def test_bounces(filled: Connection, filter_: BounceFilter, sort: Any, direction: Any, limit: int) -> None:
    every = [row for state in ("open", "closed") for row in list_bounces(
        filled, BounceFilter(state=state), limit=500).rows]  # type: ignore[arg-type]  # fmt: skip
    assert len(every) == 3 * len(ADDRESSES)

    def fits(row: BounceRow) -> bool:
        left = None if row.fix_deadline is None else row.fix_deadline - datetime.now(UTC)
        return (
            (row.closed_at is None) == (filter_.state == "open")
            and filter_.kind in (None, row.kind)
            and filter_.sub_type in (None, row.sub_type)
            and filter_.configuration_set in (None, row.configuration_set)
            and (row.is_reply or not filter_.is_reply)
            and (filter_.days_left_min is None or (left is not None and left >= timedelta(filter_.days_left_min)))
            and (filter_.days_left_max is None or (left is not None and left <= timedelta(filter_.days_left_max)))
            and (filter_.bounced_from is None or row.last_bounced_at >= filter_.bounced_from)  # type: ignore[operator]
            and (filter_.bounced_to is None or row.last_bounced_at < filter_.bounced_to)  # type: ignore[operator]
            and matches(filter_.text, row.address)
        )

    keys = {"date": lambda r: r.last_bounced_at, "address": lambda r: r.address, "deadline": lambda r: r.fix_deadline}
    wanted = ordered([row for row in every if fits(row)], keys[sort], "bounce_list_id", direction)
    found = everything(list_bounces, filled, filter_, sort, direction, limit=limit)
    assert [row.bounce_list_id for row in found] == [row.bounce_list_id for row in wanted]
    whole = list_bounces(filled, filter_, sort, direction, None, limit).whole(None)
    assert whole == Count(len(wanted)) or (whole is None and len(wanted) > limit)
    assert count_bounces(filled, filter_).number == len(wanted)
    table = list(csv.DictReader(io.StringIO("".join(stream_bounces(filled, filter_, sort, direction)))))
    assert [row["address"].lstrip("'") for row in table] == [row.address for row in wanted]


@every_way
@SETTINGS
@given(
    filter_=st.builds(
        BlockedFilter,
        state=st.sampled_from(["open", "lifted"]),
        reason=st.sampled_from([None, *CAUSES]),
        since_from=MOMENTS,
        since_to=MOMENTS,
        domain=st.sampled_from([None, None, "example.com", "@mail.", "müller.example", "none.example"]),
        text=st.sampled_from(TEXTS),
    ),
    sort=st.sampled_from(["date", "address"]),
    direction=DIRECTIONS,
    limit=LIMITS,
)
def test_blocked(filled: Connection, filter_: BlockedFilter, sort: Any, direction: Any, limit: int) -> None:
    every = [row for state in ("open", "lifted") for row in list_blocked(
        filled, BlockedFilter(state=state), limit=500).rows]  # type: ignore[arg-type]  # fmt: skip
    domain = f"@{(filter_.domain or '').removeprefix('@')}"

    def fits(row: BlockedRow) -> bool:
        return (
            (row.unblocked_at is None) == (filter_.state == "open")
            and filter_.reason in (None, row.reason)
            and (filter_.since_from is None or row.blocked_at >= filter_.since_from)
            and (filter_.since_to is None or row.blocked_at < filter_.since_to)
            and matches(domain, row.address)
            and matches(filter_.text, row.address)
        )

    keys: dict[str, Callable[[BlockedRow], Any]] = {"date": lambda r: r.blocked_at, "address": lambda r: r.address}
    wanted = ordered([row for row in every if fits(row)], keys[sort], "blocked_list_id", direction)
    found = everything(list_blocked, filled, filter_, sort, direction, limit=limit)
    assert [row.blocked_list_id for row in found] == [row.blocked_list_id for row in wanted]
    assert count_blocked(filled, filter_).number == len(wanted)
    table = list(csv.DictReader(io.StringIO("".join(stream_blocked(filled, filter_, sort, direction)))))
    assert [(row["address"].lstrip("'"), row["reason"]) for row in table] == [(r.address, r.reason) for r in wanted]


@every_way
@pytest.mark.parametrize("direction", ["ascending", "descending"])
def test_a_text_alone(filled: Connection, direction: Any) -> None:
    """The indexes by address have all of it: other ways than with a further filter."""
    for text, is_open in itertools.product(TEXTS, (True, False)):
        bounces = BounceFilter(state="open" if is_open else "closed", text=text)
        blocks = BlockedFilter(state="open" if is_open else "lifted", text=text)
        for read, count, filter_, plain, id_ in (
            (list_bounces, count_bounces, bounces, BounceFilter(state=bounces.state), "bounce_list_id"),
            (list_blocked, count_blocked, blocks, BlockedFilter(state=blocks.state), "blocked_list_id"),
        ):
            rows = read(filled, plain, limit=500).rows  # type: ignore[operator]
            wanted = ordered([row for row in rows if matches(text, row.address)], lambda r: r.address, id_, direction)
            assert everything(read, filled, filter_, "address", direction, limit=3) == wanted
            assert count(filled, filter_).number == len(wanted)  # type: ignore[operator]


def test_each_cause_is_counted(filled: Connection) -> None:
    rows = list_blocked(filled, BlockedFilter(), limit=500).rows
    wanted = {cause: sum(row.reason == cause for row in rows) for cause in CAUSES}
    assert {cause: count.number for cause, count in count_causes(filled).items()} == wanted
    assert list(count_causes(filled)) == list(CAUSES)


def test_a_page_stays_where_it_was_when_rows_come_in(filled: Connection) -> None:
    first = list_bounces(filled, BounceFilter(), "date", "descending", None, 5)
    second = list_bounces(filled, BounceFilter(), "date", "descending", first.after, 5)
    with writing(filled) as writer:
        entries = [Entry("permanent_bounce", f"new{n}@example.com", "", NOW, os.urandom(16)) for n in range(9)]
        writer.append((entry, None) for entry in entries)
    assert list_bounces(filled, BounceFilter(), "date", "descending", first.after, 5) == second


@pytest.mark.parametrize("after", ["", "x", "1", "1.", ".", "9" * 30 + ".1", "1.-1", "1.99999999999999999999", "ann@x"])
def test_positions_that_are_none(filled: Connection, after: str) -> None:
    if after == "":
        assert list_bounces(filled, BounceFilter(), after=after).rows
    else:
        with pytest.raises(ActionError, match="Begin at the first page"):
            list_bounces(filled, BounceFilter(), after=after)


@pytest.mark.parametrize(
    "filter_", [BounceFilter(kind="x"), BounceFilter(text="x" * 400), BounceFilter(days_left_min=10**9)]
)
def test_filters_that_are_none(filled: Connection, filter_: BounceFilter) -> None:
    with pytest.raises(ActionError):
        list_bounces(filled, filter_)


@pytest.mark.parametrize(
    "text", ["\x00", "'; DROP TABLE x; --", "\ud800", "%s %(v0)s {}", '"><script>', "\\", "a\x00b", "@\ud800"]
)
def test_odd_texts_find_nothing_and_break_nothing(filled: Connection, text: str) -> None:
    assert list_blocked(filled, BlockedFilter(text=text, domain=text, reason=None)).rows == [] or text == "\x00"
    list_bounces(filled, BounceFilter(text=text, sub_type=text, configuration_set=text))
    if text != "\x00":
        assert kept_text(filled, keep_text(filled, text, "7")) is not None
    assert kept_text(filled, text) is None


@given(st.text(max_size=40).filter(lambda text: "\x00" not in text and text.encode("utf-8", "ignore").decode() == text))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_grams_are_the_same_in_sql(database: Connection, text: str) -> None:
    assert database.execute("SELECT ses_bounces.address_grams(%s)", [text]).fetchone() == (grams(text),)


def test_the_index_of_addresses_goes_on_where_it_was(filled: Connection) -> None:
    assert search_index.index_addresses(filled) == len(ADDRESSES) // 2
    assert search_index.index_addresses(filled) == 0
    rows = filled.execute("SELECT count(*), count(DISTINCT address_id) FROM ses_bounces.address_search").fetchone()
    assert rows == (len(ADDRESSES), len(ADDRESSES))


def test_counts_end_at_ten_thousand() -> None:
    assert [str(Count(n)) for n in (0, 1234, 10_000, 10_001)] == ["0", "1,234", "10,000", "more than 10,000"]
    assert str(Count(1_001, 1_000)) == "more than 1,000"


@pytest.mark.parametrize("filled", [(3, 1, 0)], indirect=True)
def test_the_second_row_of_an_address_begins_a_page(filled: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "WALKED", 1)
    filter_ = BounceFilter(state="closed", text="@müller.example")
    whole = list_bounces(filled, filter_, "address", "ascending", None, 500).rows
    assert len(whole) == 2 * len({row.address for row in whole}) == 16
    assert everything(list_bounces, filled, filter_, "address", "ascending", limit=1) == whole


@pytest.mark.parametrize("filled", [(3, 20, 4), (3, 20, 0)], indirect=True)
def test_what_many_addresses_have_in_common_is_counted_less_far(
    filled: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "COUNTED_SPREAD", 2)
    # In four of 32 open rows; 20 would be few.
    spread = count_bounces(filled, BounceFilter(text="x\\y"))
    assert (spread.found, spread.is_more, spread.number, str(spread)) == (3, True, 2, "more than 2")
    assert count_bounces(filled, BounceFilter(text="example", kind="complaint")).is_more is False


def test_kept_texts_have_unguessable_ids_and_go_after_a_day(database: Connection) -> None:
    ids = {keep_text(database, "ann@example.com", "7") for _ in range(20)}
    assert len(ids) == 20
    assert min(map(len, ids)) >= 22
    kept, old = list(ids)[:2]
    database.execute(
        "UPDATE ses_bounces.page_filter SET created_at = now() - interval '25 hours' WHERE filter_id <> %s", [kept]
    )
    # Also before the hourly run has deleted it.
    assert kept_text(database, old) is None
    assert search_index.drop_old_filters(database) == 19
    assert kept_text(database, kept) == "ann@example.com"


def test_of_each_user_the_last_searches_are_kept(database: Connection) -> None:
    other = keep_text(database, "@example.net", "8")
    first, second, *_, last = [keep_text(database, f"@{n}.example", "7") for n in range(KEPT_OF_A_USER + 1)]
    assert kept_text(database, first) is None
    assert [kept_text(database, id_) for id_ in (second, last, other)] == ["@1.example", "@100.example", "@example.net"]
    rows = "SELECT count(*) FROM ses_bounces.page_filter WHERE user_id = '7'"
    assert database.execute(rows).fetchone() == (KEPT_OF_A_USER,)


def act() -> Action:
    return Action("alice", "a typo", str(uuid4()))


def record(connection: Connection, kind: str, address: str, age: timedelta, **fields: Any) -> None:
    at = datetime.now(UTC).replace(microsecond=0) - age
    if kind == "transient_bounce":
        fields = {"deadline": at + timedelta(days=14), "policy": "age", "bounce_type": "Transient"} | fields
    entry = Entry(kind, address, address, at, os.urandom(16), **fields)
    with writing(connection) as writer:
        writer.append([(entry, None)])


def test_the_history_of_an_address(database: Connection) -> None:
    ann = "ann@example.com"
    record(database, "transient_bounce", ann, timedelta(days=20), bounce_sub_type="MailboxFull", diagnostic_code="552")
    record(database, "permanent_bounce", ann, timedelta(days=3), bounce_type="Permanent", bounce_sub_type="General")
    lift_blocks(database, act(), {1: ["permanent_bounce", "expired_transient"]})
    request_stops(database, act(), [ann])
    history = address_history(database, 1)
    assert history is not None
    assert [(e.kind, e.opened, e.closed) for e in history.entries.rows] == [
        ("transient_bounce", [], []),
        ("promotion", ["expired_transient"], []),
        ("permanent_bounce", ["permanent_bounce"], []),
        ("unblocked", [], ["expired_transient", "permanent_bounce"]),
        ("stop_request", ["stop_request"], []),
    ]
    rules = [entry.rule for entry in history.entries.rows]
    assert rules == [
        f"a bounce Transient/MailboxFull is a transient bounce (rules version {RULES_VERSION})",
        f"the deadline of the transient problem passed (rules version {RULES_VERSION})",
        f"a bounce Permanent/General is a permanent bounce (rules version {RULES_VERSION})",
        f"alice asked for it (rules version {RULES_VERSION})",
        f"alice asked for it (rules version {RULES_VERSION})",
    ]
    assert "permanent closed: unblocked" in history.entries.rows[3].bounces
    assert [(b.reason, b.unblocked_by) for b in history.blocks if b.unblocked_at is None] == [("stop_request", None)]
    assert address_history(database, 999) is None


def test_a_history_has_pages_and_shows_what_was_superseded(database: Connection) -> None:
    for days in range(7, 0, -1):
        record(database, "complaint", "ann@example.com", timedelta(days=days))
    database.execute("UPDATE ses_bounces.address_event SET superseded_at = now(), superseded_by = 9 WHERE event_id = 3")
    seen, after = [], None
    for _ in range(4):
        history = address_history(database, 1, after, 2)
        assert history is not None
        seen += [(entry.event_id, entry.superseded_by) for entry in history.entries.rows]
        after = history.entries.after
    assert seen == [(1, None), (2, None), (3, 9), (4, None), (5, None), (6, None), (7, None)]
    assert after is None


def test_bodies_are_found_or_said_to_be_gone(database: Connection) -> None:
    from ses_bounces.base.database import partitions

    old = NOW - timedelta(days=40)
    partitions._make(database, old.date())
    insert = (
        "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, received_at, outcome)"
        " VALUES ('a', 'q', %s, %s, %s, %s) RETURNING message_id"
    )
    ids = []
    for body, at, outcome in (("raw", NOW, "applied"), (None, NOW, "no_effect"), ("late", old, "applied")):
        row = database.execute(insert, [body, at, at, outcome]).fetchone()
        assert row is not None
        ids.append(row[0])
    database.execute(
        "INSERT INTO ses_bounces.quarantine (message_id, sqs_message_id, queue_url, body, sent_at, received_at, outcome)"
        " VALUES (77, 'a', 'q', 'kept', %s, %s, 'held')",
        [old, old],
    )
    bodies = [message_body(database, id_, NOW + timedelta(minutes=5)) for id_ in (*ids, 77, 999)]
    assert [body.body for body in bodies] == ["raw", None, "late", "kept", None]
    assert ["without its body" in (bodies[1].gone or ""), "retention" in (bodies[4].gone or "")] == [True, True]
    assert message_body(database, ids[0], NOW - timedelta(days=2)).body is None


def test_the_quarantine_by_reason(database: Connection) -> None:
    for number in range(30):
        outcome, reason = ("held", None) if number % 5 == 0 else ("quarantined", ["not JSON", "no type"][number % 2])
        table = "quarantine" if number % 3 == 0 else "message"
        name, value = ("message_id, ", f"{number + 500}, ") if number % 3 == 0 else ("", "")
        database.execute(
            f"INSERT INTO ses_bounces.{table} ({name}sqs_message_id, queue_url, body, sent_at, received_at, outcome,"
            f" reason) VALUES ({value}'a', 'q', 'x', now(), %s, %s, %s)",
            [NOW - timedelta(minutes=number % 4), outcome, reason],
        )
    reasons = {(r.outcome, r.reason): r.count.number for r in quarantine_reasons(database)}
    assert reasons == {("held", None): 6, ("quarantined", "no type"): 12, ("quarantined", "not JSON"): 12}
    for outcome, reason, count in ((None, None, 30), ("held", None, 6), (None, "no type", 12)):
        rows, after = [], None
        for _ in range(10):
            page = list_quarantine(database, outcome, reason, after, 4)  # type: ignore[arg-type]
            rows, after = rows + page.rows, page.after
            if after is None:
                break
        assert len({row.message_id for row in rows}) == len(rows) == count
        assert rows == sorted(rows, key=lambda row: (row.received_at, row.message_id), reverse=True)


def test_the_overview_counts(database: Connection) -> None:
    record(database, "transient_bounce", "a@example.com", timedelta(days=13))
    record(database, "transient_bounce", "b@example.com", timedelta(days=1))
    record(database, "complaint", "c@example.com", timedelta(0))
    record(database, "complaint", "d@example.com", timedelta(days=2))
    database.execute(
        "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome, reason) VALUES"
        " ('a', 'q', 'x', now() - interval '1 hour', 'pending', NULL), ('b', 'q', 'x', now(), 'held', 'r'),"
        " ('c', 'q', 'x', now(), 'quarantined', 'r'), ('d', 'q', 'x', now(), 'quarantined', 's')"
    )
    database.execute(
        "INSERT INTO ses_bounces.unblock_request (address_id, lifts, actor, reason, finished_at, result) VALUES"
        " (1, '{}', 'a', 'r', NULL, NULL), (2, '{}', 'a', 'r', now(), 'lifted'), (3, '{}', 'a', 'r', now(), 'SES said no')"
    )
    database.execute(
        "INSERT INTO ses_bounces.flag_change (address_id, people_table, person_id, new_value, row_xmin, settled_at,"
        " settlement) VALUES (1, 'p', '1', false, 1, now(), 'touched'), (1, 'p', '2', false, 1, now(), 'restored')"
    )
    for day, new in ((1, 4), (2, 10), (3, 6)):
        database.execute(
            "INSERT INTO ses_bounces.report_day (day, timezone, ledger_position, summary, html, csv, stale) VALUES"
            " (current_date - %s, 'UTC', 1, jsonb_build_object('new_addresses', %s::int), '', '', %s)",
            [day, new, day == 3],
        )
    database.execute(
        "INSERT INTO ses_bounces.run (run_id, task_id, started_at, counts) VALUES ('r1', 'plan', now() - interval"
        " '2 hours', '{}'), ('r2', 'plan', now() - interval '1 hour', '{\"n\": 1}'), ('r2', 'drain', now(), '{}')"
    )
    found = overview(database)
    assert [c.number for c in (found.pending, found.held, found.quarantined)] == [1, 1, 2]
    assert 3_500 < found.lag_seconds < 3_900
    assert (found.blocked_today.number, found.blocked_median, found.due_soon.number) == (1, 6, 1)
    assert (found.people_waiting.number, found.lifts_open.number, found.lifts_failed.number) == (1, 1, 1)
    assert (found.reports_stale, found.flags_due.number) == (1, 2)
    assert [(run.run_id, [task.task_id for task in run.tasks]) for run in found.runs] == [
        ("r2", ["plan", "drain"]),
        ("r1", ["plan"]),
    ]


def test_lookup(database: Connection) -> None:
    record(database, "complaint", "ann@example.com", timedelta(days=1))
    record(database, "permanent_bounce", "ann@example.com", timedelta(days=3))
    record(database, "transient_bounce", "bob@example.com", timedelta(days=1))
    found = lookup(database, ["Ann@Example.com", "nonsense", "bob@example.com", "new@example.com", "ann@example.com"])
    assert [(f.is_address, f.is_blocked, list(f.reasons)) for f in found] == [
        (True, True, ["complaint", "permanent_bounce"]),
        (False, False, []),
        (True, False, []),
        (True, False, []),
        (True, True, ["complaint", "permanent_bounce"]),
    ]
    database.execute("UPDATE ses_bounces.setting SET enforce = false")
    observed = lookup(database, ["ann@example.com"])[0]
    assert (observed.is_blocked, list(observed.reasons)) == (False, ["complaint", "permanent_bounce"])
    with pytest.raises(ActionError, match="10001"):
        lookup(database, ["x"] * 10_001)


def test_a_lift_that_is_under_way_and_its_result_are_listed(database: Connection) -> None:
    at = {"bounce_type": "Permanent", "mail_sent_at": NOW - timedelta(days=2)}
    record(database, "ses_suppression", "ann@example.com", timedelta(days=1), **at)
    lift_blocks(database, act(), {1: ["ses_suppression"]})
    row = list_blocked(database, BlockedFilter()).rows[0]
    assert (row.is_lifting, row.lift_requested_by, row.lift_result) == (True, "alice", None)
    database.execute("UPDATE ses_bounces.unblock_request SET finished_at = now(), result = 'SES refused'")
    row = list_blocked(database, BlockedFilter()).rows[0]
    assert (row.is_lifting, row.lift_result) == (False, "SES refused")


def test_the_lists_follow_the_ledger(database: Connection) -> None:
    record(database, "transient_bounce", "a@example.com", timedelta(days=1), bounce_sub_type="MailboxFull",
           configuration_set="news")  # fmt: skip
    row = list_bounces(database, BounceFilter(sub_type="MailboxFull", configuration_set="news")).rows[0]
    assert (row.address, row.kind, row.causes) == ("a@example.com", "transient", [])
    delete_transients(database, act(), [row.address_id])
    closed = list_bounces(database, BounceFilter(state="closed")).rows
    assert [(r.address, r.close_reason, r.closed_by) for r in closed] == [("a@example.com", "deleted", "alice")]


def test_csv_is_safe_for_spreadsheets(database: Connection) -> None:
    request_stops(database, act(), ["=cmd|x@example.com", "+1@example.com"])
    lines = "".join(stream_blocked(database, BlockedFilter(), "address", "ascending")).splitlines()
    assert [line.partition(",")[0] for line in lines] == ["address", "'+1@example.com", "'=cmd|x@example.com"]
