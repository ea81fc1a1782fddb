"""The brake in the hourly run: it carries out decisions, and fails while bounces are held that nobody has decided about."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ses_bounces.base import metrics
from ses_bounces.base.exceptions import BrakeError
from ses_bounces.base.pages import where
from ses_bounces.dags.tasks.run import Counts, recorded, settings_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings
    from ses_bounces.ledger.brake.held import HeldDomain

log = logging.getLogger(__name__)

DOMAINS_SHOWN = 10
TODO = (
    "Look at them on {page}, or with `ses-bounces held list`. Are these addresses gone? "
    "Confirm, and they are blocked. Did the provider answer wrongly? Dismiss, and these bounces never count. Until "
    "then nothing is lost, and all other domains go on."
)


def carry_out_decisions(connection: Connection, settings: Settings) -> Counts:
    """Carry out what was decided about held bounces."""
    from ses_bounces.ledger.brake.decisions import settle
    from ses_bounces.ledger.brake.held import forget_counts

    if settings.max_new_blocks_per_domain is None:
        forget_counts(connection)
    counts: Counts = {}
    settled = settle(connection, settings.max_seconds)
    if settled.confirmed or settled.dismissed:
        log.info("Held messages: %d confirmed, %d dismissed", settled.confirmed, settled.dismissed)
        counts.update(held_confirmed=settled.confirmed, held_dismissed=settled.dismissed)
    return counts


def check_brake(context: Context) -> Counts:
    """Fail while bounces are held and nobody has decided about them: a person has to look.

    :raises BrakeError: with domains, counts, what servers said and since when; no address is in it.
    """
    from ses_bounces.ledger.brake.held import undecided

    settings = settings_of(context)
    with recorded(context, settings) as (connection, counts):
        found = undecided(connection)
        counts.update(braked_domains=len(found), held=sum(held.messages for held in found))
    metrics.gauge("braked_domains", counts["braked_domains"])
    metrics.gauge("held", counts["held"])
    if not found:
        log.info("No domain is over its limit of new blocks")
    elif context["dag_run"].run_type == "backfill":
        log.warning("%s", in_words(found))
    else:
        raise BrakeError(in_words(found))
    return counts


def in_words(found: list[HeldDomain]) -> str:
    """Return what is held, a line for each domain, and what to do."""
    lines = [held.sentences() for held in found[:DOMAINS_SHOWN]]
    if len(found) > DOMAINS_SHOWN:
        lines.append(f"… and {len(found) - DOMAINS_SHOWN:,} more domains.")
    return "\n".join([*lines, TODO.format(page=where("quarantine#held-title", "Bounces > Quarantine"))])
