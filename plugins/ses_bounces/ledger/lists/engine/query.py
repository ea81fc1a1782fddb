"""Queries put together from names of our own and bound values; the only place where that is done for the pages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from psycopg import sql

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import SCHEMA
from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.message import clean

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

Direction = Literal["ascending", "descending"]
Condition = sql.Composable
Row = TypeVar("Row")

# Counting on is reading on.
COUNTED = 10_000
MAX_ROWS = 500
# So many rows are looked at in the order of the list before those that match are looked for and sorted.
WALKED = 2_000
# What many addresses have in common is not looked up before so many rows were looked at.
WALKED_FAR = 50_000
# What is so spread that neither ends is counted to here.
COUNTED_SPREAD = 1_000
# Of a table's pages, to tell how many rows there are about; a few milliseconds for a million.
SAMPLED_PERCENT = 0.5
STATEMENT_TIMEOUT = "5s"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Bound:
    """The values of a query."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def __call__(self, value: object) -> sql.Placeholder:
        """Bind a value, and return what stands for it."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return sql.Placeholder(name)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows of a list.

    ``after`` begins the next page; None: this is the last one. ``count``: how many rows the list has, where that came
    out on the way.
    """

    rows: list[Row]
    after: str | None
    count: Count | None = None

    def whole(self, begins_after: str | None) -> Count | None:
        """Return how many rows the list has, if it is known: what is rare needn't be looked for again."""
        return Count(len(self.rows)) if begins_after is None and self.after is None else self.count


@dataclass(frozen=True)
class Count:
    """How many rows there are. ``found`` ends one above ``most``, which means: more than ``most``.

    ``most`` is 10,000; of a text that many addresses have in common, and few rows of the list, 1,000.
    """

    found: int
    most: int = COUNTED

    @property
    def is_more(self) -> bool:
        """Whether there are more than were counted."""
        return self.found > self.most

    @property
    def number(self) -> int:
        """The number, as far as it was counted."""
        return min(self.found, self.most)

    def __str__(self) -> str:
        return f"more than {self.most:,}" if self.is_more else f"{self.found:,}"


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


def check_limit(limit: int) -> int:
    """Return the number of rows that a page may have.

    :raises ActionError: it is out of range.
    """
    if not 1 <= limit <= MAX_ROWS:
        raise ActionError(f"A page can't have {limit} rows; it must be 1 to {MAX_ROWS}.")
    return limit


def write_position(value: datetime | None, id_: int) -> str:
    """Return the position behind a row: its time and its id; no address, since it stands in a URL."""
    return f"{'' if value is None else (value - _EPOCH) // _MICROSECOND}.{id_}"


def read_position(text: str) -> tuple[datetime | None, int]:
    """The inverse of :func:`write_position`.

    :raises ActionError: it is none.
    """
    try:
        moment, _, id_ = text.partition(".")
        value = _EPOCH + int(moment) * _MICROSECOND if moment else None
        number = int(id_)
        if not 0 <= number < 2**63:
            raise ValueError
    except (ValueError, OverflowError):
        raise ActionError("The position in the list can't be read. Begin at the first page.") from None
    return value, number


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
