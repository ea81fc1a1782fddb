"""What the Email Bounce List can be filtered by: subtypes and configuration sets, and about how many rows each has.

A count ends at 1,000; what is more frequent is estimated from a sample, so that a list of a million rows costs some
milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from psycopg import sql

from ses_bounces.ledger.lists.engine.query import COUNTED_SPREAD, column, reading
from ses_bounces.ledger.lists.engine.sampling import sample_of, to_all

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Names beyond these are typed into the URL by hand.
MOST_NAMES = 50
# In the order of Choices.
_COLUMNS = ("bounce_sub_type", "configuration_set")
# Fewer rows of the sample than these tell nothing.
_ENOUGH = 30
_DIGITS = 2


@dataclass(frozen=True)
class Choice:
    """A value to filter by.

    ``words``: how many rows have it, like ``12``, ``over 1,000`` or ``about 45,000``; empty: not for this user.
    """

    value: str
    words: str


@dataclass(frozen=True)
class Choices:
    """The values to filter the Email Bounce List by, in the order of the alphabet."""

    sub_types: list[Choice]
    configuration_sets: list[Choice]


def bounce_choices(connection: Connection, state: Literal["open", "closed"], *, without_guarded: bool) -> Choices:
    """Return what the open or closed rows can be filtered by.

    :param connection: autocommit.
    :param without_guarded: say no numbers, and leave out what only addresses have that never_block guards.
    :raises DatabaseError: also when it takes over five seconds.
    """
    is_open = state == "open"
    with reading(connection):
        return Choices(*(_choices(connection, column(name), is_open, without_guarded) for name in _COLUMNS))


def _choices(connection: Connection, by: sql.Identifier, is_open: bool, without_guarded: bool) -> list[Choice]:
    """Return the values of one column."""
    parameters = {"is_open": is_open, "without_guarded": without_guarded, "most": MOST_NAMES}
    counted = connection.execute(_COUNTED.format(by=by, most=sql.Literal(COUNTED_SPREAD + 1)), parameters).fetchall()
    if without_guarded:
        return [Choice(value, "") for value, _ in counted]
    about: dict[str, int] = {}
    if any(number > COUNTED_SPREAD for _, number in counted):
        query = _SAMPLED.format(by=by, sample=sample_of("bounce_list", "b"))
        sampled = connection.execute(query, {"is_open": is_open}).fetchall()
        about = {value: to_all(seen) for value, seen in sampled if seen >= _ENOUGH}
    return [Choice(value, _words(number, about.get(value))) for value, number in counted]


def _words(number: int, about: int | None) -> str:
    if number <= COUNTED_SPREAD:
        return f"{number:,}"
    if about is None or about <= COUNTED_SPREAD:
        return f"over {COUNTED_SPREAD:,}"
    rounded = round(about, _DIGITS - len(str(about)))
    return f"about {rounded:,}"


# From one value to the next by the index that the column leads, so that no row is read twice.
_COUNTED = sql.SQL(
    """WITH RECURSIVE name(value, place) AS (
        (
            SELECT {by}, 1 FROM ses_bounces.bounce_list b
            WHERE b.is_open = %(is_open)s AND {by} IS NOT NULL ORDER BY {by} LIMIT 1
        )
        UNION ALL
        SELECT (
                SELECT {by} FROM ses_bounces.bounce_list b
                WHERE b.is_open = %(is_open)s AND {by} > n.value ORDER BY {by} LIMIT 1
            ), n.place + 1
        FROM name n
        WHERE n.value IS NOT NULL AND n.place < %(most)s
    )
    SELECT n.value, (
            SELECT count(*) FROM (
                SELECT FROM ses_bounces.bounce_list b WHERE b.is_open = %(is_open)s AND {by} = n.value LIMIT {most}
            ) x
        )
    FROM name n
    WHERE n.value IS NOT NULL
        AND (NOT %(without_guarded)s OR EXISTS (
            SELECT FROM (
                SELECT b.address FROM ses_bounces.bounce_list b
                WHERE b.is_open = %(is_open)s AND {by} = n.value LIMIT {most}
            ) x
            WHERE NOT EXISTS (
                SELECT FROM ses_bounces.protected t
                WHERE t.pattern IN (x.address, '@' || split_part(x.address, '@', -1))
            )
        ))"""
)
_SAMPLED = sql.SQL(
    "SELECT {by}, count(*) FROM {sample} WHERE b.is_open = %(is_open)s AND {by} IS NOT NULL GROUP BY {by}"
)
