"""How many rows a filter selects: counted as far as that is worth it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from ses_bounces.ledger.lists.engine.paging import COUNTED, Count
from ses_bounces.ledger.lists.engine.query import COUNTED_SPREAD, WALKED_FAR
from ses_bounces.ledger.lists.engine.sampler import Sampler
from ses_bounces.ledger.lists.engine.search import look_up
from ses_bounces.ledger.lists.engine.selection import Selection
from ses_bounces.ledger.lists.engine.where import Source, Where

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def count_rows(connection: Connection, source: Source, where: Where) -> Count:
    """Return how many rows of a list a filter shows."""
    selection = Selection(source, where)
    conditions = selection.everything()
    looked_up = look_up(connection, where.searches, where.bound)
    if looked_up is None:
        return _counted(connection, selection, selection.rows(selection.matching()))
    if not looked_up.are_many:
        return _counted(connection, selection, selection.found(conditions, looked_up))
    sampler = Sampler(selection)
    about = sampler.about(connection)
    if about.others <= WALKED_FAR:
        return _counted(connection, selection, selection.matches(selection.rows(conditions)))
    is_frequent = about.matching * WALKED_FAR > 2 * COUNTED_SPREAD * about.others
    if selection.is_by_address and about.matching:
        # Those that begin with a text are in one place: at least half of them are behind the one in their middle.
        behind = sql.SQL("b.address >= {}").format(sampler.middle())
        rows = selection.up_to(WALKED_FAR if is_frequent else 2 * COUNTED_SPREAD, [*conditions, behind])
    elif is_frequent:
        rows = selection.up_to(WALKED_FAR, conditions)
    else:
        return _counted(connection, selection, selection.found(conditions, looked_up), COUNTED_SPREAD)
    count = _counted(connection, selection, selection.matches(rows), COUNTED_SPREAD)
    if count.is_more:
        return count
    return _counted(connection, selection, selection.found(conditions, looked_up), COUNTED_SPREAD)


def _counted(connection: Connection, selection: Selection, rows: sql.Composable, most: int = COUNTED) -> Count:
    query = sql.SQL("SELECT count(*) FROM (SELECT FROM ({}) b LIMIT {}) r").format(rows, sql.Literal(most + 1))
    row = connection.execute(query, selection.where.bound.values).fetchone()
    assert row is not None
    return Count(row[0], most)
