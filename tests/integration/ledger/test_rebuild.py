"""The lists compared with the ledger, after somebody put a hand in them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_bounces.classify.entry import Entry
from ses_bounces.ledger import rebuild as rebuilding
from ses_bounces.ledger.promotion import promote_expired
from ses_bounces.ledger.rebuild import rebuild, verify
from ses_bounces.ledger.writing import writing

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
LISTS = (
    "SELECT address, reason, blocked_at, event_id FROM ses_bounces.blocked_list WHERE is_open ORDER BY 1, 2",
    "SELECT address, kind, transient_fix_deadline, bounce_count FROM ses_bounces.bounce_list WHERE is_open ORDER BY 1",
)
HANDS = (
    "DELETE FROM ses_bounces.blocked_list WHERE address = %s",
    "DELETE FROM ses_bounces.bounce_list WHERE address = %s",
    "UPDATE ses_bounces.blocked_list SET blocked_at = blocked_at - interval '1 day' WHERE address = %s",
    "UPDATE ses_bounces.blocked_list SET unblocked_at = now() WHERE address = %s AND is_open",
    "UPDATE ses_bounces.bounce_list SET kind = 'suppressed' WHERE address = %s AND is_open",
    "INSERT INTO ses_bounces.blocked_list (address_id, address, reason, blocked_at, event_id)"
    " SELECT address_id, address, 'unsubscribed', now(), 1 FROM ses_bounces.address WHERE address = %s",
)

NAMES = [f"{letter}{number}" for letter in "ab" for number in range(5)]


def record(connection: Connection, kind: str, name: str, days_ago: float, **fields: Any) -> None:
    if kind == "transient_bounce":
        fields = {"deadline": NOW + (14 - days_ago) * DAY, "policy": "age"} | fields
    entry = Entry(kind, f"{name}@example.com", name, NOW - days_ago * DAY, os.urandom(16), **fields)
    with writing(connection) as writer:
        writer.append([(entry, None)])


@pytest.fixture
def filled(database: Connection) -> Connection:
    """Ten addresses in all states; of one the deadline has passed."""
    for number, kind in enumerate(("permanent_bounce", "complaint", "transient_bounce", "delivery", "stop_request")):
        record(database, kind, f"a{number}", 3 + number)
        record(database, kind, f"b{number}", 30 + number)
    promote_expired(database)
    return database


def lists(connection: Connection) -> list[Any]:
    return [connection.execute(query).fetchall() for query in LISTS]


def address_id(connection: Connection, name: str) -> int:
    row = connection.execute(
        "SELECT address_id FROM ses_bounces.address WHERE address = %s", [f"{name}@example.com"]
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_lists_that_nobody_touched_do_not_differ(filled: Connection) -> None:
    before = lists(filled)
    compared = rebuild(filled)
    assert (compared.addresses, compared.differ, compared.is_whole) == (10, False, True)
    assert lists(filled) == before


@given(hands=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(HANDS), min_size=1))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_hand_did_is_found_and_undone(filled: Connection, hands: dict[str, str]) -> None:
    rebuild(filled)
    before = lists(filled)
    for name, query in hands.items():
        filled.execute(query, [f"{name}@example.com"])  # type: ignore[arg-type]
    changed = {row[0] for old, new in zip(before, lists(filled), strict=True) for row in set(old) ^ set(new)}
    found = verify(filled)
    assert set(found.ids) == {address_id(filled, address.partition("@")[0]) for address in changed}
    assert set(rebuild(filled).ids) == set(found.ids)
    assert [[row[:3] for row in rows] for rows in lists(filled)] == [[row[:3] for row in rows] for rows in before]
    assert not verify(filled).differ


def test_only_what_was_asked_for_is_compared(filled: Connection) -> None:
    filled.execute("DELETE FROM ses_bounces.blocked_list")
    one, other = address_id(filled, "a0"), address_id(filled, "b0")
    assert rebuild(filled, [one]).ids == [one]
    assert verify(filled, [one]).differ is False
    in_window = verify(filled, window=(NOW - 30.5 * DAY, NOW - 29 * DAY))
    assert in_window.ids == [other]
    # A deadline that is due in the window counts as well.
    assert verify(filled, window=(NOW + 9 * DAY - timedelta(hours=1), NOW + 9 * DAY + DAY)).addresses == 1


def test_it_goes_on_where_it_was_stopped(filled: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "ADDRESSES_PER_CHUNK", 3)
    filled.execute("DELETE FROM ses_bounces.bounce_list")
    clock = iter([0.0, 0.0, 0.0, 100.0])
    monkeypatch.setattr(rebuilding.time, "monotonic", lambda: next(clock))
    first = rebuild(filled, seconds=50)
    assert (first.addresses, first.is_whole) == (6, False)
    monkeypatch.undo()
    told: list[int] = []
    rest = rebuild(filled, after=first.last_id, progress=told.append)
    assert (rest.addresses, rest.is_whole, told) == (4, True, [4])
    assert not verify(filled).differ


def test_a_promotion_that_a_late_message_holds_back_is_no_difference(filled: Connection) -> None:
    """What waits may be a delivery that ends the problem: until it is classified, nothing is taken back for it."""
    before = lists(filled)
    assert "expired_transient" in {reason for _, reason, *_ in before[0]}
    filled.execute(
        "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome)"
        " VALUES ('id', 'queue', 'not JSON', %s, 'pending')",
        [NOW - 40 * DAY],
    )
    assert not verify(filled).differ
    assert not rebuild(filled).differ
    assert lists(filled) == before
    # What a hand did is found all the same.
    filled.execute("DELETE FROM ses_bounces.blocked_list WHERE reason = 'complaint' AND address = 'a1@example.com'")
    assert rebuild(filled).differ
    assert lists(filled)[0] == [(a, r, since, event) for a, r, since, event in before[0]]
