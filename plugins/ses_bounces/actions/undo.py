"""Undo: find the blocks that a provider's outage caused, to lift them together; and take a lift back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from ses_bounces.actions.action import Action, Answers, Result, when
from ses_bounces.actions.states import for_each
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.entry import digest
from ses_bounces.ledger.lists.engine.query import reading, stored
from ses_bounces.ledger.lists.engine.search import like
from ses_bounces.ledger.registry import entry_ids, keys_of
from ses_bounces.ledger.writing import Writer
from ses_bounces.suppression.lifting import refuse_lifts

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

MAX_ADDRESSES = 10_000
LIFT = "lift_blocks"
# An entry of either kind may be what a lift wrote; see lifts.py.
_KINDS = ("unblocked", "transient_deleted")


@dataclass(frozen=True)
class BlocksOf:
    """Which bounce blocks: those that began in a window (aware, from inclusive, to exclusive); None: any.

    ``domain``: of the address. ``text``: in the reported diagnostic, in any case. ``configuration_set``, ``sub_type``:
    of the bounce.
    """

    first: datetime
    last: datetime
    domain: str | None = None
    text: str | None = None
    configuration_set: str | None = None
    sub_type: str | None = None


def find_blocks(connection: Connection, wanted: BlocksOf) -> list[int]:
    """Return the ids of the addresses with such a block that is open; never for a wish (complaint, stop request).

    :raises ActionError: the window ends before it begins, or over 10,000 addresses match.
    :raises DatabaseError: also when it takes over five seconds.
    """
    if wanted.first >= wanted.last:
        raise ActionError(f"The window is {when(wanted.first)} to {when(wanted.last)}; it must end later.")
    parameters = {
        "first": wanted.first,
        "last": wanted.last,
        "domain": stored(wanted.domain.strip().lower().removeprefix("@")) if wanted.domain else None,
        "text": f"%{like(stored(wanted.text))}%" if wanted.text else None,
        "configuration_set": stored(wanted.configuration_set) if wanted.configuration_set else None,
        "sub_type": stored(wanted.sub_type) if wanted.sub_type else None,
        "limit": MAX_ADDRESSES + 1,
    }
    with reading(connection):
        ids = [id_ for (id_,) in connection.execute(statement("actions/select_blocks_to_undo"), parameters)]
    if len(ids) > MAX_ADDRESSES:
        raise ActionError(f"More than {MAX_ADDRESSES:,} addresses match. Take a shorter window, or one domain.")
    return ids


def said_of(connection: Connection, address_ids: list[int]) -> dict[int, str]:
    """Return what servers said of the bounces that block some addresses, by address id; the newest block's, shortened.

    :raises DatabaseError: also when it takes over five seconds.
    """
    if not address_ids:
        return {}
    with reading(connection):
        return dict(connection.execute(statement("actions/select_said"), {"ids": address_ids}).fetchall())


def retract_lift(connection: Connection, action: Action, lift_id: str) -> list[Result]:
    """Take a lift back: what it wrote is superseded, so that what blocked the addresses blocks them again.

    What was taken off SES's own list stays off it; SES puts an address on it again when it bounces.

    :param lift_id: the id of the form that lifted; its answers are kept 90 days.
    :returns: one result for each address that it lifted.
    :raises ActionError: no such lift, or its answers are forgotten.
    :raises DatabaseError: nothing is changed; repeat with the same action.
    """
    lift = _lift(connection, lift_id)

    def work(writer: Writer, answers: Answers) -> None:
        ids = [int(target) for target in answers.open()]
        addresses = keys_of(connection, ids)
        keys = [lift.action.dedup_key(kind, address) for address in addresses.values() for kind in _KINDS]
        made = {"ids": ids, "keys": keys, "actor": lift.action.actor, "reason": lift.action.reason}
        rows = connection.execute(statement("actions/select_lifted_by"), made | {"acted_at": lift.acted_at}).fetchall()
        gone: list[int] = []
        for id_, event_ids, request_id, is_finished in rows:
            if request_id is not None and not is_finished:
                _end(connection, request_id, action)
                answers.give(id_, "done", "It waited for SES, and is no longer lifted.")
            elif found := event_ids or _of_request(connection, request_id):
                gone += found
                answers.give(id_, "done", "The lift is taken back.")
            else:
                answers.give(id_, "already", "This lift was taken back already.")
        for target in answers.open():
            answers.give(int(target), "refused", "There is no such address on record.")
        writer.supersede(gone)
        writer.touch(ids)

    return for_each(connection, action, "retract_lift", dict.fromkeys(lift.ids, lift_id), work)


@dataclass(frozen=True)
class _Lift:
    action: Action
    acted_at: datetime
    ids: list[int]


def _lift(connection: Connection, lift_id: str) -> _Lift:
    try:
        key = str(UUID(lift_id))
    except (ValueError, AttributeError, TypeError):
        raise ActionError("The id of the lift is no UUID.") from None
    with quiet():
        row = connection.execute(statement("actions/select_done_action"), {"action_id": key}).fetchone()
    if row is None or row[0] != LIFT:
        raise ActionError("There is no such lift.")
    _, actor, reason, acted_at, results = row
    told = json.loads(results) if isinstance(results, str) else results
    ids = [int(target) for target, (_, _, outcome, *_) in told.items() if outcome == "done"]
    if not ids:
        raise ActionError("This lift lifted nothing, or was over 90 days ago: which addresses it lifted is forgotten.")
    return _Lift(Action(actor, reason, key), acted_at, ids)


def _end(connection: Connection, request_id: int, action: Action) -> None:
    refuse_lifts(connection, [request_id], f"taken back by {action.actor}", for_good=True)


def _of_request(connection: Connection, request_id: int | None) -> list[int]:
    if request_id is None:
        return []
    return entry_ids(connection, [digest("unblock_request", str(request_id))])
