"""What the hourly DAG keeps in order for the pages, without what the pages themselves import."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.writing import lock_state

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

ADDRESSES_PER_CHUNK = 20_000


def index_addresses(connection: Connection, seconds: float = float("inf")) -> int:
    """Bring the search index up to date with the registry; returns how many addresses were new to it.

    Searches find the others too, slower.

    :param connection: autocommit.
    :param seconds: begin no further chunk after this long.
    :raises DatabaseError: what is done stays done; repeat to go on.
    """
    until = time.monotonic() + seconds
    indexed = 0
    with quiet():
        last = _last_address(connection)
        while time.monotonic() < until:
            with connection.transaction():
                parameters = {"limit": ADDRESSES_PER_CHUNK, "last": last}
                row = connection.execute(statement("ledger/index_addresses"), parameters).fetchone()
            if row is None or not row[0]:
                break
            indexed += row[0]
    return indexed


def _last_address(connection: Connection) -> int:
    # Read under the lock: an id below this one that is missing now will never appear.
    with connection.transaction():
        lock_state(connection)
        row = connection.execute("SELECT coalesce(max(a.address_id), 0) FROM ses_bounces.address a").fetchone()
    assert row is not None
    return cast(int, row[0])


def drop_old_filters(connection: Connection) -> int:
    """Forget what was typed into search boxes over a day ago, and the answers to forms of over 90 days ago.

    :returns: how many rows that were.
    """
    with quiet():
        return sum(
            connection.execute(statement(name)).rowcount
            for name in ("ledger/lists/drop_old_filters", "ledger/drop_old_answers")
        )
