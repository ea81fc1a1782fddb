"""What is on record: address keys by id, what blocks them, and which entries there are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from ses_bounces.base.database.statements import statement

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def keys_of(connection: Connection, address_ids: Iterable[int]) -> dict[int, str]:
    """Return the address keys of some ids; an id that is not on record is left out."""
    return dict(connection.execute(statement("ledger/select_addresses"), {"ids": list(address_ids)}).fetchall())


def ids_of(connection: Connection, keys: Iterable[str]) -> dict[str, int]:
    """Return the ids of some address keys; a key that is not on record is left out."""
    return dict(connection.execute(statement("ledger/select_address_ids"), {"addresses": list(keys)}).fetchall())


def blocks_of(
    connection: Connection, keys: Iterable[str]
) -> list[tuple[str, int, str, datetime] | tuple[str, int, None, None]]:
    """Return what some address keys are blocked by: the key, its id, and each open cause with its time (aware).

    A key that is on record and not blocked has one row without a cause; one that is not on record has none.
    """
    return connection.execute(statement("ledger/select_blocks_of"), {"addresses": list(keys)}).fetchall()


def recorded_keys(connection: Connection, dedup_keys: Iterable[bytes]) -> set[bytes]:
    """Return which of these are the ``dedup_key`` of an entry that counts."""
    rows = connection.execute(statement("ledger/select_recorded_keys"), {"keys": list(dedup_keys)})
    return {bytes(key) for (key,) in rows.fetchall()}


def entry_ids(connection: Connection, dedup_keys: Iterable[bytes]) -> list[int]:
    """Return the ids of the entries that count with one of these."""
    rows = connection.execute(statement("ledger/select_live_entries"), {"keys": list(dedup_keys)})
    return [event_id for (event_id,) in rows.fetchall()]
