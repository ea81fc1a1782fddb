"""Pages of a list: where one ends and the next begins, how many rows there are, and how many are counted."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from ses_bounces.base.exceptions import ActionError

Row = TypeVar("Row")
# Rows. Counting further means reading further.
COUNTED = 10_000
MAX_ROWS = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


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


def all_ids(rows: Generator[tuple[Any, ...], None, None]) -> list[int]:
    """Return the ids in the first column of some rows, each once, in their order.

    :param rows: closed in any case; the transaction in which they are read ends with that.
    :raises ActionError: there are more than :data:`COUNTED`.
    """
    found: dict[int, None] = {}
    with contextlib.closing(rows):
        for id_, *_ in rows:
            found[id_] = None
            if len(found) > COUNTED:
                raise ActionError(
                    f"The filter shows more than {COUNTED:,} addresses. Narrow it, and select them in parts."
                )
    return list(found)


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
