"""One thing is not told as several."""

from __future__ import annotations

import pytest

from ses_bounces.base.counted import counted


@pytest.mark.parametrize(
    ("number", "words", "told"),
    [
        (1, ("drainer",), "1 drainer"),
        (0, ("drainer",), "0 drainers"),
        (20_001, ("message",), "20,001 messages"),
        (1, ("address", "addresses"), "1 address"),
        (2, ("address", "addresses"), "2 addresses"),
    ],
)
def test_a_number_and_what_it_counts(number: int, words: tuple[str, ...], told: str) -> None:
    assert counted(number, *words) == told
