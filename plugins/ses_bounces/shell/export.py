"""``ses-bounces export``: a list as CSV, the same as the pages' download, or as one JSON object a line."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ses_bounces.base.exceptions import ActionError
from ses_bounces.shell.command import DONE
from ses_bounces.shell.context import database
from ses_bounces.shell.output import plain, progress, stream

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.ledger.lists.engine.paging import Page

_ROWS_AT_ONCE = 500


def run(options: argparse.Namespace) -> int:
    """Write the list."""
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(database(options))
        lines, total = _lines(connection, options)
        if options.output is None:
            stream().reconfigure(newline="")  # type: ignore[attr-defined]
            for line in lines:
                stream().write(line)
            stream().flush()
            return DONE
        tell = stack.enter_context(progress("Exporting", total, unit="lines"))
        write_whole(options.output, lines, tell)
    return DONE


def write_whole(name: str, lines: Iterable[str], tell: Callable[[float], None] = lambda _: None) -> None:
    """Write a file for the eyes of its owner only; it is there when it is whole, and what was there stays until then.

    :param tell: told how many lines are written.
    :raises ActionError: it can't be written.
    """
    whole = Path(name)
    part = whole.with_name(f"{whole.name}.part")
    try:
        # Nobody else's to read: it is a list of addresses.
        part.unlink(missing_ok=True)
        part.touch(0o600)
        with part.open("w", encoding="utf-8", newline="") as file:
            for number, line in enumerate(lines):
                file.write(line)
                tell(number)
        part.replace(whole)
    except OSError as error:
        raise ActionError(f"{whole} can't be written ({error.strerror}).") from None
    finally:
        part.unlink(missing_ok=True)


def _lines(connection: Connection, options: argparse.Namespace) -> tuple[Iterator[str], float | None]:
    """Return the lines to write, and about how many they are; None: more than is counted."""
    from ses_bounces.ledger.lists.blocked import BlockedFilter, count_blocked, list_blocked, stream_blocked
    from ses_bounces.ledger.lists.bounces import BounceFilter, count_bounces, list_bounces, stream_bounces

    if options.what == "blocked" and (options.as_of or options.known_at):
        return _as_of(connection, options), None
    if options.what == "blocked":
        blocked = BlockedFilter(options.state, options.kind, options.since, options.until, text=options.text or None)
        count = count_blocked(connection, blocked)
        total = None if count.is_more else float(count.number)
        if options.json:
            return _json(lambda after: list_blocked(connection, blocked, after=after, limit=_ROWS_AT_ONCE)), total
        return stream_blocked(connection, blocked), total
    bounces = BounceFilter(
        options.state, options.kind, bounced_from=options.since, bounced_to=options.until, text=options.text or None
    )
    count = count_bounces(connection, bounces)
    total = None if count.is_more else float(count.number)
    if options.json:
        return _json(lambda after: list_bounces(connection, bounces, after=after, limit=_ROWS_AT_ONCE)), total
    return stream_bounces(connection, bounces), total


def _as_of(connection: Connection, options: argparse.Namespace) -> Iterator[str]:
    from ses_bounces.ledger.lists.csv_lines import write_table
    from ses_bounces.report.as_of import REPORT_COLUMNS, blocked_as_of

    if options.as_of is None:
        raise ActionError("--known-at needs --as-of: the time for which you want to know who was blocked.")
    if options.state != "open" or options.since or options.until or options.text:
        raise ActionError("--as-of goes with --reason only: leave out --state, --since, --until and --text.")
    rows = blocked_as_of(connection, options.as_of, options.known_at, options.kind)
    if not options.json:
        return write_table(REPORT_COLUMNS, rows)
    return (f"{json.dumps(dict(zip(REPORT_COLUMNS, row, strict=True)), ensure_ascii=False)}\n" for row in rows)


def _json(page: Callable[[str | None], Page[Any]]) -> Iterator[str]:
    after = None
    while True:
        found = page(after)
        for row in found.rows:
            yield f"{json.dumps(dataclasses.asdict(row), default=plain, ensure_ascii=False)}\n"
        if found.after is None:
            return
        after = found.after
