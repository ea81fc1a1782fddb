"""Messages that were not understood, or are held, by reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.lists.engine.paging import Count, Page, check_limit, read_position, write_position
from ses_bounces.ledger.lists.engine.query import reading, stored

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

OUTCOMES = ("held", "quarantined")


@dataclass(frozen=True)
class QuarantineReason:
    """How many messages share a reason, counted to 10,001."""

    outcome: str
    reason: str | None
    count: Count


@dataclass(frozen=True)
class QuarantinedMessage:
    """A quarantined or held message without its body; times are aware. ``is_kept``: its day partition is gone."""

    message_id: int
    received_at: datetime
    sent_at: datetime
    outcome: str
    reason: str | None
    event_type: str | None
    queue_url: str
    receive_count: int
    characters: int | None
    is_kept: bool


def quarantine_reasons(connection: Connection) -> list[QuarantineReason]:
    """Return why messages are quarantined or held, and how many for each reason; the most frequent first."""
    with reading(connection):
        rows = connection.execute(statement("ledger/lists/select_quarantine_reasons")).fetchall()
    return [QuarantineReason(outcome, reason, Count(count)) for outcome, reason, count in rows]


def some_quarantined(connection: Connection, message_ids: Sequence[int]) -> list[QuarantinedMessage]:
    """Return those of some messages that are quarantined or held, the newest first.

    :param message_ids: 200 at most.
    :raises DatabaseError: also when it takes over five seconds.
    """
    with reading(connection):
        rows = connection.execute(
            statement("ledger/lists/select_some_quarantined"), {"ids": list(message_ids)}
        ).fetchall()
    return [QuarantinedMessage(*row) for row in rows]


def list_quarantine(
    connection: Connection,
    outcome: Literal["held", "quarantined"] | None = None,
    reason: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[QuarantinedMessage]:
    """Return one page of the messages that are quarantined or held, the newest first.

    :param connection: autocommit.
    :param reason: exactly this one.
    :param after: :attr:`Page.after` of the page before; None: the first page.
    :param limit: 1 to 500.
    :raises ActionError: a position or limit that can't be.
    :raises DatabaseError: also when it takes over five seconds.
    """
    before, id_ = read_position(after) if after else (None, None)
    parameters = {
        "outcomes": [outcome] if outcome else list(OUTCOMES),
        "reason": None if reason is None else stored(reason),
        "before": before,
        "id": id_,
        "limit": check_limit(limit) + 1,
    }
    with reading(connection):
        rows = [
            QuarantinedMessage(*row)
            for row in connection.execute(statement("ledger/lists/select_quarantined"), parameters)
        ]
    next_ = write_position(rows[limit - 1].received_at, rows[limit - 1].message_id) if len(rows) > limit else None
    return Page(rows[:limit], next_)
