"""The patterns in SQL that meet a stranger's text: time grows with its length; see tests/unit/actions/test_linear_time.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

MEGABYTE = 1 << 20
# Where time grows with the square of the length, a megabyte takes minutes.
TIMEOUT = "30s"
UNITS = [
    " ",
    "a",
    "@",
    "a@",
    "@a.b",
    "a.",
    "a-",
    "1.a-",
    "<",
    ">",
    '"',
    "\\",
    '\\"',
    "rfc822;",
    "é",
    "ü.",
    "xn--",
    "\t",
]


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
@pytest.mark.parametrize("query", ["ses_bounces.address_key(%s)", "ses_bounces.address_key('<' || %s || '>')"])
def test_a_megabyte_of_anything(database: Connection, query: LiteralString, unit: str) -> None:
    with database.transaction():
        database.execute(f"SET LOCAL statement_timeout = '{TIMEOUT}'")
        for size in (MEGABYTE >> 4, MEGABYTE):
            text = unit * (size // len(unit))
            for shape in (text, f"x{text}y", f"{text}@example.com", f"anna@{text}"):
                assert database.execute(f"SELECT {query}", [shape]).fetchone() == (None,)
