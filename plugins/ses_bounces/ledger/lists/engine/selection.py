"""What a filter selects of a list, as SQL: the conditions of its rows, and queries for rows in no order."""

from __future__ import annotations

from psycopg import sql

from ses_bounces.ledger.lists.engine.query import Condition, all_of, column, table
from ses_bounces.ledger.lists.engine.search import Candidates
from ses_bounces.ledger.lists.engine.where import Source, Where


class Selection:
    """The rows ``b`` of one list that one filter shows. It reads nothing: it builds queries."""

    def __init__(self, source: Source, where: Where) -> None:
        self.source = source
        self.where = where
        self.id = column(source.id)

    @property
    def is_one_kind(self) -> bool:
        """Whether the filter leaves out rows by their kind."""
        return len(self.where.kinds) < len(self.source.kinds)

    @property
    def is_by_address(self) -> bool:
        """Whether an index by address has all that the filter asks for."""
        return not self._others()

    def state(self) -> Condition:
        """Return the condition on open or closed."""
        return self.where.state(self.source)

    def by_address(self) -> Condition:
        """Return the same in the words of the indexes by address."""
        return self.where.by_address(self.source)

    def kind(self) -> list[Condition]:
        """Return the condition on the kind, if there is one."""
        if not self.is_one_kind:
            return []
        return [sql.SQL("{} = ANY ({})").format(column(self.source.kind), self.where.bound(list(self.where.kinds)))]

    def everything(self) -> list[Condition]:
        """Return all conditions but those of the address; if there is but the state, as an index by address has it."""
        others = self._others()
        return [self.state(), *others] if others else [self.by_address()]

    def matching(self) -> list[Condition]:
        """Return all conditions, for rows that are looked at anyway."""
        return [*self.everything(), *self.where.walking()]

    def rows(self, conditions: list[Condition]) -> sql.Composed:
        """Return the query for the rows that meet some conditions."""
        return sql.SQL("SELECT b.* FROM {} b WHERE {}").format(table(self.source.table), all_of(conditions))

    def up_to(self, most: int, conditions: list[Condition]) -> sql.Composed:
        """Return the query for the first ``most`` of them."""
        return sql.SQL("{} LIMIT {}").format(self.rows(conditions), sql.Literal(most))

    def matches(self, rows: sql.Composable) -> sql.Composed:
        """Return the query for those of some rows whose address is searched for."""
        return sql.SQL("SELECT FROM ({}) b WHERE {}").format(rows, all_of(self.where.walking()))

    def found(self, conditions: list[Condition], looked_up: Candidates) -> sql.Composed:
        """Return the query for the rows of the addresses that were looked up, one address after the other."""
        rows = self.rows([sql.SQL("b.address = a.address"), *conditions])
        return sql.SQL("SELECT FROM ({}) a CROSS JOIN LATERAL ({} OFFSET 0) b").format(looked_up.addresses, rows)

    def _others(self) -> list[Condition]:
        """All conditions but those of the state and of the address."""
        return [*self.where.always(self.source)[1:], *self.kind()]
