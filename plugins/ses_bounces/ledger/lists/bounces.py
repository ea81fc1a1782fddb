"""The Email Bounce List as pages show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from psycopg import sql

from ses_bounces.base.database.statements import statement
from ses_bounces.base.database.tables.ledger import BOUNCE_LIST_KINDS
from ses_bounces.base.exceptions import ActionError
from ses_bounces.ledger.lists.csv_lines import write_table
from ses_bounces.ledger.lists.engine.counting import count_rows
from ses_bounces.ledger.lists.engine.listing import Listing
from ses_bounces.ledger.lists.engine.paging import Count, Page, all_ids
from ses_bounces.ledger.lists.engine.query import Bound, Condition, Direction, reading, stored
from ses_bounces.ledger.lists.engine.search import Search
from ses_bounces.ledger.lists.engine.where import Source, Where
from ses_bounces.ledger.lists.guarded import UNGUARDED

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


BounceSort = Literal["date", "address", "deadline"]

SOURCE = Source(
    "bounce_list",
    "bounce_list_id",
    "kind",
    BOUNCE_LIST_KINDS,
    {"date": "last_bounced_at", "deadline": "transient_fix_deadline"},
    only_of={"deadline": "transient"},
    leading=("configuration_set", "is_reply"),
)
MAX_DAYS_LEFT = 3_650
COLUMNS = (
    "address", "kind", "details", "sub_type", "configuration_set", "is_reply", "first_bounced_at", "last_bounced_at",
    "bounce_count", "fix_deadline", "opened_at", "closed_at", "closed_by", "close_reason",
)  # fmt: skip
_TABLE = sql.SQL(
    "b.address, b.kind, b.details, b.bounce_sub_type, b.configuration_set, b.is_reply, b.first_bounced_at,"
    " b.last_bounced_at, b.bounce_count, b.transient_fix_deadline, b.opened_at, b.closed_at, b.closed_by,"
    " b.close_reason"
)


@dataclass(frozen=True)
class BounceFilter:
    """Which rows of the Email Bounce List; None: any.

    ``days_left_…``: until the deadline, from now, inclusive; may be negative. ``bounced_…``: the last bounce, aware,
    from inclusive, to exclusive. ``is_reply``: only those whose last bounce is probably an auto-reply. ``text``: see
    :class:`~ses_bounces.ledger.lists.engine.search.Search`. ``without_guarded``: none that never_block guards.
    """

    state: Literal["open", "closed"] = "open"
    kind: str | None = None
    sub_type: str | None = None
    configuration_set: str | None = None
    days_left_min: int | None = None
    days_left_max: int | None = None
    bounced_from: datetime | None = None
    bounced_to: datetime | None = None
    text: str | None = None
    is_reply: bool = False
    without_guarded: bool = False

    def where(self) -> Where:
        """Return the conditions.

        :raises ActionError: an unknown kind, days out of range, or a text longer than an address can be.
        """
        if self.kind is not None and self.kind not in BOUNCE_LIST_KINDS:
            raise ActionError(f"kind is {self.kind!r}; it must be one of {', '.join(BOUNCE_LIST_KINDS)}.")
        bound = Bound()
        days_left = list(self._days_left(bound))
        # Only transients have days left.
        kinds = ("transient",) if days_left else BOUNCE_LIST_KINDS
        equal = {"bounce_sub_type": self.sub_type, "configuration_set": self.configuration_set}
        chosen: dict[str, str | bool] = {name: stored(value) for name, value in equal.items() if value is not None}
        if self.is_reply:
            chosen["is_reply"] = True
        search = Search.of(self.text or "")
        return Where(
            bound,
            self.state == "open",
            tuple(kind for kind in kinds if self.kind in (None, kind)),
            chosen,
            {
                "transient_fix_deadline": days_left,
                "last_bounced_at": list(self._bounced(bound)),
            },
            [search] if search else [],
            [UNGUARDED] if self.without_guarded else [],
        )

    def _days_left(self, bound: Bound) -> Iterator[Condition]:
        for days, compare in ((self.days_left_min, ">="), (self.days_left_max, "<=")):
            if days is not None:
                if not -MAX_DAYS_LEFT <= days <= MAX_DAYS_LEFT:
                    raise ActionError(f"days left is {days}; it must be {-MAX_DAYS_LEFT} to {MAX_DAYS_LEFT}.")
                # Said so that the index of transients is found.
                yield sql.SQL(
                    "b.kind = 'transient' AND b.transient_fix_deadline {} now() + make_interval(days => {})"
                ).format(sql.SQL(compare), bound(days))

    def _bounced(self, bound: Bound) -> Iterator[Condition]:
        for moment, compare in ((self.bounced_from, ">="), (self.bounced_to, "<")):
            if moment is not None:
                yield sql.SQL("b.last_bounced_at {} {}").format(sql.SQL(compare), bound(moment))


@dataclass(frozen=True)
class BounceRow:
    """A row of the Email Bounce List; times are aware. ``causes``: what the address is blocked by now.

    ``is_reply``: its last bounce is probably an auto-reply. ``said``: what the server said then; only of a page.
    """

    bounce_list_id: int
    address_id: int
    address: str
    kind: str
    details: str | None
    sub_type: str | None
    configuration_set: str | None
    is_reply: bool
    first_bounced_at: datetime | None
    last_bounced_at: datetime | None
    bounce_count: int
    fix_deadline: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    close_reason: str | None
    causes: list[str]
    said: str | None = None


def list_bounces(
    connection: Connection,
    filter_: BounceFilter,
    sort: BounceSort = "date",
    direction: Direction = "descending",
    after: str | None = None,
    limit: int = 50,
) -> Page[BounceRow]:
    """Return one page of the Email Bounce List.

    :param connection: autocommit.
    :param after: :attr:`Page.after` of the page before; None: the first page. Rows that come in meanwhile change
        nothing of what follows.
    :param limit: 1 to 500.
    :raises ActionError: a filter, position or limit that can't be.
    :raises DatabaseError: also when it takes over five seconds.
    """
    listing = Listing(SOURCE, filter_.where(), sort, direction)
    with reading(connection):
        ids, next_ = listing.ids(connection, after, limit)
        rows = [BounceRow(*row) for row in connection.execute(statement("ledger/lists/select_bounces"), {"ids": ids})]
    return Page(rows, next_, listing.found)


def count_bounces(connection: Connection, filter_: BounceFilter) -> Count:
    """Return how many rows a filter shows, as far as they are counted. Raises as :func:`list_bounces` does."""
    with reading(connection):
        return count_rows(connection, SOURCE, filter_.where())


def stream_bounces(
    connection: Connection, filter_: BounceFilter, sort: BounceSort = "date", direction: Direction = "descending"
) -> Iterator[str]:
    """Yield all that a filter shows as lines of CSV, with a header; safe for spreadsheets.

    The connection is in use until the last line. Raises as :func:`list_bounces` does.
    """
    rows = Listing(SOURCE, filter_.where(), sort, direction).stream(connection, _TABLE)
    return write_table(COLUMNS, rows)


def bounced_ids(connection: Connection, filter_: BounceFilter) -> list[int]:
    """Return the ids of all addresses that a filter shows, 10,000 at most.

    :raises ActionError: there are more, or as :func:`list_bounces`.
    """
    rows = Listing(SOURCE, filter_.where(), "address", "ascending").stream(connection, sql.SQL("b.address_id"))
    return all_ids(rows)


def chosen_bounces(connection: Connection, address_ids: Iterable[int]) -> list[BounceRow]:
    """Return the open rows of the Email Bounce List of some addresses, by address; those without one are left out.

    :raises DatabaseError: also when it takes over five seconds.
    """
    with reading(connection):
        rows = connection.execute(
            statement("ledger/lists/select_chosen_bounces"), {"ids": list(address_ids)}
        ).fetchall()
    return [BounceRow(*row) for row in rows]
