"""What Postgres does for the statements of an hour, on a large ledger: ``python -m benchmarks.hour_plans``.

Writes one file a step to ``benchmarks/plans/``: how often each statement ran and how long that took, then the plan of
its slowest run. Each is explained in a savepoint that is rolled back, and run again. COPY can't be explained.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.console import Console

from benchmarks import flags
from benchmarks.hour import Hour
from benchmarks.ledger import SETTINGS, partly_known
from benchmarks.ledger_seed import Sizes, seed
from benchmarks.pages_plans import PLANS, shown
from benchmarks.server import migrated, one
from benchmarks.showing import machine
from dev import launcher
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.database.statements import folder, statement
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.promotion import promote_expired
from ses_bounces.people.sync import sync
from ses_bounces.report.making import make_report

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

MESSAGES = 12_000
PEOPLE = 200_000
# What has less to say than it takes to read.
LEAST_MILLISECONDS = 1.0
_EXPLAINED = re.compile(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE|CREATE TEMP TABLE \w+ ON COMMIT DROP AS)\b")
# A transient bounce in every hundred is due.
_EXPIRE = """
UPDATE ses_bounces.bounce_list SET due_at = now() - interval '1 hour'
WHERE closed_at IS NULL AND kind = 'transient' AND address_id % 100 = 0
"""


def _statements() -> list[str]:
    return [path.relative_to(folder()).with_suffix("").as_posix() for path in folder().rglob("*.sql")]


@dataclass
class Ran:
    """A statement: how often it ran, milliseconds in all, and the slowest run's time and plan."""

    times: int = 0
    milliseconds: float = 0.0
    slowest: tuple[float, str] = field(default=(-1.0, ""))


class ExplainingAll:
    """A connection that explains what it runs; what it saw is in ``ran``, by the name of the statement's file."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.ran: dict[str, Ran] = {}
        self._names = {_shape(statement(name)): name for name in _statements()}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def execute(self, query: Any, parameters: Any = None, **options: Any) -> Any:
        """Explain, take that back, and run."""
        text = query if isinstance(query, str) else query.as_string(self.connection)
        name = self._names.get(_shape(text))
        if name and _EXPLAINED.match(text):
            self._explain(name, text, parameters)
        return self.connection.execute(query, parameters, **options)

    def _explain(self, name: str, text: str, parameters: Any) -> None:
        with self.connection.transaction(force_rollback=True):
            rows = self.connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {text}", parameters).fetchall()
        plan = "\n".join(line for (line,) in rows)
        found = re.search(r"Execution Time: ([\d.]+) ms", plan)
        assert found is not None
        ran, took = self.ran.setdefault(name, Ran()), float(found[1])
        ran.times += 1
        ran.milliseconds += took
        ran.slowest = max(ran.slowest, (took, plan))


def main() -> None:
    """Seed, run the steps of an hour, and write their plans."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hour_plans", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the ledger (default: %(default)s)")
    entries = parser.parse_args().entries
    launcher.keep_temporary_files()
    with migrated(settings=SETTINGS) as (_, url), connect_url(url) as connection:
        seed(connection, Sizes(addresses=entries // 10, entries=entries))
        connection.execute(_EXPIRE)
        connection.execute(flags.PEOPLE_TABLE, [PEOPLE])
        for text in flags.INDEXES:
            connection.execute(text)
        connection.execute("UPDATE people SET email = 'known' || id || '@domain' || id % 500 || '.example.com'")
        connection.execute("VACUUM ANALYZE people")
        Hour(url).land(partly_known(MESSAGES, entries // 10, 1, 0.5))
        day = datetime.now(UTC).date() - timedelta(days=1)
        head = f"{datetime.now(UTC):%d %B %Y}, {machine()}. Ledger of {entries:,} entries, {entries // 10:,} addresses"
        steps: dict[str, tuple[str, Callable[[Any], object]]] = {
            "classify": (f"{MESSAGES:,} messages", lambda c: classify_pending(c, Rules())),
            "promote": ("one of a hundred transients due", promote_expired),
            "sync": (f"{PEOPLE:,} people", lambda c: sync(c, flags.SETTINGS)),
            "report": ("a whole day", lambda c: make_report(c, day, ZoneInfo("UTC"))),
        }
        for step, (what, work) in steps.items():
            explaining = ExplainingAll(connection)
            work(explaining)
            write(step, f"{head}; {what}.", explaining.ran)
        assert one(connection, "SELECT count(*) FROM ses_bounces.message WHERE outcome = 'pending'") == 0
    Console().print(f"Plans: {PLANS}")


def write(step: str, head: str, ran: dict[str, Ran]) -> None:
    """Write the file of a step."""
    ordered = sorted(ran.items(), key=lambda item: -item[1].milliseconds)
    lines = [f"{name}: {r.times} times, {r.milliseconds:,.0f} ms" for name, r in ordered]
    plans = [
        f"{name}, {r.slowest[0]:,.1f} ms\n\n{shown(r.slowest[1])}"
        for name, r in ordered
        if r.slowest[0] >= LEAST_MILLISECONDS
    ]
    (PLANS / f"hour_{step}.txt").write_text("\n\n".join([head, "\n".join(lines), *plans]) + "\n")


def _shape(text: str) -> str:
    """Return a statement without what is filled in."""
    return re.sub(r'\s+|%\(\w+\)s(::\w+)?|\$\d+|\{\w+\}|"\w+"(\."\w+")?', "", text.replace("%%", "%"))


if __name__ == "__main__":
    main()
