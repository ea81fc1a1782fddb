"""Lists of addresses as people paste or upload them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ses_bounces.base.exceptions import ActionError
from ses_bounces.base.spreadsheet import plain
from ses_bounces.classify.address import address_key
from ses_bounces.classify.unwrapping import clean
from ses_bounces.ledger.lists.lookup import MAX_ADDRESSES, no_pause

MAX_LINES = 10_000
# An address is tried as its line, as what is between commas, and as what is between spaces.
_TRIES = 3 * MAX_ADDRESSES
MAX_BYTES = 2 * 1024 * 1024
NO_ADDRESS = "not an e-mail address"
_COMMAS = re.compile(r"[,;]")
_DELIMITERS = ",;\t|"
HEADERS = ("address", "email", "emailaddress", "mail", "emailadresse", "recipient")
# A field may be as long as the whole file, not longer.
_HOW = "Make it shorter, or send it in parts."


@dataclass(frozen=True)
class Line:
    """A line that could not be used: its number from 1, and why; never what stands in it."""

    number: int
    problem: str


@dataclass
class Pasted:
    """What a list holds.

    ``addresses``: each address key once, with the number of the line where it stands first; ``spelled`` as written.
    ``duplicates`` counts those that repeat one.
    """

    addresses: dict[str, int] = field(default_factory=dict)
    spelled: dict[str, str] = field(default_factory=dict)
    problems: list[Line] = field(default_factory=list)
    duplicates: int = 0

    def add(self, number: int, text: str) -> bool:
        """Take one address; False where it is none."""
        text = clean(text, len(text)) or ""
        key = address_key(text)
        if key is None:
            return False
        if key in self.addresses:
            self.duplicates += 1
        else:
            self.addresses[key], self.spelled[key] = number, text.strip()
        return True


@dataclass
class _Limited(Pasted):
    """A list that a person waits for: with 10,000 addresses at most, those that repeat one counted."""

    pause: Callable[[], None] = no_pause
    tried: int = 0

    def add(self, number: int, text: str) -> bool:
        self.tried += 1
        self.pause()
        is_address = super().add(number, text)
        if self.tried > _TRIES or len(self.addresses) + self.duplicates > MAX_ADDRESSES:
            raise ActionError(f"The list has more than {MAX_ADDRESSES} addresses. {_HOW}")
        return is_address


def read_text(text: str, pause: Callable[[], None] = no_pause) -> Pasted:
    """Read a pasted list: an address a line, or several parted by commas, semicolons or spaces.

    :param pause: called for each address; it may take seconds of CPU.
    :raises ActionError: over 10,000 addresses or lines, or 2 MB.
    """
    _check_size(len(text.encode("utf-8", "surrogatepass")))
    pasted = _Limited(pause=pause)
    for number, line in _numbered(text.splitlines()):
        if not line.strip():
            continue
        # A whole line first: a name may hold a comma.
        if pasted.add(number, line):
            continue
        named = [part for part in _COMMAS.split(line) if part.strip() and not pasted.add(number, part)]
        # What is parted by spaces only.
        bad = [part for parts in named for part in parts.split() if not pasted.add(number, part)]
        if bad:
            pasted.problems.append(Line(number, NO_ADDRESS))
    return pasted


def read_csv(content: bytes, pause: Callable[[], None] = no_pause) -> Pasted:
    """Read an uploaded CSV file: one column, or a header that names the column ``address`` or ``email``.

    Cells that our own downloads made harmless for spreadsheets are read back as they were.

    :param content: UTF-8, with or without byte order mark; comma, semicolon, tab or ``|`` between the columns.
    :param pause: as of :func:`read_text`.
    :raises ActionError: not UTF-8, over 10,000 lines or 2 MB, no such column, or not CSV.
    """
    _check_size(len(content))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ActionError("The file is not UTF-8 text. Save it as CSV in UTF-8 and send it again.") from None
    csv.field_size_limit(max(csv.field_size_limit(), MAX_BYTES))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter(text))
    pasted = _Limited(pause=pause)
    column: int | None = None
    try:
        for row in reader:
            number = reader.line_num
            _check_lines(number)
            if not any(cell.strip() for cell in row):
                continue
            if column is None:
                column, is_header = _column(row)
                if is_header:
                    continue
            cell = plain(row[column]) if column < len(row) else ""
            if not pasted.add(number, cell):
                pasted.problems.append(Line(number, NO_ADDRESS))
    except csv.Error:
        raise ActionError(f"Line {reader.line_num} of the file is not CSV. Save it as CSV and send it again.") from None
    return pasted


def _column(row: list[str]) -> tuple[int, bool]:
    """Return the column of the addresses, and whether this first row is a header."""
    names = [re.sub(r"[\W_]+", "", cell).lower() for cell in row]
    for header in HEADERS:
        if header in names:
            return names.index(header), True
    if len(row) == 1:
        return 0, False
    raise ActionError(
        f'The file has {len(row)} columns and no header that names one "address" or "email". Add a header, or send '
        "one column."
    )


def delimiter(text: str) -> str:
    """Return what parts the columns: the first line tells, an address holds none of them."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=first.count)


def _numbered(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, 1):
        _check_lines(number)
        yield number, line


def _check_lines(number: int) -> None:
    if number > MAX_LINES:
        raise ActionError(f"The list has more than {MAX_LINES} lines. {_HOW}")


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise ActionError(f"The list has {size} bytes; it may have {MAX_BYTES}. {_HOW}")
