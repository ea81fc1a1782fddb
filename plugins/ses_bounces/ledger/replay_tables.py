"""The work tables of one replay: temporary, so that they go with its session."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import ReplayError
from ses_bounces.classify.entry import Classification, Entry
from ses_bounces.ledger.erased.guard import conceal_entries

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

_COLUMNS = (
    "message_id", "address", "address_as_reported", "kind", "occurred_at", "dedup_key", "reason", "deadline", "policy",
    "mail_sent_at", "feedback_id", "ses_message_id", "bounce_type", "bounce_sub_type", "feedback_type", "status",
    "diagnostic_code", "source", "configuration_set", "is_reply", "tags",
)  # fmt: skip
_COPY = f"COPY replayed_copy ({', '.join(_COLUMNS)}) FROM STDIN"


def create_tables(connection: Connection, token: UUID) -> None:
    """Make the work tables, and note whose they are.

    :param token: known to this replay alone.
    """
    with connection.transaction():
        connection.execute(statement("ledger/replay/create_tables"))
        connection.execute("INSERT INTO pg_temp.replay_session (token) VALUES (%s)", [token])


@contextlib.contextmanager
def own_session(connection: Connection, token: UUID) -> Iterator[None]:
    """Open a transaction in the session that has the work tables of this replay.

    :raises ReplayError: a pool has given the connection another session, or another replay the tables.
    """
    with connection.transaction():
        try:
            row = connection.execute("SELECT s.token FROM pg_temp.replay_session s").fetchone()
        except psycopg.errors.UndefinedTable:
            row = None
        if row != (token,):
            raise ReplayError(
                "The work tables of this replay are in another session: a connection pool gives each transaction any "
                "of its sessions. Nothing more was changed. Let the Airflow connection lead to Postgres itself for "
                "this run, or to a pool in session mode."
            )
        yield


def keep(connection: Connection, results: Sequence[tuple[tuple[Any, ...], Classification]]) -> None:
    """Write what some messages lead to into the work tables, the first copy of each event."""
    conceal_entries(connection, [entry for _, result in results for entry in result.entries])
    cursor = connection.cursor()
    with cursor.copy("COPY replayed_message (message_id, received_at, before, outcome, reason) FROM STDIN") as copy:
        for (id_, received_at, _, before, *_), result in results:
            copy.write_row((id_, received_at, before, result.outcome, result.reason))
    with cursor.copy(_COPY) as copy:
        for (id_, *_), result in results:
            for entry in result.entries:
                copy.write_row((id_, *_row(entry)))
    connection.execute(statement("ledger/replay/keep_replayed_copies"))
    connection.execute("TRUNCATE replayed_copy")


def _row(entry: Entry) -> list[Any]:
    values = [getattr(entry, name) for name in _COLUMNS[1:-1]]
    return [*values, json.dumps(entry.tags) if entry.tags else None]
