"""What administrators decide about the domains whose bounces the brake holds; see ledger/brake/decisions.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ses_bounces.actions.action import Action, Answers, Result, act, when
from ses_bounces.ledger.brake.decisions import Decision, decide, decided
from ses_bounces.ledger.writing import Writer

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

_DONE: dict[Decision, str] = {
    "confirmed": "Confirmed: the next hourly run applies what is held, and the domain's count starts again.",
    "dismissed": "Dismissed: what is held never counts. The next hourly run marks its messages.",
}


def decide_domains(
    connection: Connection, action: Action, brake_ids: Iterable[int], decision: Decision
) -> list[Result]:
    """Confirm or dismiss everything that is held of some domains, and release them.

    :param connection: autocommit.
    :param brake_ids: see :class:`ses_bounces.ledger.brake.held.HeldDomain`.
    :returns: one result for each, in the order given.
    :raises ActionError: the form's id was used for something else.
    :raises DatabaseError: nothing is changed.
    """

    def work(writer: Writer, answers: Answers) -> None:
        ids = [int(target) for target in answers.open()]
        for id_ in decide(writer, ids, decision, action.actor, action.reason):
            answers.give(id_, "done", _DONE[decision])
        left = [int(target) for target in answers.open()]
        for id_, before, actor, decided_at in decided(writer.connection, left):
            answers.give(id_, "already", f"{actor} {before} it on {when(decided_at)}.")
        for target in answers.open():
            answers.give(int(target), "refused", "Nothing is held under this number.")

    return act(connection, action, f"{decision}_domains", dict.fromkeys(brake_ids, decision), work)
