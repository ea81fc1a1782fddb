"""About how many rows a filter selects, and about where they are: read from a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from ses_bounces.ledger.lists.engine.query import Condition, all_of
from ses_bounces.ledger.lists.engine.sampling import in_sample, sample_of, sampled, to_all
from ses_bounces.ledger.lists.engine.selection import Selection

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


@dataclass(frozen=True)
class About:
    """About how many rows are in the order of the list, meet all conditions but those of the address, and match."""

    walked: int
    others: int
    matching: int


@dataclass(frozen=True)
class Ahead:
    """Where the next rows are: about how many rows before the first, and an address that enough of them come up to.

    None: not in the sample.
    """

    distance: int | None
    last: str | None


class Sampler:
    """Estimates of one selection, from which a plan is chosen."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._table = selection.source.table

    def about(
        self, connection: Connection, walked: list[Condition] | None = None, also: Sequence[Condition] = ()
    ) -> About:
        """Return about how many rows there are.

        :param walked: conditions of all rows that are in the order of the list; None: those of the state.
        :param also: further conditions of the others.
        """
        selection = self._selection
        others = [*selection.everything(), *also]
        counted = [walked or [selection.state()], others, [*others, *selection.where.walking()]]
        return About(*sampled(connection, self._table, "b", counted, selection.where.bound))

    def middle(self) -> sql.Composed:
        """Return the query for the address in the middle of those that match in the sample."""
        return sql.SQL("(SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY b.address) FROM {} WHERE {})").format(
            sample_of(self._table, "b"), all_of(self._selection.matching())
        )

    def ahead(self, connection: Connection, order: sql.SQL, bounds: list[Condition], limit: int) -> Ahead:
        """Return where the next rows by address are that match, as far as a sample tells.

        :param order: ASC or DESC.
        :param bounds: the conditions of the rows behind the position of the page.
        """
        most = in_sample(2 * limit) + 2
        places = sql.SQL(
            "SELECT x.place, x.address FROM ("
            "SELECT b.address, {matches} AS matches, row_number() OVER (ORDER BY b.address {order}) AS place"
            " FROM {sample} WHERE {walked}"
            ") x WHERE x.matches ORDER BY x.place LIMIT {most}"
        ).format(
            matches=all_of(self._selection.matching()),
            order=order,
            sample=sample_of(self._table, "b"),
            walked=all_of([self._selection.by_address(), *bounds]),
            most=sql.Literal(most),
        )
        found = connection.execute(places, self._selection.where.bound.values).fetchall()
        return Ahead(to_all(found[0][0]) if found else None, found[-1][1] if len(found) == most else None)
