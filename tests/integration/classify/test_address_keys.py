"""The addresses that a text names are the same in SQL and in Python, whatever sign stands around or between them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest

from ses_bounces.classify.mailboxes import address_keys

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Blanks, what is not seen, and punctuation; PostgreSQL's texts hold no NUL.
_POINTS = [chr(point) for point in range(1, 0x10000)]
SIGNS = [
    sign for sign in _POINTS if unicodedata.category(sign)[0] in "ZP" or unicodedata.category(sign) in ("Cc", "Cf")
]


@pytest.mark.parametrize(
    "form", ["{0}ann@example.com{0}", "ann@example.com{0}bo@example.com", "ann@example.com, {0} bo@example.com{0} x"]
)
def test_both_find_the_same(database: Connection, form: str) -> None:
    texts = [form.format(sign) for sign in SIGNS]
    query = "SELECT ses_bounces.address_keys(t) FROM unnest(%s::text[]) WITH ORDINALITY u(t, n) ORDER BY n"
    found = [keys for (keys,) in database.execute(query, [texts]).fetchall()]
    wrong = [(t, f, address_keys(t)) for t, f in zip(texts, found, strict=True) if f != address_keys(t)]
    assert wrong == [], "text, keys in SQL, keys in Python"
