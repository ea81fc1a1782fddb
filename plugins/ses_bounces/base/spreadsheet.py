"""Cells of CSV files that people open in a spreadsheet."""

from __future__ import annotations

import re

# Also the full-width and small forms, which some spreadsheets read as the ASCII ones.
_FORMULA = r"=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
# Spreadsheets drop these in front of a formula.
_DROPPED = r"[ \"'\u00a0\u00ad\u2000-\u200f\u202f\u205f\u2060\u3000\ufeff]*"
# A spreadsheet may split a cell here: its locale may expect another separator than our comma, and a quotation mark
# protects only where the spreadsheet sees a cell begin.
_SEPARATOR = r"[;|\t\r\n\v\f\u0085\u2028\u2029]"
_BEGINS = rf"{_DROPPED}[{_FORMULA}\t\r\n]"
_BEGINS_INSIDE = rf"{_DROPPED}[{_FORMULA}]"
# For both Python's ``re`` and Postgres.
_FOUND = rf"^{_BEGINS}|{_SEPARATOR}{_BEGINS_INSIDE}"
_FRONT = rf"^(?={_BEGINS})"
_INSIDE = rf"({_SEPARATOR})(?={_BEGINS_INSIDE})"
_FRONT_COMPILED = re.compile(_FRONT)
_INSIDE_COMPILED = re.compile(_INSIDE)
_NEUTRAL_FRONT = re.compile(rf"^'(?={_BEGINS})")
_NEUTRAL_INSIDE = re.compile(rf"({_SEPARATOR})'(?={_BEGINS_INSIDE})")


def neutral(cell: str | None) -> str:
    """Return a cell that no spreadsheet takes for a formula, whichever separator its locale expects.

    Each place where a spreadsheet may begin a cell and would read a formula gets an apostrophe in front: the beginning,
    and what follows ``;``, ``|``, a tab or a line break. The SQL expression ``neutral_cell`` gives the same.
    """
    return _FRONT_COMPILED.sub("'", _INSIDE_COMPILED.sub(r"\1'", cell or ""))


def plain(cell: str) -> str:
    """Return a cell as it was before :func:`neutral`, of which this is the inverse."""
    return _NEUTRAL_INSIDE.sub(r"\1", _NEUTRAL_FRONT.sub("", cell))
