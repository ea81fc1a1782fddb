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
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from dev.postgres import temporary_postgres
from ses_bounces import lists
from ses_bounces.database import partitions, schema
from ses_bounces.database.connection import connect_url
from ses_bounces.lists import BlockedFilter, BounceFilter

if TYPE_CHECKING:
    from ses_bounces.database.connection import Connection

BOUNCED = 1_000_000
BLOCKED = 300_000
ROUNDS = 15
AIM_MS = 50
PLANS = Path(__file__).parent / "plans"
# No page may read one of these from beginning to end.
BIG = ("bounce_list", "blocked_list", "address_event", "address", "message", "address_search")

_DOMAINS = """
ARRAY['gmail.com', 'yahoo.com', 'outlook.com', 'icloud.com', 'web.example', 'mail.example.org']
"""
# Addresses like ada.lund123@gmail.com; a tenth at 20,000 small domains.
_ADDRESSES = f"""
INSERT INTO ses_bounces.address (address, address_as_reported, created_at)
SELECT x.address, x.address, now() - interval '90 days'
FROM (
    SELECT (ARRAY['ada', 'ben', 'cleo', 'dan', 'elif', 'femi', 'gus', 'hana', 'ivo', 'june', 'lou'])[1 + h %% 11]
        || '.' || (ARRAY['adler', 'baker', 'costa', 'dunn', 'evans', 'fuchs', 'garcia'])[1 + h / 12 %% 7] || n || '@'
        || CASE WHEN h / 100 %% 10 = 0 THEN 'company' || n %% 20000 || '.example'
            ELSE ({_DOMAINS})[1 + (h / 1000 %% 7) * (h / 1000 %% 5) %% 6] END AS address
    FROM (SELECT n, hashint8(n)::bigint + 2147483648 AS h FROM generate_series(1, %(bounced)s) n) y
) x
"""
# Seven of ten have a transient of the last 14 days, the others bounced for good within 90 days.
_EVENTS = """
INSERT INTO ses_bounces.address_event (
    address_id, kind, occurred_at, recorded_at, dedup_key, actor, reason, deadline, policy, mail_sent_at, bounce_type,
    bounce_sub_type, diagnostic_code, configuration_set, rules_version, message_id
)
SELECT e.address_id, e.kind, e.at, e.at + interval '20 minutes', decode(md5('e' || e.address_id), 'hex'), 'ses', NULL,
    CASE e.kind WHEN 'transient_bounce' THEN e.at + interval '14 days' END,
    CASE e.kind WHEN 'transient_bounce' THEN 'age' END, e.at - interval '5 seconds',
    CASE e.kind WHEN 'transient_bounce' THEN 'Transient' WHEN 'complaint' THEN NULL ELSE 'Permanent' END,
    CASE WHEN e.kind = 'transient_bounce' THEN (ARRAY['General', 'MailboxFull', 'MessageTooLarge'])[1 + e.h / 7 %% 3]
        WHEN e.kind = 'complaint' THEN NULL
        WHEN e.h %% 50000 < 10 THEN 'NoEmail' ELSE 'General' END,
    'smtp; 550 5.1.1 user unknown', (ARRAY['newsletter', 'transactional', NULL])[1 + e.h / 11 %% 3], 1, e.address_id
FROM (
    SELECT y.address_id, y.h,
        CASE WHEN y.h %% 100 < 70 THEN 'transient_bounce' WHEN y.h %% 100 = 99 THEN 'complaint'
            WHEN y.h %% 100 = 98 THEN 'ses_suppression' ELSE 'permanent_bounce' END AS kind,
        now() - make_interval(secs => (y.h / 100 %% 1000003)::double precision
            * CASE WHEN y.h %% 100 < 70 THEN 1.2 ELSE 7.7 END) AS at
    FROM (SELECT a.address_id, hashint8(a.address_id + 77)::bigint + 2147483648 AS h FROM ses_bounces.address a) y
) e
"""
_BOUNCES = """
INSERT INTO ses_bounces.bounce_list (
    address_id, address, kind, details, bounce_sub_type, configuration_set, first_bounced_at, last_bounced_at,
    bounce_count, transient_fix_deadline, due_at, opened_at, closed_at, closed_by, close_reason
)
SELECT e.address_id, a.address,
    CASE e.kind WHEN 'transient_bounce' THEN 'transient' WHEN 'complaint' THEN 'complaint'
        WHEN 'ses_suppression' THEN 'suppressed' ELSE 'permanent' END,
    e.diagnostic_code, e.bounce_sub_type, e.configuration_set, e.occurred_at, e.occurred_at, 1, e.deadline, e.deadline,
    e.occurred_at, c.at, CASE WHEN c.at IS NOT NULL THEN 'ses' END, CASE WHEN c.at IS NOT NULL THEN 'delivered' END
FROM ses_bounces.address_event e
JOIN ses_bounces.address a USING (address_id)
CROSS JOIN LATERAL (
    SELECT CASE WHEN e.kind = 'transient_bounce' AND e.address_id %% 7 = 0 THEN e.occurred_at + interval '1 hour' END
) c(at)
ORDER BY e.occurred_at
"""
_BLOCKS = """
INSERT INTO ses_bounces.blocked_list (address_id, address, reason, blocked_at, recorded_at, event_id, unblocked_at,
    unblocked_by, unblock_reason)
SELECT e.address_id, a.address, e.kind, e.occurred_at, e.recorded_at, e.event_id,
    CASE WHEN e.address_id %% 50 = 0 THEN e.occurred_at + interval '1 hour' END,
    CASE WHEN e.address_id %% 50 = 0 THEN 'alice' END, CASE WHEN e.address_id %% 50 = 0 THEN 'a typo' END
FROM ses_bounces.address_event e
JOIN ses_bounces.address a USING (address_id)
WHERE e.kind <> 'transient_bounce'
ORDER BY e.occurred_at
"""
# Ninety days of messages; 30,000 of them quarantined for five reasons.
_MESSAGES = """
INSERT INTO ses_bounces.message (
    sqs_message_id, queue_url, event_type, body, sent_at, received_at, outcome, reason
)
SELECT n::text, 'q', 'Bounce', '{"notificationType": "Bounce"}', x.at, x.at + interval '5 minutes',
    CASE WHEN n %% 10 = 0 THEN 'quarantined' ELSE 'applied' END,
    CASE WHEN n %% 10 = 0 THEN 'reason ' || CASE WHEN n %% 1000 = 0 THEN n / 1000 %% 4 ELSE 4 END END
FROM generate_series(1, %(messages)s) n
CROSS JOIN LATERAL (
    SELECT now() - make_interval(secs => n * (89 * 86400.0 / %(messages)s)) - interval '6 minutes'
) x(at)
"""


