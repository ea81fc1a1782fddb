"""Compares the lists with the ledger and repairs them; for when a person doubts them.

Nothing is renamed or emptied: readers see the lists at all times, and other writers wait for a chunk at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.moment import Moment, moment_of
from ses_bounces.ledger.pace import Pace
from ses_bounces.ledger.writing import ADDRESSES_PER_CHUNK, Changes, writing

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

IDS_KEPT = 1_000
# From inclusive, to exclusive; aware.
Window = tuple[datetime, datetime]


@dataclass
class Compared:
    """What was compared, in addresses; of those that differ, the ids of the first 1,000.

    ``blocks``, ``bounces``: how many differ in which list. ``last_id``: the last address that was compared: where a
    comparison of all goes on. ``is_whole``: there is nothing left. ``changes``: what repairing changed.
    """

    addresses: int = 0
    blocks: int = 0
    bounces: int = 0
    ids: list[int] = field(default_factory=list)
    last_id: int = 0
    is_whole: bool = True
    changes: Changes = field(default_factory=Changes)

    @property
    def differ(self) -> bool:
        """Whether any list was another than the ledger says."""
        return bool(self.blocks or self.bounces)


def verify(
    connection: Connection,
    ids: Iterable[int] | None = None,
    window: Window | None = None,
    *,
    after: int = 0,
    seconds: float = float("inf"),
    progress: Callable[[int], None] = lambda _done: None,
) -> Compared:
    """Compare the lists with the state that the ledger gives, in chunks.

    :param connection: autocommit.
    :param ids: these addresses; else those to which something happened in the window, or whose deadline is in it
        (from inclusive, to exclusive, aware); else all.
    :param after: of all: those with a higher id.
    :param seconds: begin no further chunk after this long.
    :param progress: told how many addresses were compared.
    :raises DatabaseError: Postgres refused or can't be reached; nothing is changed.
    """
    return _each(connection, ids, window, after, seconds, progress, repair=False)


def rebuild(
    connection: Connection,
    ids: Iterable[int] | None = None,
    window: Window | None = None,
    *,
    after: int = 0,
    seconds: float = float("inf"),
    progress: Callable[[int], None] = lambda _done: None,
) -> Compared:
    """Bring lists that differ to what the ledger says. As :func:`verify`.

    :raises DatabaseError: what is done stays done; repeat, or go on after ``last_id``.
    """
    return _each(connection, ids, window, after, seconds, progress, repair=True)


def _each(
    connection: Connection,
    ids: Iterable[int] | None,
    window: Window | None,
    after: int,
    seconds: float,
    progress: Callable[[int], None],
    *,
    repair: bool,
) -> Compared:
    compared = Compared(last_id=after)
    until = time.monotonic() + seconds
    pace = Pace(ADDRESSES_PER_CHUNK) if repair else None
    with quiet():
        for chunk in _chunks(connection, ids, window, after):
            if time.monotonic() >= until:
                compared.is_whole = False
                break
            _compare(connection, chunk, compared, pace)
            progress(compared.addresses)
    return compared


def _chunks(
    connection: Connection, ids: Iterable[int] | None, window: Window | None, after: int
) -> Iterator[list[int]]:
    if ids is None and window is None:
        while chunk := address_page(connection, after, ADDRESSES_PER_CHUNK):
            yield chunk
            after = chunk[-1]
        return
    known = sorted(set(ids)) if ids is not None else _of_window(connection, window)
    for place in range(0, len(known), ADDRESSES_PER_CHUNK):
        yield known[place : place + ADDRESSES_PER_CHUNK]


def address_page(connection: Connection, after: int, limit: int) -> list[int]:
    """Return the ids of the addresses that follow an id, in their order, up to ``limit``."""
    parameters = {"after": after, "limit": limit}
    return [id_ for (id_,) in connection.execute(statement("ledger/select_address_page"), parameters)]


def _of_window(connection: Connection, window: Window | None) -> list[int]:
    assert window is not None
    parameters = {"first": window[0], "last": window[1]}
    return [id_ for (id_,) in connection.execute(statement("ledger/select_window_addresses"), parameters)]


def differing(connection: Connection, ids: list[int], moment: Moment) -> list[tuple[int, bool, bool]]:
    """Return which of some addresses differ from the ledger: the id, and in which list, blocked or bounces.

    :param connection: in one snapshot with what the moment was read in.
    """
    at, expire_before = moment
    parameters = {"ids": ids, "at": at, "expire_before": expire_before}
    found = connection.execute(statement("ledger/select_differing"), parameters).fetchall()
    if found and expire_before < at:
        # What came in since may hold deadlines back that were acted upon before: that is no difference.
        parameters |= {"ids": [id_ for id_, _, _ in found], "expire_before": at}
        left = {id_ for id_, _, _ in connection.execute(statement("ledger/select_differing"), parameters)}
        found = [row for row in found if row[0] in left]
    return found


def _compare(connection: Connection, ids: list[int], compared: Compared, pace: Pace | None) -> None:
    """Compare, and repair at this pace; None: don't."""
    # One snapshot: what is written meanwhile is in both, or in neither.
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = differing(connection, ids, moment_of(connection))
    compared.addresses += len(ids)
    compared.last_id = ids[-1]
    compared.blocks += sum(blocks for _, blocks, _ in found)
    compared.bounces += sum(bounces for _, _, bounces in found)
    compared.ids += [id_ for id_, _, _ in found[: IDS_KEPT - len(compared.ids)]]
    differ = [id_ for id_, _, _ in found]
    while pace is not None and differ:
        part, differ = differ[: pace.size], differ[pace.size :]
        with writing(connection, pace) as writer:
            writer.touch(part)
            pace.writes(len(part))
        compared.changes += writer.changes
