"""The time for which state is computed, on the database's clock."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ses_bounces.base.database.statements import statement

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


class Moment(NamedTuple):
    """``at``: now; ``expire_before``: deadlines count as passed up to here. Both aware.

    The second is earlier while messages wait that were sent since: none of them may be overtaken.
    """

    at: datetime
    expire_before: datetime


def moment_of(connection: Connection) -> Moment:
    """Read the clock, and how far everything that was sent has been read."""
    row = connection.execute(statement("ledger/select_moment")).fetchone()
    assert row is not None
    return Moment(*row)
