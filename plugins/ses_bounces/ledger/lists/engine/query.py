"""Queries put together from names of our own and bound values; the only place where that is done for the pages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from psycopg import sql

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import SCHEMA
from ses_bounces.classify.unwrapping import clean

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

Direction = Literal["ascending", "descending"]
Condition = sql.Composable

# Rows read in the order of the list before the matching ones are looked up and sorted instead. More: slower rare texts.
WALKED = 2_000
# Rows that are read in order before a text that many addresses have in common is looked up.
WALKED_FAR = 50_000
# What is so spread that neither ends is counted to here.
COUNTED_SPREAD = 1_000
STATEMENT_TIMEOUT = "5s"


class Bound:
    """The values of a query."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def __call__(self, value: object) -> sql.Placeholder:
        """Bind a value, and return what stands for it."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return sql.Placeholder(name)


@contextlib.contextmanager
def reading(connection: Connection, timeout: str = STATEMENT_TIMEOUT) -> Iterator[None]:
    """Open a transaction for a page's queries: bounded in time, and never by way of a whole table."""
    with quiet(), connection.transaction():
        # Queries are short: to start parallel workers, or to compile, takes longer than most of them.
        connection.execute(
            f"SET LOCAL statement_timeout = '{timeout}'; SET LOCAL enable_seqscan = off;"
            " SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off"
        )
        yield


def column(name: str, of: str = "b") -> sql.Identifier:
    """Return a column of a table or alias."""
    return sql.Identifier(of, name)


def table(name: str) -> sql.Identifier:
    """Return one of our tables."""
    return sql.Identifier(SCHEMA, name)


def all_of(conditions: list[Condition]) -> sql.Composable:
    """Return conditions joined by AND."""
    return sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true")


def stored(text: str) -> str:
    """Return a text as Postgres can hold it, where it holds one: without NUL and lone surrogates."""
    return clean(text, len(text)) or ""
