"""The part of the task ``classify_bounces`` that counts; see hourly.py."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ses_bounces.base.counted import counted
from ses_bounces.base.pages import where

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

log = logging.getLogger(__name__)


def count_figures(connection: Connection, seconds: float) -> dict[str, int]:
    """Bring the figures up to what the ledger says, and look for outages; returns what was done, in numbers.

    :param seconds: begin nothing further after this long; the next run goes on.
    """
    from ses_bounces.ledger.figures.counting import count_figures as count
    from ses_bounces.ledger.figures.outages import find_outages

    done = count(connection, seconds)
    found = find_outages(connection)
    for outage in found:
        log.warning(
            "%s refused %s in the same words since %s UTC: perhaps an outage of theirs. See %s",
            outage.domain, counted(outage.addresses, "address", "addresses"), f"{outage.first:%Y-%m-%d %H:%M}",
            where("figures", "Figures"),
        )  # fmt: skip
    if not done.is_whole:
        log.info("The figures are not up to date yet: the next run goes on")
    return {"entries": done.entries, "days_counted_again": done.days, "suggested_outages": len(found)}
