"""The ledger's health in hours; see include/sql/doctor/select_health.sql."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.moment import moment_of

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# An hourly run may be late by two.
LATE_HOURS = 3.0
# Half of the time after which SQS begins to delete, where its retention was left at 4 days.
LONG_HOURS = 48.0


@dataclass(frozen=True)
class Health:
    """Hours since each; None: never, or there is none."""

    landed: float | None
    planned: float | None
    pending: float | None
    lift: float | None
    listed: float | None
    flag: float | None
    due: float | None

    @classmethod
    def of(cls, connection: Connection) -> Health:
        """Ask the ledger.

        :param connection: autocommit.
        """
        with quiet():
            wanted = {"expire_before": moment_of(connection).expire_before}
            row = connection.execute(statement("doctor/select_health"), wanted).fetchone()
        assert row is not None
        return cls(*(None if hours is None else float(hours) for hours in row))


def ago(hours: float | None) -> str:
    """Say how long ago it was."""
    if hours is None:
        return "never"
    return f"{max(0, hours) * 60:.0f} minutes ago" if hours < 2 else f"{hours:.0f} hours ago"
