"""What a list of addresses would change, before it does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ses_bounces.actions.pasted import Line, Pasted, read_text
from ses_bounces.base.database.connection import quiet
from ses_bounces.classify.causes import CAUSES
from ses_bounces.ledger.erased.guard import recognised
from ses_bounces.ledger.lists.requests import open_requests
from ses_bounces.ledger.registry import blocks_of, keys_of

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


@dataclass(frozen=True)
class Cause:
    """A cause of a block, and since when it is there (aware)."""

    reason: str
    since: datetime


@dataclass
class Found:
    """An address of the list. ``address_id`` is None where it is not on record; ``lifting``: a lift is under way."""

    address: str
    line: int
    address_id: int | None = None
    causes: list[Cause] = field(default_factory=list)
    lifting: bool = False


@dataclass
class BlocksPreview:
    """Which addresses are blocked and why, which are not, and which lines are no addresses."""

    blocked: list[Found]
    free: list[Found]
    problems: list[Line]
    duplicates: int


@dataclass
class StopsPreview:
    """Whom a stop request would block: ``new`` addresses, and those that have one ``already``."""

    new: list[Found]
    already: list[Found]
    problems: list[Line]
    duplicates: int


def preview_blocks(connection: Connection, what: str | Pasted | Iterable[int]) -> BlocksPreview:
    """Say which addresses are blocked and why.

    :param what: a pasted list, one that was read already, or the ids of ticked addresses.
    :raises ActionError: a pasted list that is too long.
    """
    with quiet():
        pasted = _pasted(connection, what)
        found = _look_up(connection, pasted)
    blocked = [item for item in found if item.causes]
    free = [item for item in found if not item.causes]
    return BlocksPreview(blocked, free, pasted.problems, pasted.duplicates)


def preview_stops(connection: Connection, what: str | Pasted) -> StopsPreview:
    """Say which addresses a stop request would block, and which have one already. As :func:`preview_blocks`."""
    with quiet():
        pasted = _pasted(connection, what)
        found = _look_up(connection, pasted)
    new: list[Found] = []
    already: list[Found] = []
    for item in found:
        (already if any(cause.reason == "stop_request" for cause in item.causes) else new).append(item)
    return StopsPreview(new, already, pasted.problems, pasted.duplicates)


def _pasted(connection: Connection, what: str | Pasted | Iterable[int]) -> Pasted:
    if isinstance(what, str):
        return read_text(what)
    if isinstance(what, Pasted):
        return what
    ids = list(dict.fromkeys(what))
    keys: dict[int, str] = keys_of(connection, ids)
    pasted = Pasted()
    for number, id_ in enumerate(ids, 1):
        if id_ in keys:
            pasted.add(number, keys[id_])
        else:
            pasted.problems.append(Line(number, "not on record"))
    return pasted


def _look_up(connection: Connection, pasted: Pasted) -> list[Found]:
    found = {address: Found(address, line) for address, line in pasted.addresses.items()}
    names = recognised(connection, found)
    by_name = {names.get(address, address): item for address, item in found.items()}
    for address, address_id, cause, since in blocks_of(connection, by_name):
        item = by_name[address]
        item.address_id = address_id
        if cause is not None and since is not None:
            item.causes.append(Cause(cause, since))
    by_id = {item.address_id: item for item in found.values() if item.causes}
    for item in by_id.values():
        item.causes.sort(key=lambda cause: CAUSES.index(cause.reason))
    for address_id in open_requests(connection, filter(None, by_id)):
        by_id[address_id].lifting = True
    return list(found.values())
