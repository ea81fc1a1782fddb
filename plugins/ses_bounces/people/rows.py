"""Changes of rows of the people table, of which a constraint or a trigger of theirs may refuse single ones.

A statement that is refused is repeated for half of its people, and that again, until the one row is alone: it is named,
stays due, and everybody else is served.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from ses_bounces.base.database.connection import name_of

if TYPE_CHECKING:
    from ses_bounces.people.table import People

log = logging.getLogger(__name__)

PEOPLE_PER_STATEMENT = 5_000
# Rows. If this many were refused and none was changed, the table refuses, not a row.
MOST_REFUSED = 50
IDS_KEPT = 100

# SQLSTATE classes that no row is to blame for; a trigger may raise any other.
_NOT_OF_ROWS = ("08", "0A", "25", "26", "28", "2D", "3D", "3F", "40", "42", "53", "55", "57", "58", "F0", "HV", "XX")
_PRIVILEGE = "42501"


class Changing(NamedTuple):
    """Two statements of include/sql.

    ``change`` takes ``person_ids`` and ``limit``, and yields how many people it changed; ``find`` yields id and address
    of those whom it would change.
    """

    change: str
    find: str


# Person's id, and the address at which the person is.
_Person = tuple[str, int]


class PeopleRows:
    """Changes people, and remembers whom the database refuses to change."""

    def __init__(self, people: People) -> None:
        self.people = people
        #: The people refused, by id, and the addresses at which they are.
        self.refused: dict[str, int] = {}
        #: How many were changed.
        self.served = 0

    def change(self, changing: Changing, **parameters: Any) -> int:
        """Run a statement that changes people, until it finds no more; returns how many it changed.

        :raises psycopg.Error: also when each row is refused, as where a privilege is missing.
        """
        total, changed = 0, PEOPLE_PER_STATEMENT
        try:
            while changed == PEOPLE_PER_STATEMENT:
                changed = self._run(changing.change, None, PEOPLE_PER_STATEMENT, parameters)
                total += changed
        except psycopg.Error as error:
            if not may_be_of_a_row(error):
                raise
            total += self._isolate(changing, parameters)
        return total

    def refused_at(self, address_ids: Iterable[int]) -> set[int]:
        """Return those of some addresses that have people who were refused."""
        return set(self.refused.values()) & {*address_ids}

    def _isolate(self, changing: Changing, parameters: dict[str, Any]) -> int:
        total, after, limit = 0, None, PEOPLE_PER_STATEMENT
        while found := self.people.execute(changing.find, after=after, limit=limit, **parameters):
            total += self._halve(changing.change, [(id_, address_id) for id_, address_id in found], parameters)
            after = found[-1][0]
        return total

    def _halve(self, name: str, found: Sequence[_Person], parameters: dict[str, Any]) -> int:
        try:
            return self._run(name, [id_ for id_, _ in found], len(found), parameters)
        except psycopg.Error as error:
            if not may_be_of_a_row(error):
                raise
            if len(found) == 1:
                self._refuse(*found[0], error)
                return 0
        middle = len(found) // 2
        return self._halve(name, found[:middle], parameters) + self._halve(name, found[middle:], parameters)

    def _run(self, name: str, ids: list[str] | None, limit: int, parameters: dict[str, Any]) -> int:
        changed: int = self.people.execute(name, person_ids=ids, limit=limit, **parameters)[0][0]
        self.served += changed
        return changed

    def _refuse(self, id_: str, address_id: int, error: psycopg.Error) -> None:
        self.refused[id_] = address_id
        if len(self.refused) <= IDS_KEPT:
            log.error(
                "Person %s of %s can't be changed (%s%s): a constraint or a trigger of the table refuses it. The "
                "person stays due, everybody else is served", shown(id_), self.people.table, name_of(error),
                f", {error.diag.constraint_name}" if error.diag.constraint_name else "",
            )  # fmt: skip
        if not self.served and (len(self.refused) >= MOST_REFUSED or error.sqlstate == _PRIVILEGE):
            raise error


def shown(person_id: str) -> str:
    """Return a person's id as it may be logged: it may be the address itself."""
    return "‹address›" if "@" in person_id else person_id


def may_be_of_a_row(error: psycopg.Error) -> bool:
    """Tell whether a constraint, a policy or a trigger of the table may refuse a single row with such an error."""
    # A policy of row-level security refuses with the state of a missing privilege.
    state = error.sqlstate
    return state is not None and (state == _PRIVILEGE or not state.startswith(_NOT_OF_ROWS))
