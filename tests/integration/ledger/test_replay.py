"""Messages read again with other rules than those that they were classified with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from ses_bounces.actions.action import Action
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.base.exceptions import ReplayError
from ses_bounces.classify import rules as all_rules
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger import replay as replaying
from ses_bounces.ledger.lists.history import address_history
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.promotion import promote_expired
from ses_bounces.ledger.rebuild import verify
from ses_bounces.ledger.replay import replay, try_replay
from tests.kit.builders import TOPIC_ARN, bounce, complaint
from tests.kit.seeding import address_id, dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

HOUR = timedelta(hours=1)
ALL = (datetime.now(UTC) - 40 * 24 * HOUR, datetime.now(UTC) + 24 * HOUR)
RULES = Rules()
STATE = (
    "SELECT address, reason, blocked_at FROM ses_bounces.blocked_list WHERE is_open ORDER BY 1, 2",
    "SELECT address, kind, transient_fix_deadline FROM ses_bounces.bounce_list WHERE is_open ORDER BY 1",
    "SELECT event_id, superseded_at, superseded_by FROM ses_bounces.address_event ORDER BY 1",
    "SELECT message_id, outcome, reason FROM ses_bounces.message ORDER BY 1",
)


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Rules of yesterday: a general transient bounce blocked."""
    monkeypatch.setitem(all_rules.BOUNCE_KINDS, ("Transient", "General"), "permanent_bounce")
    return monkeypatch


def state(connection: Connection) -> list[Any]:
    return [connection.execute(query).fetchall() for query in STATE]


def causes(connection: Connection) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for address, reason in connection.execute("SELECT address, reason FROM ses_bounces.blocked_list WHERE is_open"):
        found.setdefault(address, set()).add(reason)
    return found


def entries(connection: Connection, address: str) -> list[tuple[str, str, bool, str | None]]:
    """Kind, actor, whether it is live, and the kind of what took its place."""
    return connection.execute(
        "SELECT e.kind, e.actor, e.superseded_at IS NULL, n.kind FROM ses_bounces.address_event e"
        " LEFT JOIN ses_bounces.address_event n ON n.event_id = e.superseded_by"
        " WHERE e.address_id = %s ORDER BY e.event_id",
        [address_id(connection, address)],
    ).fetchall()


def test_what_a_newer_rule_makes_otherwise_is_superseded(database: Connection, strict: pytest.MonkeyPatch) -> None:
    old, young, other = "old@example.com", "young@example.com", "other@example.com"
    receive(
        database,
        dated(bounce(old, "Transient", "General"), 20),
        dated(bounce(young, "Transient", "General"), 2),
        dated(bounce(other), 2),
    )
    assert set(causes(database)) == {old, young, other}
    strict.undo()
    before = state(database)

    tried = try_replay(database, RULES, ALL)
    assert state(database) == before
    assert tried.messages == 3
    ids = sorted([address_id(database, old), address_id(database, young)])
    assert tried.found == {"permanent_bounce → transient_bounce": (2, ids)}
    assert all("@" not in line for line in tried.lines())

    done = replay(database, RULES, ALL)
    assert (done.found, done.superseded) == (tried.found, 2)
    # The old one's deadline is long over: it must not be blocked again in the same minute.
    assert causes(database) == {other: {"permanent_bounce"}}
    assert entries(database, young) == [
        ("permanent_bounce", "ses", False, "transient_bounce"),
        ("transient_bounce", "ses", True, None),
    ]
    assert entries(database, old)[-1] == ("transient_deleted", "replay", True, None)
    promote_expired(database)
    assert set(causes(database)) == {other}
    assert not verify(database).differ
    history = address_history(database, address_id(database, young))
    assert history is not None
    assert [entry.superseded_by for entry in history.entries.rows] == [history.entries.rows[1].event_id, None]

    settled = state(database)
    assert replay(database, RULES, ALL).found == {}
    assert state(database) == settled


def test_a_block_that_has_another_cause_stays(database: Connection, strict: pytest.MonkeyPatch) -> None:
    receive(database, dated(bounce("a@example.com", "Transient", "General"), 20), dated(complaint("a@example.com"), 19))
    strict.undo()
    try_replay(database, RULES, ALL)
    replay(database, RULES, ALL)
    # The complaint blocks; what the deadline does is the transient's own.
    assert causes(database) == {"a@example.com": {"complaint", "expired_transient"}}
    assert "transient_deleted" not in [kind for kind, *_ in entries(database, "a@example.com")]


def test_it_refuses_what_was_not_tried(database: Connection) -> None:
    receive(database, dated(bounce("a@example.com"), 2))
    with pytest.raises(ReplayError, match="was not tried with today's rules and settings"):
        replay(database, RULES, ALL)
    try_replay(database, RULES, ALL)
    for rules, window in ((Rules(allow_raw=True), ALL), (RULES, (ALL[0], ALL[1] + HOUR))):
        with pytest.raises(ReplayError, match="was not tried"):
            replay(database, rules, window)
    with pytest.raises(ReplayError, match="it must end later"):
        try_replay(database, RULES, (ALL[1], ALL[0]))


