"""The daily comparison of everybody in the people table: when it is due, and where it goes on."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ses_bounces.base.counted import counted
from ses_bounces.people.rows import shown

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.people.table import People

log = logging.getLogger(__name__)

COMPARE_EVERY = "23 hours"


@dataclass
class Comparison:
    """How far everybody was compared: up to which person, and what was found by then.

    ``of``: table, columns and type of the id; after a change of these it begins again. ``noted``: blocked addresses
    that became due. ``unreadable``: people whose email is no address; ``ids`` names the first of them.
    """

    of: list[str]
    after: str | None = None
    noted: int = 0
    unreadable: int = 0
    ids: list[str] = field(default_factory=list)

    @classmethod
    def begun(cls, people: People) -> Comparison | None:
        """Return the comparison that is due, or was begun by another run; None: neither."""
        query = (
            f"SELECT coalesce(s.people_compared_at < now() - interval '{COMPARE_EVERY}', true), s.people_comparing"
            " FROM ses_bounces.setting s"
        )
        row = people.connection.execute(query).fetchone()
        if row is None:
            return None
        is_due, comparing = row
        if comparing is not None and comparing["of"] == people.described:
            return cls(**comparing)
        return cls(people.described) if is_due else None

    def note(self, connection: Connection) -> None:
        """Note how far it is, so that the next run goes on there."""
        query = "UPDATE ses_bounces.setting SET people_comparing = %s"
        connection.execute(query, [json.dumps(asdict(self))])

    def end(self, people: People) -> None:
        """Note that everybody was compared, and tell what was found."""
        query = (
            "UPDATE ses_bounces.setting SET people_compared_at = now(), people_unreadable = %s, people_comparing = NULL"
        )
        people.connection.execute(query, [self.unreadable])
        told = "no blocked address was overlooked"
        if self.noted:
            missed = counted(self.noted, "blocked address", "blocked addresses")
            told = f"{missed} had been overlooked, and will now be followed up"
        log.info("Compared everybody in %s with the blocked list: %s", people.table, told)
        if self.unreadable:
            log.warning(
                "The email of %s is no address (ids %s): nothing finds them when an address is blocked",
                counted(self.unreadable, "person", "people"),
                ", ".join(map(shown, self.ids)) + (", …" if self.unreadable > len(self.ids) else ""),
            )
