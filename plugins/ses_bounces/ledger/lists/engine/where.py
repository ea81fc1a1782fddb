"""What a list is made of, and the conditions of a filter on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from psycopg import sql

from ses_bounces.ledger.lists.engine.query import Bound, Condition, column
from ses_bounces.ledger.lists.engine.search import Candidates, Search


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
    ``searches``: by the address; ``hidden``: those that leave out what the user must not see.
    """

    bound: Bound
    is_open: bool
    kinds: tuple[str, ...]
    equal: dict[str, str | bool] = field(default_factory=dict)
    ranges: dict[str, list[Condition]] = field(default_factory=dict)
    searches: list[Search] = field(default_factory=list)
    hidden: list[Condition] = field(default_factory=list)

    def always(self, source: Source) -> list[Condition]:
        """All but those of the kind and of the address."""
        equal = [self.equals(name) for name in self.equal]
        ranges = [condition for conditions in self.ranges.values() for condition in conditions]
        return [self.state(source), *equal, *ranges, *self.hidden]

    def state(self, source: Source) -> Condition:
        """Open or not, in the words of the indexes."""
        is_open = sql.SQL("b.is_open = {}").format(self.bound(self.is_open))
        return is_open if source.closed_at is None else sql.SQL("{} AND {}").format(is_open, self.by_address(source))

    def by_address(self, source: Source) -> Condition:
        """The same in the words of the indexes by address: what they hold needs no look at the rows."""
        if source.closed_at is None:
            return self.state(source)
        return sql.SQL("{} IS NULL" if self.is_open else "{} IS NOT NULL").format(column(source.closed_at))

    def equals(self, name: str) -> Condition:
        """That of a column of ``equal``; in the words of the index of those that are true."""
        if self.equal[name] is True:
            return column(name)
        return sql.SQL("{} = {}").format(column(name), self.bound(self.equal[name]))

    def walking(self) -> list[Condition]:
        """Those of the address, for rows that are looked at anyway."""
        return [condition for search in self.searches for condition in search.matches(self.bound)]

    def finding(self, looked_up: Candidates | None) -> list[Condition]:
        """Those of the address, by way of an index if there is one."""
        if looked_up is None:
            return self.walking()
        return [sql.SQL("b.address IN ({})").format(looked_up.addresses)]
