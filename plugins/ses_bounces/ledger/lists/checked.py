"""What a check of addresses says of each, in the words of the page *Check addresses* and of ``ses-bounces check``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from ses_bounces.base.database.statements import statement
from ses_bounces.classify.causes import CAUSE_WORDS
from ses_bounces.ledger.lists.engine.query import reading
from ses_bounces.ledger.lists.guarded import guarded_of
from ses_bounces.ledger.lists.lookup import LookedUp, lookup_keys

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

State = Literal["blocked", "being_lifted", "transient", "not_blocked", "not_known", "not_an_address"]
STATE_WORDS: dict[State, str] = {
    "blocked": "blocked",
    "being_lifted": "blocked, being lifted",
    "transient": "transient",
    "not_blocked": "not blocked",
    "not_known": "not known",
    "not_an_address": "not an e-mail address",
}


@dataclass(frozen=True)
class Checked:
    """What is known of one address; times are aware.

    ``reasons``: the causes that block it and since when, the weightiest first; in observe mode ``is_blocked`` is False
    all the same. ``transient_until``: None where it has no transient problem, or one without a deadline.
    ``lifting_since``: when a person asked to lift ``lifting``, which waits for SES's own list.
    """

    is_address: bool
    address_id: int | None = None
    is_blocked: bool = False
    reasons: dict[str, datetime] = field(default_factory=dict)
    is_transient: bool = False
    transient_until: datetime | None = None
    lifting_since: datetime | None = None
    lifting: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """The one thing to say where there is room for one."""
        if not self.is_address:
            return "not_an_address"
        if self.is_blocked:
            return "being_lifted" if self.lifting_since else "blocked"
        if self.is_transient and not self.reasons:
            return "transient"
        return "not_known" if self.address_id is None else "not_blocked"

    @property
    def words(self) -> str:
        """All that is known, as the end of a sentence that begins with the address."""
        if not self.is_address:
            return STATE_WORDS["not_an_address"]
        if self.address_id is None:
            return "not known: nothing is on record about it"
        causes = "; ".join(f"{_lower(CAUSE_WORDS[cause])} since {_when(at)}" for cause, at in self.reasons.items())
        said = f"blocked: {causes}" if self.is_blocked else "not blocked"
        if causes and not self.is_blocked:
            said += f" (enforce is false; else it would be: {causes})"
        if self.is_transient and "expired_transient" not in self.reasons:
            said += "; " + (
                f"transient until {_when(self.transient_until)}" if self.transient_until else "transient, no deadline"
            )
        if self.lifting_since:
            said += f"; being lifted since {_when(self.lifting_since)}, SES's own list comes first"
        return said


def check_keys(
    connection: Connection, keys: Sequence[str | None], *, hide_guarded: bool = False
) -> Iterator[list[Checked]]:
    """Yield what is known of each address key in its place, some at a time.

    :param connection: autocommit.
    :param keys: of :func:`~ses_bounces.ledger.lists.lookup.read_keys`; None: no address.
    :param hide_guarded: for those who only read: an address that never_block keeps free looks like one not known.
    :raises DatabaseError: also when a query takes over five seconds.
    """
    for found in lookup_keys(connection, keys):
        yield _with_details(connection, found, hide_guarded)


def _with_details(connection: Connection, found: list[LookedUp], hide_guarded: bool) -> list[Checked]:
    ids = list({one.address_id for one in found if one.address_id is not None})
    details, hidden = _details(connection, ids), set[int]()
    free = [one.address_id for one in found if one.address_id is not None and not one.reasons]
    if hide_guarded and free:
        hidden = guarded_of(connection, free)
    checked = []
    for one in found:
        if one.address_id is None or one.address_id in hidden:
            checked.append(Checked(one.is_address))
            continue
        known = Checked(one.is_address, one.address_id, one.is_blocked, one.reasons)
        if one.address_id in details:
            is_transient, until, lifting_since, lifting = details[one.address_id]
            known = replace(
                known,
                is_transient=is_transient,
                transient_until=until,
                lifting_since=lifting_since,
                lifting=tuple(lifting or ()),
            )
        checked.append(known)
    return checked


def _details(
    connection: Connection, ids: list[int]
) -> dict[int, tuple[bool, datetime | None, datetime | None, list[str] | None]]:
    if not ids:
        return {}
    with reading(connection):
        rows = connection.execute(statement("ledger/lists/select_check_details"), {"ids": ids}).fetchall()
    return {row[0]: row[1:] for row in rows}


def _lower(words: str) -> str:
    return words[0].lower() + words[1:]


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
