"""Pages of a list: in a stable order, from where the last page ended, by way of an index whatever the filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg import sql

from ses_bounces.lists.query import (
    WALKED,
    WALKED_FAR,
    Condition,
    Direction,
    all_of,
    check_limit,
    column,
    in_sample,
    read_position,
    reading,
    sample_of,
    table,
    to_all,
    write_position,
)
from ses_bounces.lists.search import Candidates
from ses_bounces.lists.selection import Selection
from ses_bounces.lists.where import Source, Where

if TYPE_CHECKING:
    from ses_bounces.database.connection import Connection

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


class Listing(Selection):
    """The rows of one list that one filter shows, in one order."""

    def __init__(self, source: Source, where: Where, sort: str, direction: Direction) -> None:
        super().__init__(source, where)
        self.moment = source.moments.get(sort)
        self.order = sql.SQL("DESC" if direction == "descending" else "ASC")
        self.compare = sql.SQL("<" if direction == "descending" else ">")
        self.up_to = sql.SQL(">=" if direction == "descending" else "<=")
        self.only_of = source.only_of.get(sort)
        # One equality leads an index of its own, by date.
        self.leads = [name for name in where.equal if name in source.leading and self.moment and not self.only_of][:1]
        self.by = column(self.moment or "address")

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

    def _segments(self, position: tuple[datetime | None, int] | None) -> list[bool | None]:
        """Which parts of the list are to be read: without a time or with one; None: it has one part."""
        if not self.only_of:
            return [None]
        with_time: list[bool | None] = [False] if self.only_of in self.where.kinds else []
        without: list[bool | None] = [] if self.where.ranges.get(self.moment or "") else [True]
        return without if position and position[0] is None else with_time + without

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
        if looked_up is None or not looked_up.are_many:
            return self._read(connection, self._matching(nulls, bounds, looked_up, limit))
        return self._among_many(connection, nulls, position, looked_up, limit)

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

    def _is_narrow(self) -> bool:
        """Whether rows that are next in the order may not match: no index leads to just those that do."""
        where = self.where
        if where.searches or any(ranges for name, ranges in where.ranges.items() if name != self.moment):
            return True
        is_by_kind = self.moment is not None and not self.leads
        return len(where.equal) > len(self.leads) or (not is_by_kind and self._is_one_kind())

    def _bounds(self, nulls: bool | None, position: tuple[datetime | None, int] | None) -> list[Condition]:
        bound = self.where.bound
        bounds: list[Condition] = list(self.where.ranges.get(self.moment or "", []))
        if position is None:
            return bounds
        value, id_ = position
        if self.moment is None:
            # The address stays in the database: the position is that of a row.
            after = sql.SQL("({}, {}) {} ({}, {})").format(self.by, self.id, self.compare, self._last(id_), bound(id_))
        elif nulls:
            after = sql.SQL("{} {} {}").format(self.id, self.compare, bound(id_))
        else:
            after = sql.SQL("({}, {}) {} ({}, {})").format(self.by, self.id, self.compare, bound(value), bound(id_))
        return [*bounds, after]

    def _last(self, id_: int) -> sql.Composed:
        """Return the query for the address of a row."""
        return sql.SQL("(SELECT b.address FROM {} b WHERE {} = {})").format(
            table(self.source.table), self.id, self.where.bound(id_)
        )

    def _in_order(self, nulls: bool | None, bounds: list[Condition], walked: int | None, limit: int) -> sql.Composed:
        """Return the query that reads the rows in their order, up to ``walked`` of each kind, and keeps what fits."""
        kept = self._kept()
        parts = []
        for kinds, rows in self._walks(nulls, bounds):
            if walked is not None:
                rows = sql.SQL("{} LIMIT {}").format(rows, sql.Literal(walked))
            some = sql.SQL("SELECT {id}, {by} AS value FROM ({rows}) b WHERE {kept} LIMIT {limit}").format(
                id=self.id, by=self.by, rows=rows, kept=all_of(kept), limit=sql.Literal(limit)
            )
            parts.append(some if kinds is None else self._each(kinds, some))
        return self._ordered(sql.SQL(" UNION ALL ").join(parts), limit)

    def _each(self, kinds: list[str], rows: sql.Composable) -> sql.Composed:
        each = sql.SQL("SELECT b.* FROM unnest({}::text[]) k(kind) CROSS JOIN LATERAL ({}) b")
        return each.format(self.where.bound(kinds), rows)

    def _kept(self) -> list[Condition]:
        """The conditions that no index of the order has."""
        where = self.where
        others = [condition for name, ranges in where.ranges.items() if name != self.moment for condition in ranges]
        kept = [*others, *where.walking(), *(where.equals(name) for name in where.equal if name not in self.leads)]
        return [*kept, *self._kind()] if self.moment is None or self.leads else kept

    def _walks(self, nulls: bool | None, bounds: list[Condition]) -> Iterator[tuple[list[str] | None, sql.Composable]]:
        """Yield queries for the rows in order, each by an index, and the kinds ``k`` it is for; None: for all."""
        where = self.where
        read = [*(where.equals(name) for name in self.leads), *bounds]
        if self.moment is None:
            # Where a text is a range of the order, the rest of the order needn't be looked at.
            read += [
                condition for search in where.searches if search.is_range for condition in search.matches(where.bound)
            ]
            yield None, self._rows([where.by_address(self.source), *read])
        elif self.leads:
            yield None, self._rows([where.state(self.source), *read])
        else:
            kind = sql.SQL("{} = k.kind").format(column(self.source.kind))
            for kinds, of_index in self._parts(nulls):
                yield kinds, self._rows([where.state(self.source), *read, kind, *of_index])

    def _rows(self, read: list[Condition]) -> sql.Composed:
        return sql.SQL("SELECT b.* FROM {table} b WHERE {where} ORDER BY {by} {order}, {id} {order}").format(
            table=table(self.source.table), where=all_of(read), by=self.by, order=self.order, id=self.id
        )

    def _parts(self, nulls: bool | None) -> Iterator[tuple[list[str], list[Condition]]]:
        """Yield kinds that one index has in order, and the conditions that lead to that index."""
        if self.only_of is None:
            yield list(self.where.kinds), []
            return
        kind, only = column(self.source.kind), sql.Literal(self.only_of)
        is_one = [kind + sql.SQL(" = ") + only, self._is_null(nulls)]
        yield [name for name in self.where.kinds if name == self.only_of], is_one
        if nulls:
            # Not said that they have none: the planner would believe them to be fewer.
            yield [name for name in self.where.kinds if name != self.only_of], [kind + sql.SQL(" <> ") + only]

    def _is_null(self, nulls: bool | None) -> Condition:
        return sql.SQL("{} IS NULL" if nulls else "{} IS NOT NULL").format(self.by)

    def _matching(
        self, nulls: bool | None, bounds: list[Condition], looked_up: Candidates | None, limit: int
    ) -> sql.Composed:
        """Return the query that finds all rows that match, then sorts them."""
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
        return self._ordered(some, limit)

    def _ordered(self, some: sql.Composable, limit: int) -> sql.Composed:
        return sql.SQL(
            "SELECT r.{id}, r.value FROM ({some}) r ORDER BY r.value {order}, r.{id} {order} LIMIT {n}"
        ).format(id=sql.Identifier(self.source.id), some=some, order=self.order, n=sql.Literal(limit))

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
