"""Promotion: transient problems whose deadline has passed become permanent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.ledger.pace import Pace
from ses_bounces.ledger.writing import Changes, writing

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# What one transaction brings up to date at most.
MOST_ADDRESSES = 5_000


def promote_expired(connection: Connection, seconds: float = float("inf")) -> Changes:
    """Turn transient problems whose deadline has passed into permanent ones.

    Set-based, in chunks of their own transactions; costs what is due, not what is there. Looks no further than the
    send time of the oldest message that still waits.

    :param seconds: begin no further chunk after this long.
    :raises DatabaseError: what is done stays done; repeat to go on.
    """
    total = Changes()
    until = time.monotonic() + seconds
    pace = Pace(MOST_ADDRESSES)
    touched = limit = pace.size
    with quiet():
        while touched == limit and time.monotonic() < until:
            limit = pace.size
            with writing(connection, pace) as writer:
                touched = writer.touch_due(limit)
                pace.writes(touched)
            total += writer.changes
    return total
