"""``ses-bounces check``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import Any

from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.context import database
from ses_bounces.shell.output import answer, progress

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
    """Tell of each address whether it is blocked, and why."""
    from ses_bounces.ledger.lists.lookup import MAX_ADDRESSES, LookedUp, lookup

    texts = given(options.addresses)
    answers: list[LookedUp] = []
    with database(options) as connection, progress("Asking", len(texts)) as tell:
        for start in range(0, len(texts), MAX_ADDRESSES):
            answers += lookup(connection, texts[start : start + MAX_ADDRESSES])
            tell(len(answers))
    pairs = list(zip(texts, answers, strict=True))
    answer(options, [_as_json(*pair) for pair in pairs], *(_in_words(*pair) for pair in pairs))
    return DONE if all(found.is_address and not found.is_blocked for found in answers) else LOOK


def _as_json(text: str, found: Any) -> dict[str, Any]:
    return {
        "given": text,
        "is_address": found.is_address,
        "is_blocked": found.is_blocked,
        "reasons": found.reasons,
    }


def _in_words(text: str, found: Any) -> str:
    if not found.is_address:
        return f"{text}: not an e-mail address"
    causes = ", ".join(
        f"{cause.replace('_', ' ')} since {since:%Y-%m-%d %H:%M} UTC" for cause, since in found.reasons.items()
    )
    if found.is_blocked:
        return f"{text}: blocked ({causes})"
    return f"{text}: not blocked" + (f" (observe mode; else: {causes})" if causes else "")
