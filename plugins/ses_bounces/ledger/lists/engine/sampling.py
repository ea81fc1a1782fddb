"""Conditions on a sample of the addresses, from which a plan is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psycopg import sql

from ses_bounces.ledger.lists.engine.query import Bound, Condition, all_of, table

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# The share of a table's pages that an estimate reads, in percent. More is closer, and slower: this takes a few
# milliseconds for a million rows.
SAMPLED_PERCENT = 0.5


def sampled(
    connection: Connection, of: str, alias: str, conditions: Sequence[Sequence[Condition]], bound: Bound
) -> list[int]:
    """Return about how many rows of a table meet some conditions, a number for each list of them."""
    counts = [sql.SQL("count(*) FILTER (WHERE {})").format(all_of(list(each))) for each in conditions]
    query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(counts), sample_of(of, alias))
    row = connection.execute(query, bound.values).fetchone()
    assert row is not None
    return [to_all(number) for number in row]


def sample_of(of: str, alias: str) -> sql.Composed:
    """Return a sample of a table's rows, to be read from."""
    # The same sample every time: a count is not to be told in another way at the next look.
    return sql.SQL("{} {} TABLESAMPLE SYSTEM ({}) REPEATABLE (0)").format(
        table(of), sql.Identifier(alias), sql.Literal(SAMPLED_PERCENT)
    )


def to_all(number: int) -> int:
    """Return about how many rows of a table as many rows of its sample stand for."""
    return int(number * 100 / SAMPLED_PERCENT)


def in_sample(number: int) -> int:
    """Return about how many of some rows of a table are in its sample."""
    return int(number * SAMPLED_PERCENT / 100)
