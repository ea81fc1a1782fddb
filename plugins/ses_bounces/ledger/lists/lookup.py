"""Which of some addresses are blocked, for a check before a mailing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.address import address_key
from ses_bounces.classify.causes import CAUSES
from ses_bounces.ledger.erased.guard import recognised
from ses_bounces.ledger.lists.engine.query import reading, stored
from ses_bounces.ledger.registry import blocks_of, keys_of

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


MAX_ADDRESSES = 10_000
_AT_ONCE = 500


@dataclass
class LookedUp:
    """What is known of one text of the list, in its place.

    ``is_address``: False where it is none. ``reasons``: the causes of its block and since when (aware), the weightiest
    first. ``is_blocked`` is False in observe mode, whatever the reasons.
    """

    is_address: bool
    address_id: int | None = None
    is_blocked: bool = False
    reasons: dict[str, datetime] = field(default_factory=dict)


def no_pause() -> None:
    """Go on at once."""


def lookup(connection: Connection, texts: Sequence[str]) -> list[LookedUp]:
    """Say of each text whether it is an address that is blocked, and why.

    :param connection: autocommit.
    :param texts: up to 10,000 addresses as people write them.
    :raises ActionError: there are more.
    :raises DatabaseError: also when a query takes over five seconds.
    """
    return [found for part in lookup_keys(connection, read_keys(texts)) for found in part]


def read_keys(texts: Sequence[str], pause: Callable[[], None] = no_pause) -> list[str | None]:
    """Return the address key of each text, None where it is no address; it may take seconds of CPU.

    :param pause: called after each text.
    :raises ActionError: there are over 10,000.
    """
    if len(texts) > MAX_ADDRESSES:
        raise ActionError(f"These are {len(texts)} addresses; at most {MAX_ADDRESSES} can be looked up at once.")
    keys = []
    for text in texts:
        keys.append(address_key(stored(text)))
        pause()
    return keys


def lookup_keys(connection: Connection, keys: Sequence[str | None]) -> Iterator[list[LookedUp]]:
    """Yield the same for the keys of the texts, some at a time: each part costs a millisecond or two of CPU."""
    with reading(connection):
        row = connection.execute("SELECT ses_bounces.enforced()").fetchone()
        is_enforced = bool(row and row[0])
        for start in range(0, len(keys), _AT_ONCE):
            yield _look_up(connection, keys[start : start + _AT_ONCE], is_enforced)


def _look_up(connection: Connection, some: Sequence[str | None], is_enforced: bool) -> list[LookedUp]:
    known: dict[str, LookedUp] = {}
    names = recognised(connection, (key for key in some if key))
    keys = [names.get(key, key) if key else None for key in some]
    wanted = list({key for key in keys if key})
    for address, address_id, cause, since in blocks_of(connection, wanted):
        found = known.setdefault(address, LookedUp(True, address_id))
        if cause is not None and since is not None:
            found.reasons[cause] = since
            found.is_blocked = is_enforced
    for found in known.values():
        found.reasons = {cause: found.reasons[cause] for cause in CAUSES if cause in found.reasons}
    return [known.get(key, LookedUp(True)) if key else LookedUp(False) for key in keys]


def addresses_of(connection: Connection, address_ids: Iterable[int]) -> dict[int, str]:
    """Return the addresses of some ids; ids that there are not are left out."""
    with reading(connection):
        return keys_of(connection, address_ids)
