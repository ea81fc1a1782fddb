"""What the Email Bounce List can be filtered by: subtypes and configuration sets, and about how many rows each has.

A count ends at 1,000; what is more frequent is estimated from a sample, so that a list of a million rows costs some
milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.lists.engine.query import COUNTED_SPREAD, reading

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Names beyond these are typed into the URL by hand.
MOST_NAMES = 50
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
    parameters = {"is_open": state == "open", "without_guarded": without_guarded, "most": MOST_NAMES}
    with reading(connection):
        counted = [
            connection.execute(statement(name), parameters).fetchall()
            for name in ("ledger/lists/count_sub_types", "ledger/lists/count_configuration_sets")
        ]
        sampled: list[dict[str, int]] = [{}, {}]
        for place, name in enumerate(("ledger/lists/sample_sub_types", "ledger/lists/sample_configuration_sets")):
            if not without_guarded and any(number > COUNTED_SPREAD for _, number in counted[place]):
                rows = connection.execute(statement(name), {"is_open": state == "open"}).fetchall()
                sampled[place] = {value: about for value, about, seen in rows if seen >= _ENOUGH}
    found = [
        [Choice(value, "" if without_guarded else _words(number, about.get(value))) for value, number in rows]
        for rows, about in zip(counted, sampled, strict=True)
    ]
    return Choices(*found)


def _words(number: int, about: int | None) -> str:
    if number <= COUNTED_SPREAD:
        return f"{number:,}"
    if about is None or about <= COUNTED_SPREAD:
        return f"over {COUNTED_SPREAD:,}"
    rounded = round(about, _DIGITS - len(str(about)))
    return f"about {rounded:,}"
