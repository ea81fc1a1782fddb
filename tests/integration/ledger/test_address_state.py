"""``address_state`` and the projections against a model that was written from docs/semantics.md alone."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_bounces.base.database import connection as connections
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.writing import DELIVERIES_KEPT, writing
from tests.kit import model, strategies

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Each example has an address of its own: emptying the tables would take longer than the test.
numbers = itertools.count()
MANY = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

CAUSES = ("stop_request", "complaint", "unsubscribed", "permanent_bounce", "ses_suppression", "expired_transient")


@pytest.fixture
def ledger(database_url: str) -> Iterator[Connection]:
    with connections.connect_url(database_url) as opened:
        yield opened


def unique(history: list[model.Entry]) -> list[model.Entry]:
    """Give the entries keys that no other example has; the first bytes are the same, so their order stays."""
    prefix = next(numbers).to_bytes(4, "big")
    return [dataclasses.replace(entry, dedup_key=prefix + entry.dedup_key[:12]) for entry in history]


def store(connection: Connection, entries: list[model.Entry]) -> int:
    """Put a history into the ledger as it is, without projections; returns the address_id."""
    address = f"somebody-{next(numbers)}@example.com"
    row = connection.execute(
        "INSERT INTO ses_bounces.address (address, address_as_reported) VALUES (%s, %s) RETURNING address_id",
        [address, address],
    ).fetchone()
    assert row is not None
    rows: list[tuple[Any, ...]] = [
        (
            row[0],
            e.kind,
            e.occurred_at,
            e.dedup_key,
            e.actor,
            list(e.lifts) if e.kind == "unblocked" else None,
            e.deadline,
            e.policy if e.kind == "transient_bounce" else None,
            e.mail_sent_at,
            e.ses_message_id,
            e.bounce_type,
            e.is_reply,
        )
        for e in entries
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ses_bounces.address_event (address_id, kind, occurred_at, dedup_key, actor, lifts, deadline,"
            " policy, mail_sent_at, ses_message_id, bounce_type, is_reply, rules_version)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 2)",
            rows,
        )
    address_id: int = row[0]
    return address_id


def state_in_sql(connection: Connection, address_id: int, at: datetime) -> dict[str, Any]:
    cursor = connection.execute("SELECT * FROM ses_bounces.address_state(%s, %s, %s)", [[address_id], at, at])
    names = [column.name for column in cursor.description or ()]
    row = cursor.fetchone()
    return dict(zip(names, row, strict=True)) if row else dict.fromkeys(names)


@given(data=st.data())
@MANY
def test_sql_agrees_with_the_model(ledger: Connection, data: st.DataObject) -> None:
    history = unique(data.draw(strategies.histories()))
    at = data.draw(strategies.times(history))
    address_id = store(ledger, history)
    wanted = model.state(history, at)
    found = state_in_sql(ledger, address_id, at)
    assert {cause: found[f"since_{cause}"] for cause in CAUSES if found[f"since_{cause}"]} == wanted.causes
    episode = None
    if found["episode_bounces"]:
        episode = (
            found["episode_first_at"], found["episode_last_at"], found["episode_bounces"], found["episode_deadline"],
        )  # fmt: skip
    e = wanted.episode
    assert episode == (None if e is None else (e.first, e.last, e.count, e.deadline))
    if wanted.kind not in (None, "transient"):
        assert (found["first_bounced_at"], found["last_bounced_at"], found["bounce_count"]) == (
            wanted.first,
            wanted.last,
            wanted.count,
        )


@given(data=st.data())
@settings(MANY, max_examples=120)
def test_projections_agree_with_the_model(ledger: Connection, data: st.DataObject) -> None:
    """Whatever was in the lists before, a refresh leads to the model's state of now, protected or not."""
    history = unique([e for e in data.draw(strategies.histories()) if e.kind != "promotion"])
    # With more, the oldest are not kept, and what arrives after that may lack them; see test_replies.py.
    others = [e for e in history if e.kind != "delivery"]
    history = data.draw(st.permutations(others + [e for e in history if e.kind == "delivery"][:DELIVERIES_KEPT]))
    protected = data.draw(st.booleans())
    domain = f"example-{next(numbers)}.com"
    address = f"somebody@{domain}"
    if protected:
        pattern = data.draw(st.sampled_from([address, f"@{domain}"]))
        ledger.execute("INSERT INTO ses_bounces.protected VALUES (%s)", [pattern])
    shift = _now(ledger) - strategies.BASE - timedelta(days=data.draw(st.integers(0, 61)))
    moved = [_shifted(entry, shift) for entry in history]
    half = data.draw(st.integers(0, len(moved)))
    for part in (moved[:half], moved[half:]):
        for entry in part:
            _append(ledger, address, entry)
    at = _now(ledger)
    live = [entry for entry in moved if entry.occurred_at <= at]
    wanted = model.state(live, at, protected=protected)
    blocked = dict(
        ledger.execute(
            "SELECT reason, blocked_at FROM ses_bounces.blocked_list WHERE address = %s AND unblocked_at IS NULL",
            [address],
        ).fetchall()
    )
    assert blocked == wanted.blocking
    rows = ledger.execute(
        "SELECT kind, first_bounced_at, last_bounced_at, bounce_count FROM ses_bounces.bounce_list"
        " WHERE address = %s AND closed_at IS NULL",
        [address],
    ).fetchall()
    assert rows == ([] if wanted.kind is None else [(wanted.kind, wanted.first, wanted.last, wanted.count)])
    assert ledger.execute("SELECT ses_bounces.is_blocked(%s)", [address.upper()]).fetchone() == (bool(wanted.blocking),)
    for moment in (at, *(data.draw(strategies.times(moved)) for _ in range(3))):
        as_of = ledger.execute(
            "SELECT reason, since FROM ses_bounces.blocked_as_of(%s) WHERE address = %s", [moment, address]
        ).fetchall()
        assert dict(as_of) == model.state(moved, moment, protected=protected).blocking


def _now(connection: Connection) -> datetime:
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


def _shifted(entry: model.Entry, by: timedelta) -> model.Entry:
    moments = {
        name: getattr(entry, name) + by
        for name in ("occurred_at", "deadline", "mail_sent_at")
        if getattr(entry, name) is not None
    }
    return dataclasses.replace(entry, **moments)


def _append(connection: Connection, address: str, e: model.Entry) -> None:
    entry = Entry(
        e.kind,
        address,
        address,
        e.occurred_at,
        e.dedup_key,
        deadline=e.deadline,
        policy=e.policy if e.kind == "transient_bounce" else None,  # type: ignore[arg-type]
        mail_sent_at=e.mail_sent_at,
        ses_message_id=e.ses_message_id,
        bounce_type=e.bounce_type,
        is_reply=e.is_reply,
    )
    with writing(connection) as writer:
        writer.append([(entry, None)], e.actor, list(e.lifts) if e.kind == "unblocked" else None)
