"""How fast do raw bodies become state, and what of that is decoding?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.table import Table

from benchmarks.generate import bodies
from benchmarks.measure import Cost, Stopwatch
from dev.postgres import temporary_postgres
from ses_bounces.classify import classify_body
from ses_bounces.database import schema
from ses_bounces.database.connection import connect_url
from ses_bounces.message import unwrap
from ses_bounces.pending import classify_pending
from ses_bounces.rules import Rules

if TYPE_CHECKING:
    from ses_bounces.database.connection import Connection

AIM = 8_000
_COPY = "COPY ses_bounces.message (sqs_message_id, queue_url, event_type, body, sent_at, outcome) FROM STDIN"


def table(messages: int) -> Table:
    """Measure and return the rates; a core is one second of this process's CPU and the backend's together."""
    shown = Table(title=f"Classifying: {messages} messages")
    for column in ("", "messages/s", "CPU s, ours", "CPU s, Postgres", "messages/s and core", "aim"):
        shown.add_column(column, justify="left" if not column else "right")
    texts = list(bodies(messages))
    _add(shown, "decode only", messages, _timed(lambda: [unwrap(text) for text in texts]))
    _add(shown, "decode and classify", messages, _timed(lambda: [classify_body(text) for text in texts]))
    with temporary_postgres() as postgres:
        postgres.create_database("classifying")
        with connect_url(postgres.url("classifying")) as connection:
            schema.upgrade(connection)
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            pid = row[0] if row else None
            watch = Stopwatch(pid)
            _land(connection, texts)
            _add(shown, "COPY of the bodies alone", messages, watch.cost())
            watch = Stopwatch(pid)
            classify_pending(connection, Rules())
            _add(shown, "raw body to state", messages, watch.cost(), f"≥ {AIM:,}")
    return shown


def _timed(work: object) -> Cost:
    watch = Stopwatch()
    work()  # type: ignore[operator]
    return watch.cost()


def _land(connection: Connection, texts: list[str]) -> None:
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
