"""``ses-bounces import blocked``: a blocked list that was kept elsewhere, with its reasons and dates.

Every line becomes one entry of the ledger, dated as the file says. The same line again is the same entry: a run that
was killed is gone on with, and the same file, or a later export, changes nothing of what is there.
"""

from __future__ import annotations

import argparse
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ses_bounces.actions.columns import NO_ADDRESS, Columns
from ses_bounces.base.exceptions import ActionError
from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.context import actor
from ses_bounces.shell.import_columns import Row
from ses_bounces.shell.import_file import Refused, entry_of, read_files
from ses_bounces.shell.output import answer

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.classify.entry import Entry

# A transient problem has a deadline of its own, which no list has.
TAKEN_OVER = ("permanent_bounce", "complaint", "unsubscribed", "stop_request", "ses_suppression")
# What others call them, without spaces, underscores and case; also what our own export calls them.
KNOWN = {
    "permanentbounce": "permanent_bounce",
    "permanent": "permanent_bounce",
    "bounced": "permanent_bounce",
    "hardbounced": "permanent_bounce",
    "hard": "permanent_bounce",
    "cleaned": "permanent_bounce",
    "expiredtransient": "permanent_bounce",
    "bounce": "permanent_bounce",
    "hardbounce": "permanent_bounce",
    "invalid": "permanent_bounce",
    "invalidemail": "permanent_bounce",
    "complaint": "complaint",
    "spamcomplaint": "complaint",
    "spamreport": "complaint",
    "spamreported": "complaint",
    "complained": "complaint",
    "contactflaggedasspam": "complaint",
    "spam": "complaint",
    "abuse": "complaint",
    "unsubscribe": "unsubscribed",
    "unsubscribed": "unsubscribed",
    "unsubscription": "unsubscribed",
    "listunsubscribe": "unsubscribed",
    "stoprequest": "stop_request",
    "manual": "stop_request",
    "manualsuppression": "stop_request",
    "optout": "stop_request",
    "optedout": "stop_request",
    "sessuppression": "ses_suppression",
}
UNKNOWN = "the reason is not known: map it with --map, or name one for all others with --cause"
NO_REASON = "no reason is given: name its column with --reason-column, or one cause for all with --cause"


@dataclass
class Imported(Refused):
    """What became of the lines: ``new`` entries by cause, and those that were there ``already``.

    ``blocked``: addresses and causes that block now; fewer than ``new`` where a later lift counts, or never_block.
    """

    new: Counter[str] = field(default_factory=Counter)
    already: int = 0
    blocked: int = 0


def run(options: argparse.Namespace) -> int:
    """Import the file, or tell what would be imported."""
    from ses_bounces.actions.action import Action

    action = Action(actor(), options.reason, str(uuid.uuid4()))
    mapped = dict(_mapping(pair) for pair in options.map)
    done = Imported()

    def take(connection: Connection, rows: list[Row]) -> None:
        entries = list(_entries(action, rows, mapped, options.cause, done))
        if options.dry_run:
            _try(connection, entries, done)
        else:
            _write(connection, action.actor, entries, done)

    def is_reason(text: str) -> bool:
        return _plain(text) in mapped or _plain(text) in KNOWN

    read_files(options, Columns(options.address_column, options.reason_column, options.date_column, is_reason), take)
    told = {"dry_run": options.dry_run, "new": dict(done.new), "already": done.already, "blocked": done.blocked}
    verb = "would be recorded" if options.dry_run else f"recorded, {done.blocked} block an address now"
    answer(
        options,
        told | done.told(),
        *done.shown(),
        *(f"{count:>9,}  {cause}" for cause, count in done.new.items()),
        done.total(done.new.total(), verb, done.already),
    )
    return LOOK if done.refused else DONE


def _mapping(pair: str) -> tuple[str, str]:
    text, _, cause = pair.rpartition("=")
    if not text or cause not in TAKEN_OVER:
        raise ActionError(f"--map is {pair!r}; it must be TEXT=CAUSE with a cause of {', '.join(TAKEN_OVER)}.")
    return _plain(text), cause


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def _entries(
    action: Any, rows: list[Row], mapped: Mapping[str, str], default: str | None, done: Imported
) -> Iterator[Entry]:
    from datetime import UTC, datetime

    from ses_bounces.classify.address import address_key
    from ses_bounces.classify.entry import digest

    now = datetime.now(UTC)
    for row in rows:
        if done.passed_over(row):
            continue
        key, cause = address_key(row.address), mapped.get(_plain(row.reason)) or KNOWN.get(_plain(row.reason), default)
        if key is None:
            done.refuse(row, NO_ADDRESS)
        elif cause is None:
            done.refuse(row, UNKNOWN if row.reason else NO_REASON)
        else:
            dedup_key = digest("import", "blocked", cause, key, row.date.isoformat() if row.date else "")
            yield entry_of(action, row, cause, key, row.address.strip(), dedup_key, now)


def _try(connection: Connection, entries: list[Entry], done: Imported) -> None:
    from ses_bounces.base.database.connection import quiet
    from ses_bounces.ledger.registry import recorded_keys

    by_key = {entry.dedup_key: entry.kind for entry in entries}
    with quiet():
        there = recorded_keys(connection, by_key)
    done.new += Counter(kind for key, kind in by_key.items() if key not in there)
    done.already += len(entries) - len(by_key) + len(there)


def _write(connection: Connection, who: str, entries: list[Entry], done: Imported) -> None:
    from ses_bounces.base.database.connection import quiet
    from ses_bounces.ledger.writing import writing

    if not entries:
        return
    with quiet(), writing(connection) as writer:
        writer.append(((entry, None) for entry in entries), who)
    new = Counter({cause: writer.changes.entries[cause] for cause in TAKEN_OVER if writer.changes.entries[cause]})
    done.new += new
    done.already += len(entries) - sum(new.values())
    done.blocked += sum(writer.changes.blocked.values())
