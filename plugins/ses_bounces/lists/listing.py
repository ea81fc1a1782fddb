"""Pages of a list: in a stable order, from where the last page ended, by way of an index whatever the filter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg import sql

from ses_bounces.lists.query import (
    CANDIDATES,
    COUNTED,
    COUNTED_SPREAD,
    WALKED,
    WALKED_FAR,
    Condition,
    Count,
    Direction,
    all_of,
    check_limit,
    column,
    read_position,
    reading,
    table,
    write_position,
)
from ses_bounces.lists.search import Candidates
from ses_bounces.lists.where import Source, Where

if TYPE_CHECKING:
    from ses_bounces.database.connection import Connection

_ROWS_AT_ONCE = 5_000


class Listing:
    """One list in one order, of one filter."""

    def __init__(self, source: Source, where: Where, sort: str, direction: Direction) -> None:
        self.source = source
        self.where = where
        self.moment = source.moments.get(sort)
        self.order = sql.SQL("DESC" if direction == "descending" else "ASC")
        self.compare = sql.SQL("<" if direction == "descending" else ">")
        self.only_of = source.only_of.get(sort)
        # One equality leads an index of its own, by date.
        self.leads = [name for name in where.equal if name in source.leading and self.moment and not self.only_of][:1]
        self.by = column(self.moment or "address")
        self.id = column(source.id)

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
        return [True] if position and position[0] is None else [False, True]

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
        looked_up = self.where.candidates()
        if looked_up is not None and self._are_many(connection, looked_up):
            rows = self._read(connection, self._in_order(nulls, bounds, WALKED_FAR, limit))
            if len(rows) == limit or not self._goes_on(connection, nulls, bounds, WALKED_FAR):
                return rows
        return self._read(connection, self._matching(nulls, bounds, looked_up, limit))

    def _read(self, connection: Connection, query: sql.Composed) -> list[tuple[Any, ...]]:
        return connection.execute(query, self.where.bound.values).fetchall()

    def _are_many(self, connection: Connection, looked_up: Candidates) -> bool:
        """Whether an index leads to more addresses than are read without need."""
        return self._is_longer(connection, looked_up.rough, CANDIDATES)

    def _is_longer(self, connection: Connection, rows: sql.Composable, than: int) -> bool:
        query = sql.SQL("SELECT FROM ({}) r OFFSET {} LIMIT 1").format(rows, sql.Literal(than))
        return bool(self._read(connection, query))

    def _is_narrow(self) -> bool:
        """Whether rows that are next in the order may not match: no index leads to just those that do."""
        where = self.where
        if where.searches or any(ranges for name, ranges in where.ranges.items() if name != self.moment):
            return True
        is_by_kind = self.moment is not None and not self.leads
        return len(where.equal) > len(self.leads) or (not is_by_kind and self._is_one_kind())

    def _is_one_kind(self) -> bool:
        return len(self.where.kinds) < len(self.source.kinds)

    def _bounds(self, nulls: bool | None, position: tuple[datetime | None, int] | None) -> list[Condition]:
        bound = self.where.bound
        bounds: list[Condition] = list(self.where.ranges.get(self.moment or "", []))
        if position is None:
            return bounds
        value, id_ = position
        if self.moment is None:
            # The address stays in the database: the position is that of a row.
            last = sql.SQL("(SELECT b.address FROM {} b WHERE {} = {})").format(
                table(self.source.table), self.id, bound(id_)
            )
            after = sql.SQL("({}, {}) {} ({}, {})").format(self.by, self.id, self.compare, last, bound(id_))
        elif nulls:
            after = sql.SQL("{} {} {}").format(self.id, self.compare, bound(id_))
        else:
            after = sql.SQL("({}, {}) {} ({}, {})").format(self.by, self.id, self.compare, bound(value), bound(id_))
        return [*bounds, after]

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

    def _goes_on(self, connection: Connection, nulls: bool | None, bounds: list[Condition], walked: int) -> bool:
        """Whether there are further rows behind the ``walked`` ones of any kind."""
        parts = []
        for kinds, rows in self._walks(nulls, bounds):
            some = sql.SQL("SELECT {id} FROM ({rows}) b OFFSET {walked} LIMIT 1").format(
                id=self.id, rows=rows, walked=sql.Literal(walked)
            )
            parts.append(sql.SQL("({})").format(some if kinds is None else self._each(kinds, some)))
        return self._is_longer(connection, sql.SQL(" UNION ALL ").join(parts), 0)

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
        where = [*self.where.always(self.source), *self._kind(), *bounds]
        if nulls is not None:
            where.append(self._is_null(nulls))
        if looked_up is None:
            where += self.where.walking()
        if looked_up is not None:
            where.append(sql.SQL("b.address = a.address"))
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

    def _kind(self) -> list[Condition]:
        if not self._is_one_kind():
            return []
        return [sql.SQL("{} = ANY ({})").format(column(self.source.kind), self.where.bound(list(self.where.kinds)))]

    def count(self, connection: Connection) -> Count:
        """Return how many rows there are."""
        where = self._everything()
        looked_up = self.where.candidates()
        if looked_up is None:
            return self._counted(connection, self._where([*where, *self.where.walking()]))
        if not self._are_many(connection, looked_up):
            return self._counted(connection, self._found(where, looked_up))
        # What many addresses have in common is soon counted to the end, and slow to look up.
        walked = sql.SQL("SELECT b.* FROM ({} LIMIT {}) b WHERE {}").format(
            self._where(where), sql.Literal(WALKED_FAR), all_of(self.where.walking())
        )
        found = self._counted(connection, walked)
        if found.is_more or not self._is_longer(connection, self._where(where), WALKED_FAR):
            return found
        return self._counted(connection, self._found(where, looked_up), COUNTED_SPREAD)

    def _everything(self) -> list[Condition]:
        """Return all conditions but those of the address; if there is but the state, as an index by address has it."""
        others = [*self.where.always(self.source)[1:], *self._kind()]
        return [self.where.state(self.source), *others] if others else [self.where.by_address(self.source)]

    def _where(self, where: list[Condition]) -> sql.Composed:
        return sql.SQL("SELECT b.* FROM {} b WHERE {}").format(table(self.source.table), all_of(where))

    def _found(self, where: list[Condition], looked_up: Candidates) -> sql.Composed:
        """Return the query for the rows of the addresses that were looked up, one address after the other."""
        rows = self._where([sql.SQL("b.address = a.address"), *where])
        return sql.SQL("SELECT FROM ({}) a CROSS JOIN LATERAL ({} OFFSET 0) b").format(looked_up.addresses, rows)

    def _counted(self, connection: Connection, rows: sql.Composable, most: int = COUNTED) -> Count:
        query = sql.SQL("SELECT count(*) FROM (SELECT FROM ({}) b LIMIT {}) r").format(rows, sql.Literal(most + 1))
        return Count(self._read(connection, query)[0][0], most)

    def stream(self, connection: Connection, columns: sql.Composable) -> Iterator[tuple[Any, ...]]:
        """Yield some columns of all rows in their order, while they are read."""
        where = all_of([*self.where.always(self.source), *self._kind(), *self.where.finding()])
        query = sql.SQL("SELECT {} FROM {} b WHERE {} ORDER BY {} {order} NULLS LAST, {} {order}").format(
            columns, table(self.source.table), where, self.by, self.id, order=self.order
        )
        with reading(connection, "10min"), connection.cursor("stream") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(query, self.where.bound.values)
            yield from cursor
