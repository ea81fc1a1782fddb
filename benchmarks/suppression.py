"""SES's suppression list into the ledger: speed and memory by its size, through a kill half-way, and the drift report.

    python -m benchmarks.suppression

The list answers at once here; SES answers one page of 1,000 a second, so that its own time comes on top.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Stopwatch
from dev import launcher
from dev.postgres import temporary_postgres
from ses_bounces.base.aws.clients import Pace
from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect_url
from ses_bounces.suppression.drift import publish_drift, report_drift
from ses_bounces.suppression.reading import read_list
from ses_bounces.suppression.ses_list import SuppressedAddress, SuppressionList, SuppressionPage

SIZES = (10_000, 100_000, 300_000)
PAGE = 1_000
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


class KilledError(Exception):
    """Stands for the end of the process."""


class Generated(SuppressionList):
    """A list that makes its pages when asked for them: what memory there is is the reader's."""

    def __init__(self, entries: int, kill_at: int | None = None) -> None:
        super().__init__(SimpleNamespace(meta=SimpleNamespace(region_name="eu-west-1")), "123456789012", Pace(0))
        self.entries, self.kill_at, self.asked = entries, kill_at, 0

    def page(self, _since: datetime | None, _until: datetime | None, next_token: str | None) -> SuppressionPage:
        """Return the next page."""
        first = int(next_token or 0)
        if first == self.kill_at:
            raise KilledError
        self.asked += 1
        numbers = range(first, min(first + PAGE, self.entries))
        listed = [
            SuppressedAddress(f"Person.{n:07}@example{n % 997}.com", "BOUNCE", MOMENT + timedelta(n)) for n in numbers
        ]
        after = first + PAGE
        return SuppressionPage(listed, str(after) if after < self.entries else None)


@dataclass(frozen=True)
class Result:
    """Seconds and bytes; ``*_memory`` is how far the process grew beyond what it had before."""

    entries: int
    read: float
    read_memory: int
    drift: float
    publish: float
    drift_memory: int
    file: int


def table(sizes: Sequence[int] = SIZES) -> Table:
    """Measure each size in a process of its own."""
    made = Table(title="SES's suppression list: reading (killed half-way and gone on with), comparing, writing")
    for name in ("entries", "read", "entries/s", "memory", "compare", "write", "memory", "CSV"):
        made.add_column(name, justify="right")
    context = multiprocessing.get_context("spawn")
    with temporary_postgres() as server:
        for number, entries in enumerate(sizes):
            server.create_database(f"suppression_{number}")
            url = server.url(f"suppression_{number}")
            with context.Pool(1) as pool:
                found = pool.apply(measure, (url, entries))
            made.add_row(
                f"{found.entries:,}", f"{found.read:.1f} s", f"{found.entries / found.read:,.0f}",
                _mega(found.read_memory), f"{found.drift:.1f} s", f"{found.publish:.1f} s",
                _mega(found.drift_memory), _mega(found.file),
            )  # fmt: skip
    return made


def measure(url: str, entries: int) -> Result:
    """Read a list of ``entries`` entries into a fresh database, and compare it with ours."""
    half = entries // 2 // PAGE * PAGE
    killed, resumed = Generated(entries, kill_at=half), Generated(entries)
    with connect_url(url) as connection, tempfile.TemporaryDirectory() as folder:
        schema.upgrade(connection)
        # What is imported and opened once is no matter of the size.
        read_list(connection, Generated(PAGE))
        publish_drift(connection, report_drift(connection, 45), Path(folder).as_uri(), None, date(2026, 1, 1))
        before, watch = _peak(), Stopwatch()
        try:
            read_list(connection, killed)
        except KilledError:
            read_list(connection, resumed)
        read, after = watch.cost().wall, _peak()
        pages = -(-entries // PAGE)
        assert killed.asked + resumed.asked == pages, "a page was read twice, or not at all"
        watch = Stopwatch()
        drift = report_drift(connection, 45)
        compared = watch.cost().wall
        assert drift.counts == {"theirs_only": entries, "ours_only": 0, "reasons_differ": 0}
        watch = Stopwatch()
        publish_drift(connection, drift, Path(folder).as_uri(), None, date(2026, 1, 1))
        written = watch.cost().wall
        size = (Path(folder) / "2026-01-01" / "suppression_drift.csv").stat().st_size
        return Result(entries, read, after - before, compared, written, _peak() - after, size)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _mega(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suppression", description=__doc__)
    parser.add_argument("--entries", type=int, nargs="*", default=SIZES, help="sizes of the list")
    arguments = parser.parse_args()
    launcher.keep_temporary_files()
    Console().print(table(arguments.entries))
