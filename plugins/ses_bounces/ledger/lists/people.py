"""People whose Allow Group Email waits for its change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.lists.engine.query import reading

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def waiting_people(connection: Connection, limit: int) -> list[int]:
    """Return addresses with people who wait for a decision, by id: their row was touched since we switched them off."""
    with reading(connection):
        rows = connection.execute(statement("ledger/lists/select_addresses_waiting"), {"limit": limit}).fetchall()
    return [id_ for (id_,) in rows]
