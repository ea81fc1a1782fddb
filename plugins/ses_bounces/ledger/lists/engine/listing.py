"""Pages of a list: in a stable order, from where the last page ended, by way of an index whatever the filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg import sql

from ses_bounces.ledger.lists.engine.ordering import NOTHING, Ordered
from ses_bounces.ledger.lists.engine.paging import Count, check_limit, read_position, write_position
from ses_bounces.ledger.lists.engine.query import WALKED, WALKED_FAR, Condition, Direction, all_of, reading, table
from ses_bounces.ledger.lists.engine.sampling import in_sample, sample_of, to_all
from ses_bounces.ledger.lists.engine.search import Candidates
from ses_bounces.ledger.lists.engine.where import Source, Where

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

_ROWS_AT_ONCE = 5_000
# What it costs to look up an address and its rows, in rows that are read by the other conditions.
LOOKUP_COST = 4


@dataclass(frozen=True)
class Ahead:
    """Where the next rows are: about how many rows before the first, and an address that enough of them come up to.

    None: not in the sample.
    """

    distance: int | None
    last: str | None


class Listing(Ordered):
    """Pages of the rows of one list that one filter shows, in one order, and all of them."""

    def __init__(self, source: Source, where: Where, sort: str, direction: Direction) -> None:
        super().__init__(source, where, sort, direction)
        # How many rows there are, where that came out on the way to a page.
        self.found: Count | None = None

    def ids(self, connection: Connection, after: str | None, limit: int) -> tuple[list[int], str | None]:
        """Return the ids of a page's rows, and the position behind them; None: there is no further row."""
        check_limit(limit)
        position = read_position(after) if after else None
        rows: list[tuple[int, Any]] = []
        for nulls in self._segments(position):
            begins_here = position is not None and nulls in (None, position[0] is None)
            begin = position if begins_here else None
            rows += self._page(connection, nulls, begin, limit + 1 - len(rows))
            if len(rows) > limit:
                id_, value = rows[limit - 1]
                return [id_ for id_, _ in rows[:limit]], write_position(value if self.moment else None, id_)
        return [id_ for id_, _ in rows], None

    def _page(
        self, connection: Connection, nulls: bool | None, position: tuple[datetime | None, int] | None, limit: int
    ) -> list[tuple[int, Any]]:
        bounds = self._bounds(nulls, position)
        if not self._is_narrow():
            return self._read(connection, self._in_order(nulls, bounds, None, limit))
        rows = self._read(connection, self._in_order(nulls, bounds, WALKED, limit))
        if len(rows) == limit:
            return rows
        # Few among those looked at: then there are few, or they are all further on.
        looked_up = self._look_up(connection)
        if looked_up is None:
            return self._read(connection, self._matching(nulls, bounds, looked_up, limit))
        if looked_up.are_many:
            return self._among_many(connection, nulls, position, looked_up, limit)
        found = self._read(connection, self._matching(nulls, bounds, looked_up, limit, sql.SQL(", count(*) OVER ()")))
        if position is None and nulls is None:
            self.found = Count(found[0][2] if found else 0)
        return [(id_, value) for id_, value, _ in found]

    def _among_many(
        self,
        connection: Connection,
        nulls: bool | None,
        position: tuple[datetime | None, int] | None,
        looked_up: Candidates,
        limit: int,
    ) -> list[tuple[int, Any]]:
        """Return the rows where many addresses are meant: too many to look at each before some are taken."""
        bounds = self._bounds(nulls, position)
        is_null = [] if nulls is None else [self._is_null(nulls)]
        walked = [self.where.state(self.source), *self._kind(), *self.where.ranges.get(self.moment or "", [])]
        about = self._about(connection, [*walked, *is_null], is_null)
        if about.others > WALKED_FAR and about.matching:
            rows: list[tuple[int, Any]] = []
            if self.moment is None:
                ahead = self._ahead(connection, bounds, limit)
                # Twice as far as they should be; that costs half of looking all of them up.
                if ahead.distance is not None and ahead.distance <= looked_up.number:
                    rows = self._read(connection, self._by_address(bounds, 2 * ahead.distance + WALKED, limit))
                if len(rows) < limit:
                    query = self._matching(nulls, bounds, self._first(looked_up, position, ahead.last), limit)
                    rows = self._read(connection, query)
            # Twice as far as they should be: they are not spread evenly.
            elif 2 * limit * about.walked <= WALKED_FAR * about.matching:
                rows = self._read(connection, self._in_order(nulls, bounds, WALKED_FAR, limit))
            if len(rows) == limit:
                return rows
        cheaper = None if about.others < LOOKUP_COST * looked_up.number else looked_up
        return self._read(connection, self._matching(nulls, bounds, cheaper, limit))

    def _by_address(self, bounds: list[Condition], walked: int, limit: int) -> sql.Composed:
        """Return the query that looks for the text in the index by address alone, then at some of the rows.

        That costs a fifth of looking all of them up, and finds what has the text in front, which is in one place.
        """
        found = sql.SQL("SELECT b.{id} FROM ({rows} LIMIT {walked}) b WHERE {matches} LIMIT {most}").format(
            id=sql.Identifier(self.source.id),
            rows=self._rows([self.where.by_address(self.source), *bounds]),
            walked=sql.Literal(walked),
            matches=all_of(self.where.walking()),
            most=sql.Literal(WALKED),
        )
        some = sql.SQL(
            "SELECT {id}, {by} AS value FROM ({found}) f CROSS JOIN LATERAL"
            " (SELECT b.* FROM {table} b WHERE {id} = f.{name} AND {where} OFFSET 0) b"
        ).format(
            id=self.id,
            by=self.by,
            found=found,
            table=table(self.source.table),
            name=sql.Identifier(self.source.id),
            where=all_of(self._everything()),
        )
        return self._ordered(some, limit)

    def _ahead(self, connection: Connection, bounds: list[Condition], limit: int) -> Ahead:
        """Return where the next rows by address are that match, as far as a sample tells."""
        places = sql.SQL(
            "SELECT x.place, x.address FROM ("
            "SELECT b.address, {matches} AS matches, row_number() OVER (ORDER BY b.address {order}) AS place"
            " FROM {sample} WHERE {walked}"
            ") x WHERE x.matches ORDER BY x.place LIMIT {most}"
        ).format(
            matches=all_of([*self._everything(), *self.where.walking()]),
            order=self.order,
            sample=sample_of(self.source.table, "b"),
            walked=all_of([self.where.by_address(self.source), *bounds]),
            most=sql.Literal(most := in_sample(2 * limit) + 2),
        )
        found = self._read(connection, places)
        return Ahead(to_all(found[0][0]) if found else None, found[-1][1] if len(found) == most else None)

    def _first(
        self, looked_up: Candidates, position: tuple[datetime | None, int] | None, last: str | None
    ) -> Candidates:
        """Return the next of many addresses, up to a last one: they are not to be joined to all that have rows."""
        next_: list[Condition] = []
        if position is not None:
            next_.append(sql.SQL("x.address {}= {}").format(self.compare, self._last(position[1])))
        if last is not None:
            # So that the others are left out before they are sorted.
            next_.append(sql.SQL("x.address {} {}").format(self.up_to, self.where.bound(last)))
        first = sql.SQL("SELECT x.address FROM ({}) x WHERE {} ORDER BY x.address {} LIMIT {}").format(
            looked_up.addresses, all_of(next_), self.order, sql.Literal(WALKED)
        )
        return Candidates(first, WALKED)

    def _matching(
        self,
        nulls: bool | None,
        bounds: list[Condition],
        looked_up: Candidates | None,
        limit: int,
        also: sql.Composable = NOTHING,
    ) -> sql.Composed:
        """Return the query that finds all rows that match, then sorts them; ``also``: further columns."""
        where = [*self._everything(), *bounds]
        if nulls is not None:
            where.append(self._is_null(nulls))
        where += self.where.walking() if looked_up is None else [sql.SQL("b.address = a.address")]
        # OFFSET 0: the planner is not to walk in the order of the list once more.
        some: sql.Composable = sql.SQL("SELECT {id}, {by} AS value FROM {table} b WHERE {where} OFFSET 0").format(
            id=self.id, by=self.by, table=table(self.source.table), where=all_of(where)
        )
        if looked_up is not None:
            some = sql.SQL("SELECT b.* FROM ({}) a CROSS JOIN LATERAL ({}) b").format(looked_up.addresses, some)
        return self._ordered(some, limit, also)

    def stream(self, connection: Connection, columns: sql.Composable) -> Iterator[tuple[Any, ...]]:
        """Yield some columns of all rows in their order, while they are read."""
        with reading(connection, "10min"), connection.cursor("stream") as cursor:
            where = [*self.where.always(self.source), *self._kind(), *self.where.finding(self._look_up(connection))]
            query = sql.SQL("SELECT {} FROM {} b WHERE {} ORDER BY {} {order} NULLS LAST, {} {order}").format(
                columns, table(self.source.table), all_of(where), self.by, self.id, order=self.order
            )
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(query, self.where.bound.values)
            yield from cursor
