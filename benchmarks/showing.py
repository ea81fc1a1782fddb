"""The tables of the benchmarks: ours beside the other's work, the ratio, the aim, and whether it was reached."""

from __future__ import annotations

import os
import platform
import re
from datetime import date
from pathlib import Path

from rich.table import Table

from benchmarks.measure import Cost

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """Name the machine: processor, cores, memory, Python."""
    cpu = next(iter(re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}"


def comparison(title: str, other: str) -> Table:
    """Begin a table; ``other`` is what ours is compared with."""
    shown = Table(title=title, caption_justify="left")
    for column in ("", "ours", other, "ratio", "aim", "reached"):
        shown.add_column(column, justify="left" if not column else "right")
    return shown


def add(shown: Table, what: str, ours: float, other: float, aim: str = "", form: str = ",.2f") -> None:
    """Add a row.

    :param aim: of the ratio: ``≤ 1.5`` or ``≥ 10``.
    """
    ratio = ours / other if other else float("inf")
    shown.add_row(what, f"{ours:{form}}", f"{other:{form}}", f"{ratio:.2f}", aim, reached(ratio, aim))


def add_costs(shown: Table, what: str, ours: Cost, other: Cost, aim: str = "") -> None:
    """Add seconds, which the aim is of, and CPU seconds of this process and of Postgres together."""
    add(shown, f"{what}: seconds", ours.wall, other.wall, aim)
    add(shown, f"{what}: CPU seconds, with Postgres's", _cpu(ours), _cpu(other))


def add_rates(shown: Table, what: str, messages: int, ours: Cost, other: Cost, aim: str = "") -> None:
    """The same as messages a second, and CPU for a thousand."""
    add(shown, f"{what}: messages/s", messages / ours.wall, messages / other.wall, aim, ",.0f")
    add(
        shown,
        f"{what}: CPU s per 1,000 messages, with Postgres's",
        1_000 * _cpu(ours) / messages,
        1_000 * _cpu(other) / messages,
        form=".3f",
    )


def add_limit(shown: Table, what: str, ours: float, limit: float, unit: str) -> None:
    """Add a row for a figure that has a limit and nothing to be compared with."""
    shown.add_row(
        what, f"{ours:,.0f} {unit}", "", "", f"≤ {limit:,.0f} {unit}", "yes" if ours <= limit else "[bold red]no"
    )


def reached(ratio: float, aim: str) -> str:
    """Say whether a ratio reaches its aim."""
    if not aim:
        return ""
    sign, limit = aim.split()
    is_reached = ratio <= float(limit) if sign == "≤" else ratio >= float(limit)
    return "yes" if is_reached else "[bold red]no"


def markdown(shown: Table) -> str:
    """Return a table for a file."""
    columns = [[str(column.header), *map(str, column.cells)] for column in shown.columns]
    lines = ["| " + " | ".join(re.sub(r"\[[a-z ]+\]", "", cell) for cell in row) + " |" for row in zip(*columns)]  # noqa: B905
    rule = "|" + "|".join(" --- " if n == 0 else " ---: " for n in range(len(columns))) + "|"
    parts = [f"### {shown.title}", "\n".join([lines[0], rule, *lines[1:]])]
    return "\n\n".join(parts + ([str(shown.caption)] if shown.caption else [])) + "\n"


def keep(tables: list[Table], seconds: float) -> Path:
    """Write the tables to a file of today's, with the machine, and return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{date.today().isoformat()}.md"
    head = f"# {date.today().isoformat()}\n\n{machine()}. All of it took {seconds / 60:.0f} minutes.\n"
    path.write_text("\n".join([head, *map(markdown, tables)]))
    return path


def _cpu(cost: Cost) -> float:
    return cost.own_cpu + cost.backend_cpu
