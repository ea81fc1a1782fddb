"""What takes long to count, kept for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Values by key, each for some seconds; this process alone has them."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep nothing yet.

        :param seconds: how long a value is shown after its counting began.
        :param clock: returns seconds.
        """
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._values: dict[Hashable, tuple[float, T]] = {}

    def get(self, key: Hashable, count: Callable[[], T]) -> T:
        """Return what is kept, or count it. What ``count`` raises is raised, and nothing is kept then."""
        now = self._clock()
        with self._lock:
            for old in [old for old, (since, _) in self._values.items() if now - since >= self._seconds]:
                del self._values[old]
            if key in self._values:
                return self._values[key][1]
        # Without the lock: a database that hangs must not hold up those who ask for something else.
        counted = count()
        with self._lock:
            self._values[key] = (now, counted)
        return counted
