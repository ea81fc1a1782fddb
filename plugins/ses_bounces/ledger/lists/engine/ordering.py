"""The order of a list, as SQL: the indexes that have it, and where in it a page begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from psycopg import sql

from ses_bounces.ledger.lists.engine.query import WALKED, Condition, Direction, all_of, column, table
from ses_bounces.ledger.lists.engine.search import Candidates
from ses_bounces.ledger.lists.engine.selection import Selection

NOTHING = sql.SQL("")

# Where a page begins: behind the row with this time, if it has one, and this id.
Position = tuple[datetime | None, int]


class Order:
    """One order of the rows of one selection. It reads nothing: it builds queries.

    A list that is sorted by a time that only rows of one kind have, is read in two parts: those with the time, then
    those without. ``nulls`` says which: False, True, or None where the list has one part.
    """

    def __init__(self, selection: Selection, sort: str, direction: Direction) -> None:
        source, where = selection.source, selection.where
        self._selection = selection
        self._where = where
        self.moment = source.moments.get(sort)
        self.direction = sql.SQL("DESC" if direction == "descending" else "ASC")
        self._compare = sql.SQL("<" if direction == "descending" else ">")
        self._up_to = sql.SQL(">=" if direction == "descending" else "<=")
        self._only_of = source.only_of.get(sort)
        # One equality leads an index of its own, by date.
        self._leads = [name for name in where.equal if name in source.leading and self.moment and not self._only_of][:1]
        self.by = column(self.moment or "address")

    @property
    def is_narrow(self) -> bool:
        """Whether rows that are next in the order may not match: no index leads to just those that do."""
        where = self._where
        if where.searches or any(ranges for name, ranges in where.ranges.items() if name != self.moment):
            return True
        is_by_kind = self.moment is not None and not self._leads
        return len(where.equal) > len(self._leads) or (not is_by_kind and self._selection.is_one_kind)

    def segments(self, position: Position | None) -> list[bool | None]:
        """Return the parts of the list to read: without a time or with one; None: it has one part."""
        if not self._only_of:
            return [None]
        with_time: list[bool | None] = [False] if self._only_of in self._where.kinds else []
        without: list[bool | None] = [] if self.ranges() else [True]
        return without if position and position[0] is None else with_time + without

    def ranges(self) -> list[Condition]:
        """Return the conditions on the time that the list is sorted by."""
        return self._where.ranges.get(self.moment or "", [])

    def bounds(self, nulls: bool | None, position: Position | None) -> list[Condition]:
        """Return the conditions of the rows behind a position."""
        bound = self._where.bound
        bounds = list(self.ranges())
        if position is None:
            return bounds
        value, id_ = position
        row, compare = self._selection.id, self._compare
        if self.moment is None:
            # The address stays in the database: the position is that of a row.
            after = sql.SQL("({}, {}) {} ({}, {})").format(self.by, row, compare, self._last(id_), bound(id_))
        elif nulls:
            after = sql.SQL("{} {} {}").format(row, compare, bound(id_))
        else:
            after = sql.SQL("({}, {}) {} ({}, {})").format(self.by, row, compare, bound(value), bound(id_))
        return [*bounds, after]

    def is_null(self, nulls: bool | None) -> list[Condition]:
        """Return the condition of one part of the list, if it has two."""
        if nulls is None:
            return []
        return [sql.SQL("{} IS NULL" if nulls else "{} IS NOT NULL").format(self.by)]

    def walk(self, nulls: bool | None, bounds: list[Condition], walked: int | None, limit: int) -> sql.Composed:
        """Return the query that reads the rows in their order, up to ``walked`` of each kind, and keeps what fits."""
        kept = self._kept()
        parts = []
        for kinds, rows in self._walks(nulls, bounds):
            if walked is not None:
                rows = sql.SQL("{} LIMIT {}").format(rows, sql.Literal(walked))
            some = sql.SQL("SELECT {id}, {by} AS value FROM ({rows}) b WHERE {kept} LIMIT {limit}").format(
                id=self._selection.id, by=self.by, rows=rows, kept=all_of(kept), limit=sql.Literal(limit)
            )
            parts.append(some if kinds is None else self._each(kinds, some))
        return self._sorted(sql.SQL(" UNION ALL ").join(parts), limit)

    def walk_addresses(self, bounds: list[Condition], walked: int, limit: int) -> sql.Composed:
        """Return the query that looks for the text in the index by address alone, then at some of the rows.

        That costs a fifth of looking all of them up, and finds what has the text in front, which is in one place.
        """
        selection = self._selection
        found = sql.SQL("SELECT b.{id} FROM ({rows} LIMIT {walked}) b WHERE {matches} LIMIT {most}").format(
            id=sql.Identifier(selection.source.id),
            rows=self._rows([selection.by_address(), *bounds]),
            walked=sql.Literal(walked),
            matches=all_of(self._where.walking()),
            most=sql.Literal(WALKED),
        )
        some = sql.SQL(
            "SELECT {id}, {by} AS value FROM ({found}) f CROSS JOIN LATERAL"
            " (SELECT b.* FROM {table} b WHERE {id} = f.{name} AND {where} OFFSET 0) b"
        ).format(
            id=selection.id,
            by=self.by,
            found=found,
            table=table(selection.source.table),
            name=sql.Identifier(selection.source.id),
            where=all_of(selection.everything()),
        )
        return self._sorted(some, limit)

    def sort(
        self,
        nulls: bool | None,
        bounds: list[Condition],
        looked_up: Candidates | None,
        limit: int,
        also: sql.Composable = NOTHING,
    ) -> sql.Composed:
        """Return the query that finds all rows that match, then sorts them; ``also``: further columns."""
        where = [*self._selection.everything(), *bounds, *self.is_null(nulls)]
        where += self._where.walking() if looked_up is None else [sql.SQL("b.address = a.address")]
        # OFFSET 0: the planner must not walk in the order of the list once more.
        some: sql.Composable = sql.SQL("SELECT {id}, {by} AS value FROM {table} b WHERE {where} OFFSET 0").format(
            id=self._selection.id, by=self.by, table=table(self._selection.source.table), where=all_of(where)
        )
        if looked_up is not None:
            some = sql.SQL("SELECT b.* FROM ({}) a CROSS JOIN LATERAL ({}) b").format(looked_up.addresses, some)
        return self._sorted(some, limit, also)

    def first(self, looked_up: Candidates, position: Position | None, last: str | None) -> Candidates:
        """Return the next of many addresses, up to a last one: joining them all to their rows would take long."""
        next_: list[Condition] = []
        if position is not None:
            next_.append(sql.SQL("x.address {}= {}").format(self._compare, self._last(position[1])))
        if last is not None:
            # So that the others are left out before they are sorted.
            next_.append(sql.SQL("x.address {} {}").format(self._up_to, self._where.bound(last)))
        first = sql.SQL("SELECT x.address FROM ({}) x WHERE {} ORDER BY x.address {} LIMIT {}").format(
            looked_up.addresses, all_of(next_), self.direction, sql.Literal(WALKED)
        )
        return Candidates(first, WALKED)

    def _last(self, id_: int) -> sql.Composed:
        """Return the query for the address of a row."""
        return sql.SQL("(SELECT b.address FROM {} b WHERE {} = {})").format(
            table(self._selection.source.table), self._selection.id, self._where.bound(id_)
        )

    def _each(self, kinds: list[str], rows: sql.Composable) -> sql.Composed:
        each = sql.SQL("SELECT b.* FROM unnest({}::text[]) k(kind) CROSS JOIN LATERAL ({}) b")
        return each.format(self._where.bound(kinds), rows)

    def _kept(self) -> list[Condition]:
        """The conditions that no index of the order has."""
        where = self._where
        others = [condition for name, ranges in where.ranges.items() if name != self.moment for condition in ranges]
        kept = [
            *others,
            *where.hidden,
            *where.walking(),
            *(where.equals(name) for name in where.equal if name not in self._leads),
        ]
        return [*kept, *self._selection.kind()] if self.moment is None or self._leads else kept

    def _walks(self, nulls: bool | None, bounds: list[Condition]) -> Iterator[tuple[list[str] | None, sql.Composable]]:
        """Yield queries for the rows in order, each by an index, and the kinds ``k`` it is for; None: for all."""
        where, selection = self._where, self._selection
        read = [*(where.equals(name) for name in self._leads), *bounds]
        if self.moment is None:
            # Where a text is a range of the order, the rest of the order needn't be looked at.
            read += [
                condition for search in where.searches if search.is_range for condition in search.matches(where.bound)
            ]
            yield None, self._rows([selection.by_address(), *read])
        elif self._leads:
            yield None, self._rows([selection.state(), *read])
        else:
            kind = sql.SQL("{} = k.kind").format(column(selection.source.kind))
            for kinds, of_index in self._parts(nulls):
                yield kinds, self._rows([selection.state(), *read, kind, *of_index])

    def _rows(self, read: list[Condition]) -> sql.Composed:
        return sql.SQL("{rows} ORDER BY {by} {order}, {id} {order}").format(
            rows=self._selection.rows(read), by=self.by, order=self.direction, id=self._selection.id
        )

    def _parts(self, nulls: bool | None) -> Iterator[tuple[list[str], list[Condition]]]:
        """Yield kinds that one index has in order, and the conditions that lead to that index."""
        if self._only_of is None:
            yield list(self._where.kinds), []
            return
        kind, only = column(self._selection.source.kind), sql.Literal(self._only_of)
        is_one = [kind + sql.SQL(" = ") + only, *self.is_null(nulls)]
        yield [name for name in self._where.kinds if name == self._only_of], is_one
        if nulls:
            # Not said that they have none: the planner would believe them to be fewer.
            yield [name for name in self._where.kinds if name != self._only_of], [kind + sql.SQL(" <> ") + only]

    def _sorted(self, some: sql.Composable, limit: int, also: sql.Composable = NOTHING) -> sql.Composed:
        return sql.SQL(
            "SELECT r.{id}, r.value{also} FROM ({some}) r ORDER BY r.value {order}, r.{id} {order} LIMIT {n}"
        ).format(
            id=sql.Identifier(self._selection.source.id),
            also=also,
            some=some,
            order=self.direction,
            n=sql.Literal(limit),
        )
