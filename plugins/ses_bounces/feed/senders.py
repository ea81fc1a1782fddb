"""Who sends: FROM addresses and configuration sets of reported mail, and the identity of SES that counts for each.

SES: where a FROM address is an identity of its own, its notifications and its default configuration set count, and not
those of its domain (Amazon SES Developer Guide, default configuration sets).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# The newest ones.
_ENTRIES_READ = 10_000


@dataclass(frozen=True)
class Sender:
    """A FROM address in lower case, and a configuration set that mail from it named; None: some mail named none."""

    address: str
    configuration_set: str | None

    @property
    def domain(self) -> str:
        """Its domain."""
        return self.address.rpartition("@")[2]


def lately(connection: Connection) -> dict[Sender, datetime]:
    """Return who sent what was reported lately, and when they last did; nothing of it goes into a log.

    :param connection: autocommit.
    """
    with quiet():
        rows = connection.execute(statement("feed/select_senders"), {"limit": _ENTRIES_READ}).fetchall()
    return {Sender(address, configuration_set): last for address, configuration_set, last in rows if address}


def identity_of(address: str, identities: Collection[str]) -> str | None:
    """Return the identity that counts for a FROM address: itself, its domain, or one that this is below.

    :param identities: verified ones, in lower case.
    """
    name = address
    while name:
        if name in identities:
            return name
        name = name.partition("@" if "@" in name else ".")[2]
    return None


def domain_of(identity: str) -> str:
    """Return the domain of an identity, which may be an address."""
    return identity.rpartition("@")[2].lower()
