"""What administrators do to addresses and messages: states, answers, repeats, and several at once."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_bounces.actions.action import Action, Result
from ses_bounces.actions.brake import decide_domains
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.actions.previews import preview_blocks, preview_stops
from ses_bounces.actions.quarantine import confirm_messages, dismiss_messages, retry_messages
from ses_bounces.actions.stops import request_stops
from ses_bounces.actions.transients import delete_transients, extend_deadlines
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.causes import CAUSES
from ses_bounces.classify.entry import Entry
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger.brake import decisions
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.promotion import promote_expired
from ses_bounces.ledger.writing import writing
from tests.kit.builders import bounce, sns
from tests.kit.page_rights import hold

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
ANN = "ann@example.com"


def act(actor: str = "alice", reason: str = "asked on the phone") -> Action:
    return Action(actor, reason, str(uuid4()))


def record(connection: Connection, kind: str, address: str = ANN, at: datetime = NOW - 2 * DAY, **fields: Any) -> int:
    if kind == "transient_bounce":
        fields = {"deadline": at + 14 * DAY, "policy": "age", "bounce_type": "Transient"} | fields
    if kind == "ses_suppression":
        fields = {"bounce_type": "Permanent", "mail_sent_at": at - DAY} | fields
    with writing(connection) as writer:
        writer.append([(Entry(kind, address, address, at, os.urandom(16), **fields), None)])
    return id_of(connection, address)


def id_of(connection: Connection, address: str) -> int:
    row = connection.execute("SELECT address_id FROM ses_bounces.address WHERE address = %s", [address]).fetchone()
    assert row is not None
    return int(row[0])


def causes(connection: Connection, address: str = ANN) -> set[str]:
    query = "SELECT reason FROM ses_bounces.blocked_list WHERE address = %s AND unblocked_at IS NULL"
    return {reason for (reason,) in connection.execute(query, [address])}


def kinds(connection: Connection, address: str = ANN) -> list[str]:
    query = (
        "SELECT e.kind FROM ses_bounces.address_event e JOIN ses_bounces.address a USING (address_id)"
        " WHERE a.address = %s ORDER BY e.event_id"
    )
    return [kind for (kind,) in connection.execute(query, [address])]


def listed(connection: Connection, address: str = ANN) -> tuple[Any, ...] | None:
    query = "SELECT kind, transient_fix_deadline FROM ses_bounces.bounce_list WHERE address = %s AND closed_at IS NULL"
    return connection.execute(query, [address]).fetchone()


def only(results: list[Result]) -> Result:
    assert len(results) == 1
    return results[0]


def told(results: list[Result]) -> list[str]:
    return [result.outcome for result in results]


@pytest.mark.parametrize("reason", ["", "   ", "\x00", "x" * 501])
def test_a_reason_is_needed_and_has_an_end(reason: str) -> None:
    with pytest.raises(ActionError, match="reason"):
        Action("alice", reason, str(uuid4()))


@pytest.mark.parametrize("action_id", ["", "1", "not-a-uuid"])
def test_the_id_of_the_form_is_a_uuid(action_id: str) -> None:
    with pytest.raises(ActionError, match="UUID"):
        Action("alice", "why", action_id)


def test_a_deleted_transient_is_not_promoted(database: Connection) -> None:
    id_ = record(database, "transient_bounce")
    assert only(delete_transients(database, act(), [id_])).outcome == "done"
    assert listed(database) is None
    row = database.execute("SELECT closed_by, close_reason FROM ses_bounces.bounce_list").fetchone()
    assert row == ("alice", "deleted")
    entry = database.execute(
        "SELECT actor, reason FROM ses_bounces.address_event WHERE kind = 'transient_deleted'"
    ).fetchone()
    assert entry == ("alice", "asked on the phone")


def test_deleting_one_that_expired_meanwhile_lifts_its_block_and_no_other(database: Connection) -> None:
    id_ = record(database, "transient_bounce", at=NOW - 20 * DAY)
    record(database, "complaint")
    assert causes(database) == {"expired_transient", "complaint"}
    result = only(delete_transients(database, act(), [id_]))
    assert (result.outcome, result.message) == ("done", "Deleted; its block is lifted. Still blocked by complaint.")
    assert causes(database) == {"complaint"}


def test_nothing_to_delete_is_told_with_who_did_it(database: Connection) -> None:
    id_ = record(database, "transient_bounce")
    permanent = record(database, "permanent_bounce", "bob@example.com")
    delete_transients(database, act("alice"), [id_])
    results = delete_transients(database, act("bob"), [id_, permanent, 999_999, id_])
    assert told(results) == ["already", "refused", "refused"]
    assert "alice deleted it on" in results[0].message
    assert [result.address_id for result in results] == [id_, permanent, 999_999]
    assert kinds(database) == ["transient_bounce", "transient_deleted"]


def test_the_same_form_twice_changes_nothing_and_answers_the_same(database: Connection) -> None:
    id_ = record(database, "transient_bounce")
    permanent = record(database, "permanent_bounce", "bob@example.com")
    form = act()
    first = delete_transients(database, form, [id_, permanent])
    # What was refused stays refused: by now there is something to delete.
    record(database, "transient_bounce", "bob@example.com")
    assert delete_transients(database, form, [id_, permanent]) == first
    assert kinds(database, "bob@example.com") == ["permanent_bounce", "transient_bounce"]
    third = record(database, "transient_bounce", "cleo@example.com")
    assert told(delete_transients(database, form, [id_, third])) == ["done", "done"]


def test_a_form_is_for_one_person_and_one_thing(database: Connection) -> None:
    id_ = record(database, "transient_bounce")
    form = act()
    delete_transients(database, form, [id_])
    with pytest.raises(ActionError, match="already used"):
        extend_deadlines(database, form, [id_], 3)
    with pytest.raises(ActionError, match="already used"):
        delete_transients(database, Action("bob", "why", form.action_id), [id_])


def test_a_form_sent_again_with_another_choice_is_refused(database: Connection) -> None:
    id_ = record(database, "transient_bounce")
    form = act()
    assert told(extend_deadlines(database, form, [id_], 20)) == ["done"]
    again = only(extend_deadlines(database, form, [id_], 30))
    assert (again.outcome, "another choice" in again.message) == ("refused", True)
    row = listed(database)
    assert row is not None
    assert row[1] - datetime.now(UTC) < 21 * DAY


def test_a_deadline_is_extended_but_never_shortened(database: Connection) -> None:
    id_ = record(database, "transient_bounce")
    before = listed(database)
    assert before is not None
    assert told(extend_deadlines(database, act(), [id_], 5)) == ["already"]
    assert listed(database) == before
    result = only(extend_deadlines(database, act(), [id_], 30))
    assert result.outcome == "done"
    after = listed(database)
    assert after is not None
    assert timedelta(days=29, hours=23) < after[1] - datetime.now(UTC) <= 30 * DAY
    assert "alice extended it" in only(extend_deadlines(database, act("bob"), [id_], 29)).message


def test_one_that_is_due_but_not_promoted_yet_is_extended(database: Connection) -> None:
    id_ = record(database, "transient_bounce")
    # The clock is turned forward: its deadline passes.
    database.execute("UPDATE ses_bounces.address_event SET deadline = now() + interval '1 second'")
    with writing(database) as writer:
        writer.touch([id_])
    database.execute("SELECT pg_sleep(1.1)")
    assert told(extend_deadlines(database, act(), [id_], 10)) == ["done"]
    promote_expired(database)
    assert causes(database) == set()


def test_what_has_no_deadline_or_was_promoted_is_not_extended(database: Connection) -> None:
    excluded = record(database, "transient_bounce", "a@example.com", deadline=None)
    promoted = record(database, "transient_bounce", "b@example.com", at=NOW - 20 * DAY)
    never = record(database, "permanent_bounce", "c@example.com")
    results = extend_deadlines(database, act(), [excluded, promoted, never], 10)
    assert told(results) == ["refused"] * 3
    assert ["never promoted" in results[0].message, "promoted already" in results[1].message] == [True, True]
    assert causes(database, "b@example.com") == {"expired_transient"}


@pytest.mark.parametrize("days", [0, 31, -1, True])
def test_days_are_one_to_thirty(database: Connection, days: int) -> None:
    with pytest.raises(ActionError, match="1 to 30"):
        extend_deadlines(database, act(), [1], days)


def test_lifting_lifts_what_is_named(database: Connection) -> None:
    id_ = record(database, "permanent_bounce")
    record(database, "complaint")
    record(database, "stop_request")
    result = only(lift_blocks(database, act(), {id_: ["permanent_bounce"]}))
    assert result == Result(id_, "done", "Lifted: permanent bounce. Still blocked by complaint, stop request.")
    assert causes(database) == {"complaint", "stop_request"}
    assert told(lift_blocks(database, act(), {id_: {"complaint", "stop_request"}})) == ["done"]
    assert causes(database) == set()
    lifts = database.execute("SELECT lifts FROM ses_bounces.address_event WHERE kind = 'unblocked' ORDER BY event_id")
    assert lifts.fetchall() == [(["permanent_bounce"],), (["stop_request", "complaint"],)]


def test_an_expired_transient_alone_is_lifted_by_ending_it(database: Connection) -> None:
    id_ = record(database, "transient_bounce", at=NOW - 20 * DAY)
    record(database, "complaint")
    record(database, "ses_suppression")
    assert told(lift_blocks(database, act(), {id_: ["expired_transient"]})) == ["done"]
    assert causes(database) == {"complaint", "ses_suppression"}
    assert kinds(database)[-1] == "transient_deleted"


def test_what_would_lift_more_than_was_asked_is_refused(database: Connection) -> None:
    id_ = record(database, "transient_bounce", at=NOW - 20 * DAY)
    record(database, "complaint")
    result = only(lift_blocks(database, act(), {id_: ["complaint"]}))
    assert (result.outcome, "expired transient must be lifted with it" in result.message) == ("refused", True)
    suppressed = record(database, "ses_suppression", "b@example.com")
    record(database, "permanent_bounce", "b@example.com")
    result = only(lift_blocks(database, act(), {suppressed: ["permanent_bounce"]}))
    assert (result.outcome, "together with ses suppression" in result.message) == ("refused", True)
    assert causes(database, "b@example.com") == {"permanent_bounce", "ses_suppression"}


def test_what_ses_suppresses_becomes_one_request(database: Connection) -> None:
    id_ = record(database, "ses_suppression")
    record(database, "permanent_bounce")
    record(database, "complaint")
    asked = {id_: ["ses_suppression", "permanent_bounce"]}
    result = only(lift_blocks(database, act("alice"), asked))
    assert (result.outcome, result.message.startswith("Being lifted: permanent bounce, ses suppression")) == (
        "done",
        True,
    )
    assert causes(database) == {"ses_suppression", "permanent_bounce", "complaint"}
    request = "SELECT lifts, actor, reason, finished_at, result FROM ses_bounces.unblock_request"
    row = (["permanent_bounce", "ses_suppression"], "alice", "asked on the phone", None, None)
    assert database.execute(request).fetchall() == [row]
    again = only(lift_blocks(database, act("bob"), {id_: ["complaint"]}))
    assert (again.outcome, "alice asked for it" in again.message) == ("already", True)
    assert causes(database) == {"ses_suppression", "permanent_bounce", "complaint"}
    database.execute("UPDATE ses_bounces.unblock_request SET finished_at = now(), result = 'SES refused'")
    assert told(lift_blocks(database, act("bob"), asked)) == ["done"]
    assert len(database.execute(request).fetchall()) == 2


REQUESTED = "SELECT lifts FROM ses_bounces.unblock_request ORDER BY unblock_request_id"


@pytest.mark.parametrize("cause", ["permanent_bounce", "complaint"])
def test_ses_comes_first_for_what_it_lists_by_itself(database: Connection, cause: str) -> None:
    id_ = record(database, cause)
    result = only(lift_blocks(database, act(), {id_: [cause]}, ses_first=True))
    assert (result.outcome, result.message.startswith("Being lifted: ")) == ("done", True)
    assert causes(database) == {cause}
    assert [set(lifts) for (lifts,) in database.execute(REQUESTED)] == [{cause, "ses_suppression"}]


def test_an_address_that_stays_blocked_stays_on_ses_s_list(database: Connection) -> None:
    id_ = record(database, "permanent_bounce")
    record(database, "complaint")
    result = only(lift_blocks(database, act(), {id_: ["permanent_bounce"]}, ses_first=True))
    assert result.message == "Lifted: permanent bounce. Still blocked by complaint."
    assert database.execute(REQUESTED).fetchall() == []


def test_what_ses_does_not_list_by_itself_is_lifted_at_once(database: Connection) -> None:
    stopped = record(database, "stop_request")
    expired = record(database, "transient_bounce", "b@example.com", at=NOW - 20 * DAY)
    lifts = {stopped: ["stop_request"], expired: ["expired_transient"]}
    results = lift_blocks(database, act(), lifts, ses_first=True)
    assert [result.message for result in results] == ["Lifted: stop request.", "Lifted: expired transient."]
    assert database.execute(REQUESTED).fetchall() == []


def test_ses_comes_first_for_what_is_known_to_be_on_its_list(database: Connection) -> None:
    """A stop request that ``push_to_ses`` has put there."""
    id_ = record(database, "stop_request", "a@example.com")
    database.execute(
        "INSERT INTO ses_bounces.ses_listed (account, region, listed_address, address, ses_reason, last_updated_at,"
        " pass_id) VALUES ('1', 'eu-west-1', 'a@example.com', 'a@example.com', 'COMPLAINT', now(), 1)"
    )
    result = only(lift_blocks(database, act(), {id_: ["stop_request"]}))
    assert result.message.startswith("Being lifted: stop request.")
    assert causes(database, "a@example.com") == {"stop_request"}


def test_a_block_that_is_gone_is_told_with_who_lifted_it(database: Connection) -> None:
    id_ = record(database, "complaint")
    lift_blocks(database, act("alice"), {id_: ["complaint"]})
    result = only(lift_blocks(database, act("bob"), {id_: ["complaint"]}))
    assert (result.outcome, "alice lifted it on" in result.message) == ("already", True)
    assert only(lift_blocks(database, act(), {id_: ["stop_request"]})).outcome == "refused"


@pytest.mark.parametrize("named", [[], ["nonsense"], ["complaint", "nonsense"]])
def test_causes_are_known_ones(database: Connection, named: list[str]) -> None:
    with pytest.raises(ActionError, match="A cause is"):
        lift_blocks(database, act(), {1: named})


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(present=st.sets(st.sampled_from(CAUSES), min_size=1), asked=st.sets(st.sampled_from(CAUSES), min_size=1))
def test_never_is_a_cause_lifted_that_was_not_named(database: Connection, present: set[str], asked: set[str]) -> None:
    address = f"{uuid4().hex}@example.com"
    for cause in present - {"expired_transient"}:
        record(database, cause, address)
    if "expired_transient" in present:
        record(database, "transient_bounce", address, at=NOW - 20 * DAY)
    before = causes(database, address)
    assert before == present
    result = only(lift_blocks(database, act(), {id_of(database, address): asked}))
    after = causes(database, address)
    assert before - after <= asked
    if result.outcome == "done" and "ses_suppression" not in asked & present:
        assert after == before - asked
    else:
        assert after == before


def test_a_stop_request_blocks_and_registers(database: Connection) -> None:
    known = record(database, "transient_bounce")
    form = act()
    pasted = ["Ann <ANN@example.com>", "new@example.com", "not one", "ann@EXAMPLE.com", "new@example.com"]
    results = request_stops(database, form, pasted)
    assert [(result.line, result.outcome) for result in results] == [(1, "done"), (2, "done"), (3, "refused")]
    assert results[0].address_id == known
    assert causes(database) == causes(database, "new@example.com") == {"stop_request"}
    assert request_stops(database, form, pasted) == results
    second = request_stops(database, act("bob"), ["new@example.com"])
    assert (only(second).outcome, "by alice" in only(second).message) == ("already", True)
    assert not any("@" in result.message for result in results + second)
    kept = database.execute("SELECT string_agg(results::text, '') FROM ses_bounces.admin_action").fetchone()
    assert kept is not None
    assert "@" not in kept[0]


def test_previews_say_who_is_blocked_and_why(database: Connection) -> None:
    record(database, "permanent_bounce")
    record(database, "complaint")
    record(database, "transient_bounce", "free@example.com")
    found = preview_blocks(database, "free@example.com\nnonsense\nANN@example.com\nann@example.com, x@example.com")
    assert [(f.address, f.line, [c.reason for c in f.causes]) for f in found.blocked] == [
        (ANN, 3, ["complaint", "permanent_bounce"])
    ]
    assert [f.address for f in found.free] == ["free@example.com", "x@example.com"]
    assert ([p.number for p in found.problems], found.duplicates) == ([2], 1)
    by_id = preview_blocks(database, [id_of(database, ANN), 999])
    assert ([f.address for f in by_id.blocked], len(by_id.problems)) == ([ANN], 1)
    record(database, "stop_request")
    stops = preview_stops(database, "ann@example.com\nnew@example.com")
    assert ([f.address for f in stops.new], [f.address for f in stops.already]) == (["new@example.com"], [ANN])


def message(connection: Connection, outcome: str, age_days: int = 0, kept: bool = False) -> int:
    table = "quarantine" if kept else "message"
    columns = "message_id, " if kept else ""
    values = "1000 + (SELECT count(*) FROM ses_bounces.quarantine), " if kept else ""
    row = connection.execute(
        f"INSERT INTO ses_bounces.{table} ({columns}sqs_message_id, queue_url, body, sent_at, received_at, outcome,"
        f" reason) VALUES ({values}'a', 'q', 'not json', now() - make_interval(days => %(d)s),"
        " now() - make_interval(days => %(d)s), %(outcome)s, 'not JSON') RETURNING message_id",
        {"outcome": outcome, "d": age_days},
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_messages_are_retried_wherever_they_are(database: Connection) -> None:
    ids = [
        message(database, "quarantined"),
        message(database, "held"),
        message(database, "quarantined", 200, kept=True),
        message(database, "applied"),
        987_654,
    ]
    form = act()
    results = retry_messages(database, form, ids)
    assert told(results) == ["done", "done", "done", "refused", "refused"]
    assert retry_messages(database, form, ids) == results
    pending = database.execute("SELECT message_id FROM ses_bounces.message WHERE outcome = 'pending' ORDER BY 1")
    assert [id_ for (id_,) in pending] == sorted(ids[:3])
    assert database.execute("SELECT count(*) FROM ses_bounces.quarantine").fetchone() == (0,)
    assert classify_pending(database, Rules()).outcomes == {"quarantined": 3}
    assert told(retry_messages(database, act(), ids[:1])) == ["done"]
    trail = database.execute("SELECT message_id, action, actor, reason FROM ses_bounces.message_action ORDER BY 1")
    assert trail.fetchone() == (ids[0], "retry", "alice", "asked on the phone")


def test_dismissed_messages_are_done_with(database: Connection) -> None:
    ids = [message(database, "quarantined"), message(database, "held", 200, kept=True)]
    assert told(dismiss_messages(database, act(), ids)) == ["done", "done"]
    again = retry_messages(database, act("bob"), ids)
    assert told(again) == ["already", "already"]
    assert "alice dismissed it on" in again[0].message
    kept = database.execute("SELECT outcome, body FROM ses_bounces.quarantine").fetchall()
    assert kept == [("dismissed", None)]


def held_at(connection: Connection, domain: str, addresses: int) -> tuple[int, list[int]]:
    """A braked domain, and the ids of its held messages."""
    brake_id = int(hold(connection, domain, addresses))
    rows = connection.execute(
        "SELECT message_id FROM ses_bounces.held_entry WHERE brake_id = %s ORDER BY 1", [brake_id]
    )
    return brake_id, [id_ for (id_,) in rows]


def brakes(connection: Connection) -> list[tuple[Any, ...]]:
    query = "SELECT domain, decision, actor, reason, settled_at IS NOT NULL FROM ses_bounces.brake ORDER BY brake_id"
    return connection.execute(query).fetchall()


def test_a_domain_is_decided_once(database: Connection) -> None:
    brake_id, ids = held_at(database, "down.example", 2)
    action = act()
    assert told(decide_domains(database, action, [brake_id, 99], "confirmed")) == ["done", "refused"]
    assert told(decide_domains(database, action, [brake_id, 99], "confirmed")) == ["done", "refused"]
    again = only(decide_domains(database, act("bob"), [brake_id], "dismissed"))
    assert again.outcome == "already"
    assert again.message.startswith("alice confirmed it on ")
    assert brakes(database) == [("down.example", "confirmed", "alice", "asked on the phone", False)]
    assert decisions.settle(database).confirmed == 2
    classify_pending(database, Rules(), max_new_blocks=1)
    assert {causes(database, f"user{n}@down.example") == {"permanent_bounce"} for n in range(2)} == {True}
    done = database.execute("SELECT action, actor FROM ses_bounces.message_action ORDER BY message_id").fetchall()
    assert done == [("confirm", "alice")] * len(ids)


def test_ticked_messages_are_decided_by_themselves_and_the_last_one_releases_the_domain(database: Connection) -> None:
    _, ids = held_at(database, "down.example", 3)
    quarantined = message(database, "quarantined")
    results = confirm_messages(database, act(), [ids[0], quarantined])
    assert [result.outcome for result in results] == ["done", "refused"]
    assert brakes(database)[0][1] is None
    # Braked still: the confirmed one counts all the same, the others wait.
    assert classify_pending(database, Rules(), max_new_blocks=1).outcomes == {"applied": 1}
    assert causes(database, "user0@down.example") == {"permanent_bounce"}
    assert told(dismiss_messages(database, act("bob"), ids[1:])) == ["done", "done"]
    assert brakes(database) == [("down.example", "dismissed", "bob", "asked on the phone", True)]
    again = confirm_messages(database, act(), ids[1:])
    assert [result.outcome for result in again] == ["already", "already"]
    # What was dismissed stays out, also when it is made pending by hand.
    database.execute("UPDATE ses_bounces.message SET outcome = 'pending' WHERE message_id = ANY (%s)", [ids[1:]])
    assert classify_pending(database, Rules(), max_new_blocks=1).outcomes == {"dismissed": 2}


def test_a_held_message_that_is_retried_is_held_again(database: Connection) -> None:
    _, ids = held_at(database, "down.example", 1)
    assert told(retry_messages(database, act(), ids)) == ["done"]
    assert classify_pending(database, Rules(), max_new_blocks=5).outcomes == {"held": 1}


@pytest.fixture
def holder(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url) as other:
        yield other


def test_nobody_waits_for_a_long_writer(database: Connection, holder: psycopg.Connection[Any]) -> None:
    id_ = record(database, "transient_bounce")
    holder.execute("SELECT pg_advisory_xact_lock(hashtextextended('ses_bounces.state', 0))")
    form = act()
    result = only(delete_transients(database, form, [id_]))
    assert (result.outcome, result.busy, result.message.startswith("Busy")) == ("refused", True, True)
    assert kinds(database) == ["transient_bounce"]
    holder.rollback()
    # What was busy is no answer: the same form does it now.
    assert told(delete_transients(database, form, [id_])) == ["done"]


def _together(url: str, count: int, work: Any) -> list[Any]:
    results: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def one(place: int) -> None:
        with connect_url(url) as connection:
            barrier.wait()
            results[place] = work(connection, place)

    threads = [threading.Thread(target=one, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_several_administrators_one_does_it_and_the_others_are_told(database: Connection, database_url: str) -> None:
    id_ = record(database, "complaint")
    results = _together(
        database_url,
        6,
        lambda connection, place: only(lift_blocks(connection, act(f"admin{place}"), {id_: ["complaint"]})),
    )
    outcomes = sorted(result.outcome for result in results)
    assert outcomes == ["already"] * 5 + ["done"]
    winner = next(place for place, result in enumerate(results) if result.outcome == "done")
    assert all(f"admin{winner} lifted it" in result.message for result in results if result.outcome == "already")
    assert kinds(database) == ["complaint", "unblocked"]


def test_one_form_sent_at_once_from_two_tabs_acts_once(database: Connection, database_url: str) -> None:
    form = act()
    results = _together(database_url, 4, lambda connection, _place: only(request_stops(connection, form, [ANN])))
    assert {(result.outcome, result.message) for result in results} == {("done", "Blocked: stop request.")}
    assert kinds(database) == ["stop_request"]


def test_actions_and_the_hourly_job_at_once_lose_nothing(database: Connection, database_url: str) -> None:
    addresses = [f"user{n}@example.com" for n in range(40)]
    ids = [record(database, "transient_bounce", address, at=NOW - 3 * DAY) for address in addresses]

    with database.cursor().copy(
        "COPY ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome) FROM STDIN"
    ) as copy:
        for number, address in enumerate(addresses):
            body = json.dumps(sns(bounce(address, feedbackId=f"f{number}")))
            copy.write_row((str(number), "q", body, datetime.now(UTC), "pending"))

    def work(connection: Connection, place: int) -> Any:
        if place == 0:
            return classify_pending(connection, Rules()).outcomes["applied"]
        if place == 1:
            return promote_expired(connection).promoted
        chosen = ids if place == 2 else ids[::2]
        return [only(delete_transients(connection, act(f"a{place}"), [id_])) for id_ in chosen]

    classified, _, everything, half = _together(database_url, 4, work)
    assert classified == 40
    done = [(a, b) for a, b in zip(everything[::2], half, strict=True)]
    assert all({a.outcome, b.outcome} == {"done", "already"} for a, b in done)
    assert told(everything[1::2]) == ["done"] * 20
    for address in addresses:
        assert sorted(kinds(database, address)) == ["permanent_bounce", "transient_bounce", "transient_deleted"]
        assert causes(database, address) == {"permanent_bounce"}
