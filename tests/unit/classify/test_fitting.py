"""Lone surrogates, raw and as JSON escapes them, against what Python's own codecs make of them."""

from __future__ import annotations

import json
from random import Random

import pytest

from ses_bounces.classify.fitting import without_escaped_surrogates, without_surrogates

RAW = ["\ud800", "\udbff", "\udc00", "\udfff", "\U0001f600", "é", "a", "?", "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3"]
ESCAPED = [r"\ud83d", r"\ude00", r"\uDFFF", r"\uDbff", r"\\\\", r"\"", r"\n", r"\u0041", "u", "d83d", "a", "?"]


def by_codec(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@pytest.mark.parametrize("seed", range(3))
def test_they_are_replaced_and_pairs_are_joined(seed: int) -> None:
    chance = Random(seed)
    for _ in range(5_000):
        text = "".join(chance.choice(RAW) for _ in range(chance.randrange(1, 9)))
        assert without_surrogates(text) == by_codec(text), ascii(text)


@pytest.mark.parametrize("seed", range(3))
def test_escapes_mean_the_same(seed: int) -> None:
    chance = Random(seed)
    for _ in range(5_000):
        text = "".join(chance.choice(ESCAPED + RAW) for _ in range(chance.randrange(1, 9)))
        expected = by_codec(json.loads(f'"{by_codec(text)}"'))
        assert json.loads(f'"{without_escaped_surrogates(text)}"') == expected, ascii(text)


def test_what_is_right_is_left_as_it_is() -> None:
    for text in ("", "abc", "é?\ufdd0", "\U0001f600"):
        assert without_surrogates(text) is text
