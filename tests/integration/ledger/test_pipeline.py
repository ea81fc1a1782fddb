"""Messages into lists: the order, the grouping and the number of copies don't matter."""

from __future__ import annotations

import itertools
import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_bounces.classify.rules import Rules
from ses_bounces.ledger import pending
from ses_bounces.ledger.pending import Classified, classify_pending
from ses_bounces.ledger.promotion import promote_expired
from ses_bounces.ledger.protection import mirror_settings
from tests.kit.builders import bounce, complaint, delivery, eventbridge, iso, sns

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

numbers = itertools.count()
NOW = datetime.now(UTC).replace(microsecond=0)


def put(connection: Connection, *bodies: str, sent_at: datetime = NOW) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome)"
            " VALUES ('id', 'queue', %s, %s, 'pending')",
            [(body, sent_at) for body in bodies],
        )


def classified(connection: Connection, *bodies: str, sent_at: datetime = NOW) -> Classified:
    put(connection, *bodies, sent_at=sent_at)
    return classify_pending(connection, Rules())


def at(event: dict[str, Any], days_ago: float, feedback_id: str) -> dict[str, Any]:
    """Date an event, and the mail that it is about."""
    moment = NOW - timedelta(days=days_ago)
    content = event.get("bounce") or event.get("complaint") or event["delivery"]
    content["timestamp"] = iso(moment)
    if "recipients" not in content:
        content["feedbackId"] = feedback_id
    event["mail"] |= {"timestamp": iso(moment - timedelta(seconds=5)), "messageId": f"mail of {feedback_id}"}
    return event


def lists(connection: Connection, domain: str = "") -> list[Any]:
    """The open rows of both lists."""
    return [
        connection.execute(query, [f"%{domain}"]).fetchall()
        for query in (
            "SELECT address, reason, blocked_at FROM ses_bounces.blocked_list"
            " WHERE unblocked_at IS NULL AND address LIKE %s ORDER BY 1, 2",
            "SELECT address, kind, first_bounced_at, last_bounced_at, bounce_count, transient_fix_deadline"
            " FROM ses_bounces.bounce_list WHERE closed_at IS NULL AND address LIKE %s ORDER BY 1",
        )
    ]


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_order_grouping_and_copies_do_not_matter(database: Connection, data: st.DataObject) -> None:
    events = data.draw(
        st.lists(
            st.tuples(st.sampled_from("PTTTCD"), st.integers(0, 2), st.integers(0, 20), st.sampled_from([sns, eventbridge])),
            min_size=1,
            max_size=10,
        )
    )  # fmt: skip
    seed = data.draw(st.integers(0, 1_000))
    outcomes = []
    for variant in range(2):
        domain = f"variant-{next(numbers)}.example.com"
        shuffler = random.Random(seed + variant)
        bodies = []
        for number, (kind, who, days, shape) in enumerate(events):
            address = f"person{who}@{domain}"
            event = {
                "P": lambda a: bounce(a, destination=[a]),
                "T": lambda a: bounce(a, "Transient", "MailboxFull", destination=[a]),
                "C": lambda a: complaint(a),
                "D": lambda a: delivery(a),
            }[kind](address)
            event = at(event, days, f"{domain} {number}")
            bodies += [json.dumps(shape(event) | _published(shape))] * (1 + shuffler.randrange(3) if variant else 1)
        shuffler.shuffle(bodies)
        while bodies:
            size = 1 + shuffler.randrange(len(bodies))
            assert set(classified(database, *bodies[:size]).outcomes) == {"applied"}
            bodies = bodies[size:]
        promote_expired(database)
        state = lists(database, domain)
        outcomes.append([[(row[0].partition("@")[0], *row[1:]) for row in rows] for rows in state])
    assert outcomes[0] == outcomes[1]


def _published(shape: Any) -> dict[str, Any]:
    return {"Timestamp": iso(NOW)} if shape is sns else {"time": iso(NOW)}


def test_running_again_changes_nothing(database: Connection) -> None:
    body = json.dumps(at(bounce(), 1, "a"))
    classified(database, body)
    before = lists(database)
    done = classified(database, body)
    assert done.outcomes == {"applied": 1}
    assert (done.changes.entries, done.changes.blocked) == ({}, {})
    assert lists(database) == before


def test_outcomes_and_bodies(database: Connection) -> None:
    classified(
        database,
        json.dumps(at(bounce(), 1, "a")),
        json.dumps(at(delivery(), 1, "b")),
        json.dumps({"eventType": "Send", "mail": {}}),
        "garbage",
    )
    rows = database.execute("SELECT event_type, outcome, reason, body IS NOT NULL FROM ses_bounces.message").fetchall()
    assert sorted(rows, key=str) == [
        ("Bounce", "applied", None, True),
        ("Delivery", "applied", None, False),
        ("Send", "no_effect", "not feedback", False),
        (None, "quarantined", "not JSON", True),
    ]


