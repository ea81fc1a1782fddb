"""The brake in the hourly run: what its form decides is carried out, and somebody is called while anything is held."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ses_bounces.base import metrics
from ses_bounces.base.counted import counted
from ses_bounces.base.exceptions import BrakeError, SettingsError
from ses_bounces.dags.tasks.run import Counts, recorded, settings_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings
    from ses_bounces.ledger.brake.held import HeldDomain

log = logging.getLogger(__name__)

DOMAINS_SHOWN = 10
TODO = (
    "Look at them on the page Email Bounces > Quarantine, or with `ses-bounces held list`. Are these addresses gone? "
    "Confirm, and they are blocked. Did the provider answer wrongly? Dismiss, and these bounces never count. Until "
    "then nothing is lost, and all other domains go on."
)


def decide_held(context: Context, connection: Connection, settings: Settings) -> Counts:
    """Carry out what was decided about held bounces, in this run's form or before.

    :raises SettingsError: the form names domains and no reason, or one domain for both.
    """
    from ses_bounces.ledger.brake.held import forget_counts, settle

    if settings.max_new_blocks_per_domain is None:
        forget_counts(connection)
    counts = _decide(context, connection)
    settled = settle(connection, settings.max_seconds)
    if settled.confirmed or settled.dismissed:
        log.info("Held messages: %d confirmed, %d dismissed", settled.confirmed, settled.dismissed)
        counts.update(held_confirmed=settled.confirmed, held_dismissed=settled.dismissed)
    return counts


def _decide(context: Context, connection: Connection) -> Counts:
    from ses_bounces.ledger.brake.held import Decision, decide, open_brakes
    from ses_bounces.ledger.writing import writing

    params, run = context["params"], context["dag_run"]
    named: dict[Decision, list[str]] = {
        "confirmed": list(params.get("confirm_held") or ()),
        "dismissed": list(params.get("dismiss_held") or ()),
    }
    if not any(named.values()):
        return {}
    reason = str(params.get("held_reason") or "").strip()
    if not reason:
        raise SettingsError("held_reason is missing; it must say why. Change it in the run's Params.")
    if both := {*named["confirmed"]} & {*named["dismissed"]}:
        raise SettingsError(f"{', '.join(sorted(both))}: confirm_held and dismiss_held both name it. Choose one.")
    # Who pressed the button; a run by the API or the shell of Airflow may name nobody.
    actor = run.triggering_user_name or f"run {run.run_id}"
    counts: Counts = {}
    for decision, domains in named.items():
        # What is braked only since this run was asked for is not what was looked at: cleared, a run decides no more.
        found = open_brakes(connection, domains, run.run_after)
        with writing(connection) as writer:
            decided = decide(writer, found.values(), decision, actor, reason)
        counts[f"domains_{decision}"] = len(decided)
        if domains:
            log.info("%d of %s %s by %s", len(decided), counted(len(domains), "domain"), decision, actor)
    return counts


def check_brake(context: Context) -> Counts:
    """Fail while bounces are held and nobody has decided about them: somebody has to look.

    :raises BrakeError: with domains, counts, what servers said and since when; no address is in it.
    """
    from ses_bounces.ledger.brake.held import waiting

    settings = settings_of(context)
    with recorded(context, settings) as (connection, counts):
        found = waiting(connection)
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
    return "\n".join([*lines, TODO])
