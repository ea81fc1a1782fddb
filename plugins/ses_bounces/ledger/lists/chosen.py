"""Rows of the lists that were ticked, before and after something is done to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.lists.bounces import BounceRow
from ses_bounces.ledger.lists.engine.query import reading

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def chosen_bounces(connection: Connection, address_ids: Iterable[int]) -> list[BounceRow]:
    """Return the open rows of the Email Bounce List of some addresses, by address; those without one are left out.

    :raises DatabaseError: also when it takes over five seconds.
    """
    with reading(connection):
        rows = connection.execute(
            statement("ledger/lists/select_chosen_bounces"), {"ids": list(address_ids)}
        ).fetchall()
    return [BounceRow(*row) for row in rows]


def addresses_of(connection: Connection, address_ids: Iterable[int]) -> dict[int, str]:
    """Return the addresses of some ids; ids that there are not are left out."""
    with reading(connection):
        return dict(connection.execute(statement("ledger/select_addresses"), {"ids": list(address_ids)}).fetchall())


def waiting_people(connection: Connection, limit: int) -> list[int]:
    """Return addresses with people who wait for a decision, by id: their row was touched since we switched them off."""
    with reading(connection):
        rows = connection.execute(statement("ledger/lists/select_addresses_waiting"), {"limit": limit}).fetchall()
    return [id_ for (id_,) in rows]
