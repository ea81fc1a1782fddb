"""Pages of a list: in a stable order, from where the last page ended, by way of an index whatever the filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg import sql

from ses_bounces.lists.query import (
    COUNT_WALKED,
    COUNTED,
    WALKED,
    Bound,
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
from ses_bounces.lists.search import Search

if TYPE_CHECKING:
    from ses_bounces.database.connection import Connection

_ROWS_AT_ONCE = 5_000


@dataclass(frozen=True)
class Source:
    """A table that is listed.

    ``kind``: its column that leads the indexes behind ``is_open``, with its values. ``moments``: the columns that it
    can be sorted by, beside the address. ``only_of``: of those, the ones that only rows of one kind have; rows without
    come last. ``leading``: the columns that lead an index by date. ``closed_at``: the time of closing, if open and
    closed rows have an index by address each.
    """

    table: str
    id: str
    kind: str
    kinds: tuple[str, ...]
    moments: dict[str, str]
    only_of: dict[str, str] = field(default_factory=dict)
    leading: tuple[str, ...] = ()
    closed_at: str | None = None


@dataclass
class Where:
    """The conditions of a filter on rows ``b``.

    ``equal``: columns that an index with ``is_open`` exists of; ``ranges``: conditions by the column of a time;
    ``searches``: by the address.
    """

    bound: Bound
    is_open: bool
    kinds: tuple[str, ...]
    equal: dict[str, str] = field(default_factory=dict)
    ranges: dict[str, list[Condition]] = field(default_factory=dict)
    searches: list[Search] = field(default_factory=list)

    def always(self, source: Source) -> list[Condition]:
        """All but those of the kind and of the address."""
        equal = [self.equals(name) for name in self.equal]
        ranges = [condition for conditions in self.ranges.values() for condition in conditions]
        return [self.state(source), *equal, *ranges]

    def state(self, source: Source) -> Condition:
        """Open or not, in the words of the indexes."""
        is_open = sql.SQL("b.is_open = {}").format(self.bound(self.is_open))
        if source.closed_at is None:
            return is_open
        is_null = sql.SQL(" AND {} IS NULL" if self.is_open else " AND {} IS NOT NULL")
        return is_open + is_null.format(column(source.closed_at))

    def equals(self, name: str) -> Condition:
        """That of a column of ``equal``."""
        return sql.SQL("{} = {}").format(column(name), self.bound(self.equal[name]))

    def walking(self) -> list[Condition]:
        """Those of the address, for rows that are looked at anyway."""
        return [condition for search in self.searches for condition in search.matches(self.bound)]

    def finding(self) -> list[Condition]:
        """Those of the address, by way of an index: of several, that of the longest text."""
        longest_first = sorted(self.searches, key=lambda search: -len(search.text))
        found = [condition for search in longest_first[:1] for condition in search.finds(self.bound)]
        return found + [condition for search in longest_first[1:] for condition in search.matches(self.bound)]


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
        rows: list[tuple[int, Any]] = []
        bounds = self._bounds(nulls, position)
        narrow = self._is_narrow()
        query = self._in_order(nulls, bounds, WALKED if narrow else None, limit)
        rows = connection.execute(query, self.where.bound.values).fetchall()
        # Few among those looked at: then there are few, or they are all further on.
        if narrow and len(rows) < limit:
            rows = connection.execute(self._matching(nulls, bounds, limit), self.where.bound.values).fetchall()
        return rows

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
        where = self.where
        others = [condition for name, ranges in where.ranges.items() if name != self.moment for condition in ranges]
        kept = [*others, *where.walking(), *(where.equals(name) for name in where.equal if name not in self.leads)]
        read = [where.state(self.source), *(where.equals(name) for name in self.leads), *bounds]
        if self.moment is None:
            # Where a text is a range of the order, the rest of the order needn't be looked at.
            read += [
                condition for search in where.searches if search.is_range for condition in search.matches(where.bound)
            ]
        if self.moment is None or self.leads:
            return self._ordered(self._some(read, [*kept, self._kind()], walked, limit), limit)
        kind = sql.SQL("{} = k.kind").format(column(self.source.kind))
        parts = []
        for kinds, of_index in self._parts(nulls):
            rows = self._some([*read, kind, *of_index], kept, walked, limit)
            each = sql.SQL("SELECT b.* FROM unnest({}::text[]) k(kind) CROSS JOIN LATERAL ({}) b")
            parts.append(each.format(where.bound(kinds), rows))
        return self._ordered(sql.SQL(" UNION ALL ").join(parts), limit)

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

    def _some(self, read: list[Condition], kept: list[Condition], walked: int | None, limit: int) -> sql.Composable:
        """Return the query that reads up to ``walked`` rows in the order of an index, and keeps some."""
        rows = sql.SQL("SELECT b.* FROM {table} b WHERE {where} ORDER BY {by} {order}, {id} {order}").format(
            table=table(self.source.table), where=all_of(read), by=self.by, order=self.order, id=self.id
        )
        if walked is not None:
            rows += sql.SQL(" LIMIT {}").format(sql.Literal(walked))
        return sql.SQL("SELECT {id}, {by} AS value FROM ({rows}) b WHERE {kept} LIMIT {limit}").format(
            id=self.id, by=self.by, rows=rows, kept=all_of(kept), limit=sql.Literal(limit)
        )

    def _matching(self, nulls: bool | None, bounds: list[Condition], limit: int) -> sql.Composed:
        """Return the query that finds all rows that match, then sorts them."""
        where = [*self.where.always(self.source), self._kind(), *self.where.finding(), *bounds]
        if nulls is not None:
            where.append(self._is_null(nulls))
        # OFFSET 0: the planner is not to walk in the order of the list once more.
        some = sql.SQL("SELECT {id}, {by} AS value FROM {table} b WHERE {where} OFFSET 0").format(
            id=self.id, by=self.by, table=table(self.source.table), where=all_of(where)
        )
        return self._ordered(some, limit)

    def _ordered(self, some: sql.Composable, limit: int) -> sql.Composed:
        return sql.SQL(
            "SELECT r.{id}, r.value FROM ({some}) r ORDER BY r.value {order}, r.{id} {order} LIMIT {n}"
        ).format(id=sql.Identifier(self.source.id), some=some, order=self.order, n=sql.Literal(limit))

    def _kind(self) -> Condition:
        return sql.SQL("{} = ANY ({})").format(column(self.source.kind), self.where.bound(list(self.where.kinds)))

    def count(self, connection: Connection) -> Count:
        """Return how many rows there are, counted to 10,001."""
        if self.where.searches:
            # What many addresses have in common is soon counted to the end, and slow to look up.
            walked = sql.SQL("SELECT b.* FROM {} b WHERE {} ORDER BY b.address, {} LIMIT {}").format(
                table(self.source.table),
                self.where.state(self.source),
                self.id,
                sql.Literal(COUNT_WALKED),
            )
            where = [*self.where.always(self.source), self._kind(), *self.where.walking()]
            found = self._counted(connection, sql.SQL("({})").format(walked), where)
            if found.is_more:
                return found
        where = [*self.where.always(self.source), self._kind(), *self.where.finding()]
        return self._counted(connection, table(self.source.table), where)

    def _counted(self, connection: Connection, rows: sql.Composable, where: list[Condition]) -> Count:
        query = sql.SQL("SELECT count(*) FROM (SELECT FROM {} b WHERE {} LIMIT {}) r").format(
            rows, all_of(where), sql.Literal(COUNTED + 1)
        )
        row = connection.execute(query, self.where.bound.values).fetchone()
        assert row is not None
        return Count(row[0])

    def stream(self, connection: Connection, columns: sql.Composable) -> Iterator[tuple[Any, ...]]:
        """Yield some columns of all rows in their order, while they are read."""
        where = all_of([*self.where.always(self.source), self._kind(), *self.where.finding()])
        query = sql.SQL("SELECT {} FROM {} b WHERE {} ORDER BY {} {order} NULLS LAST, {} {order}").format(
            columns, table(self.source.table), where, self.by, self.id, order=self.order
        )
        with reading(connection, "10min"), connection.cursor("stream") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(query, self.where.bound.values)
            yield from cursor
