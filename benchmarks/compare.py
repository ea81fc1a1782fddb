"""What does this checkout cost beside another revision: ``python -m benchmarks compare REVISION``.

The other revision gets a worktree below ``build/compare``, an environment of its own and a database of the same seed,
and both do the same in turns. What counts is CPU time, bytes of log and sizes, as a ratio in each pair; the table has
the median of the pairs, and the interval in which it lies with 95 % probability.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.table import Table

from benchmarks.external import REPOSITORY, environment, output
from benchmarks.showing import machine, markdown, reached

WORKTREES = REPOSITORY / "build" / "compare"
WORKER = Path(__file__).with_name("compare_worker.py")
# What is done in turns, by what it is called: how it is asked for, and the aim of each figure's ratio.
WORK: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "bounce of a new address, empty database": (
        {"what": "bounces", "known": 0.0, "ledger": "empty"}, {"cpu": "≤ 0.7", "wal": ""},
    ),
    "bounce of a new address": ({"what": "bounces", "known": 0.0}, {"cpu": "≤ 0.7", "wal": ""}),
    "bounce, half of known addresses": ({"what": "bounces", "known": 0.5}, {"cpu": "≤ 0.7", "wal": ""}),
    "bounce of a known address": ({"what": "bounces", "known": 1.0}, {"cpu": "≤ 0.7", "wal": "≤ 0.6"}),
    "delivery": ({"what": "deliveries", "ledger": "empty"}, {"cpu": "", "wal": ""}),
}  # fmt: skip
FIGURES = {"cpu": ("CPU, with Postgres's, µs", 1e6), "wal": ("bytes of log", 1.0)}


class Side:
    """One of the two: a worker process in a checkout."""

    def __init__(self, checkout: Path, entries: int) -> None:
        self._process = subprocess.Popen(
            [checkout / ".venv" / "bin" / "python", WORKER, str(entries)],
            cwd=checkout, env=environment() | {"PATH": f"{checkout / '.venv' / 'bin'}:/usr/local/bin:/usr/bin:/bin"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # It ends by itself, and takes its server along.
        self._process.communicate()

    def answer(self) -> dict[str, float]:
        """Wait for the next answer.

        :raises RuntimeError: the worker ended; what it said is on standard error.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(map(str, self._process.args))} ended")  # type: ignore[arg-type]
        answer: dict[str, float] = json.loads(line)
        return answer

    def do(self, task: str, **asked: Any) -> dict[str, float]:
        """Have it do one thing, and return the figures."""
        assert self._process.stdin is not None
        print(json.dumps({"do": task, **asked}), file=self._process.stdin, flush=True)
        return self.answer()


def checkout_of(revision: str) -> Path:
    """Return a checkout of a revision with its environment; both are made once, and kept."""
    name = output(["git", "rev-parse", "--short", f"{revision}^{{commit}}"]).strip()
    place = WORKTREES / name
    if not place.exists():
        output(["git", "worktree", "add", "--force", "--detach", str(place), name])
    output([sys.executable, "dev/environment.py", "test"], cwd=place)
    return place


def interval(ratios: list[float]) -> tuple[float, float]:
    """Return between which of the ratios their true median lies with a probability of 95 %, whatever they are like."""
    ordered, count = sorted(ratios), len(ratios)
    place, outside = 0, 0.0
    while place < (count - 1) // 2:
        outside += 2 * math.comb(count, place) / 2**count
        if outside > 0.05:
            break
        place += 1
    place = max(place - 1, 0)
    return ordered[place], ordered[-1 - place]


def table(revision: str, entries: int, messages: int, pairs: int) -> Table:
    """Do everything in turns, and return the figures side by side."""
    shown = Table(
        title=f"This checkout beside {revision}: ledger of {entries:,} entries, {messages:,} messages at a time"
    )
    for column in ("", "ours", revision, "ratio", "interval", "aim", "reached"):
        shown.add_column(column, justify="left" if not column else "right")
    with ExitStack() as stack:
        ours, other = (stack.enter_context(Side(place, entries)) for place in (REPOSITORY, checkout_of(revision)))
        for side in (ours, other):
            side.answer()
        sizes = ours.do("size")["bytes"], other.do("size")["bytes"]
        add(shown, "bytes of an entry with its indexes", [sizes[0]], [sizes[1]], "≤ 0.75")
        found = _in_turns(ours, other, messages, pairs)
    for what, (_, aims) in WORK.items():
        for figure, aim in aims.items():
            named, unit = FIGURES[figure]
            add(
                shown,
                f"{what}: {named}",
                *([unit * pair[side][figure] for pair in found[what]] for side in (0, 1)),
                aim,
            )
    each = [
        [bounce[side]["cpu"] / delivery[side]["cpu"] for side in (0, 1)]
        for bounce, delivery in zip(found["bounce of a new address, empty database"], found["delivery"], strict=True)
    ]
    add(shown, "deliveries for the CPU of one bounce", *([pair[side] for pair in each] for side in (0, 1)))
    return shown


def _in_turns(
    ours: Side, other: Side, messages: int, pairs: int
) -> dict[str, list[tuple[dict[str, float], dict[str, float]]]]:
    """Return the figures of each pair by what was done: first ours, then the other's."""
    found: dict[str, list[tuple[dict[str, float], dict[str, float]]]] = {what: [] for what in WORK}
    # The first turn reads what was never read, and imports: it is not counted.
    for number in range(pairs + 1):
        for what, (asked, _) in WORK.items():
            order = (ours, other) if number % 2 else (other, ours)
            figures = {side: side.do("classify", number=number, messages=messages, **asked) for side in order}
            if number:
                found[what].append((figures[ours], figures[other]))
    return found


def add(shown: Table, what: str, ours: list[float], other: list[float], aim: str = "") -> None:
    """Add a row: medians, the median of the ratios, and its interval."""
    ratios = [a / b for a, b in zip(ours, other, strict=True)]
    middle, (low, high) = statistics.median(ratios), interval(ratios)
    shown.add_row(
        what, f"{statistics.median(ours):,.4g}", f"{statistics.median(other):,.4g}", f"{middle:.2f}",
        f"{low:.2f}–{high:.2f}" if len(ratios) > 1 else "", aim, reached(middle, aim),
    )  # fmt: skip


def main(arguments: list[str]) -> None:
    """Compare, and print the table; ``--keep FILE`` writes it as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks compare", description=__doc__)
    parser.add_argument("revision", help="what git knows it by")
    parser.add_argument("--entries", type=int, default=1_000_000, help="of each ledger (default: %(default)s)")
    parser.add_argument("--messages", type=int, default=10_000, help="at a time (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=9, help="how often each has its turn (default: %(default)s)")
    parser.add_argument("--keep", type=Path, help="a file for the table")
    asked = parser.parse_args(arguments)
    console = Console(width=150)
    console.print(machine())
    shown = table(asked.revision, asked.entries, asked.messages, asked.pairs)
    console.print(shown)
    if asked.keep:
        asked.keep.write_text(f"{machine()}, {asked.pairs} pairs.\n\n{markdown(shown)}")
