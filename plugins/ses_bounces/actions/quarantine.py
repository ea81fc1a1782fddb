"""What administrators do to messages that were not understood or are held: retry, confirm or dismiss them.

They are no entries of the ledger; the trail is ``ses_bounces.message_action``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from ses_bounces.actions.action import Action, Answers, Result, act, when
from ses_bounces.base.exceptions import ActionError
from ses_bounces.ledger.brake.decisions import decide_messages
from ses_bounces.ledger.erased.guard import conceal_sentence
from ses_bounces.ledger.quarantine import MessageState, change, message_states, note_actions
from ses_bounces.ledger.writing import Writer

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

MAX_MESSAGES = 10_000
_DONE = {
    "retry": "Pending again: the next hourly run classifies it.",
    "confirm": "Confirmed: the next hourly run applies it.",
    "dismiss": "Dismissed.",
}
_PAST = {"retry": "retried", "confirm": "confirmed", "dismiss": "dismissed"}
What = Literal["retry", "confirm", "dismiss"]


def retry_messages(connection: Connection, action: Action, message_ids: Iterable[int]) -> list[Result]:
    """Make held and quarantined messages pending again; the next hourly run classifies them.

    A message whose day was dropped meanwhile comes back from ``quarantine`` as if it was received now.

    :param connection: autocommit.
    :returns: one result for each message, in the order given, each once.
    :raises ActionError: over 10,000 messages, or the form's id was used for something else.
    :raises DatabaseError: nothing is changed.
    """
    return _change(connection, action, message_ids, "retry")


def dismiss_messages(connection: Connection, action: Action, message_ids: Iterable[int]) -> list[Result]:
    """Dismiss held and quarantined messages: nothing further is done with them. As :func:`retry_messages`.

    What was held of them never counts, also in a copy that arrives later.
    """
    return _change(connection, action, message_ids, "dismiss")


def confirm_messages(connection: Connection, action: Action, message_ids: Iterable[int]) -> list[Result]:
    """Confirm held messages: the next hourly run applies them, whatever the limit. As :func:`retry_messages`."""
    return _change(connection, action, message_ids, "confirm")


def _change(connection: Connection, action: Action, message_ids: Iterable[int], what: What) -> list[Result]:
    asked = dict.fromkeys(message_ids)
    if len(asked) > MAX_MESSAGES:
        raise ActionError(f"These are {len(asked)} messages; at most {MAX_MESSAGES} can be changed at once.")

    def work(writer: Writer, answers: Answers) -> None:
        ids = [int(target) for target in answers.open()]
        if what == "confirm":
            held = decide_messages(writer, ids, "confirmed", action.actor, action.reason)
            changed = change(writer, held, "retry")
        else:
            if what == "dismiss":
                decide_messages(writer, ids, "dismissed", action.actor, action.reason)
            changed = change(writer, ids, what)
        for id_ in changed:
            answers.give(id_, "done", _DONE[what])
        left = [int(target) for target in answers.open()]
        for state in message_states(writer.connection, left):
            _tell(answers, state)
        reason = conceal_sentence(writer.connection, action.reason)
        note_actions(writer.connection, changed, what, action.actor, reason)

    return act(connection, action, f"{what}_messages", asked, work)


def _tell(answers: Answers, state: MessageState) -> None:
    id_ = state.message_id
    if state.outcome is None:
        answers.give(id_, "refused", "This message is gone: its day was dropped.")
        return
    now = state.outcome.replace("_", " ")
    if state.action is not None and state.acted_at is not None:
        who = f"{state.actor} {_PAST[state.action]} it on {when(state.acted_at)}"
        answers.give(id_, "already", f"It is no longer quarantined: {who}; now it is {now}.")
    else:
        answers.give(id_, "refused", f"It is not quarantined or held: it is {now}.")
