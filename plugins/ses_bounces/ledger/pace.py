"""How much one transaction writes, so that nobody at a page waits long for the lock of the state."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ses_bounces.base.database.statements import statement

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# How long one transaction should hold the lock, and how long while others wait for it.
HOLD_SECONDS = 0.15
AWAITED_SECONDS = 0.08
# Whoever waited comes back: a person lifts one block after the other.
AWAITED_FOR = 5.0
# How much the first transaction writes, and the least that a later one is cut down to.
FIRST = 500
LEAST = 100
# A transaction that was quick by chance must not be followed by one that takes far too long.
MOST_GROWTH = 2.0


class Pace:
    """Sizes each transaction of a loop by how long the ones before it held the lock, and by whether others waited."""

    def __init__(self, most: int) -> None:
        """Begin with a small one.

        :param most: what one transaction may write, in entries or in addresses, whichever the caller counts.
        """
        self._most = most
        self._size = min(FIRST, most)
        self._written = 0
        self._awaited_at = float("-inf")

    @property
    def size(self) -> int:
        """How much the next transaction is to write, 1 or more."""
        return self._size

    def writes(self, written: int) -> None:
        """Note how much the open transaction writes."""
        self._written = written

    def note_waiting(self, connection: Connection) -> None:
        """Look whether another session waits for the lock; the open transaction holds it, and is about to commit."""
        row = connection.execute(statement("ledger/is_state_awaited")).fetchone()
        if row is not None and row[0]:
            self._awaited_at = time.perf_counter()

    def note_held(self, seconds: float) -> None:
        """Fit the size to the transaction that has just committed.

        :param seconds: how long it held the lock.
        """
        is_awaited = time.perf_counter() - self._awaited_at < AWAITED_FOR
        target = AWAITED_SECONDS if is_awaited else HOLD_SECONDS
        fitting = self._written * target / max(seconds, 1e-6)
        if self._written < self._size and seconds < target:
            # A small transaction is mostly fixed cost, which says nothing about larger ones.
            fitting = max(fitting, self._size)
        fitting = min(fitting, self._size * MOST_GROWTH)
        self._size = min(max(round(fitting), LEAST), self._most)
