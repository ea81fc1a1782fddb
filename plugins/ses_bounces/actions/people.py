"""What administrators see and decide of Allow Group Email; the writing is people/sync.py's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from ses_bounces.actions.action import (
    Action,
    ActionOutcome,
    Answers,
    BusyError,
    Result,
    busy,
    limit_waits,
    quiet_but_busy,
    recall,
    remember,
    when,
)
from ses_bounces.base.counted import counted
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.exceptions import ActionError
from ses_bounces.base.sites import current
from ses_bounces.people import decisions
from ses_bounces.people.decisions import FlagState, Person, decide_to_switch_on, flag_states, settle_left_off
from ses_bounces.people.rows import PeopleRows
from ses_bounces.people.sync import Synced, switch_on_decided, sync_addresses
from ses_bounces.people.table import People

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings

# For all statements on the people table together: a page answers within three seconds.
SECONDS = 2.0
IDS_SHOWN = 10
WITHIN_THE_HOUR = "follows within the hour"
REFUSED = (
    "A constraint or a trigger of the people table refuses to change this person's row. The decision is noted: each "
    "hourly run tries again."
)


@dataclass(frozen=True)
class FlagsFollowed:
    """What became of the flags at once, in numbers and in words; ``later``: addresses that follow within the hour."""

    switched_off: int
    switched_on: int
    touched: int
    later: int
    message: str


def people_at(connection: Connection, settings: Settings, address_ids: Iterable[int]) -> list[Person]:
    """Return the people at some addresses and those whom we switched off for them, up to 1,000, by id.

    :returns: nobody where ``people_table`` is not set.
    :raises SettingsError: when the people table is not as the settings say.
    :raises DatabaseError: also when the people table is locked for over two seconds.
    """
    ids = list(address_ids)
    if settings.people_table is None or not ids:
        return []
    with quiet():
        return decisions.people_at(People(connection, settings, SECONDS), ids)


def follow_flags(connection: Connection, settings: Settings, address_ids: Iterable[int]) -> FlagsFollowed:
    """Bring the flags of the people at some addresses to what the lists say, at once where their rows are free.

    To be called after an action on the addresses. Waits two seconds at most.

    :raises SettingsError: when the people table is not as the settings say.
    :raises DatabaseError: what is not done follows within the hour.
    """
    ids = list(address_ids)
    if settings.people_table is None:
        return FlagsFollowed(0, 0, 0, 0, "")
    if not settings.enforce:
        return FlagsFollowed(0, 0, 0, 0, "Observe mode (enforce is false): nobody's Allow Group Email is changed.")
    with quiet():
        try:
            done = sync_addresses(connection, settings, ids, SECONDS)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled, psycopg.errors.DeadlockDetected):
            held = f"Another session has locked the people table: Allow Group Email {WITHIN_THE_HOUR}."
            return FlagsFollowed(0, 0, 0, len(ids), held)
    return FlagsFollowed(done.switched_off, done.switched_on, done.touched, done.locked_addresses, _words(done))


def switch_on(
    connection: Connection, settings: Settings, action: Action, flag_change_ids: Iterable[int]
) -> list[Result]:
    """Switch Allow Group Email on for the people whom an administrator ticked, also where their row was touched.

    Never where the person's address is blocked by now. The decision is noted first; the hourly sync switches on a row
    that another session has locked, and the answer says so.

    :param flag_change_ids: see :attr:`Person.flag_change_id`.
    :returns: one result for each, in the order given, each once.
    :raises ActionError: no people table, or the form's id was used for something else.
    :raises DatabaseError: repeat with the same action.
    """
    return _decide(connection, settings, action, "switch_on", flag_change_ids)


def leave_off(
    connection: Connection, settings: Settings, action: Action, flag_change_ids: Iterable[int]
) -> list[Result]:
    """Settle that people whose row was touched stay switched off. As :func:`switch_on`."""
    return _decide(connection, settings, action, "leave_off", flag_change_ids)


def _decide(
    connection: Connection, settings: Settings, action: Action, kind: str, flag_change_ids: Iterable[int]
) -> list[Result]:
    if settings.people_table is None:
        raise ActionError(
            f'people_table is not set: there is no flag to change. Set it in Airflow Variable "{current().variable}".'
        )
    if kind == "switch_on" and not settings.enforce:
        raise ActionError("Observe mode (enforce is false): nobody's Allow Group Email is changed.")
    answers = Answers({str(id_): None for id_ in flag_change_ids})
    try:
        with quiet_but_busy():
            people = People(connection, settings, SECONDS)
            with connection.transaction():
                limit_waits(connection)
                recall(connection, action, kind, answers)
            if kind == "switch_on":
                _switch_on(PeopleRows(people), action, answers)
            else:
                _leave_off(people, action, answers)
            with connection.transaction():
                limit_waits(connection)
                remember(connection, action, kind, answers)
    except BusyError:
        return [answers.before.get(target) or busy(target) for target in answers.asked]
    return [answers.before.get(target) or answers.now[target] for target in answers.asked]


def _switch_on(rows: PeopleRows, action: Action, answers: Answers) -> None:
    people = rows.people
    states = _states(people, answers)
    for state in states:
        if not state.is_there:
            answers.give(state.flag_change_id, "refused", "This person is no longer in the people table.")
        elif state.flag:
            answers.give(state.flag_change_id, "already", f"It is on already{_by(state)}.")
        elif state.is_blocked:
            answers.give(state.flag_change_id, "refused", "The person's address is blocked: lift its block first.")
        elif state.settlement not in (None, "touched"):
            answers.give(state.flag_change_id, "already", f"It was decided already{_by(state)}.")
    ids = [int(target) for target in answers.open()]
    if not ids:
        return
    decide_to_switch_on(people, ids, action.actor)
    addresses = {state.address_id for state in states if state.flag_change_id in ids}
    later = f"Another session has locked the person's row: it {WITHIN_THE_HOUR}."
    try:
        switch_on_decided(rows, addresses)
        states = _states(people, answers)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
        for id_ in ids:
            answers.give(id_, "done", later)
        return
    for state in states:
        answers.give(state.flag_change_id, *_became(state, state.person_id in rows.refused, later))


def _became(state: FlagState, is_refused: bool, later: str) -> tuple[ActionOutcome, str]:
    """Return what became of a decision to switch on."""
    if state.settlement in ("restored", "on"):
        return "done", "Switched on."
    if not state.decided_by:
        return "refused", "The person's address was blocked meanwhile."
    return ("refused", REFUSED) if is_refused else ("done", later)


def _leave_off(people: People, action: Action, answers: Answers) -> None:
    states = _states(people, answers)
    ids = [int(target) for target in answers.open()]
    settled = settle_left_off(people, ids, action.actor)
    for state in states:
        if state.flag_change_id in settled:
            answers.give(state.flag_change_id, "done", "It stays off.")
        else:
            answers.give(state.flag_change_id, "already", f"It was decided already{_by(state)}.")


def _states(people: People, answers: Answers) -> list[FlagState]:
    """Return how the changes without an answer stand; unknown ones are answered."""
    ids = [int(target) for target in answers.open()]
    states = flag_states(people, ids)
    for id_ in set(ids) - {state.flag_change_id for state in states}:
        answers.give(id_, "refused", "There is no such change of a flag.")
    return states


def _by(state: FlagState) -> str:
    return f": by {state.settled_by} on {when(state.settled_at)}" if state.settled_by and state.settled_at else ""


def _people(number: int) -> str:
    return counted(number, "person", "people")


def _words(done: Synced) -> str:
    parts = []
    if done.switched_off:
        parts.append(f"Allow Group Email switched off for {_people(done.switched_off)}.")
    if done.switched_on:
        parts.append(f"Allow Group Email switched on for {_people(done.switched_on)}.")
    if done.touched:
        whose = f"The row of {_people(1)} was" if done.touched == 1 else f"The rows of {_people(done.touched)} were"
        parts.append(f"{whose} touched since we switched them off: decide about them.")
    if done.locked_addresses:
        where = counted(done.locked_addresses, "address", "addresses")
        parts.append(f"The rows of people at {where} are locked: that {WITHIN_THE_HOUR}.")
    if done.refused:
        more = ", …" if done.refused > IDS_SHOWN else ""
        parts.append(
            f"A constraint or a trigger of the people table refuses to change {_people(done.refused)} (ids "
            f"{', '.join(done.refused_ids[:IDS_SHOWN])}{more}): each hourly run tries again."
        )
    return " ".join(parts)
