"""Lists of addresses as people paste or upload them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ses_bounces.actions.columns import NO_ADDRESS, PART, Columns, read_table
from ses_bounces.actions.tables import MAX_BYTES
from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.address import address_key
from ses_bounces.classify.mailboxes import Mailboxes, mailboxes
from ses_bounces.classify.unwrapping import clean
from ses_bounces.ledger.lists.lookup import MAX_ADDRESSES, no_pause

MAX_LINES = 10_000
# A line is a part, what is between commas is one, and what is between blanks.
_PARTS = 4 * MAX_ADDRESSES
LEFT_OUT = "left out: this contact has not unsubscribed from all mail"
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

    def add_all(self, number: int, found: Mailboxes) -> None:
        """Take the addresses of a text, and note it as a problem where a part of it is unclear."""
        for address in found.addresses:
            self.add(number, address)
        if found.unclear:
            self.problems.append(Line(number, PART if found.addresses else NO_ADDRESS))


@dataclass
class _Limited(Pasted):
    """A list that a person waits for: with 10,000 addresses at most, those that repeat one counted."""

    pause: Callable[[], None] = no_pause
    parts: int = 0

    def part(self) -> None:
        """Count a part that may be an address."""
        self.parts += 1
        self.pause()
        if self.parts > _PARTS:
            raise ActionError(f"The list has more than {MAX_ADDRESSES} addresses. {_HOW}")

    def add(self, number: int, text: str) -> bool:
        is_address = super().add(number, text)
        if len(self.addresses) + self.duplicates > MAX_ADDRESSES:
            raise ActionError(f"The list has more than {MAX_ADDRESSES} addresses. {_HOW}")
        return is_address


def read_text(text: str, pause: Callable[[], None] = no_pause) -> Pasted:
    """Read a pasted list: each line as :func:`~ses_bounces.classify.mailboxes.mailboxes` reads it.

    :param pause: called for each address; it may take seconds of CPU.
    :raises ActionError: over 10,000 addresses or lines, or 2 MB.
    """
    _check_size(len(text.encode("utf-8", "surrogatepass")))
    pasted = _Limited(pause=pause)
    for number, line in _numbered(text.splitlines()):
        if line.strip():
            pasted.add_all(number, mailboxes(line, pasted.part))
    return pasted


def read_csv(content: bytes, pause: Callable[[], None] = no_pause) -> Pasted:
    """Read an uploaded CSV file: the column that is named as e-mail addresses are, else the one that holds them.

    Cells that our own downloads made harmless for spreadsheets are read back as they were.

    :param content: UTF-8, or UTF-16 as Excel's *Unicode Text*; comma, semicolon, tab or ``|`` between the columns.
    :param pause: as of :func:`read_text`.
    :raises ActionError: another encoding, over 10,000 lines or 2 MB, no such column, or not CSV.
    """
    _check_size(len(content))
    pasted = _Limited(pause=pause)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        raise ActionError("The file is JSON. Import it with `ses-bounces import blocked`, or send a CSV file.")
    _check_lines(content.count(b"\n"))
    for cells in read_table(io.BytesIO(content), Columns(by_option=False)):
        pasted.part()
        _check_lines(cells.line)
        for address in cells.addresses:
            pasted.add(cells.line, address)
        problem = LEFT_OUT if cells.left_out else cells.problem
        if problem is not None:
            pasted.problems.append(Line(cells.line, problem))
    return pasted


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
