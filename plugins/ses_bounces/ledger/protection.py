"""The copy, for functions in SQL, of the settings that decide who may be blocked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.erased.guard import recognised
from ses_bounces.ledger.writing import lock_state

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def mirror_settings(connection: Connection, enforce: bool, never_block: Iterable[str]) -> None:
    """Mirror the settings that functions in SQL need; the next promotion frees or binds the addresses concerned.

    :param never_block: address keys, and exact domains as ``@domain``.
    """
    with quiet():
        patterns = set(never_block)
        names = recognised(connection, patterns)
        wanted = sorted(names.get(pattern, pattern) for pattern in patterns)
        if connection.execute("SELECT enforce FROM ses_bounces.setting").fetchone() != (enforce,):
            connection.execute(statement("ledger/upsert_setting"), {"enforce": enforce})
        current = [pattern for (pattern,) in connection.execute("SELECT pattern FROM ses_bounces.protected")]
        if sorted(current) == wanted:
            return
        with connection.transaction():
            lock_state(connection)
            connection.execute(statement("ledger/make_protected_due"), {"patterns": sorted(set(wanted) ^ set(current))})
            connection.execute(statement("ledger/mirror_protected"), {"patterns": wanted})
