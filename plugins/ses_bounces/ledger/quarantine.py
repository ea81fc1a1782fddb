"""Retry and dismissal of messages that changed nothing: quarantined ones, and those that the brake holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.writing import Writer

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

_STATEMENTS = {
    "retry": ("ledger/quarantine/retry_messages", "ledger/quarantine/retry_kept_messages"),
    "dismiss": ("ledger/quarantine/dismiss_messages", "ledger/quarantine/dismiss_kept_messages"),
}


def change(writer: Writer, message_ids: Iterable[int], what: Literal["retry", "dismiss"]) -> list[int]:
    """Make held and quarantined messages pending again, or dismiss them; returns those that were any of the two.

    Also those whose day was dropped: they come back from ``quarantine`` as if they were received now.
    """
    ids = {"ids": list(message_ids)}
    if not ids["ids"]:
        return []
    return [id_ for name in _STATEMENTS[what] for (id_,) in writer.connection.execute(statement(name), ids)]


def note_actions(connection: Connection, message_ids: Iterable[int], action: str, actor: str, reason: str) -> None:
    """Write into the trail what a person did to some messages.

    :param action: ``retry``, ``confirm`` or ``dismiss``.
    :param reason: with erased addresses concealed already.
    """
    note = {"ids": list(message_ids), "action": action, "actor": actor, "reason": reason}
    connection.execute(statement("ledger/quarantine/insert_message_actions"), note)


class MessageState(NamedTuple):
    """The outcome of a message, None: it is not kept any more; and who did what to it last, None: nobody did. Times
    are aware."""

    message_id: int
    outcome: str | None
    action: str | None
    actor: str | None
    acted_at: datetime | None


def message_states(connection: Connection, message_ids: Iterable[int]) -> list[MessageState]:
    """Return what became of some messages, one for each."""
    rows = connection.execute(statement("ledger/quarantine/select_message_states"), {"ids": list(message_ids)})
    return [MessageState(*row) for row in rows.fetchall()]
