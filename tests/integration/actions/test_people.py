"""What administrators see and decide of Allow Group Email, beside an application that holds its rows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest

from ses_bounces.actions.action import Action, Result
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.actions.people import follow_flags, leave_off, people_at, switch_on
from ses_bounces.actions.stops import request_stops
from ses_bounces.base.exceptions import ActionError
from ses_bounces.base.settings import Settings, parse
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.writing import writing
from ses_bounces.people.decisions import Person
from ses_bounces.people.sync import sync

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

ANN = "ann@example.com"


def configured(**changes: Any) -> Settings:
    queue = "http://127.0.0.1/000000000000/queue"
    return parse({"queue_urls": queue, "people_table": "public.people", **changes})


SETTINGS = configured()


@pytest.fixture
def people(database: Connection) -> Connection:
    """Ann is blocked, and three people at her address are switched off; 3 had no value, 4 is somebody else."""
    database.execute(
        "CREATE TABLE public.people (id int PRIMARY KEY, email text, allow_group_email boolean DEFAULT true)"
    )
    database.execute(
        "INSERT INTO public.people VALUES (1, 'Ann@Example.com', true), (2, 'ann@example.com', true),"
        " (3, 'ann@example.com', NULL), (4, 'bob@example.com', true)"
    )
    record(database, "permanent_bounce")
    assert sync(database, SETTINGS).switched_off == 3
    return database


@pytest.fixture
def application(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url) as other:
        yield other


def record(connection: Connection, kind: str, address: str = ANN, lifts: list[str] | None = None) -> None:
    with writing(connection) as writer:
        entry = Entry(kind, address, address, datetime.now(UTC), os.urandom(16))
        writer.append([(entry, None)], "somebody", lifts)


def act(actor: str = "alice") -> Action:
    return Action(actor, "they called", str(uuid4()))


def flags(connection: Connection) -> dict[int, bool | None]:
    return dict(connection.execute("SELECT id, allow_group_email FROM public.people ORDER BY id").fetchall())


def lift(connection: Connection) -> None:
    assert lift_blocks(connection, act(), {1: ["permanent_bounce"]})[0].outcome == "done"


def at_ann(connection: Connection) -> dict[str, Person]:
    return {person.person_id: person for person in people_at(connection, SETTINGS, [1])}


def changes(connection: Connection, *person_ids: str) -> list[int]:
    found = at_ann(connection)
    return [found[id_].flag_change_id or 0 for id_ in person_ids]


def told(results: list[Result]) -> list[str]:
    return [result.outcome for result in results]


def test_people_are_shown_with_what_we_did_and_what_was_touched(people: Connection) -> None:
    people.execute("UPDATE public.people SET email = email WHERE id = 2")
    people.execute("INSERT INTO public.people VALUES (5, 'ANN@example.com', true)")
    found = at_ann(people)
    assert {id_: (p.flag, p.switched_off_by_us, p.touched_since, p.is_blocked) for id_, p in found.items()} == {
        "1": (False, True, False, True),
        "2": (False, True, True, True),
        "3": (False, True, False, True),
        "5": (True, False, False, True),
    }
    assert people_at(people, configured(people_table=None), [1]) == []


def test_a_person_who_moved_away_is_still_shown(people: Connection) -> None:
    people.execute("UPDATE public.people SET email = 'elsewhere@example.com' WHERE id = 2")
    moved = at_ann(people)["2"]
    assert (moved.address_id, moved.touched_since, moved.is_blocked) == (1, True, False)


def test_flags_follow_at_once(people: Connection) -> None:
    lift(people)
    people.execute("UPDATE public.people SET email = email WHERE id = 2")
    followed = follow_flags(people, SETTINGS, [1])
    assert (followed.switched_on, followed.touched, followed.later) == (2, 1, 0)
    assert flags(people) == {1: True, 2: False, 3: None, 4: True}
    request_stops(people, act(), ["bob@example.com"])
    assert follow_flags(people, SETTINGS, [2]).switched_off == 1
    assert flags(people)[4] is False
    assert people.execute("SELECT count(*) FROM ses_bounces.flag_due").fetchone() == (0,)


def test_only_the_addresses_asked_for_follow(people: Connection) -> None:
    request_stops(people, act(), ["bob@example.com"])
    assert follow_flags(people, SETTINGS, [1]).switched_off == 0
    assert flags(people)[4] is True


def test_what_the_application_holds_follows_within_the_hour(
    people: Connection, application: psycopg.Connection[Any]
) -> None:
    lift(people)
    application.execute("SELECT FROM public.people WHERE id = 1 FOR UPDATE")
    followed = follow_flags(people, SETTINGS, [1])
    assert (followed.switched_on, followed.later) == (2, 1)
    assert "follows within the hour" in followed.message
    application.rollback()
    assert sync(people, SETTINGS).switched_on == 1
    assert flags(people)[1] is True


def test_a_locked_table_is_not_waited_for(people: Connection, application: psycopg.Connection[Any]) -> None:
    lift(people)
    application.execute("LOCK TABLE public.people IN ACCESS EXCLUSIVE MODE")
    began = time.monotonic()
    followed = follow_flags(people, SETTINGS, [1])
    # A bound, not a timing: without it this would wait for ever.
    assert time.monotonic() - began < 10
    assert (followed.later, "follows within the hour" in followed.message) == (1, True)
    application.rollback()
    assert follow_flags(people, SETTINGS, [1]).switched_on == 3


def test_who_is_ticked_is_switched_on_although_touched(people: Connection) -> None:
    people.execute("UPDATE public.people SET email = email WHERE id IN (2, 3)")
    lift(people)
    follow_flags(people, SETTINGS, [1])
    assert flags(people) == {1: True, 2: False, 3: False, 4: True}
    two, three = changes(people, "2", "3")
    form = act()
    first = switch_on(people, SETTINGS, form, [two, 9_999])
    assert told(first) == ["done", "refused"]
    assert flags(people) == {1: True, 2: True, 3: False, 4: True}
    assert switch_on(people, SETTINGS, form, [two, 9_999]) == first
    again = switch_on(people, SETTINGS, act("bob"), [two])[0]
    assert (again.outcome, "by alice" in again.message) == ("already", True)
    assert told(leave_off(people, SETTINGS, act(), [three])) == ["done"]
    assert flags(people)[3] is False
    assert set(at_ann(people)) >= {"1", "2", "3"}
    assert not at_ann(people)["3"].switched_off_by_us
    late = switch_on(people, SETTINGS, act("bob"), [three])[0]
    assert (late.outcome, "by alice" in late.message) == ("already", True)


def test_nobody_at_a_blocked_address_is_switched_on(people: Connection) -> None:
    one, two = changes(people, "1", "2")
    people.execute("UPDATE public.people SET email = 'bob@example.com' WHERE id = 2")
    record(people, "complaint", "bob@example.com")
    results = switch_on(people, SETTINGS, act(), [one, two])
    assert told(results) == ["refused", "refused"]
    assert flags(people) == {1: False, 2: False, 3: False, 4: True}


def test_a_decision_about_a_held_row_is_done_by_the_next_sync(
    people: Connection, application: psycopg.Connection[Any]
) -> None:
    people.execute("UPDATE public.people SET email = email WHERE id = 2")
    lift(people)
    follow_flags(people, SETTINGS, [1])
    (two,) = changes(people, "2")
    application.execute("SELECT FROM public.people WHERE id = 2 FOR UPDATE")
    result = switch_on(people, SETTINGS, act(), [two])[0]
    assert (result.outcome, "within the hour" in result.message) == ("done", True)
    assert at_ann(people)["2"].decided_by == "alice"
    application.rollback()
    assert sync(people, SETTINGS).switched_on == 1
    assert flags(people)[2] is True
    row = people.execute(
        "SELECT settlement, settled_by FROM ses_bounces.flag_change WHERE flag_change_id = %s", [two]
    ).fetchone()
    assert row == ("restored", "alice")


def test_a_new_block_takes_a_decision_back(people: Connection, application: psycopg.Connection[Any]) -> None:
    people.execute("UPDATE public.people SET email = email WHERE id = 2")
    lift(people)
    follow_flags(people, SETTINGS, [1])
    (two,) = changes(people, "2")
    application.execute("SELECT FROM public.people WHERE id = 2 FOR UPDATE")
    switch_on(people, SETTINGS, act(), [two])
    application.rollback()
    record(people, "complaint")
    sync(people, SETTINGS)
    assert flags(people)[2] is False
    lift_blocks(people, act(), {1: ["complaint"]})
    sync(people, SETTINGS)
    # Nobody decided about this block.
    assert flags(people)[2] is False
    assert at_ann(people)["2"].decided_by is None


def test_observe_mode_and_no_table_change_nothing(people: Connection) -> None:
    lift(people)
    before = flags(people)
    assert "Observe mode" in follow_flags(people, configured(enforce=False), [1]).message
    with pytest.raises(ActionError, match="Observe mode"):
        switch_on(people, configured(enforce=False), act(), [1])
    with pytest.raises(ActionError, match="people_table is not set"):
        switch_on(people, configured(people_table=None), act(), [1])
    assert flags(people) == before
