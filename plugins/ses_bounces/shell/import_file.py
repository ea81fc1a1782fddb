"""Files of any length for ``ses-bounces import``: a chunk at a time, and what of them can't be used."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ses_bounces.base.exceptions import ActionError
from ses_bounces.shell.check import STDIN
from ses_bounces.shell.context import database
from ses_bounces.shell.import_columns import Row
from ses_bounces.shell.output import progress

if TYPE_CHECKING:
    from ses_bounces.actions.action import Action
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.classify.entry import Entry

ROWS_AT_ONCE = 1_000
PROBLEMS_SHOWN = 20


@dataclass
class Refused:
    """Lines that can't be used: how many by reason, and the first ones with their numbers."""

    problems: Counter[str] = field(default_factory=Counter)
    lines: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, line: int, why: str) -> None:
        """Count a line that can't be used."""
        self.problems[why] += 1
        if len(self.lines) < PROBLEMS_SHOWN:
            self.lines.append((line, why))

    @property
    def refused(self) -> int:
        """How many lines there were of them."""
        return sum(self.problems.values())

    def told(self) -> dict[str, Any]:
        """Return them for an answer in JSON."""
        return {"refused": self.refused, "problems": dict(self.problems), "lines": dict(self.lines)}

    def shown(self) -> list[str]:
        """Return them for an answer in words."""
        shown = [f"line {line}: {why}" for line, why in self.lines]
        return [*shown, f"… and {self.refused - len(self.lines)} more"] if self.refused > len(self.lines) else shown


def read_file(
    options: argparse.Namespace,
    rows_of: Callable[[IO[bytes]], Iterator[Row]],
    take: Callable[[Connection, list[Row]], None],
) -> None:
    """Hand over the rows of the file that the options name, a chunk at a time, and show how far it is.

    :raises ActionError: the file can't be read.
    """
    with contextlib.ExitStack() as stack:
        file, size = _open(options.file, stack)
        connection = stack.enter_context(database(options))
        tell = stack.enter_context(progress("Importing", size, unit="bytes"))
        rows = rows_of(file)
        while chunk := list(islice(rows, ROWS_AT_ONCE)):
            take(connection, chunk)
            tell(chunk[-1].position)


def entry_of(action: Action, row: Row, kind: str, key: str, spelled: str, dedup_key: bytes, now: datetime) -> Entry:
    """Return the ledger entry of a row, dated as it says: not ahead of now, and now where it says nothing."""
    from ses_bounces.actions.action import MAX_REASON_CHARACTERS
    from ses_bounces.classify.entry import Entry

    reason = f"{action.reason}: {row.reason}" if row.reason else action.reason
    at = min(row.date, now) if row.date else now
    return Entry(kind, key, spelled, at, dedup_key, reason=reason[:MAX_REASON_CHARACTERS])


def _open(name: str, stack: contextlib.ExitStack) -> tuple[IO[bytes], float | None]:
    """Open a file until the stack is closed; ``-`` is stdin. Returns its size too; None: not known."""
    if name == STDIN:
        return sys.stdin.buffer, None
    path = Path(name)
    try:
        return stack.enter_context(path.open("rb")), path.stat().st_size
    except OSError as error:
        raise ActionError(f"{name} can't be read ({error.strerror}). Name a file that is there.") from None
