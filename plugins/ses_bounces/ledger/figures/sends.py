"""How much SES says it sent on each day: kept here, as SES forgets it after two weeks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# SES is asked about this many names of a dimension, those with the most bounces first.
NAMES_ASKED = 20
DAYS_ASKED_FOR = 30


@dataclass(frozen=True)
class Sent:
    """What was sent on a day (UTC), of a group or of the whole account.

    ``sent``: mails, ``delivered`` and ``rejects`` of them, where it is known. ``name``: empty for the account.
    """

    day: date
    sent: int
    bounces: int
    complaints: int
    delivered: int | None = None
    rejects: int | None = None
    dimension: str = "all"
    name: str = ""


def keep_sent(
    connection: Connection, account: str, region: str, source: Literal["statistics", "vdm"], rows: Iterable[Sent]
) -> None:
    """Keep what SES says of some days. A day that SES has begun to forget keeps the greater number.

    :param connection: autocommit.
    :raises DatabaseError: nothing is changed.
    """
    listed = list(rows)
    if not listed:
        return
    with quiet():
        connection.execute(
            statement("ledger/figures/keep_sent"),
            {
                "account": account,
                "region": region,
                "source": source,
                "dimensions": [row.dimension for row in listed],
                "days": [row.day for row in listed],
                "names": [row.name for row in listed],
                "sent": [row.sent for row in listed],
                "delivered": [row.delivered for row in listed],
                "bounces": [row.bounces for row in listed],
                "complaints": [row.complaints for row in listed],
                "rejects": [row.rejects for row in listed],
            },
        )


def names_in_use(connection: Connection, dimension: str, limit: int = NAMES_ASKED) -> list[str]:
    """Return the names of a dimension that bounces and complaints of the last 30 days have, the most first."""
    wanted = {"dimension": dimension, "days": DAYS_ASKED_FOR, "limit": limit}
    return [name for (name,) in connection.execute(statement("ledger/figures/select_names"), wanted)]
