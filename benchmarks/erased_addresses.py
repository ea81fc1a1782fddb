"""What looking for erased addresses costs a message: CPU time that grows with the length of the body, and no faster.

None of it happens while other writers wait, except for bodies in which one is found.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.showing import add, add_limit, comparison
from dev import notifications
from ses_bounces.ledger.erased.candidates import keys_in

if TYPE_CHECKING:
    from rich.table import Table

SIZES = (64 * 1024, 256 * 1024, 1024 * 1024)
ROUNDS = 5
# Milliseconds for a body with up to 500 addresses, and for a megabyte of nothing else.
USUAL_MILLISECONDS = 50
MOST_MILLISECONDS = 1_000

_FILLED: dict[str, Callable[[int], str]] = {
    "plain characters": lambda size: "x" * size + "@",
    "backslashes": lambda size: "\\" * size + "@",
    "addresses": lambda size: "".join(f"user{number}@example.com " for number in range(size // 22)),
    "unsubscribe links": lambda size: "".join(
        f"https://news.example.com/u?t={number:040x}%3D&m=user{number}%40example.com " for number in range(size // 92)
    ),
}


def table(sizes: tuple[int, ...] = SIZES, rounds: int = ROUNDS) -> Table:
    """Measure each kind of body at each size, beside the size before."""
    shown = comparison("Erased addresses looked for: CPU ms a body", "a quarter of its size")
    event = notifications.bounce(
        "b", ("Permanent", "General"), [f"user{number}@example.com" for number in range(500)],
        datetime(2026, 1, 10, tzinfo=UTC),
    )  # fmt: skip
    add_limit(shown, "bounce of 500 recipients", _cpu(json.dumps(event), rounds), USUAL_MILLISECONDS, "ms")
    for name, fill in _FILLED.items():
        spent = [_cpu(fill(size), rounds) for size in sizes]
        for smaller, larger, size in zip(spent, spent[1:], sizes[1:], strict=False):
            # Four times the size; a quadratic search would take sixteen times as long.
            add(shown, f"{name}, {size // 1024} KiB", larger, smaller, "≤ 6", ",.1f")
        add_limit(shown, f"{name}, {sizes[-1] // 1024} KiB", spent[-1], MOST_MILLISECONDS, "ms")
    return shown


def _cpu(body: str, rounds: int) -> float:
    def once() -> float:
        began = time.process_time()
        keys_in(body)
        return (time.process_time() - began) * 1_000

    return statistics.median(once() for _ in range(rounds))
