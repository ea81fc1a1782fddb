"""``ses-bounces import stop-requests``: stop requests from a file of any length, a chunk at a time.

Every chunk is one short transaction, and an address that has a stop request is passed over: a run that was killed, or
the same file again, changes nothing of what is there.
"""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_bounces.actions.columns import NO_ADDRESS, Columns
from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.context import actor
from ses_bounces.shell.import_columns import Row
from ses_bounces.shell.import_file import Refused, entry_of, read_files
from ses_bounces.shell.output import answer

if TYPE_CHECKING:
    from ses_bounces.actions.action import Action
    from ses_bounces.base.database.connection import Connection

_KIND = "stop_request"


@dataclass
class Imported(Refused):
    """What became of the lines: ``new`` requests, addresses that ``already`` had one, those ``repeated`` in a chunk.

    ``blocked``: addresses that are blocked by it now; fewer than ``new`` where a later lift or another line counts.
    """

    new: int = 0
    already: int = 0
    blocked: int = 0
    repeated: int = 0


def run(options: argparse.Namespace) -> int:
    """Import the file, or tell what would be imported."""
    from ses_bounces.actions.action import Action

    action = Action(actor(), options.reason, str(uuid.uuid4()))
    columns = Columns(options.address_column, options.reason_column, options.date_column)
    done = Imported()
    read_files(
        options,
        columns,
        lambda connection, rows: _import(connection, action, rows, done, dry_run=options.dry_run),
    )
    told = {"dry_run": options.dry_run, "new": done.new, "already": done.already, "repeated": done.repeated}
    verb = "would be recorded" if options.dry_run else f"recorded, {done.blocked} of them block an address now"
    answer(
        options,
        told | {"blocked": done.blocked} | done.told(),
        *done.shown(),
        done.total(done.new, verb, done.already),
    )
    return LOOK if done.refused else DONE


def _import(connection: Connection, action: Action, rows: list[Row], done: Imported, *, dry_run: bool) -> None:
    from ses_bounces.actions.pasted import Pasted
    from ses_bounces.actions.previews import preview_stops

    pasted = Pasted()
    usable: dict[str, Row] = {}
    for row in rows:
        before = len(pasted.addresses)
        if done.passed_over(row):
            continue
        if not pasted.add(row.line, row.address):
            done.refuse(row, NO_ADDRESS)
        elif len(pasted.addresses) == before:
            done.repeated += 1
        else:
            usable[next(reversed(pasted.addresses))] = row
    preview = preview_stops(connection, pasted)
    done.already += len(preview.already)
    new = [item.address for item in preview.new]
    if dry_run:
        done.new += len(new)
    elif new:
        written = _write(connection, action, ((key, pasted.spelled[key], usable[key]) for key in new))
        done.new += written.entries[_KIND]
        # A dated line that was imported before, and lifted since.
        done.already += len(new) - written.entries[_KIND]
        done.blocked += written.blocked[_KIND]


def _write(connection: Connection, action: Action, stops: Iterable[tuple[str, str, Row]]) -> Any:
    from ses_bounces.base.database.connection import quiet
    from ses_bounces.ledger.moment import moment_of
    from ses_bounces.ledger.writing import writing

    with quiet(), writing(connection) as writer:
        writer.append(((entry, None) for entry in _entries(action, stops, moment_of(connection).at)), action.actor)
    return writer.changes


def _entries(action: Action, stops: Iterable[tuple[str, str, Row]], now: Any) -> Iterator[Any]:
    from ses_bounces.classify.entry import digest

    for key, spelled, row in stops:
        # A dated request is one, however often its file is read; one without a date is made now.
        mark = row.date.isoformat() if row.date else action.action_id
        yield entry_of(action, row, _KIND, key, spelled, digest("import", _KIND, key, mark), now)
