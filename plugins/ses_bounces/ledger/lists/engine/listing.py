"""Pages of a list: in a stable order, from where the last page ended, by way of an index whatever the filter."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from psycopg import sql

from ses_bounces.ledger.lists.engine.ordering import Order, Position
from ses_bounces.ledger.lists.engine.paging import Count, check_limit, read_position, write_position
from ses_bounces.ledger.lists.engine.query import WALKED, WALKED_FAR, Direction, all_of, reading, table
from ses_bounces.ledger.lists.engine.sampler import Sampler
from ses_bounces.ledger.lists.engine.search import Candidates, look_up
from ses_bounces.ledger.lists.engine.selection import Selection
from ses_bounces.ledger.lists.engine.where import Source, Where

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

_ROWS_AT_ONCE = 5_000
# What it costs to look up an address and its rows, in rows that are read by the other conditions.
LOOKUP_COST = 4


class Listing:
    """Pages of the rows of one list that one filter shows, in one order, and all of them."""

    def __init__(self, source: Source, where: Where, sort: str, direction: Direction) -> None:
        self._where = where
        self._selection = Selection(source, where)
        self._order = Order(self._selection, sort, direction)
        self._sampler = Sampler(self._selection)
        # How many rows there are, where that came out on the way to a page.
        self.found: Count | None = None

    def ids(self, connection: Connection, after: str | None, limit: int) -> tuple[list[int], str | None]:
        """Return the ids of a page's rows, and the position behind them; None: there is no further row."""
        check_limit(limit)
        position = read_position(after) if after else None
        rows: list[tuple[int, Any]] = []
        for nulls in self._order.segments(position):
            begins_here = position is not None and nulls in (None, position[0] is None)
            begin = position if begins_here else None
            rows += self._page(connection, nulls, begin, limit + 1 - len(rows))
            if len(rows) > limit:
                id_, value = rows[limit - 1]
                return [id_ for id_, _ in rows[:limit]], write_position(value if self._order.moment else None, id_)
        return [id_ for id_, _ in rows], None

    def stream(self, connection: Connection, columns: sql.Composable) -> Generator[tuple[Any, ...], None, None]:
        """Yield some columns of all rows in their order, while they are read."""
        selection, where = self._selection, self._where
        with reading(connection, "10min"), connection.cursor("stream") as cursor:
            looked_up = look_up(connection, where.searches, where.bound)
            conditions = [*where.always(selection.source), *selection.kind(), *where.finding(looked_up)]
            query = sql.SQL("SELECT {} FROM {} b WHERE {} ORDER BY {} {order} NULLS LAST, {} {order}").format(
                columns,
                table(selection.source.table),
                all_of(conditions),
                self._order.by,
                selection.id,
                order=self._order.direction,
            )
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(query, where.bound.values)
            yield from cursor

    def _page(
        self, connection: Connection, nulls: bool | None, position: Position | None, limit: int
    ) -> list[tuple[int, Any]]:
        order = self._order
        bounds = order.bounds(nulls, position)
        if not order.is_narrow:
            return self._read(connection, order.walk(nulls, bounds, None, limit))
        rows = self._read(connection, order.walk(nulls, bounds, WALKED, limit))
        if len(rows) == limit:
            return rows
        # Few among those looked at: then there are few, or they are all further on.
        looked_up = look_up(connection, self._where.searches, self._where.bound)
        if looked_up is None:
            return self._read(connection, order.sort(nulls, bounds, looked_up, limit))
        if looked_up.are_many:
            return self._among_many(connection, nulls, position, looked_up, limit)
        found = self._read(connection, order.sort(nulls, bounds, looked_up, limit, sql.SQL(", count(*) OVER ()")))
        if position is None and nulls is None:
            self.found = Count(found[0][2] if found else 0)
        return [(id_, value) for id_, value, _ in found]

    def _among_many(
        self,
        connection: Connection,
        nulls: bool | None,
        position: Position | None,
        looked_up: Candidates,
        limit: int,
    ) -> list[tuple[int, Any]]:
        """Return the rows where many addresses are meant: too many to look at each before some are taken."""
        order = self._order
        bounds, is_null = order.bounds(nulls, position), order.is_null(nulls)
        walked = [self._selection.state(), *self._selection.kind(), *order.ranges()]
        about = self._sampler.about(connection, [*walked, *is_null], is_null)
        if about.others > WALKED_FAR and about.matching:
            rows: list[tuple[int, Any]] = []
            if order.moment is None:
                ahead = self._sampler.ahead(connection, order.direction, bounds, limit)
                # Twice as far as they should be; that costs half of looking all of them up.
                if ahead.distance is not None and ahead.distance <= looked_up.number:
                    rows = self._read(connection, order.walk_addresses(bounds, 2 * ahead.distance + WALKED, limit))
                if len(rows) < limit:
                    first = order.first(looked_up, position, ahead.last)
                    rows = self._read(connection, order.sort(nulls, bounds, first, limit))
            # Twice as far as they should be: they are not spread evenly.
            elif 2 * limit * about.walked <= WALKED_FAR * about.matching:
                rows = self._read(connection, order.walk(nulls, bounds, WALKED_FAR, limit))
            if len(rows) == limit:
                return rows
        cheaper = None if about.others < LOOKUP_COST * looked_up.number else looked_up
        return self._read(connection, order.sort(nulls, bounds, cheaper, limit))

    def _read(self, connection: Connection, query: sql.Composed) -> list[tuple[Any, ...]]:
        return connection.execute(query, self._where.bound.values).fetchall()
