"""``ses-bounces transient``: deletes transient problems, or gives them a later deadline, as pages do."""

from __future__ import annotations

import argparse
import dataclasses
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ses_bounces.shell.block import again_if_busy, follow, read, told_problem
from ses_bounces.shell.check import given
from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.context import actor, database, settings_if_any
from ses_bounces.shell.output import answer
from ses_bounces.shell.results import Told, as_values, by_line, shown_lines, total

if TYPE_CHECKING:
    from ses_bounces.actions.action import Action, Result
    from ses_bounces.base.database.connection import Connection

NONE = "It has no transient problem."
PROMOTED = "It was promoted already: delete the record or lift the block instead."


def run(options: argparse.Namespace) -> int:
    """Do it, or tell what would be done."""
    from ses_bounces.actions.action import Action
    from ses_bounces.actions.previews import preview_blocks

    pasted = read(given(options.addresses))
    action = Action(actor(), options.reason, str(uuid.uuid4()))
    found = settings_if_any(options)
    with database(options, found) as connection:
        seen = preview_blocks(connection, pasted)
        order = {address: place for place, address in enumerate(pasted.addresses)}
        items = sorted((*seen.blocked, *seen.free), key=lambda item: order[item.address])
        known = {item.address_id: item.line for item in items if item.address_id is not None}
        told = [Told(item.line, "refused", NONE) for item in seen.free if item.address_id is None]
        told += [Told(line.number, "refused", told_problem(line)) for line in pasted.problems]
        notes: list[str] = []
        if options.dry_run:
            told += _planned(connection, options, known)
        else:
            results = _change(connection, options, action, known)
            told += by_line(results)
            notes = follow(connection, found, results)
    told.sort(key=lambda one: one.what or 0)
    value = {"dry_run": options.dry_run, "results": as_values(options, told, "line"), "notes": notes}
    answer(options, value, *shown_lines(options, told), total(options, told), *notes)
    return LOOK if any(one.outcome == "refused" for one in told) else DONE


def _change(connection: Connection, options: argparse.Namespace, action: Action, known: dict[int, int]) -> list[Result]:
    from ses_bounces.actions.transients import delete_transients, extend_deadlines

    if not known:
        return []
    if options.action == "delete":
        results = again_if_busy(lambda: delete_transients(connection, action, known))
    else:
        results = again_if_busy(lambda: extend_deadlines(connection, action, known, options.days))
    return [dataclasses.replace(result, line=known[result.target_id or 0]) for result in results]


def _planned(connection: Connection, options: argparse.Namespace, known: dict[int, int]) -> Iterator[Told]:
    """Tell what would become of addresses that are on record."""
    from ses_bounces.actions.action import when
    from ses_bounces.ledger.lists.bounces import chosen_bounces

    rows = {row.address_id: row for row in chosen_bounces(connection, known) if row.kind == "transient"}
    deadline = datetime.now(UTC) + timedelta(days=options.days) if options.action == "extend" else None
    for id_, line in known.items():
        row = rows.get(id_)
        if row is None:
            yield Told(line, "refused", NONE)
        elif deadline is None:
            lifted = "expired_transient" in row.causes
            yield Told(line, "done", f"Would be deleted{'; its block would be lifted' if lifted else ''}.")
        elif "expired_transient" in row.causes:
            yield Told(line, "refused", PROMOTED)
        elif row.fix_deadline is None:
            yield Told(line, "refused", "It has no deadline: problems of its subtype are never promoted.")
        elif row.fix_deadline >= deadline:
            yield Told(line, "already", f"Its deadline is later than that: {when(row.fix_deadline)}.")
        else:
            yield Told(line, "done", f"Would be extended to {when(deadline)}.")
