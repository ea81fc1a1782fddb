"""``ses-bounces held``: what the brake holds, by domain; confirmed or dismissed."""

from __future__ import annotations

import argparse
import dataclasses
import uuid
from typing import TYPE_CHECKING, Any

from ses_bounces.base.exceptions import ActionError
from ses_bounces.shell.block import again_if_busy
from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.context import actor, database, settings_if_any
from ses_bounces.shell.output import answer
from ses_bounces.shell.results import Told, as_values, shown_lines

if TYPE_CHECKING:
    from ses_bounces.actions.action import Action, Result
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.ledger.brake.decisions import Decision
    from ses_bounces.ledger.brake.held import HeldDomain

DECISIONS: dict[str, Decision] = {"confirm": "confirmed", "dismiss": "dismissed"}


def run(options: argparse.Namespace) -> int:
    """Show what is held, or decide about it."""
    return _list(options) if options.action == "list" else _decide(options)


def _list(options: argparse.Namespace) -> int:
    from ses_bounces.ledger.brake.held import held_domains

    with database(options, settings_if_any(options)) as connection:
        found = held_domains(connection)
    lines = [
        one.sentences()
        if one.decision is None
        else f"{one.domain}: {one.decision} by {one.actor}; the next run carries it out."
        for one in found
    ]
    answer(options, [_as_json(one) for one in found], *(lines or ["No domain is over its limit of new blocks."]))
    return LOOK if any(one.decision is None for one in found) else DONE


def _decide(options: argparse.Namespace) -> int:
    from ses_bounces.actions.action import Action

    ways = (bool(options.domains), options.all, bool(options.message_id))
    if sum(ways) != 1:
        raise ActionError("Say which: domains, --all, or --message-id; one of the three.")
    action = Action(actor(), options.reason, str(uuid.uuid4()))
    with database(options, settings_if_any(options)) as connection:
        if options.message_id:
            results = _messages(connection, options, action)
        else:
            results = _domains(connection, options, action)
    value = {"dry_run": options.dry_run, "results": as_values(options, results)}
    answer(options, value, *(shown_lines(options, results) or ["No domain is over its limit of new blocks."]))
    return LOOK if any(one.outcome == "refused" for one in results) else DONE


def _messages(connection: Connection, options: argparse.Namespace, action: Action) -> list[Told]:
    from ses_bounces.actions.quarantine import confirm_messages, dismiss_messages
    from ses_bounces.ledger.brake.held import held_messages

    wanted = list(dict.fromkeys(options.message_id))
    held = held_messages(connection, wanted)
    found = [Told(str(id_), "refused", "It is not held.") for id_ in wanted if id_ not in held]
    if options.dry_run:
        return found + [Told(str(id_), "done", f"Would be {DECISIONS[options.action]}.") for id_ in sorted(held)]
    do = confirm_messages if options.action == "confirm" else dismiss_messages
    results = again_if_busy(lambda: do(connection, action, sorted(held))) if held else []
    return found + [Told(str(result.target_id), result.outcome, result.message) for result in results]


def _domains(connection: Connection, options: argparse.Namespace, action: Action) -> list[Told]:
    from ses_bounces.actions.brake import decide_domains
    from ses_bounces.ledger.brake.decisions import settle
    from ses_bounces.ledger.brake.held import held_domains

    decision = DECISIONS[options.action]
    undecided = {one.domain: one for one in held_domains(connection) if one.decision is None}
    named = list(undecided) if options.all else [name.strip().lower().removeprefix("@") for name in options.domains]
    found = [Told(name, "refused", "Nothing of this domain is held.") for name in named if name not in undecided]
    chosen: dict[int, HeldDomain] = {undecided[name].brake_id: undecided[name] for name in named if name in undecided}
    if options.dry_run:
        return found + [Told(one.domain, "done", f"Would be {decision}. {one.sentences()}") for one in chosen.values()]
    results: list[Result] = []
    if chosen:
        results = again_if_busy(lambda: decide_domains(connection, action, chosen, decision))
        # The decision stands: should this be interrupted, the next run goes on with it.
        settle(connection)
    return found + [Told(chosen[result.target_id or 0].domain, result.outcome, result.message) for result in results]


def _as_json(one: HeldDomain) -> dict[str, Any]:
    moments = ("braked_at", "decided_at", "first_at", "last_at", "day")
    value = dataclasses.asdict(one)
    return value | {name: value[name].isoformat() if value[name] else None for name in moments}
