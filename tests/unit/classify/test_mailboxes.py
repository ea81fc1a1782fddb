"""Texts that name one address or several: each of them is read, or a part is said to be unclear."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_bounces.classify.address import address_key
from ses_bounces.classify.mailboxes import address_keys, mailboxes

ANN, BO, CY = "ann@example.com", "bo@example.com", "cy@example.com"

CLEAR = [
    ("", []),
    (ANN, [ANN]),
    (f"{ANN},{BO}", [ANN, BO]),
    (f"{ANN};{BO}", [ANN, BO]),
    (f"{ANN} {BO}", [ANN, BO]),
    (f"{ANN}\t{BO}", [ANN, BO]),
    (f"{ANN}|{BO}", [ANN, BO]),
    (f"{ANN}、{BO}", [ANN, BO]),
    (f"{ANN}，{BO}；{CY}", [ANN, BO, CY]),
    (f"{ANN},,{BO},", [ANN, BO]),
    (f"{ANN};\u200b{BO}", [ANN, BO]),
    (f"<{ANN}> <{BO}>", [ANN, BO]),
    (f"<{ANN}><{BO}>", [ANN, BO]),
    (f"Ann <{ANN}> Bo <{BO}>", [ANN, BO]),
    (f'"Last, First" <{ANN}>; "Other, Bo" <{BO}>', [ANN, BO]),
    (f"Last, First <{ANN}>", [ANN]),
    (f"Last, First <{ANN}>; Other, Bo <{BO}>", [ANN, BO]),
    (f"{BO}, Last, First <{ANN}>", [BO, ANN]),
    (f"Dr. Ann Smith, PhD <{ANN}>", [ANN]),
    (f"O'Brien, Pat <{ANN}>", [ANN]),
    (f'"{ANN}","{BO}"', [ANN, BO]),
    (f"'{ANN}', '{BO}'", [ANN, BO]),
    (f'["{ANN}", "{BO}"]', [ANN, BO]),
    (f"“{ANN}”", [ANN]),
    (f"• {ANN}", [ANN]),
    (f"- {ANN}", [ANN]),
    (f"{ANN} (Ann Smith)", [ANN]),
    (f"Friends: {ANN}, {BO};", [ANN, BO]),
    (f"To: {ANN}", [ANN]),
    (f"mailto:{ANN},{BO}", [ANN, BO]),
    (f'"{ANN}" <{BO}>', [BO]),
    ('"a,b"@example.com', ['"a,b"@example.com']),
    ("Pat O’Brien <o'brien@example.com>", ["o'brien@example.com"]),
    ("jürgen@bücher.example", ["jürgen@xn--bcher-kva.example"]),
    ("अनु@उदाहरण.भारत", ["अनु@xn--p1b6ci4b4b3a.xn--h2brj9c"]),
    ("ann@i❤.ws", ["ann@xn--i-7iq.ws"]),
    ('"a,b"@example.com, "c;d"@example.com', ['"a,b"@example.com', '"c;d"@example.com']),
]

UNCLEAR = [
    ("nonsense", []),
    ("ann,smith@example.com", []),
    ("ann@example,com", []),
    ("ann@example.com/bo@example.com", []),
    (f"{ANN} <{BO}>", []),
    (f"{ANN} and {BO}", []),
    (f"{ANN} (was {BO})", []),
    (f"Ann Smith {ANN}", []),
    (f"{ANN}\n{BO}", []),
    (f"{ANN}, bo@", [ANN]),
    (f"{ANN},BOUNCE", [ANN]),
    (f"{ANN}; Bo", [ANN]),
    (f"nonsense.example, Ann <{ANN}>", [ANN]),
    (f"<{ANN}", []),
    ("https://ann@example.com", []),
    ("ann\u200b@example.com", []),
    (f'"Last, First <{ANN}>, <{BO}>', []),
    (f'{ANN} "{BO}', []),
    (f'{ANN}, "{BO}', [ANN]),
    (f"▪{ANN}", []),
    (f"–{ANN}", []),
    (f"✓{ANN}; {BO}", [BO]),
    (f"①{ANN}", []),
    ("o’brien@example.com", []),
    ("Pat O’Brien <o’brien@example.com>", []),
    ("ann–smith@example.com", []),
    (f"″{ANN}″", []),
    (f"{ANN}—", []),
    (f"{ANN}→ {BO}", []),
]


@pytest.mark.parametrize(("text", "keys"), CLEAR)
def test_every_address_is_read(text: str, keys: list[str]) -> None:
    found = mailboxes(text)
    assert [address_key(address) for address in found.addresses] == keys
    assert found.unclear == 0


@pytest.mark.parametrize(("text", "keys"), UNCLEAR)
def test_what_is_unclear_is_said(text: str, keys: list[str]) -> None:
    found = mailboxes(text)
    assert [address_key(address) for address in found.addresses] == keys
    assert found.unclear > 0


@pytest.mark.parametrize(("text", "keys"), CLEAR)
def test_a_mailer_asks_about_every_address(text: str, keys: list[str]) -> None:
    assert address_keys(text) == keys


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (f"{ANN}\n{BO}", [ANN, BO]),
        (f"{ANN} and {BO}", [ANN, BO]),
        (f"<{ANN}", [ANN]),
        (f"{ANN} <{BO}>, {ANN}", [BO, ANN]),
        (f"{ANN},{ANN}", [ANN]),
        ("nonsense", []),
    ],
)
def test_a_mailer_asks_about_addresses_in_unclear_texts_too(text: str, keys: list[str]) -> None:
    assert sorted(address_keys(text)) == sorted(keys)


# What looks like a blank, or like nothing. What can stand in a domain is not among them: that is another address.
BLANKS = " \t\f\v\u00a0\u1680\u2002\u2003\u2007\u2009\u200a\u200b\u200e\u200f\u2028\u202f\u205f\u2060\u3000\ufeff"


@pytest.mark.parametrize("blank", BLANKS, ids=ascii)
def test_a_mailer_asks_about_addresses_with_any_blank_around_or_between(blank: str) -> None:
    assert address_keys(f"{blank}{ANN}{blank}") == [ANN]
    assert address_keys(f"{ANN}{blank}{BO}") == [ANN, BO]


@pytest.mark.parametrize("marks", ["「」", "«»", "„”", "‹›", "【】", "（）", "··", "  "])
def test_a_mailer_asks_about_addresses_in_marks(marks: str) -> None:
    assert address_keys(f"{ANN} {marks[0]}{BO}{marks[1]}") == [ANN, BO]


# A domain may have characters that nobody sees; both read them, one as nothing.
VISIBLE = [blank for blank in BLANKS if unicodedata.category(blank) != "Cf"]


@settings(deadline=None, max_examples=500)
@given(st.lists(st.sampled_from([ANN, BO, "Cy", *VISIBLE, *",;<>()[]“”„"]), max_size=8).map("".join))
def test_a_mailer_asks_about_whatever_a_person_could_name(text: str) -> None:
    named = {address_key(address) for address in mailboxes(text).addresses}
    assert named <= set(address_keys(text))


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([ANN, f"<{BO}>", f"Cy <{CY}>", f'"Smith, Di" <{"di@example.com"}>']), min_size=1),
    st.sampled_from([",", ", ", ";", "; ", " ; "]),
)
def test_nothing_of_a_list_is_lost(parts: list[str], sign: str) -> None:
    found = mailboxes(sign.join(parts))
    assert [address_key(address) for address in found.addresses] == [address_key(part) for part in parts]
    assert found.unclear == 0


@settings(deadline=None)
@given(st.text(max_size=60))
def test_what_holds_anything_is_read_or_unclear(text: str) -> None:
    found = mailboxes(text)
    assert all(address_key(address) for address in found.addresses)
    assert found.addresses or found.unclear or not text.strip()
