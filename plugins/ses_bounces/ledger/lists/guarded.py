"""Which addresses never_block guards: who only reads must not learn it, not even from what is missing.

A guarded address bounces and is not blocked: whoever sees its bounce knows. So readers see no bounce of it, and nothing
else that only a bounce leads to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from psycopg import sql

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.lists.engine.query import Condition, reading

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

UNGUARDED: Condition = sql.SQL(
    "NOT EXISTS (SELECT FROM ses_bounces.protected t"
    " WHERE t.pattern IN (b.address, '@' || split_part(b.address, '@', -1)))"
)


def any_guarded(connection: Connection) -> bool:
    """Tell whether there is anything to hide at all."""
    with reading(connection):
        row = connection.execute("SELECT EXISTS (SELECT FROM ses_bounces.protected)").fetchone()
    return bool(row and row[0])


def guarded_of(connection: Connection, address_ids: Iterable[int]) -> set[int]:
    """Return those of some addresses that never_block guards, by itself or by its domain."""
    with reading(connection):
        rows = connection.execute(statement("ledger/lists/select_guarded"), {"ids": list(address_ids)}).fetchall()
    return {address_id for (address_id,) in rows}
