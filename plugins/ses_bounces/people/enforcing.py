"""What setting ``enforce`` to true would do, in numbers: for whoever adopts this on a list that is in use.

In observe mode everything is recorded and the lists are kept, so it is read from them; nothing is written.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.people.table import People

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings

DOMAINS_SHOWN = 20
SAMPLE = 20


@dataclass(frozen=True)
class Sampled:
    """An address by its id; ``people``: whose flag would be switched off, None: not counted."""

    address_id: int
    reason: str
    since: datetime
    bounces: int
    people: int | None


@dataclass(frozen=True)
class Preview:
    """What enforcing would do.

    ``enforced``: it is on already. ``by_reason``: each address once. ``domains``: those with most addresses, of
    ``domains_in_all``. ``people``: whose Allow Group Email would be switched off; None: no people table, or, where
    ``people_took_too_long``, not counted.
    """

    enforced: bool
    addresses: int
    by_reason: dict[str, int]
    domains: dict[str, int]
    domains_in_all: int
    people: int | None
    people_took_too_long: bool
    sample: list[Sampled]


def is_enforced(connection: Connection) -> bool:
    """Tell whether ``enforce`` is on in the database."""
    with quiet():
        row = connection.execute("SELECT ses_bounces.enforced()").fetchone()
    return bool(row and row[0])


def preview(
    connection: Connection, settings: Settings, *, sample: int = SAMPLE, seconds: float = float("inf")
) -> Preview:
    """Return what enforcing would do now.

    :param connection: autocommit.
    :param sample: how many addresses to show by id.
    :param seconds: the time that counting people may take; it reads the whole table where that has no index by key.
    :raises SettingsError: when the people table is not as the settings say.
    """
    from psycopg import errors

    with quiet():
        enforced = is_enforced(connection)
        with connection.transaction():
            # To compile these queries takes longer than to run them.
            connection.execute("SET LOCAL jit = off")
            counted = connection.execute(statement("people/preview_reasons")).fetchall()
            domains = connection.execute(statement("people/preview_domains"), {"limit": DOMAINS_SHOWN}).fetchall()
            rows = connection.execute(statement("people/preview_sample"), {"limit": sample}).fetchall()
        people, at, is_late = None, {}, False
        if settings.people_table is not None:
            table = People(connection, settings, seconds)
            is_late = True
            with contextlib.suppress(errors.QueryCanceled):
                at = dict(table.execute("people/count_people_on", addresses=[address for _, address, *_ in rows]))
                people = table.execute("people/preview_people")[0][0]
                is_late = False
    has_people = settings.people_table is not None and not is_late
    return Preview(
        enforced=enforced,
        addresses=next((count for reason, count in counted if reason is None), 0),
        by_reason={reason: count for reason, count in counted if reason is not None},
        domains={domain: count for domain, count, _ in domains},
        domains_in_all=domains[0][2] if domains else 0,
        people=people,
        people_took_too_long=is_late,
        sample=[
            Sampled(id_, reason, since, bounces or 0, at.get(address, 0) if has_people else None)
            for id_, address, reason, since, bounces in rows
        ],
    )
