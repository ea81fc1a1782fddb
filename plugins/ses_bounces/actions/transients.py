"""Deleting and extending transient records."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from ses_bounces.actions.action import Action, Answers, Result, when
from ses_bounces.actions.states import ENDED, entry_of, for_each, last_ends, states_of, tell_what_still_blocks
from ses_bounces.base.exceptions import ActionError
from ses_bounces.ledger.writing import Writer

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

MAX_EXTENSION_DAYS = 30


def delete_transients(connection: Connection, action: Action, address_ids: Iterable[int]) -> list[Result]:
    """Delete the transient problems of some addresses: they are not promoted, or no longer blocked for it.

    :param connection: autocommit.
    :returns: one result for each address, in the order given, each once.
    :raises ActionError: the form's id was used for something else.
    :raises DatabaseError: what is answered ``done`` stays done; repeat with the same action.
    """

    def work(writer: Writer, answers: Answers) -> None:
        at, states = states_of(writer, answers)
        without = [state.address_id for state in states.values() if not state.bounces]
        ends = last_ends(writer, without, tuple(ENDED))
        entries = []
        for state in states.values():
            if state.bounces:
                entries.append(entry_of(action, "transient_deleted", state, at))
                lifted = "expired_transient" in state.causes
                answers.give(state.address_id, "done", "Deleted; its block is lifted." if lifted else "Deleted.")
            elif state.address_id in ends:
                answers.give(state.address_id, "already", f"Nothing to delete: {ends[state.address_id]}.")
            else:
                answers.give(state.address_id, "refused", "It has no transient problem.")
        writer.append(((entry, None) for entry in entries), action.actor)

    def answer(answers: Answers) -> None:
        tell_what_still_blocks(connection, answers)

    return for_each(connection, action, "delete_transients", dict.fromkeys(address_ids), work, answer)


def extend_deadlines(connection: Connection, action: Action, address_ids: Iterable[int], days: int) -> list[Result]:
    """Give the transient problems of some addresses a later deadline.

    :param days: from now, 1 to 30.
    :returns: one result for each address, in the order given, each once.
    :raises ActionError: the days are out of range, or the form's id was used for something else.
    :raises DatabaseError: what is answered ``done`` stays done; repeat with the same action.
    """
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MAX_EXTENSION_DAYS:
        raise ActionError(f"days is {days!r}; it must be a whole number from 1 to {MAX_EXTENSION_DAYS}.")

    def work(writer: Writer, answers: Answers) -> None:
        at, states = states_of(writer, answers)
        deadline = at + timedelta(days=days)
        late = [s.address_id for s in states.values() if not s.bounces or (s.deadline and s.deadline >= deadline)]
        ends = last_ends(writer, late, (*ENDED, "deadline_extended"))
        entries = []
        for state in states.values():
            id_ = state.address_id
            if not state.bounces:
                told = ends.get(id_)
                answers.give(id_, "already" if told else "refused", _nothing_to_extend(told))
            elif "expired_transient" in state.causes:
                answers.give(id_, "refused", "It was promoted already: delete the record or lift the block instead.")
            elif state.deadline is None:
                answers.give(id_, "refused", "It has no deadline: problems of its subtype are never promoted.")
            elif state.deadline >= deadline:
                who = ends.get(id_)
                message = f"Its deadline is later than that: {when(state.deadline)}{f' ({who})' if who else ''}."
                answers.give(id_, "already", message)
            else:
                entry = entry_of(action, "deadline_extended", state, at)
                entry.deadline = deadline
                entries.append(entry)
                answers.give(id_, "done", f"Extended to {when(deadline)}.")
        writer.append(((entry, None) for entry in entries), action.actor)

    return for_each(connection, action, "extend_deadlines", dict.fromkeys(address_ids, days), work)


def _nothing_to_extend(told: str | None) -> str:
    return f"Nothing to extend: {told}." if told else "It has no transient problem."
