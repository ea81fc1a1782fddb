"""``ses-bounces erase``: addresses come from a file, from stdin or from a prompt, never from the command line."""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Collection
from pathlib import Path

from ses_bounces.base.exceptions import ActionError
from ses_bounces.shell.check import STDIN
from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.context import actor, database, settings_if_any
from ses_bounces.shell.output import answer
from ses_bounces.shell.results import as_values, by_line, shown_lines


def run(options: argparse.Namespace) -> int:
    """Erase, or tell what names the addresses; answers go by line."""
    from ses_bounces.actions.action import Action
    from ses_bounces.actions.erase import erase

    action = Action(actor(), options.reason, str(uuid.uuid4()))
    texts = _texts(options.file)
    if not texts:
        raise ActionError("There is no address. Give one a line, in a file or on stdin.")
    found = settings_if_any(options)
    with database(options, found) as connection:
        done = erase(connection, action, texts, dry_run=options.dry_run)
    notes = list(done.reports)
    if notes:
        notes.insert(0, "Made before, and not rewritten (drop them, or their files under report_url, if need be):")
    if found is not None and any(_is_protected(text, found.never_block) for text in texts):
        notes.append("The setting never_block spells one of them: take it out of Airflow Variable ses_bounces.")
    told = by_line(done.results)
    lines = shown_lines(options, told)
    changed = "would be emptied" if options.dry_run else "emptied"
    lines += [f"{count:,} {name} {changed}" for name, count in sorted(done.counts.items())]
    value = {
        "dry_run": options.dry_run,
        "results": [
            {"address_id": result.target_id} | value
            for result, value in zip(done.results, as_values(options, told, "line"), strict=True)
        ],
        "counts": dict(done.counts),
        "reports": done.reports,
        "notes": notes,
    }
    answer(options, value, *lines, *notes)
    return LOOK if notes or any(result.outcome == "refused" for result in done.results) else DONE


def _texts(name: str) -> list[str]:
    if name != STDIN:
        try:
            text = Path(name).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            raise ActionError("The file can't be read as UTF-8 text. Name a file that is there.") from None
    else:
        if sys.stdin.isatty():
            sys.stderr.write("One address a line; an empty line, or Ctrl-D, ends them.\n")
            return list(iter(lambda: sys.stdin.readline().strip(), ""))
        text = sys.stdin.read()
    return [line.strip() for line in text.splitlines() if line.strip()]


def _is_protected(text: str, never_block: Collection[str]) -> bool:
    from ses_bounces.classify.address import address_key

    return address_key(text) in never_block