def test_a_message_that_postgres_refuses_is_quarantined_alone(database: Connection) -> None:
    database.execute("ALTER TABLE ses_bounces.address_event ADD CHECK (diagnostic_code <> 'refused')")
    bodies = [json.dumps(at(bounce(f"person{n}@example.com", destination=[]), 1, str(n))) for n in range(20)]
    refused = at(bounce("refused@example.com", destination=[]), 1, "refused")
    refused["bounce"]["bouncedRecipients"][0]["diagnosticCode"] = "refused"
    done = classified(database, *bodies[:7], json.dumps(refused), *bodies[7:])
    assert done.outcomes == {"applied": 20, "quarantined": 1}
    row = database.execute("SELECT reason, body FROM ses_bounces.message WHERE outcome = 'quarantined'").fetchone()
    assert row == ("could not be stored (CheckViolation 23514)", json.dumps(refused))
    assert database.execute("SELECT count(*) FROM ses_bounces.do_not_email").fetchone() == (20,)


def test_a_delivery_ends_an_episode_in_any_order(database: Connection) -> None:
    transient = json.dumps(at(bounce(type_="Transient"), 3, "a"))
    delivered = json.dumps(at(delivery(), 2, "b"))
    classified(database, delivered)
    classified(database, transient)
    assert lists(database) == [[], []]
    # Still there for any past time, though a newer delivery takes its place.
    kinds = [kind for (kind,) in database.execute("SELECT kind FROM ses_bounces.address_event ORDER BY occurred_at")]
    assert kinds == ["transient_bounce", "delivery"]


def test_promotion(database: Connection) -> None:
    classified(database, json.dumps(at(bounce(type_="Transient"), 13, "a")))
    assert promote_expired(database).promoted == 0
    classified(database, json.dumps(at(bounce("old@example.com", "Transient", destination=[]), 20, "b")))
    deadline = NOW - timedelta(days=6)
    assert lists(database)[0] == [("old@example.com", "expired_transient", deadline)]
    trail = database.execute("SELECT occurred_at FROM ses_bounces.address_event WHERE kind = 'promotion'").fetchall()
    assert trail == [(deadline,)]
    assert promote_expired(database).promoted == 0


def test_promotion_waits_for_what_is_still_in_the_queue(database: Connection) -> None:
    database.execute(
        "INSERT INTO ses_bounces.queue VALUES ('q', 'q', now(), now(), NULL, %s)", [NOW - timedelta(days=8)]
    )
    classified(database, json.dumps(at(bounce("old@example.com", "Transient", destination=[]), 20, "b")))
    promote_expired(database)
    assert lists(database)[0] == []
    database.execute("UPDATE ses_bounces.queue SET left_since = NULL")
    assert promote_expired(database).promoted == 1
    assert len(lists(database)[0]) == 1


def test_protected_addresses_are_listed_and_not_blocked(database: Connection) -> None:
    classified(database, json.dumps(at(bounce(), 1, "a")), json.dumps(at(complaint("wish@example.com"), 1, "b")))
    mirror_settings(database, True, ["@example.com"])
    promote_expired(database)
    assert [row[:2] for row in lists(database)[0]] == [("wish@example.com", "complaint")]
    assert [row[1] for row in lists(database)[1]] == ["permanent", "complaint"]
    mirror_settings(database, True, [])
    promote_expired(database)
    assert len(lists(database)[0]) == 2


def test_observe_mode_blocks_nobody(database: Connection) -> None:
    classified(database, json.dumps(at(bounce(), 1, "a")))
    mirror_settings(database, False, [])
    assert database.execute("SELECT ses_bounces.is_blocked('anna@example.com')").fetchone() == (False,)
    assert database.execute("SELECT * FROM ses_bounces.do_not_email").fetchall() == []
    mirror_settings(database, True, [])
    assert database.execute("SELECT ses_bounces.is_blocked('ANNA@example.com')").fetchone() == (True,)


def test_a_bounce_dated_ahead_of_our_clock_counts_from_then_on(database: Connection) -> None:
    ahead = datetime.now(UTC) + timedelta(seconds=3)
    event = bounce("early@example.com")
    event["bounce"]["timestamp"] = event["mail"]["timestamp"] = iso(ahead)
    put(database, json.dumps(event), sent_at=ahead + timedelta(seconds=1))
    classify_pending(database, Rules())
    assert lists(database) == [[], []]
    assert promote_expired(database).blocked == {}
    while datetime.now(UTC) <= ahead:
        time.sleep(0.1)
    assert promote_expired(database).blocked == {"permanent_bounce": 1}
    assert [row[0] for row in lists(database)[0]] == ["early@example.com"]
    assert promote_expired(database).blocked == {}
    assert database.execute("SELECT count(*) FROM ses_bounces.later_entry").fetchone() == (0,)


def test_what_lands_meanwhile_is_classified_too(database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drain beside it may land what was sent before the messages that were fetched already."""
    put(database, *(json.dumps(bounce(f"p{n}@example.com")) for n in range(4)))
    next_chunk, late = pending._next_chunk, [json.dumps(bounce(f"late{n}@example.com")) for n in range(3)]

    def landing(*arguments: Any) -> list[pending.Message]:
        chunk = next_chunk(*arguments)
        if late:
            put(database, late.pop(), sent_at=NOW - timedelta(days=1))
        return chunk

    monkeypatch.setattr(pending, "MESSAGES_PER_CHUNK", 2)
    monkeypatch.setattr(pending, "_next_chunk", landing)
    assert classify_pending(database, Rules()).outcomes == {"applied": 7}
    assert len(lists(database)[0]) == 7
