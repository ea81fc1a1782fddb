"""``ses-bounces check``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.context import database
from ses_bounces.shell.output import answer, progress

if TYPE_CHECKING:
    from ses_bounces.ledger.lists.checked import Checked

STDIN = "-"


def given(addresses: Iterable[str]) -> list[str]:
    """Return the addresses of the arguments; ``-`` stands for those on stdin, one a line."""
    found: list[str] = []
    for address in addresses:
        if address == STDIN:
            found += [line.strip() for line in sys.stdin if line.strip()]
        else:
            found.append(address)
    return found


def run(options: argparse.Namespace) -> int:
    """Tell of each address whether it is blocked and why, transient until when, or being lifted."""
    from ses_bounces.classify.mailboxes import mailboxes
    from ses_bounces.ledger.lists.checked import check_keys
    from ses_bounces.ledger.lists.lookup import MAX_ADDRESSES, read_keys

    texts: list[str] = []
    for text in given(options.addresses):
        read = mailboxes(text)
        # A part that is unclear is told about as well.
        texts += [*read.addresses, text] if read.unclear or not read.addresses else read.addresses
    answers: list[Checked] = []
    with database(options) as connection, progress("Asking", len(texts)) as tell:
        for start in range(0, len(texts), MAX_ADDRESSES):
            for some in check_keys(connection, read_keys(texts[start : start + MAX_ADDRESSES])):
                answers += some
                tell(len(answers))
    pairs = list(zip(texts, answers, strict=True))
    answer(options, [_as_json(*pair) for pair in pairs], *(f"{text}: {found.words}" for text, found in pairs))
    return DONE if all(found.is_address and not found.is_blocked for found in answers) else LOOK


def _as_json(text: str, found: Checked) -> dict[str, Any]:
    return {
        "given": text,
        "is_address": found.is_address,
        "is_blocked": found.is_blocked,
        "state": found.state,
        "reasons": found.reasons,
        "is_transient": found.is_transient,
        "transient_until": found.transient_until,
        "lifting_since": found.lifting_since,
        "lifting": found.lifting,
    }
