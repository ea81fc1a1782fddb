"""How long does the daily report take, and how much memory, by the number of blocked addresses?

Ours is ``make_report``: the state of every address at the end of the day, the numbers, the page, the CSV file gzipped,
stored in the database. What it is compared with runs the same queries and copies the rows of the file, by COPY, to
nowhere. The file alone is compared with that COPY alone.
"""

from __future__ import annotations

import multiprocessing
import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from benchmarks.hour import peak_memory
from benchmarks.ledger_seed import Sizes, seed
from benchmarks.measure import Cost, Stopwatch
from benchmarks.server import migrated, one
from benchmarks.showing import add_costs, add_limit, comparison
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.database.statements import statement
from ses_bounces.report import making
from ses_bounces.report.csv_file import blocked_csv

if TYPE_CHECKING:
    from rich.table import Table

    from ses_bounces.base.database.connection import Connection

AIM = "≤ 2"
MEGABYTES = 400
ZONE = ZoneInfo("UTC")


def table(blocked: int) -> Table:
    """Measure and return the times."""
    shown = comparison(f"Email Blocked Report: {blocked:,} blocked addresses", "queries and COPY")
    day = datetime.now(UTC).date() - timedelta(days=1)
    with migrated() as (_, url):
        began = time.perf_counter()
        with connect_url(url) as connection:
            seed(connection, Sizes(addresses=blocked, entries=blocked, blocked=1.0))
            assert one(connection, "SELECT count(*) FROM ses_bounces.blocked_list") == blocked
        seeded = time.perf_counter() - began
        bare = _bare(url, day)
        ours, file, copied, memory = _in_a_process(url, day)
    add_costs(shown, "report", ours, bare)
    add_costs(shown, "CSV file alone", file, copied, AIM)
    add_limit(shown, "memory of the process", memory, MEGABYTES, "MB")
    shown.caption = f"Seeded in {seeded:.0f} s. Each is blocked by one entry. The process has imported Airflow."
    return shown


def _in_a_process(url: str, day: date) -> tuple[Cost, Cost, Cost, float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (url, day))


def measure(url: str, day: date) -> tuple[Cost, Cost, Cost, float]:
    """Make the report, in a process of its own; returns what it and its file cost, and the most memory there was."""
    # A task has imported it.
    import airflow.sdk  # noqa: F401

    with connect_url(url) as connection:
        watch = Stopwatch(_pid(connection))
        summary = making.make_report(connection, day, ZONE)
        ours = watch.cost()
        memory = peak_memory()
        assert summary.blocked_addresses == one(connection, "SELECT count(*) FROM ses_bounces.blocked_list")
        with connection.transaction():
            _prepare(connection, day)
            copied = _copied(connection)
            watch = Stopwatch(_pid(connection))
            blocked_csv(connection)
            return ours, watch.cost(), copied, memory


def _bare(url: str, day: date) -> Cost:
    with connect_url(url) as connection, connection.transaction():
        watch = Stopwatch(_pid(connection))
        _prepare(connection, day)
        _copied(connection)
        return watch.cost()


def _prepare(connection: Connection, day: date) -> None:
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1) - timedelta(microseconds=1)
    connection.execute(statement("report/create_states"), {"at": at, "known_at": None})
    connection.execute("ANALYZE report_state")
    connection.execute(statement("report/create_blocks"), {"at": at, "known_at": None})
    connection.execute("ANALYZE report_block")


def _copied(connection: Connection) -> Cost:
    watch = Stopwatch(_pid(connection))
    with connection.cursor().copy(f"COPY ({statement('report/select_rows')}) TO STDOUT WITH (FORMAT csv)") as copy:
        for _ in copy:
            pass
    return watch.cost()


def _pid(connection: Connection) -> int:
    return one(connection, "SELECT pg_backend_pid()")
