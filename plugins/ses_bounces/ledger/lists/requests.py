"""Lifts that have to wait for SES's own list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.lists.engine.query import reading
from ses_bounces.ledger.lists.overview import LIFTED

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

SHOWN = 200


@dataclass(frozen=True)
class LiftRequest:
    """A request to take an address off SES's own list; times are aware. ``finished_at`` None: it waits."""

    unblock_request_id: int
    address_id: int
    address: str
    lifts: list[str]
    actor: str
    reason: str
    requested_at: datetime
    finished_at: datetime | None
    result: str | None


def lift_requests(connection: Connection, limit: int = SHOWN) -> list[LiftRequest]:
    """Return the lifts that wait, then those that were refused in the last 30 days; the newest first."""
    with reading(connection):
        rows = connection.execute(
            statement("ledger/lists/select_lift_requests"), {"lifted": LIFTED, "limit": limit}
        ).fetchall()
    return [LiftRequest(*row) for row in rows]


def open_requests(connection: Connection, address_ids: Iterable[int]) -> dict[int, int]:
    """Return the ids of the lifts that wait, by address id."""
    with reading(connection):
        return dict(
            connection.execute(statement("ledger/lists/select_open_request_ids"), {"ids": list(address_ids)}).fetchall()
        )
