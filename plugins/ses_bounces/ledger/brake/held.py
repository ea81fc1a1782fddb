"""What the brake holds, by domain; what a person decides about it is in decisions.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.brake.decisions import Decision

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


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


def forget_counts(connection: Connection) -> None:
    """Forget the counts of new blocks: without a limit nothing is counted, and a later limit begins with none."""
    with quiet():
        connection.execute(statement("ledger/brake/forget_counts"))


def many(count: int) -> str:
    """Return a count that ends at 10,001, in words."""
    return "over 10,000" if count > 10_000 else f"{count:,}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
