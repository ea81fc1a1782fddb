"""How long does every query of the administrators' pages take at a million bounced and 300,000 blocked addresses?

``python -m benchmarks.pages`` seeds a database of its own and prints a table; ``--plans`` also writes what Postgres
did, with EXPLAIN (ANALYZE, BUFFERS), to benchmarks/plans/, and fails if a query reads a whole table.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Cost, Stopwatch
from benchmarks.pages_filters import (
    BLOCKED_SORTS,
    BOUNCE_SORTS,
    DIRECTIONS,
    blocked_filters,
    bounce_filters,
    combined_blocks,
    combined_bounces,
)
from benchmarks.pages_plans import write_plans
from benchmarks.pages_seed import seeded
from dev import launcher
from ses_bounces.ledger.lists.blocked import count_blocked, count_causes, list_blocked
from ses_bounces.ledger.lists.bounces import count_bounces, list_bounces
from ses_bounces.ledger.lists.history import address_history, message_body
from ses_bounces.ledger.lists.lookup import lookup
from ses_bounces.ledger.lists.overview import overview
from ses_bounces.ledger.lists.people import waiting_people
from ses_bounces.ledger.lists.quarantine import list_quarantine, quarantine_reasons
from ses_bounces.ledger.lists.reports import report_days
from ses_bounces.ledger.lists.requests import lift_requests

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

ROUNDS = 15
COMBINATIONS = 300


@dataclass
class Query:
    """One query of a page, and what it cost each time."""

    page: str
    name: str
    run: Callable[[Connection], object]
    costs: list[Cost] = field(default_factory=list)

    @property
    def wall_ms(self) -> list[float]:
        """How long it took each time, in milliseconds."""
        return [cost.wall * 1_000 for cost in self.costs]

    @property
    def cpu_ms(self) -> float:
        """The CPU time of Postgres, in milliseconds, the median: other work on the machine is not in it."""
        return statistics.median(cost.backend_cpu * 1_000 for cost in self.costs)


def queries(connection: Connection, combinations: int) -> Iterator[Query]:
    """Yield every query of every page: each filter and some together, in every order, also from the middle."""
    for name, bounces in bounce_filters().items():
        yield Query("bounces, count", name, lambda c, f=bounces: count_bounces(c, f))
        for sort in BOUNCE_SORTS:
            for direction in DIRECTIONS:
                yield from _pages(connection, "bounces", name, list_bounces, bounces, sort, direction)
    for name, bounces, sort, direction in combined_bounces(combinations):
        name = f"{name}: {_words(bounces)}"
        yield Query("bounces, combinations, count", name, lambda c, f=bounces: count_bounces(c, f))
        page = "bounces, combinations"
        yield from _pages(connection, page, name, list_bounces, bounces, sort, direction)
    for name, blocked in blocked_filters().items():
        yield Query("blocked, count", name, lambda c, f=blocked: count_blocked(c, f))
        for sort in BLOCKED_SORTS:
            for direction in DIRECTIONS:
                yield from _pages(connection, "blocked", name, list_blocked, blocked, sort, direction)
    for name, blocked, sort, direction in combined_blocks(combinations):
        name = f"{name}: {_words(blocked)}"
        yield Query("blocked, combinations, count", name, lambda c, f=blocked: count_blocked(c, f))
        page = "blocked, combinations"
        yield from _pages(connection, page, name, list_blocked, blocked, sort, direction)
    yield from _others(connection)


def _words(filter_: object) -> str:
    return ", ".join(f"{name} {value}" for name, value in vars(filter_).items() if value is not None)


def _others(connection: Connection) -> Iterator[Query]:
    yield Query("history", "of an address", lambda c: address_history(c, 4_242))
    near = connection.execute(
        "SELECT m.message_id, m.received_at + interval '20 minutes' FROM ses_bounces.message m"
        " ORDER BY m.received_at LIMIT 1"
    ).fetchone()
    assert near is not None
    yield Query("history", "a raw message", lambda c: message_body(c, *near))
    yield Query("history", "a raw message that is gone", lambda c: message_body(c, 10**12, near[1]))
    yield Query("quarantine", "reasons", quarantine_reasons)
    yield Query("quarantine", "newest", list_quarantine)
    yield Query("quarantine", "of a frequent reason", lambda c: list_quarantine(c, reason="reason 4"))
    yield Query("quarantine", "of a rare reason", lambda c: list_quarantine(c, reason="reason 1"))
    yield Query("overview", "all numbers", overview)
    yield Query("blocked, totals", "by cause", count_causes)
    yield Query("reports", "the days", report_days)
    yield Query("lifts", "the newest", lift_requests)
    yield Query("people", "who wait", lambda c: waiting_people(c, 500))
    texts = [f"ada.adler{n}@gmail.com" for n in range(10_000)]
    yield Query("lookup", "10,000 addresses", lambda c: lookup(c, texts))
    yield Query("lookup", "one address", lambda c: lookup(c, texts[:1]))


def _pages(
    connection: Connection, page: str, name: str, read: Any, filter_: Any, sort: str, direction: str
) -> Iterator[Query]:
    def at(after: str | None) -> Callable[[Connection], object]:
        return lambda c: read(c, filter_, sort, direction, after, 50)

    order = f"{name}, by {sort} {direction}"
    yield Query(page, order, at(None))
    after = None
    for _ in range(3):
        after = read(connection, filter_, sort, direction, after, 500).after
        if after is None:
            return
    yield Query(page, f"{order}, page 31", at(after))


def measure(found: list[Query], connection: Connection, rounds: int) -> None:
    """Run everything some times in turn, so that no query has the cache for itself."""
    for _ in range(rounds):
        for query in found:
            stopwatch = Stopwatch(connection.info.backend_pid)
            query.run(connection)
            query.costs.append(stopwatch.cost())


def show(found: list[Query], console: Console, shown: int) -> None:
    """Print the slowest queries of each page."""
    table = Table(title="Queries of the pages, milliseconds")
    table.add_column("page")
    table.add_column("query", overflow="fold")
    for column in ("median", "p95", "CPU of Postgres"):
        table.add_column(column, justify="right")
    for page in dict.fromkeys(query.page for query in found):
        of_page = sorted((query for query in found if query.page == page), key=lambda query: -query.cpu_ms)
        for query in of_page[:shown]:
            numbers = (statistics.median(query.wall_ms), percentile(query.wall_ms, 95), query.cpu_ms)
            table.add_row(page, query.name, *(f"{number:.1f}" for number in numbers))
        cpus = [query.cpu_ms for query in of_page]
        text = f"all {len(of_page)}: CPU median {statistics.median(cpus):.1f}, p95 {percentile(cpus, 95):.1f}"
        table.add_row(page, text, "", "", f"{max(cpus):.1f}")
        table.add_section()
    console.print(table)


def percentile(times: list[float], percent: int) -> float:
    """Return a percentile, of the values themselves: as many per cent of them are not above it."""
    return sorted(times)[math.ceil(len(times) * percent / 100) - 1]


def main() -> None:
    """Seed, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the database (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs of each query (default: %(default)s)")
    parser.add_argument("--plans", action="store_true", help="write what Postgres did to benchmarks/plans/")
    parser.add_argument("--data", type=Path, help="keep the seeded database here, and use what is there")
    parser.add_argument("--shown", type=int, default=12, help="rows for each page (default: %(default)s)")
    parser.add_argument(
        "--combinations", type=int, default=COMBINATIONS, help="random filters of each list (default: %(default)s)"
    )
    arguments = parser.parse_args()
    launcher.keep_temporary_files()
    console = Console()
    with seeded(arguments.scale, arguments.data, console) as (_, connection):
        found = list(queries(connection, arguments.combinations))
        if arguments.rounds:
            load = psutil.getloadavg()[0]
            measure(found, connection, arguments.rounds)
            console.print(f"{len(found)} queries, {arguments.rounds} times; load {load:.1f} at first")
            show(found, console, arguments.shown)
        faults = (
            write_plans([(query.page, query.name, query.run) for query in found], connection, console)
            if arguments.plans
            else []
        )
    for fault in faults:
        console.print(f"[bold red]{fault}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
