"""Addresses that we block, onto SES's suppression lists."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.suppression.ses_list import SesReason, SuppressionList

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

PUSHED_AT_ONCE = 100


def push_blocked(connection: Connection, listing: SuppressionList, seconds: float = float("inf")) -> tuple[int, bool]:
    """Put the addresses that we block for good on one of SES's lists: bounces as BOUNCE, wishes as COMPLAINT.

    :param seconds: begin no further address after this long.
    :returns: how many, and whether there are none left.
    """
    until = time.monotonic() + seconds
    place: dict[str, Any] = {"account": listing.account, "region": listing.region}
    pushed, after = 0, ""
    with quiet():
        while True:
            parameters = place | {"after": after, "limit": PUSHED_AT_ONCE}
            rows = connection.execute(statement("suppression/select_to_push"), parameters).fetchall()
            if not rows:
                return pushed, True
            for address, is_wish in rows:
                if time.monotonic() >= until:
                    return pushed, False
                ses_reason: SesReason = "COMPLAINT" if is_wish else "BOUNCE"
                listing.put(address, ses_reason)
                connection.execute(
                    statement("suppression/note_pushed"), place | {"address": address, "ses_reason": ses_reason}
                )
                pushed += 1
                after = address