def test_what_was_quarantined_by_a_setting_counts_when_it_is_allowed_and_the_other_way(database: Connection) -> None:
    narrow = Rules(allowed_topic_arns=["arn:aws:sns:eu-west-1:123456789012:another"])
    receive(database, dated(bounce("a@example.com"), 2), rules=narrow)
    assert causes(database) == {}
    wide = Rules(allowed_topic_arns=[TOPIC_ARN])
    assert try_replay(database, wide, ALL).outcomes == {"quarantined → applied": 1}
    done = replay(database, wide, ALL)
    assert done.outcomes == {"quarantined → applied": 1}
    assert done.found == {"nothing → permanent_bounce": (1, [])}
    assert causes(database) == {"a@example.com": {"permanent_bounce"}}
    assert database.execute("SELECT outcome, reason FROM ses_bounces.message").fetchall() == [("applied", None)]

    try_replay(database, narrow, ALL)
    assert replay(database, narrow, ALL).found == {
        "permanent_bounce → nothing": (1, [address_id(database, "a@example.com")])
    }
    assert causes(database) == {}
    assert entries(database, "a@example.com") == [("permanent_bounce", "ses", False, None)]
    assert database.execute("SELECT outcome FROM ses_bounces.message").fetchall() == [("quarantined",)]
    # And back once more: the same event may live again.
    replay(database, wide, ALL)
    assert causes(database) == {"a@example.com": {"permanent_bounce"}}
    assert not verify(database).differ


def test_only_messages_of_the_window_are_read(database: Connection, strict: pytest.MonkeyPatch) -> None:
    receive(
        database,
        dated(bounce("in@example.com", "Transient", "General"), 2),
        dated(bounce("out@example.com", "Transient", "General"), 2),
    )
    database.execute("UPDATE ses_bounces.message SET sent_at = now() - interval '5 days' WHERE body LIKE '%in@%'")
    strict.undo()
    window = (datetime.now(UTC) - 6 * 24 * HOUR, datetime.now(UTC) - 4 * 24 * HOUR)
    # Received before the window, by our clock.
    assert try_replay(database, RULES, window).messages == 1
    replay(database, RULES, window)
    assert causes(database) == {"out@example.com": {"permanent_bounce"}}


def test_a_window_whose_messages_are_gone_changes_nothing(database: Connection, strict: pytest.MonkeyPatch) -> None:
    receive(database, dated(bounce("a@example.com", "Transient", "General"), 2))
    strict.undo()
    database.execute("UPDATE ses_bounces.message SET body = NULL")
    before = state(database)
    assert try_replay(database, RULES, ALL).messages == 0
    assert replay(database, RULES, ALL).found == {}
    assert state(database) == before


def test_a_transient_keeps_the_deadline_that_it_was_given(database: Connection) -> None:
    receive(database, dated(bounce("a@example.com", "Transient", "MailboxFull"), 2), rules=Rules(grace=timedelta(20)))
    before = state(database)
    try_replay(database, RULES, ALL)
    assert replay(database, RULES, ALL).found == {}
    assert state(database) == before


def test_what_persons_did_stays(database: Connection, strict: pytest.MonkeyPatch) -> None:
    address = "a@example.com"
    receive(database, dated(bounce(address, "Transient", "General"), 3))
    action = Action("anna", "mended", "6a1b9df0-76c5-4b0a-9d4f-30b2b0c1a001")
    lift_blocks(database, action, {address_id(database, address): ["permanent_bounce"]})
    strict.undo()
    try_replay(database, RULES, ALL)
    replay(database, RULES, ALL)
    assert causes(database) == {}
    assert [(kind, live) for kind, _, live, _ in entries(database, address)] == [
        ("permanent_bounce", False),
        ("unblocked", True),
        ("transient_bounce", True),
    ]
    assert not verify(database).differ


def test_killed_between_two_chunks_it_is_gone_on_with(database: Connection, strict: pytest.MonkeyPatch) -> None:
    names = [f"a{number}@example.com" for number in range(6)]
    receive(database, *(dated(bounce(name, "Transient", "General"), 2) for name in names))
    strict.undo()
    try_replay(database, RULES, ALL)
    strict.setattr(replaying, "CHANGES_PER_CHUNK", 2)
    apply, calls = replaying._apply, []

    def killed(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 3:
            raise psycopg.OperationalError("the server went away")
        apply(*arguments)

    strict.setattr(replaying, "_apply", killed)
    with pytest.raises(Exception, match="can't be reached"):
        replay(database, RULES, ALL)
    assert len(causes(database)) == 2
    strict.undo()
    assert replay(database, RULES, ALL).superseded == 2
    assert causes(database) == {}
    assert not verify(database).differ


def test_messages_that_wait_are_not_read(database: Connection) -> None:
    receive(database, dated(bounce("a@example.com"), 2))
    database.execute("UPDATE ses_bounces.message SET outcome = 'pending'")
    assert try_replay(database, RULES, ALL).messages == 0
    classify_pending(database, RULES)
    assert try_replay(database, RULES, ALL).messages == 1
