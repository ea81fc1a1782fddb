"""Which addresses never_block guards: who only reads must not learn it, not even from what is missing.

A guarded address bounces and is not blocked: whoever sees its bounce knows. So readers see no bounce of it, and nothing
else that only a bounce leads to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from psycopg import sql

from ses_bounces.base.database.statements import statement
from ses_bounces.classify.providers import PROVIDERS, provider
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


def guarded_providers(connection: Connection) -> set[str]:
    """Return the providers, as figures name them, whose bounces would tell that ``never_block`` guards an address.

    They are the domains that it guards, and those of single addresses that it guards; among the many addresses of a
    large provider a single one is not told.
    """
    with reading(connection):
        patterns = [pattern for (pattern,) in connection.execute("SELECT t.pattern FROM ses_bounces.protected t")]
    found: set[str] = set()
    for pattern in patterns:
        local, _, domain = pattern.rpartition("@")
        if not local or domain not in PROVIDERS:
            found.add(provider(domain))
    return found
