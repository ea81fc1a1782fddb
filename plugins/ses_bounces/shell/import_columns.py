"""The rows of a CSV file, ours or another provider's: address, reason, date."""

from __future__ import annotations

import csv
import email.utils
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import IO

from ses_bounces.actions.pasted import HEADERS, MAX_BYTES, delimiter
from ses_bounces.base.exceptions import ActionError
from ses_bounces.base.spreadsheet import plain
from ses_bounces.classify.unwrapping import clean

# Clocks differ.
_AHEAD = timedelta(minutes=5)
NO_DATE = "the date can't be read: ISO 8601, seconds since 1970, or as in an e-mail's header"
FUTURE = "the date is in the future"
SHORT = "the line has too few columns"


@dataclass(frozen=True)
class Columns:
    """The names of the columns; None: the address's is looked for, the others are not read."""

    address: str | None = None
    reason: str | None = None
    date: str | None = None


@dataclass(frozen=True)
class Row:
    """A line. ``problem``: why it can't be used; never what stands in it. ``position``: bytes read so far, about."""

    line: int
    address: str = ""
    reason: str = ""
    date: datetime | None = None
    problem: str | None = None
    position: int = 0


def rows_of(file: IO[bytes], columns: Columns) -> Iterator[Row]:
    """Yield the rows of a file, which may be of any length.

    :param file: UTF-8, with or without byte order mark; comma, semicolon, tab or ``|`` between the columns.
    :raises ActionError: not UTF-8, not CSV, or a column is not there.
    """
    # The limit is the process's: the same as of a pasted list.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_BYTES))
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    position = blank = 0

    def lines() -> Iterator[str]:
        nonlocal position
        for line in text:
            position += len(line)
            yield line

    try:
        source = lines()
        first = next(source, "")
        while first and not first.strip():
            first, blank = next(source, ""), blank + 1
        reader = csv.reader(_chain(first, source), delimiter=delimiter(first))
        places: tuple[int, int | None, int | None] | None = None
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if places is None:
                places, is_header = _places(cells, columns)
                if is_header:
                    continue
            yield _row(cells, places, reader.line_num + blank, position)
    except csv.Error:
        raise ActionError(f"Line {reader.line_num + blank} of the file is not CSV. Save it as CSV.") from None
    except UnicodeDecodeError:
        raise ActionError("The file is not UTF-8 text. Save it as CSV in UTF-8.") from None
    finally:
        # The file is closed by whoever opened it.
        text.detach()


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _places(cells: list[str], columns: Columns) -> tuple[tuple[int, int | None, int | None], bool]:
    """Return the places of address, reason and date, and whether this first row is a header."""
    names = [_name(cell) for cell in cells]

    def place(wanted: str | None, option: str) -> int | None:
        if wanted is None:
            return None
        if _name(wanted) not in names:
            shown = ", ".join(repr(cell.strip()) for cell in cells if "@" not in cell)
            raise ActionError(f"{option} is {wanted!r}; the file's header has no such column, but {shown or 'none'}.")
        return names.index(_name(wanted))

    reason, date = place(columns.reason, "--reason-column"), place(columns.date, "--date-column")
    address = place(columns.address, "--address-column")
    if address is not None:
        return (address, reason, date), True
    found = next((names.index(header) for header in HEADERS if header in names), None)
    if found is not None:
        return (found, reason, date), True
    if len(cells) == 1:
        return (0, None, None), False
    raise ActionError(
        f'The file has {len(cells)} columns and no header that names one "address" or "email". Name it with '
        "--address-column."
    )


def _row(cells: list[str], places: tuple[int, int | None, int | None], line: int, position: int) -> Row:
    if max(place for place in places if place is not None) >= len(cells):
        return Row(line, problem=SHORT, position=position)
    address, reason, date = (None if place is None else plain(cells[place]).strip() for place in places)
    row = Row(line, address or "", " ".join((clean(reason or "", 2_000) or "").split()), position=position)
    return dated(row, date) if date else row


def dated(row: Row, date: str) -> Row:
    """Return a row with its date, or with what is wrong with that."""
    moment = _moment(date)
    if moment is None:
        return Row(row.line, problem=NO_DATE, position=row.position)
    if moment > datetime.now(UTC) + _AHEAD:
        return Row(row.line, problem=FUTURE, position=row.position)
    return replace(row, date=moment)


def _name(cell: str) -> str:
    return re.sub(r"[\W_]+", "", cell).lower()


def _moment(text: str) -> datetime | None:
    """Return a time as other providers write it, aware; None: it is none."""
    try:
        if re.fullmatch(r"\d{9,10}(\.\d+)?", text):
            return datetime.fromtimestamp(float(text), UTC)
        try:
            moment = datetime.fromisoformat(text.removesuffix(" UTC"))
        except ValueError:
            moment = email.utils.parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, TypeError):
        return None
