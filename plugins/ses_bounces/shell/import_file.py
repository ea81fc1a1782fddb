"""Files of any length for ``ses-bounces import``: a chunk at a time, and what of them can't be used."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ses_bounces.actions.columns import Columns
from ses_bounces.actions.tables import encoding_of, head_of
from ses_bounces.base.counted import counted
from ses_bounces.base.exceptions import ActionError
from ses_bounces.shell.check import STDIN
from ses_bounces.shell.context import database
from ses_bounces.shell.import_columns import Row, rows_of
from ses_bounces.shell.import_json import Page, check_all_pages, pages_of, rows_of_page
from ses_bounces.shell.output import progress

if TYPE_CHECKING:
    from ses_bounces.actions.action import Action
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.classify.entry import Entry

ROWS_AT_ONCE = 1_000
PROBLEMS_SHOWN = 20


@dataclass
class Refused:
    """Lines that can't be used: how many by reason, and the first ones with their numbers; those ``left_out``."""

    problems: Counter[str] = field(default_factory=Counter)
    lines: list[tuple[str, str]] = field(default_factory=list)
    left_out: int = 0

    def refuse(self, row: Row, why: str) -> None:
        """Count a line that can't be used."""
        self.problems[why] += 1
        if len(self.lines) < PROBLEMS_SHOWN:
            self.lines.append((f"{row.file + ', ' if row.file else ''}{row.unit} {row.line}", why))

    def passed_over(self, row: Row) -> bool:
        """Tell whether there is nothing to do for a row, and count it."""
        self.left_out += row.left_out
        if row.problem is not None:
            self.refuse(row, row.problem)
        return row.left_out or row.problem is not None

    @property
    def refused(self) -> int:
        """How many lines there were of them."""
        return sum(self.problems.values())

    def total(self, new: int, verb: str, already: int) -> str:
        """Return the last line of an answer in words."""
        were = "was" if already == 1 else "were"
        return f"{new:,} {verb}; {already:,} {were} there already; {counted(self.refused, 'line')} refused."

    def told(self) -> dict[str, Any]:
        """Return them for an answer in JSON."""
        return {
            "refused": self.refused,
            "problems": dict(self.problems),
            "lines": dict(self.lines),
            "left_out": self.left_out,
        }

    def shown(self) -> list[str]:
        """Return them for an answer in words."""
        shown = [f"{line}: {why}" for line, why in self.lines]
        if self.refused > len(self.lines):
            shown.append(f"… and {self.refused - len(self.lines):,} more")
        if self.left_out:
            shown.append(f"{counted(self.left_out, 'contact')} left out: not unsubscribed from all mail.")
        return shown


def read_files(options: argparse.Namespace, columns: Columns, take: Callable[[Connection, list[Row]], None]) -> None:
    """Hand over the rows of the files that the options name, a chunk at a time, and show how far it is.

    :raises ActionError: a file can't be read; where it is JSON, nothing was handed over then.
    """
    with contextlib.ExitStack() as stack:
        files = [_open(name, stack) for name in options.file]
        sizes = [size for _, _, size in files if size is not None]
        sources = _sources(files, columns)
        connection = stack.enter_context(database(options))
        tell = stack.enter_context(progress("Importing", sum(sizes) or None, unit="bytes"))
        for name, before, rows in sources:
            while chunk := list(islice(rows, ROWS_AT_ONCE)):
                take(connection, [replace(row, file=name) for row in chunk])
                tell(before + chunk[-1].position)


def _sources(
    files: list[tuple[str, IO[bytes], float | None]], columns: Columns
) -> list[tuple[str, float, Iterator[Row]]]:
    """Return each file's name where there are several, the bytes before it, and its rows. JSON is read at once."""
    sources: list[tuple[str, float, Iterator[Row]]] = []
    pages: list[Page] = []
    before = 0.0
    for name, file, size in files:
        head, opened = head_of(file)
        start = head.decode(encoding_of(head), "replace").lstrip("\ufeff \t\r\n")
        if start.startswith(("{", "[{", '["', "[\n", "[\r", "[ ")):
            found = pages_of(opened)
            pages += found
            rows: Iterator[Row] = chain.from_iterable([rows_of_page(page, columns) for page in found])
        elif "suppresseddestinationsummaries" in start.lower():
            raise ActionError("The AWS CLI printed this as text. Have it print JSON: add --output json.")
        else:
            rows = rows_of(opened, columns)
        sources.append((name if len(files) > 1 else "", before, rows))
        before += size or 0
    check_all_pages(pages)
    return sources


def entry_of(action: Action, row: Row, kind: str, key: str, spelled: str, dedup_key: bytes, now: datetime) -> Entry:
    """Return the ledger entry of a row, dated as it says: not ahead of now, and now where it says nothing."""
    from ses_bounces.actions.action import MAX_REASON_CHARACTERS
    from ses_bounces.classify.entry import Entry

    reason = f"{action.reason}: {row.reason}" if row.reason else action.reason
    at = min(row.date, now) if row.date else now
    return Entry(kind, key, spelled, at, dedup_key, reason=reason[:MAX_REASON_CHARACTERS])


def _open(name: str, stack: contextlib.ExitStack) -> tuple[str, IO[bytes], float | None]:
    """Open a file until the stack is closed; ``-`` is stdin. Returns its name and size too; None: not known."""
    if name == STDIN:
        return "stdin", sys.stdin.buffer, None
    path = Path(name)
    try:
        return path.name, stack.enter_context(path.open("rb")), path.stat().st_size
    except OSError as error:
        raise ActionError(f"{name} can't be read ({error.strerror}). Name a file that is there.") from None
