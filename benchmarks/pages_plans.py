"""What Postgres did for each query of the pages, and whether it read a whole table for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from ses_bounces.base.database.connection import Connection

PLANS = Path(__file__).parent / "plans"
# No page may read one of these from beginning to end, nor most of it by way of an index.
BIG = ("bounce_list", "blocked_list", "address_event", "address", "message", "address_search")
MOST = 0.5
_WIDTH = 240
_ADDRESS = re.compile(r"[\w.%+-]+@[\w-]+(\.[\w-]+)+")
_SCAN = re.compile(
    r"(?P<how>[\w ]*Scan)\b.*? on (?P<table>[a-z_]+?)(?:_\d{8})?\b.*?rows=(?P<rows>[\d.]+) loops=(?P<loops>\d+)\)"
)
_DAY = re.compile(r"_\d{8}\w*")
_REMOVED = re.compile(r"Rows Removed by (?:Filter|Index Recheck): (\d+)")


class Explaining:
    """A connection whose selects are also explained; what it saw is in ``plans``."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.plans: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def execute(self, query: Any, parameters: Any = None, **options: Any) -> Any:
        """Explain what reads, then run it."""
        text = query if isinstance(query, str) else query.as_string(self.connection)
        if re.match(r"(\s|--.*\n)*(SELECT|WITH|\()", text):
            rows = self.connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {text}", parameters).fetchall()
            self.plans.append("\n".join(line for (line,) in rows))
        return self.connection.execute(query, parameters, **options)


def rows_read(plan: str) -> Iterator[tuple[str, str, int]]:
    """Yield of each scan of a big table how it was read, which table it is, and how many of its rows were read."""
    scan: re.Match[str] | None = None
    read = 0
    for line in plan.splitlines():
        if "actual" in line or "never executed" in line:
            if scan:
                yield scan["how"].strip(), scan["table"], read
            scan = _SCAN.search(line)
            if scan and (scan["table"] not in BIG or scan["how"].strip() == "Bitmap Index Scan"):
                scan = None
            read = int(float(scan["rows"]) * int(scan["loops"])) if scan else 0
        elif scan and (removed := _REMOVED.search(line)):
            read += int(removed[1]) * int(scan["loops"])
    if scan:
        yield scan["how"].strip(), scan["table"], read


def faults_of(plan: str, sizes: dict[str, int]) -> Iterator[str]:
    """Yield what a plan may not do.

    :param sizes: about how many rows each big table has.
    """
    by_table: dict[str, int] = {}
    for how, table, read in rows_read(plan):
        if how == "Seq Scan":
            yield f"reads all of {table}"
        by_table[table] = by_table.get(table, 0) + read
    for table, read in by_table.items():
        if read > MOST * sizes[table]:
            yield f"reads {read:,} rows of {table}, which has {sizes[table]:,}"


def write_plans(
    found: list[tuple[str, str, Callable[[Any], object]]], connection: Connection, console: Console
) -> list[str]:
    """Write the plans of every query, one file for each page: for each query which, and how long, then each plan once.

    :param found: page, name and query.
    :returns: what a plan does that none may do.
    """
    PLANS.mkdir(exist_ok=True)
    sizes = {name: _size(connection, name) for name in BIG}
    faults = []
    for page in dict.fromkeys(page for page, _, _ in found):
        plans: dict[str, tuple[int, str]] = {}
        lines = []
        for name, run in ((name, run) for of, name, run in found if of == page):
            explaining = Explaining(connection)
            run(explaining)
            parts = []
            for plan in explaining.plans:
                faults += [f"{page}, {name}: {fault}" for fault in faults_of(plan, sizes)]
                number, _ = plans.setdefault(_shape(plan), (len(plans) + 1, shown(plan)))
                time = re.search(r"Execution Time: (.*)", plan)
                parts.append(f"plan {number} {time[1] if time else ''}")
            lines.append(f"{name}: {', '.join(parts)}")
        text = "\n\n".join(["\n".join(lines), *(f"Plan {number}\n\n{plan}" for number, plan in plans.values())])
        (PLANS / f"{page.replace(', ', '_')}.txt").write_text(f"{text}\n")
    console.print(f"Plans: {PLANS}")
    return faults


def shown(plan: str) -> str:
    """Return a plan without addresses, and with one day of those that are read in the same way."""
    lines: list[str] = []
    seen: set[str] = set()
    skipped: int | None = None
    for line in plan.partition("\nPlanning:")[0].splitlines():
        indent = len(line) - len(line.lstrip(" "))
        if skipped is not None and indent > skipped:
            continue
        node = re.sub(r"\(.*|\d", "", _DAY.sub("", line))
        skipped = indent if _DAY.search(line) and node in seen else None
        if skipped is None:
            seen.add(node)
            lines.append(_ADDRESS.sub("•••", line)[:_WIDTH])
    return "\n".join(lines)


def _shape(plan: str) -> str:
    """Return what is equal where Postgres did the same with other values and other numbers of rows."""
    nodes = (line for line in plan.splitlines() if "actual" in line or "never executed" in line)
    return re.sub(r"\((actual|never)[^)]*\)|_\d{8}|\d", "", "\n".join(nodes))


def _size(connection: Connection, name: str) -> int:
    row = connection.execute(
        "SELECT sum(greatest(c.reltuples, 0))::bigint FROM pg_class c"
        " WHERE c.relnamespace = 'ses_bounces'::regnamespace AND c.relkind = 'r' AND c.relname ~ %s",
        [rf"^{name}(_\d+)?$"],
    ).fetchone()
    assert row is not None
    return int(row[0])
