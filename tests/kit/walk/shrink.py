"""The shortest walk that still fails, found by leaving steps out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

_T = TypeVar("_T")


def shrink(steps: Sequence[_T], fails: Callable[[Sequence[_T]], bool], seconds: float) -> list[_T]:
    """Leave out ever smaller parts for as long as what is left fails, and there is time.

    :param steps: that fail.
    :param seconds: begin no further trial after this long.
    """
    until = time.monotonic() + seconds
    left = list(steps)
    size = max(1, len(left) // 2)
    while time.monotonic() < until:
        is_shorter = False
        place = 0
        while place < len(left) and time.monotonic() < until:
            shorter = left[:place] + left[place + size :]
            if shorter and fails(shorter):
                left, is_shorter = shorter, True
            else:
                place += size
        if size == 1 and not is_shorter:
            break
        size = max(1, size // 2)
    return left
