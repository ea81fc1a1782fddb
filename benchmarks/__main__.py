"""Measure, and print tables: ours beside the peer's or the bare operation's, in the same run, with the aim.

``--big`` takes hours and up to 40 GB under ``TMPDIR``, and writes the tables to ``benchmarks/results/``. ``--scale``
makes the work smaller or larger. ``compare REVISION`` measures this checkout beside another one. The pages have their
own: ``python -m benchmarks.pages``.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from benchmarks import (
    backlog,
    blocked_report,
    chunks,
    classifying,
    compare,
    erased_addresses,
    fairness,
    figures,
    flags,
    hot_address,
    landing,
    ledger,
    parsing,
    peers,
    runs,
    showing,
)
from dev import launcher

# A quarter of an hour is enough; by name they are measured all the same.
BIG_ONLY = ("runs_as_installed",)


def benchmarks(scale: float, *, is_big: bool, entries: int | None = None) -> dict[str, Callable[[], Table]]:
    """Return each benchmark by its name, with its sizes.

    :param entries: of the ledger, if other than usual.
    """

    def size(small: int, big: int) -> int:
        return max(1, int((big if is_big else small) * scale))

    return {
        "classifying": lambda: classifying.table(size(40_000, 200_000)),
        "figures": lambda: figures.table(size(10_000, 40_000), 7),
        "landing": lambda: landing.table(size(10_000, 20_000)),
        "peers": lambda: peers.table(size(10_000, 100_000)),
        "flags": lambda: flags.table(size(10_000_000, 10_000_000), size(100_000, 100_000)),
        "blocked_report": lambda: blocked_report.table(size(100_000, 1_000_000)),
        "hot_address": lambda: hot_address.table(size(50_000, 500_000)),
        "ledger": lambda: ledger.table(entries or size(1_000_000, 50_000_000), size(10_000, 20_000)),
        "chunks": lambda: chunks.table(size(12_000, 12_000), size(1_000, 1_000)),
        "fairness": lambda: fairness.table(size(1_000_000, 1_000_000), size(50_000, 200_000)),
        "backlog": lambda: backlog.table(size(100_000, 1_000_000), size(100_000, 1_000_000) if is_big else 0),
        "runs": lambda: runs.table(rounds=9 if is_big else 3),
        "runs_as_installed": lambda: runs.table(rounds=9 if is_big else 3, idle_seconds=runs.DEFAULT_IDLE_SECONDS),
        "parsing": lambda: parsing.table(),
        "erased_addresses": lambda: erased_addresses.table(),
    }


def main() -> None:
    """Run the benchmarks that are named, or all."""
    if sys.argv[1:2] == ["compare"]:
        compare.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = list(benchmarks(1, is_big=False))
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(names)} (default: all but {BIG_ONLY[0]})"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="size of the work (default: %(default)s)")
    parser.add_argument("--big", action="store_true", help="measure at full size, and keep the result as a file")
    parser.add_argument("--entries", type=int, help="entries of the large ledger")
    arguments = parser.parse_args()
    launcher.keep_temporary_files()
    if unknown := set(arguments.names) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(names)}")
    logging.disable(logging.WARNING)
    console = Console(width=130)
    console.print(showing.machine())
    known = benchmarks(arguments.scale, is_big=arguments.big, entries=arguments.entries)
    tables: list[Table] = []
    began = time.perf_counter()
    for name in arguments.names or [name for name in names if arguments.big or name not in BIG_ONLY]:
        started = time.perf_counter()
        tables.append(known[name]())
        console.print(tables[-1])
        console.print(f"{name}: {time.perf_counter() - started:.0f} s\n", highlight=False)
        if arguments.big:
            # After each: hours of work are not lost with the last one.
            path = showing.keep(tables, time.perf_counter() - began)
    if arguments.big:
        console.print(f"Kept: {path}")


if __name__ == "__main__":
    main()
