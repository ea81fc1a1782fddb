"""What is kept for a while: counted once in that time, and again after it."""

from __future__ import annotations

import pytest

from ses_bounces.web.kept import Kept


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_value_is_counted_again_after_its_time() -> None:
    clock, values = Clock(), iter(range(10))
    kept = Kept[int](60, clock)
    assert kept.get("a", lambda: next(values)) == 0
    clock.now += 59.9
    assert kept.get("a", lambda: next(values)) == 0
    clock.now += 0.1
    assert kept.get("a", lambda: next(values)) == 1


def test_the_time_begins_with_the_counting() -> None:
    """What took half a minute to count is half a minute old when it is there."""
    clock = Clock()
    kept = Kept[str](60, clock)

    def slow() -> str:
        clock.now += 30
        return "slow"

    kept.get("a", slow)
    clock.now += 30
    assert kept.get("a", lambda: "new") == "new"


def test_each_key_has_its_own_value_and_old_ones_are_let_go() -> None:
    clock = Clock()
    kept = Kept[str](60, clock)
    assert [kept.get(key, lambda key=key: f"of {key}") for key in "aba"] == ["of a", "of b", "of a"]  # type: ignore[misc]
    clock.now += 60
    kept.get("c", lambda: "of c")
    assert set(kept._values) == {"c"}


def test_an_error_is_not_kept() -> None:
    kept = Kept[str](60, Clock())

    def fail() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept.get("a", fail)
    assert kept.get("a", lambda: "there") == "there"
