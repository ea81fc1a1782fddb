"""How fast do raw bodies become state, and what of that is decoding, and what Postgres needs for the rows alone?

Postgres gets shared buffers for all of it, as a server of its own would have; else what is measured is the copying of
pages to the file system and back.
"""

from __future__ import annotations

from dataclasses import astuple
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.table import Table

from benchmarks.measure import Cost, Stopwatch
from benchmarks.server import migrated, one
from dev.generate import bodies, deliveries
from ses_bounces.base.database.connection import connect_url
from ses_bounces.classify import classify_body
from ses_bounces.classify.rules import Rules
from ses_bounces.classify.unwrapping import unwrap
from ses_bounces.ledger.pending import classify_pending

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

AIM = 10_000
SETTINGS = {"shared_buffers": "1GB"}
# What classifying fills, in an order in which it can be filled.
TABLES = ("address", "address_event", "bounce_list", "blocked_list", "flag_due", "last_delivery")
ROWS_PER_CHUNK = 6_000
_COPY = "COPY ses_bounces.message (sqs_message_id, queue_url, event_type, body, sent_at, outcome) FROM STDIN"


def table(messages: int) -> Table:
    """Measure and return the rates; a core is one second of this process's CPU and the backend's together."""
    shown = Table(title=f"Classifying: {messages} messages")
    for column in ("", "messages/s", "CPU s, ours", "CPU s, Postgres", "messages/s and core", "aim"):
        shown.add_column(column, justify="left" if not column else "right")
    texts = list(bodies(messages))
    _add(shown, "decode only", messages, _timed(lambda: [unwrap(text) for text in texts]))
    _add(shown, "decode and classify", messages, _timed(lambda: [classify_body(text) for text in texts]))
    _add_state(shown, "raw body to state", texts, f"≥ {AIM:,} messages/s")
    _add_state(shown, "deliveries", list(deliveries(messages)), "≥ 2 × that")
    return shown


def _add_state(shown: Table, what: str, texts: list[str], aim: str) -> None:
    with migrated("classifying", SETTINGS) as (_, url), connect_url(url) as connection:
        pid = one(connection, "SELECT pg_backend_pid()")
        watch = Stopwatch(pid)
        land(connection, texts)
        copied = watch.cost()
        watch = Stopwatch(pid)
        classify_pending(connection, Rules())
        cost = watch.cost()
        watch = Stopwatch(pid)
        _insert_again(connection)
        inserted = watch.cost()
    bare = Cost(*(a + b for a, b in zip(astuple(copied), astuple(inserted), strict=True)))
    _add(shown, f"{what}: COPY of the bodies, insert of the rows, alone", len(texts), bare)
    _add(shown, what, len(texts), cost, aim)


def _insert_again(connection: Connection) -> None:
    """Insert the rows that classifying made into tables of the same columns and indexes."""
    for name in TABLES:
        like = f"LIKE ses_bounces.{name} INCLUDING ALL EXCLUDING IDENTITY EXCLUDING GENERATED"
        connection.execute(f"CREATE TABLE copy_of_{name} ({like})")
        key = connection.execute(
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
            " WHERE i.indisprimary AND i.indrelid = %s::regclass",
            [f"ses_bounces.{name}"],
        ).fetchone()
        assert key is not None
        last: int | None = -1
        while last is not None:
            row = connection.execute(
                f"WITH chunk AS (SELECT * FROM ses_bounces.{name} WHERE {key[0]} > %s ORDER BY {key[0]} LIMIT %s),"
                f" written AS (INSERT INTO copy_of_{name} SELECT * FROM chunk)"
                f" SELECT max({key[0]}) FROM chunk",
                [last, ROWS_PER_CHUNK],
            ).fetchone()
            last = row[0] if row else None


def _timed(work: object) -> Cost:
    watch = Stopwatch()
    work()  # type: ignore[operator]
    return watch.cost()


def land(connection: Connection, texts: list[str]) -> None:
    """Put bodies into the raw log as they wait for classifying."""
    now = datetime.now(UTC)
    with connection.cursor().copy(_COPY) as copy:
        for number, text in enumerate(texts):
            copy.write_row((str(number), "queue", "Bounce", text, now, "pending"))


def _add(shown: Table, what: str, messages: int, cost: Cost, aim: str = "") -> None:
    per_core = messages / (cost.own_cpu + cost.backend_cpu)
    shown.add_row(
        what,
        f"{messages / cost.wall:,.0f}",
        f"{cost.own_cpu:.2f}",
        f"{cost.backend_cpu:.2f}" if cost.backend_cpu else "",
        f"{per_core:,.0f}",
        aim,
    )
