"""How the shell answers about a change: a line for each argument, address or message, and what became of it."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ses_bounces.actions.action import Result

# What a dry run says instead of "done".
PLANNED = "planned"


class Told(NamedTuple):
    """What became of one: ``what`` names it, and is no address; ``outcome``: done, already or refused."""

    what: str | int | None
    outcome: str
    message: str


def by_line(results: Iterable[Result]) -> list[Told]:
    """Return results by the number of their line."""
    return [Told(result.line, result.outcome, result.message) for result in results]


def shown_lines(options: argparse.Namespace, told: Iterable[Told]) -> list[str]:
    """Return the lines of an answer in words."""
    return [
        f"{what}: {message}" if options.dry_run and outcome == "done" else f"{what}: {outcome}: {message}"
        for what, outcome, message in told
    ]


def as_values(options: argparse.Namespace, told: Iterable[Told], name: str = "what") -> list[dict[str, Any]]:
    """Return the answers for programs."""
    return [
        {
            name: what,
            "outcome": PLANNED if options.dry_run and outcome == "done" else outcome,
            "message": message,
        }
        for what, outcome, message in told
    ]


def total(options: argparse.Namespace, told: Iterable[Told]) -> str:
    """Return the last line of an answer in words."""
    counts: Counter[str] = Counter(outcome for _, outcome, _ in told)
    done = "would be done" if options.dry_run else "done"
    return f"{counts['done']:,} {done}, {counts['already']:,} already so, {counts['refused']:,} refused."
