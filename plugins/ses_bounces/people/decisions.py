"""The people at an address, and what an administrator decided about those whose row was changed after ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_bounces.ledger.registry import keys_of

if TYPE_CHECKING:
    from ses_bounces.people.table import People

PEOPLE_SHOWN = 1_000


@dataclass(frozen=True)
class Person:
    """A person at an address, or one whom we switched off for it.

    ``flag_change_id`` is there where we switched the flag off and nothing became of it yet; ``touched_since``: the row
    was changed after us. A page ticks the person where the row has not changed. ``decided_by``: an
    administrator already asked for it. ``is_blocked``: the person's address, as it is now, is blocked.
    """

    address_id: int | None
    person_id: str
    flag: bool | None
    flag_change_id: int | None
    switched_off_at: datetime | None
    touched_since: bool
    decided_by: str | None
    is_blocked: bool

    @property
    def switched_off_by_us(self) -> bool:
        """Whether the flag is off because we switched it off."""
        return self.flag_change_id is not None


@dataclass(frozen=True)
class FlagState:
    """How a change of a flag stands; ``is_there``: the person is still in the people table. Times are aware."""

    flag_change_id: int
    person_id: str
    address_id: int
    settlement: str | None
    settled_by: str | None
    settled_at: datetime | None
    decided_by: str | None
    is_there: bool
    flag: bool | None
    touched: bool | None
    is_blocked: bool


def people_at(people: People, address_ids: Iterable[int]) -> list[Person]:
    """Return the people at some addresses and those whom we switched off for them, up to 1,000, by id.

    :raises DatabaseError: also when the people table is locked for longer than ``people`` waits.
    """
    ids = list(address_ids)
    addresses = list(keys_of(people.connection, ids).values())
    found = people.execute("people/select_people_at", ids=ids, addresses=addresses, limit=PEOPLE_SHOWN)
    return [Person(*row) for row in found]


def flag_states(people: People, flag_change_ids: Iterable[int]) -> list[FlagState]:
    """Return how some changes of flags stand; one that is not on record is left out."""
    return [
        FlagState(*row) for row in people.execute("people/select_flag_states", flag_change_ids=list(flag_change_ids))
    ]


def decide_to_switch_on(people: People, flag_change_ids: list[int], actor: str) -> None:
    """Note that an administrator wants these people on; the sync carries it out."""
    people.execute("people/decide_flags", flag_change_ids=flag_change_ids, actor=actor)


def settle_left_off(people: People, flag_change_ids: list[int], actor: str) -> set[int]:
    """Settle that these people stay off; returns the changes for which nobody had decided."""
    rows = people.execute("people/settle_left_off", flag_change_ids=flag_change_ids, actor=actor)
    return {flag_change_id for (flag_change_id,) in rows}
