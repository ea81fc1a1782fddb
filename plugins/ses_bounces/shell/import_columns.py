"""The rows of a CSV file, ours or another provider's: address, reason, date."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import IO

from ses_bounces.actions.columns import NO_ADDRESS, PART, Columns, read_table
from ses_bounces.classify.mailboxes import mailboxes
from ses_bounces.classify.unwrapping import clean

# Clocks differ.
_AHEAD = timedelta(minutes=5)
NO_DATE = "the date can't be read: ISO 8601, seconds since 1970, or as in an e-mail's header"
FUTURE = "the date is in the future"
# email.utils passes over words that it doesn't know, and then reads another time: PM, CET. A comment may say anything.
_COMMENT = re.compile(r"\([^()]*\)")
_OF_A_HEADER = re.compile(
    r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*,?|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*,?|[0-9.:,]+"
    r"|([0-9.:]+)?[+-][0-9]{4}|utc?|gmt|z|[ecmp][sd]t",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True)
class Row:
    """An address of a line. ``problem``: why it can't be used; never what stands in it.

    ``position``: bytes read so far, about. ``unit``: what ``line`` counts; ``file``: its name where there are several.
    ``left_out``: the list says that this one is not to be blocked.
    """

    line: int
    address: str = ""
    reason: str = ""
    date: datetime | None = None
    problem: str | None = None
    position: int = 0
    unit: str = "line"
    file: str = ""
    left_out: bool = False

    def with_problem(self, problem: str) -> Row:
        """Return a row that can't be used."""
        return replace(self, address="", problem=problem)

    def with_reason(self, reason: str) -> Row:
        """Return the row with the text of its reason, on one line."""
        return replace(self, reason=" ".join((clean(reason, 2_000) or "").split()))

    def left_out_one(self) -> Row:
        """Return a row that is passed over, and counted."""
        return replace(self, address="", left_out=True)


def rows_of(file: IO[bytes], columns: Columns) -> Iterator[Row]:
    """Yield an address after the other, each with its line; a line, or a part of one, that can't be used as well.

    :param file: of any length; UTF-8, or UTF-16; comma, semicolon, tab or ``|`` between the columns.
    :raises ActionError: another encoding, not CSV, or it can't be told which column is meant.
    """
    for cells in read_table(file, columns):
        row = Row(cells.line, position=cells.position).with_reason(cells.reason)
        if cells.left_out:
            yield row.left_out_one()
            continue
        for address in cells.addresses:
            one = replace(row, address=address)
            yield dated(one, cells.date) if cells.date else one
        if cells.problem is not None:
            yield row.with_problem(cells.problem)


def rows_of_text(text: str, row: Row) -> Iterator[Row]:
    """Yield a row for each address of a text, and one for what is unclear in it."""
    found = mailboxes(text)
    for address in found.addresses:
        yield replace(row, address=address)
    if found.unclear:
        yield row.with_problem(PART if found.addresses else NO_ADDRESS)


def dated(row: Row, date: str) -> Row:
    """Return a row with its date, or with what is wrong with that."""
    moment = _moment(date)
    if moment is None:
        return row.with_problem(NO_DATE)
    if moment > datetime.now(UTC) + _AHEAD:
        return row.with_problem(FUTURE)
    return replace(row, date=moment)


def _moment(text: str) -> datetime | None:
    """Return a time as other providers write it, aware; None: it is none."""
    try:
        if re.fullmatch(r"\d{9,10}(\.\d+)?", text):
            return datetime.fromtimestamp(float(text), UTC)
        try:
            moment = datetime.fromisoformat(text.removesuffix(" UTC"))
        except ValueError:
            words = _COMMENT.sub(" ", text).replace(",", ", ").split()
            if not all(map(_OF_A_HEADER.fullmatch, words)):
                return None
            moment = email.utils.parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, TypeError):
        return None