@dataclass
class Query:
    """One query of a page, and how long it took, in milliseconds."""

    page: str
    name: str
    run: Callable[[Connection], object]
    times: list[float] = field(default_factory=list)


def seed(connection: Connection, bounced: int, blocked: int) -> None:
    """Fill ledger and lists as the job would have, set-based."""
    today = datetime.now(UTC).date()
    for days in range(1, 92):
        if today - timedelta(days=days) not in partitions.partitions(connection):
            partitions._make(connection, today - timedelta(days=days))
    sizes = {"bounced": bounced, "messages": blocked}
    for text in (_ADDRESSES, _EVENTS, _BOUNCES, _BLOCKS, _MESSAGES):
        connection.execute(text, sizes)
    lists.index_addresses(connection)
    connection.execute("SELECT gin_clean_pending_list('ses_bounces.address_search_grams_idx')")
    connection.execute("VACUUM ANALYZE")


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
        **{f"text {text}": BounceFilter(text=text) for text in _TEXTS},
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
        **{f"text {text}": BlockedFilter(text=text) for text in _TEXTS},
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


_TEXTS = ("ad", "lou.garcia83", "company77", "com", "gmail", "adler1234", "zzz", "@gmail.com", "@company77", "@c", "0@")


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


@contextmanager
def _database() -> Iterator[Connection]:
    # Files that are gone afterwards anyway.
    with temporary_postgres({"fsync": "off", "shared_buffers": "512MB", "max_wal_size": "4GB"}) as postgres:
        postgres.create_database("pages")
        with connect_url(postgres.url("pages")) as connection:
            schema.upgrade(connection)
            yield connection


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
    arguments = parser.parse_args()
    console = Console()
    with _database() as connection:
        began = time.perf_counter()
        seed(connection, int(BOUNCED * arguments.scale), int(BLOCKED * arguments.scale))
        console.print(f"Seeded in {time.perf_counter() - began:.0f} s")
        found = list(queries(connection))
        measure(found, connection, arguments.rounds)
        show(found, console)
        if arguments.plans:
            write_plans(found, connection, console)


if __name__ == "__main__":
    main()
