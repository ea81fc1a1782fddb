"""The order of a list: the indexes that have it, and where in it a page begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from psycopg import sql

from ses_bounces.ledger.lists.engine.query import Condition, Direction, all_of, column, table
from ses_bounces.ledger.lists.engine.selection import Selection
from ses_bounces.ledger.lists.engine.where import Source, Where

NOTHING = sql.SQL("")


class Ordered(Selection):
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

    def _segments(self, position: tuple[datetime | None, int] | None) -> list[bool | None]:
        """Return the parts of the list to read: without a time or with one; None: it has one part."""
        if not self.only_of:
            return [None]
        with_time: list[bool | None] = [False] if self.only_of in self.where.kinds else []
        without: list[bool | None] = [] if self.where.ranges.get(self.moment or "") else [True]
        return without if position and position[0] is None else with_time + without

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
        kept = [
            *others,
            *where.hidden,
            *where.walking(),
            *(where.equals(name) for name in where.equal if name not in self.leads),
        ]
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

    def _ordered(self, some: sql.Composable, limit: int, also: sql.Composable = NOTHING) -> sql.Composed:
        return sql.SQL(
            "SELECT r.{id}, r.value{also} FROM ({some}) r ORDER BY r.value {order}, r.{id} {order} LIMIT {n}"
        ).format(id=sql.Identifier(self.source.id), also=also, some=some, order=self.order, n=sql.Literal(limit))
