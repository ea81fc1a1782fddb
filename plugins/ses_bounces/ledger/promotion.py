"""Promotion: transient problems whose deadline has passed become permanent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.ledger.writing import ADDRESSES_PER_CHUNK, Changes, writing

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def promote_expired(connection: Connection, seconds: float = float("inf")) -> Changes:
    """Turn transient problems whose deadline has passed into permanent ones.

    Set-based, in chunks of their own transactions; costs what is due, not what is there. Looks no further than the
    send time of the oldest message that still waits.

    :param seconds: begin no further chunk after this long.
    :raises DatabaseError: what is done stays done; repeat to go on.
    """
    total = Changes()
    until = time.monotonic() + seconds
    touched = ADDRESSES_PER_CHUNK
    with quiet():
        while touched == ADDRESSES_PER_CHUNK and time.monotonic() < until:
            with writing(connection) as writer:
                touched = writer.touch_due(ADDRESSES_PER_CHUNK)
            total += writer.changes
    return total
