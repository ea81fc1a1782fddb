"""What a filter selects of a list: about how many rows, and counted as far as that is worth it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from ses_bounces.ledger.lists.engine.paging import COUNTED, Count
from ses_bounces.ledger.lists.engine.query import COUNTED_SPREAD, WALKED_FAR, Condition, all_of, column, table
from ses_bounces.ledger.lists.engine.sampling import sample_of, sampled
from ses_bounces.ledger.lists.engine.search import Candidates, look_up
from ses_bounces.ledger.lists.engine.where import Source, Where

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


@dataclass(frozen=True)
class About:
    """About how many rows are in the order of the list, meet all conditions but those of the address, and match."""

    walked: int
    others: int
    matching: int


class Selection:
    """The rows of one list that one filter shows."""

    def __init__(self, source: Source, where: Where) -> None:
        self.source = source
        self.where = where
        self.id = column(source.id)

    def count(self, connection: Connection) -> Count:
        """Return how many rows there are."""
        where = self._everything()
        looked_up = self._look_up(connection)
        if looked_up is None:
            return self._counted(connection, self._where([*where, *self.where.walking()]))
        if not looked_up.are_many:
            return self._counted(connection, self._found(where, looked_up))
        about = self._about(connection)
        if about.others <= WALKED_FAR:
            return self._counted(connection, self._matches(self._where(where)))
        is_frequent = about.matching * WALKED_FAR > 2 * COUNTED_SPREAD * about.others
        if self._is_by_address() and about.matching:
            # Those that begin with a text are in one place: at least half of them are behind the one in their middle.
            behind = sql.SQL("b.address >= {}").format(self._middle())
            rows = self._up_to(WALKED_FAR if is_frequent else 2 * COUNTED_SPREAD, [*where, behind])
        elif is_frequent:
            rows = self._up_to(WALKED_FAR, where)
        else:
            return self._counted(connection, self._found(where, looked_up), COUNTED_SPREAD)
        count = self._counted(connection, self._matches(rows), COUNTED_SPREAD)
        return count if count.is_more else self._counted(connection, self._found(where, looked_up), COUNTED_SPREAD)

    def _middle(self) -> sql.Composed:
        """Return the query for the address in the middle of those that match in the sample."""
        return sql.SQL("(SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY b.address) FROM {} WHERE {})").format(
            sample_of(self.source.table, "b"), all_of([*self._everything(), *self.where.walking()])
        )

    def _up_to(self, most: int, where: list[Condition]) -> sql.Composed:
        return sql.SQL("{} LIMIT {}").format(self._where(where), sql.Literal(most))

    def _matches(self, rows: sql.Composable) -> sql.Composed:
        return sql.SQL("SELECT FROM ({}) b WHERE {}").format(rows, all_of(self.where.walking()))

    def _where(self, where: list[Condition]) -> sql.Composed:
        return sql.SQL("SELECT b.* FROM {} b WHERE {}").format(table(self.source.table), all_of(where))

    def _found(self, where: list[Condition], looked_up: Candidates) -> sql.Composed:
        """Return the query for the rows of the addresses that were looked up, one address after the other."""
        rows = self._where([sql.SQL("b.address = a.address"), *where])
        return sql.SQL("SELECT FROM ({}) a CROSS JOIN LATERAL ({} OFFSET 0) b").format(looked_up.addresses, rows)

    def _counted(self, connection: Connection, rows: sql.Composable, most: int = COUNTED) -> Count:
        query = sql.SQL("SELECT count(*) FROM (SELECT FROM ({}) b LIMIT {}) r").format(rows, sql.Literal(most + 1))
        return Count(self._read(connection, query)[0][0], most)

    def _about(
        self, connection: Connection, walked: list[Condition] | None = None, also: Sequence[Condition] = ()
    ) -> About:
        """Return about how many rows there are.

        :param walked: conditions of all rows that are in the order of the list; None: those of the state.
        :param also: further conditions of the others.
        """
        others = [*self._everything(), *also]
        counted = [walked or [self.where.state(self.source)], others, [*others, *self.where.walking()]]
        return About(*sampled(connection, self.source.table, "b", counted, self.where.bound))

    def _look_up(self, connection: Connection) -> Candidates | None:
        return look_up(connection, self.where.searches, self.where.bound)

    def _read(self, connection: Connection, query: sql.Composed) -> list[tuple[Any, ...]]:
        return connection.execute(query, self.where.bound.values).fetchall()

    def _is_one_kind(self) -> bool:
        return len(self.where.kinds) < len(self.source.kinds)

    def _kind(self) -> list[Condition]:
        if not self._is_one_kind():
            return []
        return [sql.SQL("{} = ANY ({})").format(column(self.source.kind), self.where.bound(list(self.where.kinds)))]

    def _others(self) -> list[Condition]:
        """All conditions but those of the state and of the address."""
        return [*self.where.always(self.source)[1:], *self._kind()]

    def _is_by_address(self) -> bool:
        """Whether an index by address has all that is asked for."""
        return not self._others()

    def _everything(self) -> list[Condition]:
        """Return all conditions but those of the address; if there is but the state, as an index by address has it."""
        others = self._others()
        return [self.where.state(self.source), *others] if others else [self.where.by_address(self.source)]
