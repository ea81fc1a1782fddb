"""What the brake holds: by domain, decided by a person, and then classified or dismissed for good; see limit.py."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
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
MESSAGES_PER_CHUNK = 5_000


@dataclass(frozen=True)
class HeldDomain:
    """A braked domain; times are aware.

    ``day``: of the bounce that was one too many, in UTC. ``messages``, ``bounces``, ``listings`` (of SES's suppression
    list): what waits, counted to 10,001. ``first_at``, ``last_at``: when those bounces occurred, None: nothing waits.
    ``diagnostics``: pairs of what the servers said most often, and how often; no address is in it. ``decision``: made,
    and not carried out yet.
    """

    brake_id: int
    domain: str
    day: date
    limit: int
    braked_at: datetime
    decision: Decision | None
    actor: str | None
    decided_at: datetime | None
    messages: int
    bounces: int
    listings: int
    first_at: datetime | None
    last_at: datetime | None
    diagnostics: list[Sequence[Any]]

    def sentences(self) -> str:
        """Return what a person is to know of it."""
        window = f", {_minute(self.first_at)} to {_minute(self.last_at)}" if self.first_at and self.last_at else ""
        said = "; ".join(f"{count:,} times “{text}”" for text, count in self.diagnostics)
        bounces = "bounce is" if self.bounces == 1 else "bounces are"
        messages = "message" if self.messages == 1 else "messages"
        return (
            f"{self.domain}: {many(self.bounces)} {bounces} held ({many(self.messages)} {messages}{window}), since its "
            f"limit of {self.limit:,} new blocks a day was reached at {_minute(self.braked_at)}."
            + (f" Most said: {said}." if said else "")
        )


@dataclass
class Settled:
    """What was carried out: messages made pending again, and dismissed; changes by confirmed entries of SES's list."""

    confirmed: int = 0
    dismissed: int = 0
    changes: Changes = field(default_factory=Changes)


def held_domains(connection: Connection, brake_ids: Iterable[int] | None = None) -> list[HeldDomain]:
    """Return the braked domains, the most bounces first.

    :param connection: autocommit, or in a transaction.
    :param brake_ids: only these.
    """
    wanted = {"ids": None if brake_ids is None else list(brake_ids)}
    with quiet():
        rows = connection.execute(statement("ledger/brake/select_held_domains"), wanted).fetchall()
    return [HeldDomain(*row) for row in rows]


def undecided(connection: Connection) -> list[HeldDomain]:
    """Return those that nobody decided about and of which something is held."""
    return [held for held in held_domains(connection) if held.decision is None and held.bounces]


def held_messages(connection: Connection, message_ids: Iterable[int]) -> set[int]:
    """Return those of some messages of which anything waits for a decision."""
    with quiet():
        rows = connection.execute(
            statement("ledger/brake/select_waiting_messages"), {"ids": list(message_ids)}
        ).fetchall()
    return {message_id for (message_id,) in rows}


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


def forget_counts(connection: Connection) -> None:
    """Forget the counts of new blocks: without a limit nothing is counted, and a later limit begins with none."""
    with quiet():
        connection.execute(statement("ledger/brake/forget_counts"))


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


def many(count: int) -> str:
    """Return a count that ends at 10,001, in words."""
    return "over 10,000" if count > 10_000 else f"{count:,}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
