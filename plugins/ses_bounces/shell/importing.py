"""``ses-bounces import stop-requests``: stop requests from a file of any length, a chunk at a time.

Every chunk is one short transaction, and an address that has a stop request is passed over: a run that was killed, or
the same file again, changes nothing of what is there.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ses_bounces.exceptions import ActionError
from ses_bounces.shell.asking import STDIN
from ses_bounces.shell.columns import Columns, Row, rows_of
from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.output import answer, progress
from ses_bounces.shell.places import actor, database

if TYPE_CHECKING:
    from ses_bounces.actions import Action
    from ses_bounces.database.connection import Connection

ROWS_AT_ONCE = 1_000
PROBLEMS_SHOWN = 20
_KIND = "stop_request"


@dataclass
class Imported:
    """What became of the lines: ``new`` requests, addresses that ``already`` had one, lines that were ``refused``.

    ``blocked``: addresses that are blocked by it now; fewer than ``new`` where a later lift or another line counts.
    """

    new: int = 0
    already: int = 0
    blocked: int = 0
    repeated: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    lines: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, line: int, why: str) -> None:
        """Count a line that can't be used."""
        self.problems[why] += 1
        if len(self.lines) < PROBLEMS_SHOWN:
            self.lines.append((line, why))


def run(options: argparse.Namespace) -> int:
    """Import the file, or tell what would be imported."""
    from ses_bounces.actions import Action

    action = Action(actor(), options.reason, str(uuid.uuid4()))
    columns = Columns(options.address_column, options.reason_column, options.date_column)
    done = Imported()
    with contextlib.ExitStack() as stack:
        file, size = open_file(options.file, stack)
        connection = stack.enter_context(database(options))
        tell = stack.enter_context(progress("Importing", size, unit="bytes"))
        rows = rows_of(file, columns)
        while chunk := list(islice(rows, ROWS_AT_ONCE)):
            _import(connection, action, chunk, done, dry_run=options.dry_run)
            tell(chunk[-1].position)
    refused = sum(done.problems.values())
    told = {"dry_run": options.dry_run, "new": done.new, "already": done.already, "repeated": done.repeated}
    told |= {"blocked": done.blocked, "refused": refused, "problems": dict(done.problems), "lines": dict(done.lines)}
    verb = "would be recorded" if options.dry_run else f"recorded, {done.blocked} of them block an address now"
    lines = [f"line {line}: {why}" for line, why in done.lines]
    if refused > len(done.lines):
        lines.append(f"… and {refused - len(done.lines)} more")
    answer(options, told, *lines, f"{done.new} {verb}; {done.already} were there already; {refused} lines refused.")
    return LOOK if refused else DONE


def open_file(name: str, stack: contextlib.ExitStack) -> tuple[IO[bytes], float | None]:
    """Open a file until the stack is closed; ``-`` is stdin. Returns its size too; None: not known.

    :raises ActionError: it can't be read.
    """
    if name == STDIN:
        return sys.stdin.buffer, None
    path = Path(name)
    try:
        return stack.enter_context(path.open("rb")), path.stat().st_size
    except OSError as error:
        raise ActionError(f"{name} can't be read ({error.strerror}). Name a file that is there.") from None


def _import(connection: Connection, action: Action, rows: list[Row], done: Imported, *, dry_run: bool) -> None:
    from ses_bounces.actions import Pasted, preview_stops

    pasted = Pasted()
    usable: dict[str, Row] = {}
    for row in rows:
        before = len(pasted.addresses)
        if row.problem is not None:
            done.refuse(row.line, row.problem)
        elif not pasted.add(row.line, row.address):
            done.refuse(row.line, "not an e-mail address")
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
    from ses_bounces.database.connection import quiet
    from ses_bounces.database.statements import statement
    from ses_bounces.ledger import writing

    with quiet(), writing(connection) as writer:
        moment = connection.execute(statement("select_moment")).fetchone()
        assert moment is not None
        writer.append(((entry, None) for entry in _entries(action, stops, moment[0])), action.actor)
    return writer.changes


def _entries(action: Action, stops: Iterable[tuple[str, str, Row]], now: Any) -> Iterator[Any]:
    from ses_bounces.actions import MAX_REASON_CHARACTERS
    from ses_bounces.aws.suppression import digest
    from ses_bounces.entry import Entry

    for key, spelled, row in stops:
        # A dated request is one, however often its file is read; one without a date is made now.
        mark = row.date.isoformat() if row.date else action.action_id
        reason = f"{action.reason}: {row.reason}" if row.reason else action.reason
        at = min(row.date, now) if row.date else now
        dedup = digest("import", _KIND, key, mark)
        yield Entry(_KIND, key, spelled, at, dedup, reason=reason[:MAX_REASON_CHARACTERS])
