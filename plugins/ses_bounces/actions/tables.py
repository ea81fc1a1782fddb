"""Tables of addresses as other programs export them: what their text is, and where its rows begin and end."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.mailboxes import mailboxes

MAX_BYTES = 2 * 1024 * 1024
DELIMITERS = ",;\t|"
_HINT = re.compile(r'"?sep=([^"\r\n])"?\s*', re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*+"?')
_HEAD = 4_096


@dataclass(frozen=True)
class Record:
    """A row: the numbers of its first and last line, from 1; its cells; about how many bytes were read.

    ``is_open``: a quotation mark of it holds what look like rows of their own.
    """

    first: int
    line: int
    cells: list[str]
    position: int
    is_open: bool = False


def encoding_of(head: bytes) -> str:
    """Return how a text is encoded: UTF-8, or UTF-16 as Excel's *Unicode Text* is; ``head`` has its first bytes."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(head) >= 4 and not head.startswith(b"\xef\xbb\xbf"):
        even, odd = head[:_HEAD:2].count(0), head[1:_HEAD:2].count(0)
        if odd > len(head) // 4 and not even:
            return "utf-16-le"
        if even > len(head) // 4 and not odd:
            return "utf-16-be"
    return "utf-8-sig"


def head_of(file: IO[bytes]) -> tuple[bytes, IO[bytes]]:
    """Return the first bytes of a file, and the file from its beginning on."""
    # What tests and programs hand over may not be able to look ahead.
    opened: Any = file if hasattr(file, "peek") else io.BufferedReader(file)
    return opened.peek(_HEAD)[:_HEAD], opened


def records_of(file: IO[bytes]) -> Iterator[Record]:
    """Yield the rows of a file of any length that are not blank; one that has a hint for Excel (``sep=;``) follows it.

    :param file: UTF-8, or UTF-16; comma, semicolon, tab or ``|`` between the columns.
    :raises ActionError: it is another encoding, or not CSV.
    """
    # The limit is the process's: the same as of a pasted list.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_BYTES))
    head, file = head_of(file)
    encoding = encoding_of(head)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    lines = _Lines(text)
    try:
        yield from _records(lines)
    except csv.Error:
        raise ActionError(f"Line {lines.number} of the file is not CSV. Save it as CSV.") from None
    except UnicodeError:
        raise ActionError(
            f"The file is not UTF-8 text from about line {lines.number + 1} on. In Excel save it as CSV UTF-8, or "
            "convert it: iconv -f WINDOWS-1252 -t UTF-8 old.csv > new.csv."
        ) from None
    finally:
        # The file is closed by whoever opened it.
        text.detach()


class _Lines:
    """The lines of a text: how many there were, and which belong to the row that is being read."""

    def __init__(self, text: Iterator[str]) -> None:
        self.text, self.number, self.position = text, 0, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.text)
        self.number += 1
        self.position += len(line)
        return line


def _records(lines: _Lines) -> Iterator[Record]:
    first = next((line for line in lines if line.strip().strip("\ufeff")), "")
    hint = _HINT.fullmatch(first)
    if hint:
        first = next((line for line in lines if line.strip()), "")
    delimiter = hint[1] if hint else delimiter_of(first)
    before = lines.number - 1
    for cells in csv.reader(_chain(first, lines), delimiter=delimiter):
        if any(cell.strip() for cell in cells):
            is_open = lines.number > before + 1 and _holds_rows(cells, delimiter)
            yield Record(before + 1, lines.number, cells, lines.position, is_open)
        before = lines.number


def _holds_rows(cells: list[str], delimiter: str) -> bool:
    """Tell whether a cell of several lines holds rows: a line of it has cells, and an address is one of them."""
    for cell in cells:
        for line in cell.splitlines()[1:]:
            inner = [part.strip(' "') for part in line.split(delimiter)]
            if len(inner) > 1 and any(mailboxes(part).addresses for part in inner):
                return True
    return False


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest


def delimiter_of(first: str) -> str:
    """Return what parts the columns: the first line tells, outside of quotation marks."""
    bare = _QUOTED.sub("", first)
    return max(DELIMITERS, key=bare.count)
