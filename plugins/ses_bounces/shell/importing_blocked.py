"""``ses-bounces import blocked``: a blocked list that was kept elsewhere, with its reasons and dates.

Every line becomes one entry of the ledger, dated as the file says. The same line again is the same entry: a run that
was killed is gone on with, and the same file, or a later export, changes nothing of what is there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from ses_bounces.exceptions import ActionError
from ses_bounces.shell.columns import Columns, Row, dated, rows_of
from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.importing import PROBLEMS_SHOWN, ROWS_AT_ONCE, open_file
from ses_bounces.shell.output import answer, progress
from ses_bounces.shell.places import actor, database

if TYPE_CHECKING:
    from ses_bounces.database.connection import Connection
    from ses_bounces.entry import Entry

# A transient problem has a deadline of its own, which no list has.
TAKEN_OVER = ("permanent_bounce", "complaint", "unsubscribed", "stop_request", "ses_suppression")
# What others call them, without spaces, underscores and case; also what our own export calls them.
KNOWN = {
    "permanentbounce": "permanent_bounce",
    "expiredtransient": "permanent_bounce",
    "bounce": "permanent_bounce",
    "hardbounce": "permanent_bounce",
    "invalid": "permanent_bounce",
    "invalidemail": "permanent_bounce",
    "complaint": "complaint",
    "spamcomplaint": "complaint",
    "spamreport": "complaint",
    "spam": "complaint",
    "abuse": "complaint",
    "unsubscribe": "unsubscribed",
    "unsubscribed": "unsubscribed",
    "stoprequest": "stop_request",
    "manual": "stop_request",
    "manualsuppression": "stop_request",
    "optout": "stop_request",
    "sessuppression": "ses_suppression",
}
UNKNOWN = "the reason is not known: map it with --map, or name one for all others with --cause"
_SES = "SuppressedDestinationSummaries"


@dataclass
class Imported:
    """What became of the lines: ``new`` entries by cause, those that were there ``already``, lines ``refused``.

    ``blocked``: addresses and causes that block now; fewer than ``new`` where a later lift counts, or never_block.
    """

    new: Counter[str] = field(default_factory=Counter)
    already: int = 0
    blocked: int = 0
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
    mapped = dict(_mapping(pair) for pair in options.map)
    done = Imported()
    with contextlib.ExitStack() as stack:
        file, size = open_file(options.file, stack)
        connection = stack.enter_context(database(options))
        tell = stack.enter_context(progress("Importing", size, unit="bytes"))
        rows = _rows(file, options)
        while chunk := list(islice(rows, ROWS_AT_ONCE)):
            entries = list(_entries(action, chunk, mapped, options.cause, done))
            if options.dry_run:
                _try(connection, entries, done)
            else:
                _write(connection, action.actor, entries, done)
            tell(chunk[-1].position)
    refused = sum(done.problems.values())
    told = {"dry_run": options.dry_run, "new": dict(done.new), "already": done.already, "blocked": done.blocked}
    told |= {"refused": refused, "problems": dict(done.problems), "lines": dict(done.lines)}
    lines = [f"line {line}: {why}" for line, why in done.lines]
    if refused > len(done.lines):
        lines.append(f"… and {refused - len(done.lines)} more")
    lines += [f"{count:>9,}  {cause}" for cause, count in done.new.items()]
    verb = "would be recorded" if options.dry_run else f"recorded, {done.blocked} block an address now"
    total = sum(done.new.values())
    answer(options, told, *lines, f"{total} {verb}; {done.already} were there already; {refused} lines refused.")
    return LOOK if refused else DONE


def _mapping(pair: str) -> tuple[str, str]:
    text, _, cause = pair.rpartition("=")
    if not text or cause not in TAKEN_OVER:
        raise ActionError(f"--map is {pair!r}; it must be TEXT=CAUSE with a cause of {', '.join(TAKEN_OVER)}.")
    return _plain(text), cause


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def _rows(file: IO[bytes], options: argparse.Namespace) -> Iterator[Row]:
    """Yield the rows of a CSV file, or of what ``aws sesv2 list-suppressed-destinations`` prints."""
    head = file.peek(64) if hasattr(file, "peek") else b""
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return rows_of(file, Columns(options.address_column, options.reason_column, options.date_column))
    try:
        entries = json.load(file)[_SES]
        listed = [(str(e["EmailAddress"]), str(e["Reason"]), str(e["LastUpdateTime"])) for e in entries]
    except (ValueError, KeyError, TypeError):
        raise ActionError(f"The file is JSON, but not a list of {_SES} as the AWS CLI prints it.") from None
    return (dated(Row(line, address, reason), moment) for line, (address, reason, moment) in enumerate(listed, 1))


def _entries(
    action: Any, rows: list[Row], mapped: Mapping[str, str], default: str | None, done: Imported
) -> Iterator[Entry]:
    from datetime import UTC, datetime

    from ses_bounces.actions import MAX_REASON_CHARACTERS
    from ses_bounces.address import address_key
    from ses_bounces.aws.suppression import digest
    from ses_bounces.entry import Entry

    now = datetime.now(UTC)
    for row in rows:
        if row.problem is not None:
            done.refuse(row.line, row.problem)
            continue
        key, cause = address_key(row.address), mapped.get(_plain(row.reason)) or KNOWN.get(_plain(row.reason), default)
        if key is None:
            done.refuse(row.line, "not an e-mail address")
        elif cause is None:
            done.refuse(row.line, UNKNOWN)
        else:
            reason = f"{action.reason}: {row.reason}" if row.reason else action.reason
            dedup = digest("import", "blocked", cause, key, row.date.isoformat() if row.date else "")
            at = min(row.date, now) if row.date else now
            yield Entry(cause, key, row.address.strip(), at, dedup, reason=reason[:MAX_REASON_CHARACTERS])


def _try(connection: Connection, entries: list[Entry], done: Imported) -> None:
    from ses_bounces.database.connection import quiet

    query = (
        "SELECT e.dedup_key FROM ses_bounces.address_event e WHERE e.dedup_key = ANY (%s) AND e.superseded_at IS NULL"
    )
    by_key = {entry.dedup_key: entry.kind for entry in entries}
    with quiet():
        there = {bytes(key) for (key,) in connection.execute(query, [list(by_key)])}
    done.new += Counter(kind for key, kind in by_key.items() if key not in there)
    done.already += len(entries) - len(by_key) + len(there)


def _write(connection: Connection, who: str, entries: list[Entry], done: Imported) -> None:
    from ses_bounces.database.connection import quiet
    from ses_bounces.ledger import writing

    if not entries:
        return
    with quiet(), writing(connection) as writer:
        writer.append(((entry, None) for entry in entries), who)
    new = Counter({cause: writer.changes.entries[cause] for cause in TAKEN_OVER if writer.changes.entries[cause]})
    done.new += new
    done.already += len(entries) - sum(new.values())
    done.blocked += sum(writer.changes.blocked.values())
