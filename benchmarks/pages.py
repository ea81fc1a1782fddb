"""How long does every query of the administrators' pages take at a million bounced and 300,000 blocked addresses?

``python -m benchmarks.pages`` seeds a database of its own and prints a table; ``--plans`` also writes what Postgres
did, with EXPLAIN (ANALYZE, BUFFERS), to benchmarks/plans/.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from benchmarks.pages_seed import seeded
from ses_bounces import lists
from ses_bounces.lists import BlockedFilter, BounceFilter

if TYPE_CHECKING:
    from ses_bounces.database.connection import Connection

ROUNDS = 15
AIM_MS = 50
PLANS = Path(__file__).parent / "plans"
# No page may read one of these from beginning to end.
BIG = ("bounce_list", "blocked_list", "address_event", "address", "message", "address_search")


@dataclass
class Query:
    """One query of a page, and how long it took, in milliseconds."""

    page: str
    name: str
    run: Callable[[Connection], object]
    times: list[float] = field(default_factory=list)


def queries(connection: Connection) -> Iterator[Query]:
    """Yield every query of every page: each filter and some together, in every order, also from the middle."""
    now = datetime.now(UTC)
    bounce_filters = {
        "open": BounceFilter(),
        "closed": BounceFilter(state="closed"),
        **{f"kind {kind}": BounceFilter(kind=kind) for kind in ("transient", "permanent", "complaint", "suppressed")},
        "subtype, frequent": BounceFilter(sub_type="MailboxFull"),
        "subtype, rare": BounceFilter(sub_type="NoEmail"),
        "subtype, none": BounceFilter(sub_type="Nothing"),
        "configuration set": BounceFilter(configuration_set="newsletter"),
        "configuration set and kind": BounceFilter(configuration_set="newsletter", kind="complaint"),
        "due in 2 days": BounceFilter(days_left_min=0, days_left_max=2),
        "a day": BounceFilter(bounced_from=now - timedelta(days=30), bounced_to=now - timedelta(days=29)),
        "an hour": BounceFilter(bounced_from=now - timedelta(hours=200), bounced_to=now - timedelta(hours=199)),
        **{f"text {text}": BounceFilter(text=text) for text in TEXTS},
        "text and kind": BounceFilter(text="lund", kind="complaint"),
    }
    for name, filter_ in bounce_filters.items():
        yield Query("bounces, count", name, lambda c, f=filter_: lists.count_bounces(c, f))
        for sort in ("date", "address", "deadline"):
            for direction in ("descending", "ascending"):
                yield from _pages(connection, "bounces", name, lists.list_bounces, filter_, sort, direction)
    blocked_filters = {
        "open": BlockedFilter(),
        "lifted": BlockedFilter(state="lifted"),
        **{
            f"reason {reason}": BlockedFilter(reason=reason)
            for reason in ("permanent_bounce", "complaint", "stop_request")
        },
        "a day": BlockedFilter(since_from=now - timedelta(days=30), since_to=now - timedelta(days=29)),
        "domain, frequent": BlockedFilter(domain="gmail.com"),
        "domain, rare": BlockedFilter(domain="company77.example"),
        **{f"text {text}": BlockedFilter(text=text) for text in TEXTS},
        "text and domain": BlockedFilter(text="baker", domain="gmail.com"),
    }
    for name, blocked_filter in blocked_filters.items():
        yield Query("blocked, count", name, lambda c, f=blocked_filter: lists.count_blocked(c, f))
        for sort in ("date", "address"):
            for direction in ("descending", "ascending"):
                yield from _pages(connection, "blocked", name, lists.list_blocked, blocked_filter, sort, direction)
    yield Query("history", "of an address", lambda c: lists.address_history(c, 4_242))
    near = connection.execute(
        "SELECT m.message_id, m.received_at + interval '20 minutes' FROM ses_bounces.message m"
        " ORDER BY m.received_at LIMIT 1"
    ).fetchone()
    assert near is not None
    yield Query("history", "a raw message", lambda c: lists.message_body(c, *near))
    yield Query("history", "a raw message that is gone", lambda c: lists.message_body(c, 10**12, near[1]))
    yield Query("quarantine", "reasons", lists.quarantine_reasons)
    yield Query("quarantine", "newest", lists.list_quarantine)
    yield Query("quarantine", "of a frequent reason", lambda c: lists.list_quarantine(c, reason="reason 4"))
    yield Query("quarantine", "of a rare reason", lambda c: lists.list_quarantine(c, reason="reason 1"))
    yield Query("overview", "all numbers", lists.overview)
    texts = [f"ada.adler{n}@gmail.com" for n in range(10_000)]
    yield Query("lookup", "10,000 addresses", lambda c: lists.lookup(c, texts))
    yield Query("lookup", "one address", lambda c: lists.lookup(c, texts[:1]))


TEXTS = (
    "ad",
    "lou.garcia83",
    "company77",
    "com",
    "gmail",
    "adler1234",
    "zzz",
    "@gmail.com",
    "@company77",
    "@c",
    "0@",
    "baker",
)


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
            began = time.perf_counter()
            query.run(connection)
            query.times.append((time.perf_counter() - began) * 1_000)


def show(found: list[Query], console: Console) -> None:
    """Print p50 and p95 of each query, the slowest of each page first."""
    table = Table(title=f"Queries of the pages, milliseconds (aim: p95 under {AIM_MS})")
    for column in ("page", "query", "p50", "p95"):
        table.add_column(column, justify="right" if column.startswith("p") and column != "page" else "left")
    for query in sorted(found, key=lambda q: (q.page, -percentile(q.times, 95))):
        p95 = percentile(query.times, 95)
        style = "bold red" if p95 > AIM_MS else ""
        table.add_row(query.page, query.name, f"{statistics.median(query.times):.1f}", f"{p95:.1f}", style=style)
    console.print(table)


def percentile(times: list[float], percent: int) -> float:
    """Return a percentile, of the values themselves."""
    return sorted(times)[min(len(times) - 1, len(times) * percent // 100)]


class Explaining:
    """A connection whose selects are explained instead of run a second time; what it saw is in ``plans``."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.plans: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def execute(self, query: Any, parameters: Any = None, **options: Any) -> Any:
        """Explain what reads, then run it."""
        text = query if isinstance(query, str) else query.as_string(self.connection)
        if text.lstrip().startswith(("SELECT", "WITH", "(")):
            rows = self.connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {text}", parameters).fetchall()
            self.plans.append("\n".join(line for (line,) in rows))
        return self.connection.execute(query, parameters, **options)


