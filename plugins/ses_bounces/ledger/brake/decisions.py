"""What a person decides about what the brake holds, and carrying it out."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.brake.candidate import NO_MESSAGE, listed_entry
from ses_bounces.ledger.erased.guard import conceal_sentence
from ses_bounces.ledger.quarantine import change, note_actions
from ses_bounces.ledger.writing import Changes, Writer, writing

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

Decision = Literal["confirmed", "dismissed"]
# The action of message_action that a decision is.
ACTIONS: dict[str, str] = {"confirmed": "confirm", "dismissed": "dismiss"}
MESSAGES_PER_CHUNK = 1_500


@dataclass
class Settled:
    """What was carried out: messages made pending again, and dismissed; changes by confirmed entries of SES's list."""

    confirmed: int = 0
    dismissed: int = 0
    changes: Changes = field(default_factory=Changes)


def decide(writer: Writer, brake_ids: Iterable[int], decision: Decision, actor: str, reason: str) -> list[int]:
    """Decide about braked domains; returns those that nobody had decided about.

    The domain is released at once; :func:`settle` carries it out for what was held until then.
    """
    said = conceal_sentence(writer.connection, reason)
    wanted = {"ids": list(brake_ids), "decision": decision, "actor": actor, "reason": said}
    return [id_ for (id_,) in writer.connection.execute(statement("ledger/brake/decide"), wanted)]


def decide_messages(
    writer: Writer, message_ids: Iterable[int], decision: Decision, actor: str, reason: str
) -> set[int]:
    """Decide about some messages; returns those that were held. A domain of which nothing waits then is released.

    The caller changes the outcome of the messages.
    """
    execute = writer.connection.execute
    wanted = {"ids": list(message_ids), "decision": decision}
    rows = execute(statement("ledger/brake/decide_messages"), wanted).fetchall()
    if rows:
        said = conceal_sentence(writer.connection, reason)
        who = {"ids": sorted({brake_id for _, brake_id in rows}), "actor": actor, "reason": said}
        execute(statement("ledger/brake/release"), who)
    return {message_id for message_id, _ in rows}


def decided(connection: Connection, brake_ids: Iterable[int]) -> list[tuple[int, Decision, str, datetime]]:
    """Return what was decided about some brakes: the id, the decision, by whom and when (aware)."""
    return connection.execute(statement("ledger/brake/select_states"), {"ids": list(brake_ids)}).fetchall()


def settle(connection: Connection, seconds: float = float("inf")) -> Settled:
    """Carry out what was decided about whole domains: make messages pending again, or dismiss them, in chunks.

    :param connection: autocommit.
    :param seconds: begin no further chunk after this long.
    :raises DatabaseError: what is done stays done; repeat to go on.
    """
    settled = Settled()
    until = time.monotonic() + seconds
    with quiet():
        while time.monotonic() < until:
            row = connection.execute(statement("ledger/brake/select_decided")).fetchone()
            if row is None:
                break
            with writing(connection) as writer:
                _settle_chunk(writer, row, settled)
            settled.changes += writer.changes
    return settled


def _settle_chunk(writer: Writer, brake: tuple[Any, ...], settled: Settled) -> None:
    brake_id, decision, actor, reason = brake
    execute = writer.connection.execute
    wanted = {"brake_id": brake_id, "decision": decision, "limit": MESSAGES_PER_CHUNK}
    rows = execute(statement("ledger/brake/settle_entries"), wanted).fetchall()
    if not rows:
        execute("UPDATE ses_bounces.brake SET settled_at = now() WHERE brake_id = %s", [brake_id])
        return
    ids = {message_id for message_id, *_ in rows} - {NO_MESSAGE}
    if decision == "confirmed":
        again = ids
    else:
        # Another domain of the message waits: the message is classified again, and held for that one.
        waiting_rows = execute(statement("ledger/brake/select_waiting_messages"), {"ids": list(ids)})
        again = {message_id for (message_id,) in waiting_rows}
    settled.confirmed += len(change(writer, again, "retry"))
    settled.dismissed += len(change(writer, ids - again, "dismiss"))
    note_actions(writer.connection, ids, ACTIONS[decision], actor, reason)
    listed = [(listed_entry(listing, key), None) for _, key, listing in rows if listing is not None]
    if listed and decision == "confirmed":
        writer.append(listed)
