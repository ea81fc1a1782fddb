"""Which addresses a text may spell: every way of writing one, and nothing that takes longer than its length says."""

from __future__ import annotations

import json
import time
import unicodedata
from urllib.parse import quote

import pytest

from ses_bounces.classify.address import address_key
from ses_bounces.ledger.erased.candidates import keys_in
from ses_bounces.ledger.erased.spelling import ERASED, Spelling
from tests.kit.spellings import DOMAIN, KEY, LOCAL, spellings

CHARACTERS = 128 * 1024
# They take 0.02 to 0.5 s; in quadratic time it would take minutes.
SECONDS = 30


def test_the_key_is_what_the_spellings_mean() -> None:
    assert address_key(f"{LOCAL}@{DOMAIN}") == KEY
    assert len(spellings()) >= 40


@pytest.mark.parametrize("name", spellings())
def test_each_way_of_writing_it_is_seen_and_erased(name: str) -> None:
    text = spellings()[name]
    spelling = Spelling(KEY)
    for whole in (text, f"550 5.1.1 {text} is unknown", json.dumps({"a": [f"to {text}, please"]}), f"Name <{text}>"):
        assert KEY in keys_in(whole), whole
        erased = spelling.erase(whole)
        assert erased is not None
        assert KEY not in keys_in(erased), erased
        assert ERASED in erased


def test_of_a_text_only_the_word_goes() -> None:
    erase = Spelling(KEY).erase
    assert erase(f"550 <{KEY}> is unknown") == f"550 <{ERASED}> is unknown"
    assert erase(f"{LOCAL}#{DOMAIN}#EXT#@tenant.example is a guest") == f"{ERASED} is a guest"
    assert erase(f"user{KEY} and {KEY}.example are others") == f"user{KEY} and {KEY}.example are others"


@pytest.mark.parametrize("other", ["bo@example.com", f"x{KEY}", f"{KEY}x", f"{LOCAL}@other.example", DOMAIN, LOCAL, ""])
def test_others_are_not_it(other: str) -> None:
    assert KEY not in keys_in(other)
    assert Spelling(KEY).erase(other) == other


def test_a_name_that_a_body_has_twice_is_read_twice() -> None:
    assert keys_in('{"a": "ann@example.com", "a": "bo@example.com"}') == {"ann@example.com", "bo@example.com"}


def test_both_normal_forms_of_a_local_part_are_tried() -> None:
    composed, split = unicodedata.normalize("NFC", "josé"), unicodedata.normalize("NFD", "josé")
    wanted = {f"{composed}@example.com", f"{split}@example.com"}
    for name in wanted:
        assert wanted <= keys_in(f"to {name}.")
        assert wanted <= keys_in(quote(name))


@pytest.mark.parametrize(
    "piece",
    ["x", "@", "=", "a@", "a=", "a@b.co ", "a=b.co", "'@", '"@', "%40", "%25", "\\u0040", "&#64;", "=40", "\\", "é@", "[",
     '{"', "!a@", "#ext#@", "ann@example.com,"],
)  # fmt: skip
def test_the_time_grows_with_the_length(piece: str) -> None:
    text = piece * (CHARACTERS // len(piece))
    began = time.process_time()
    keys_in(text)
    Spelling(KEY).erase(text)
    assert time.process_time() - began < SECONDS