def write_plans(found: list[Query], connection: Connection, console: Console) -> None:
    """Write the plans of every query, and say which of them read a big table from beginning to end."""
    PLANS.mkdir(exist_ok=True)
    for page in sorted({query.page for query in found}):
        parts = []
        for query in (query for query in found if query.page == page):
            explaining = Explaining(connection)
            query.run(explaining)  # type: ignore[arg-type]
            text = "\n\n".join(explaining.plans)
            parts.append(f"## {query.name}\n\n{text}\n")
            for name in BIG:
                if re.search(rf"Seq Scan on {name}(_\d+)?\b", text):
                    console.print(f"[bold red]{page}, {query.name}: reads all of {name}")
        (PLANS / f"{page.replace(', ', '_')}.txt").write_text("\n".join(parts))
    console.print(f"Plans: {PLANS}")


def main() -> None:
    """Seed, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the database (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="times that each query is run (default: %(default)s)"
    )
    parser.add_argument("--plans", action="store_true", help="write what Postgres did to benchmarks/plans/")
    parser.add_argument(
        "--data", type=Path, help="keep the seeded database in this directory, and use what is there; remove it by hand"
    )
    arguments = parser.parse_args()
    console = Console()
    with seeded(arguments.scale, arguments.data, console) as (_, connection):
        found = list(queries(connection))
        measure(found, connection, arguments.rounds)
        show(found, console)
        if arguments.plans:
            write_plans(found, connection, console)


if __name__ == "__main__":
    main()
