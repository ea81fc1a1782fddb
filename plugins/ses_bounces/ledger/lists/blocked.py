"""The Email Blocked List as pages show it: one row for each address and cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from psycopg import sql

from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.causes import CAUSES, WISHES
from ses_bounces.ledger.lists.csv_lines import write_table
from ses_bounces.ledger.lists.engine.counting import count_rows
from ses_bounces.ledger.lists.engine.listing import Listing
from ses_bounces.ledger.lists.engine.paging import Count, Page, all_ids
from ses_bounces.ledger.lists.engine.query import Bound, Condition, Direction, reading
from ses_bounces.ledger.lists.engine.search import Search
from ses_bounces.ledger.lists.engine.where import Source, Where
from ses_bounces.ledger.lists.guarded import UNGUARDED

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

BlockedSort = Literal["date", "address"]

SOURCE = Source("blocked_list", "blocked_list_id", "reason", CAUSES, {"date": "blocked_at"}, closed_at="unblocked_at")
COLUMNS = ("address", "reason", "blocked_at", "recorded_at", "unblocked_at", "unblocked_by", "unblock_reason")
_SEEN = sql.SQL("(b.reason = ANY ({}) OR {})").format(sql.Literal(list(WISHES)), UNGUARDED)
_TABLE = sql.SQL(", ").join(sql.Identifier("b", name) for name in COLUMNS)


@dataclass(frozen=True)
class BlockedFilter:
    """Which rows of the Email Blocked List; None: any.

    ``since_…``: of the block, aware, from inclusive, to exclusive. ``domain``: or its beginning. ``text``: see
    :class:`~ses_bounces.ledger.lists.engine.search.Search`. ``without_guarded``: of those that never_block guards, only
    what it does not guard against.
    """

    state: Literal["open", "lifted"] = "open"
    reason: str | None = None
    since_from: datetime | None = None
    since_to: datetime | None = None
    domain: str | None = None
    text: str | None = None
    without_guarded: bool = False

    def where(self) -> Where:
        """Return the conditions.

        :raises ActionError: an unknown reason, or a text longer than an address can be.
        """
        if self.reason is not None and self.reason not in CAUSES:
            raise ActionError(f"reason is {self.reason!r}; it must be one of {', '.join(CAUSES)}.")
        bound = Bound()
        domain = (self.domain or "").strip().removeprefix("@")
        searches = (Search.of(f"@{domain}") if domain else None, Search.of(self.text or ""))
        return Where(
            bound,
            self.state == "open",
            (self.reason,) if self.reason else CAUSES,
            {},
            {"blocked_at": list(self._since(bound))},
            [search for search in searches if search],
            [_SEEN] if self.without_guarded else [],
        )

    def _since(self, bound: Bound) -> Iterator[Condition]:
        for moment, compare in ((self.since_from, ">="), (self.since_to, "<")):
            if moment is not None:
                yield sql.SQL("b.blocked_at {} {}").format(sql.SQL(compare), bound(moment))


@dataclass(frozen=True)
class BlockedRow:
    """A row of the Email Blocked List; times are aware.

    ``causes``: all that block the address now. ``lift_…``: the last request to take it off SES's own list as well:
    under way while ``lift_finished_at`` is None; ``lift_result`` says what became of it. ``said``: what the server said
    when the block began; only of a page.
    """

    blocked_list_id: int
    address_id: int
    address: str
    reason: str
    blocked_at: datetime
    recorded_at: datetime
    unblocked_at: datetime | None
    unblocked_by: str | None
    unblock_reason: str | None
    causes: list[str]
    lift_requested_at: datetime | None
    lift_requested_by: str | None
    lift_finished_at: datetime | None
    lift_result: str | None
    said: str | None = None

    @property
    def is_lifting(self) -> bool:
        """Whether it is being lifted."""
        return self.lift_requested_at is not None and self.lift_finished_at is None


def list_blocked(
    connection: Connection,
    filter_: BlockedFilter,
    sort: BlockedSort = "date",
    direction: Direction = "descending",
    after: str | None = None,
    limit: int = 50,
) -> Page[BlockedRow]:
    """Return one page of the Email Blocked List. As :func:`ses_bounces.ledger.lists.bounces.list_bounces`."""
    listing = Listing(SOURCE, filter_.where(), sort, direction)
    with reading(connection):
        ids, next_ = listing.ids(connection, after, limit)
        rows = [BlockedRow(*row) for row in connection.execute(statement("ledger/lists/select_blocked"), {"ids": ids})]
    return Page(rows, next_, listing.found)


def count_blocked(connection: Connection, filter_: BlockedFilter) -> Count:
    """Return how many rows a filter shows, as far as they are counted. Raises as :func:`list_blocked` does."""
    with reading(connection):
        return count_rows(connection, SOURCE, filter_.where())


def count_causes(connection: Connection) -> dict[str, Count]:
    """Return how many addresses each cause blocks now, also where none."""
    with reading(connection):
        rows = connection.execute(statement("ledger/lists/count_causes"), {"causes": list(CAUSES)}).fetchall()
    return {cause: Count(number) for cause, number in rows}


def blocked_ids(connection: Connection, filter_: BlockedFilter) -> list[int]:
    """Return the ids of all addresses that a filter shows, each once, 10,000 at most.

    :raises ActionError: there are more, or as :func:`list_blocked`.
    """
    rows = Listing(SOURCE, filter_.where(), "address", "ascending").stream(connection, sql.SQL("b.address_id"))
    return all_ids(rows)


def stream_blocked(
    connection: Connection, filter_: BlockedFilter, sort: BlockedSort = "date", direction: Direction = "descending"
) -> Iterator[str]:
    """Yield all that a filter shows as lines of CSV, with a header; safe for spreadsheets.

    The connection is in use until the last line. Raises as :func:`list_blocked` does.
    """
    rows = Listing(SOURCE, filter_.where(), sort, direction).stream(connection, _TABLE)
    return write_table(COLUMNS, rows)
