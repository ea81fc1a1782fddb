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


@dataclass(frozen=True)
class LiftProgress:
    """How lifts go on, in numbers.

    ``taken_off``: of those lifted, how many SES says it had on its own list; ``by_job``: how many an import job of SES
    took off, which does not say it. ``reasons``: why some still wait, as sentences, three at most.
    """

    queued: int
    lifted: int
    refused: int
    taken_off: int
    by_job: int
    reasons: list[str]


def lift_progress(connection: Connection, requests: tuple[int, int] | None = None, actor: str = "") -> LiftProgress:
    """Return how lifts go on.

    :param requests: the first and the last; None: all that wait, and those that ended in the last day.
    :param actor: who asked for these requests.
    """
    first, last = requests or (None, None)
    wanted = {"first": first, "last": last, "actor": actor, "lifted": LIFTED}
    with reading(connection):
        row = connection.execute(statement("ledger/lists/select_lift_progress"), wanted).fetchone()
    assert row is not None
    queued, lifted, refused, taken_off, by_job, reasons = row
    return LiftProgress(queued, lifted, refused, taken_off, by_job, reasons or [])


def tenant_listed(connection: Connection, address_ids: Iterable[int]) -> set[int]:
    """Return those addresses that SES last refused for the suppression list of a tenant, not the account's."""
    with reading(connection):
        rows = connection.execute(statement("ledger/lists/select_tenant_listed"), {"ids": list(address_ids)})
        return {address_id for (address_id,) in rows}


def open_requests(connection: Connection, address_ids: Iterable[int]) -> dict[int, int]:
    """Return the ids of the lifts that wait, by address id."""
    with reading(connection):
        return dict(
            connection.execute(statement("ledger/lists/select_open_request_ids"), {"ids": list(address_ids)}).fetchall()
        )
