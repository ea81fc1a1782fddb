"""JSON for ``ses-bounces import``: pages that the AWS CLI prints, SES's own bulk format, other products' lists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from ses_bounces.actions.columns import (
    ADDRESS_NAMES,
    EMAIL_NAMES,
    NOT_SAID,
    UNSUBSCRIBE_ALL,
    Columns,
    unsubscribed_from_all,
)
from ses_bounces.actions.tables import encoding_of
from ses_bounces.base.exceptions import ActionError
from ses_bounces.shell.import_columns import Row, dated, rows_of_text

NO_OBJECT = "it has no e-mail address"
_TOKEN = "nexttoken"  # noqa: S105  # the name of a field
_DATES = ("lastupdatetime", "lastupdatedtimestamp")
_BLANK = re.compile(r"[\s,\x1e]*")
_KNOWN = (
    "It must be what `aws sesv2 list-suppressed-destinations` or `list-contacts` prints, or have one object with an "
    "e-mail address a line."
)


@dataclass(frozen=True)
class Page:
    """One value of a file: its entries, with the number of the first; ``token``: another page must follow it."""

    entries: list[Any]
    first: int
    unit: str
    token: str | None = None


def pages_of(file: IO[bytes]) -> list[Page]:
    """Return the values of a file: one, one a line, or several one after the other.

    :raises ActionError: it is not JSON, or none of the known lists.
    """
    content = file.read()
    try:
        text = content.decode(encoding_of(content))
    except UnicodeDecodeError:
        raise ActionError("The file is neither CSV nor JSON in UTF-8. Save it as UTF-8.") from None
    decoder, pages, place, line = json.JSONDecoder(), list[Page](), 0, 1
    while (start := _BLANK.match(text, place).end()) < len(text):  # type: ignore[union-attr]
        line += text.count("\n", place, start)
        try:
            value, place = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            line += text.count("\n", start, getattr(error, "pos", start))
            raise ActionError(f"Line {line} of the file is not JSON. Save it again, whole.") from None
        pages.append(_page(value, line))
        line += text.count("\n", start, place)
    return pages


def check_all_pages(pages: list[Page]) -> None:
    """Refuse a list that lacks pages.

    :raises ActionError: a page that says that there is another is the last one, or was given twice.
    """
    tokens = [page.token for page in pages if page.token]
    if len(set(tokens)) < len(tokens):
        raise ActionError("One page was given twice, so another may be missing. Give each page once, in their order.")
    if pages and pages[-1].token:
        raise ActionError(
            "The list goes on after the last page that was given: it has a NextToken. Ask for the others (aws … "
            "--next-token TOKEN > page2.json) until one has none, and give all of them in their order: ses-bounces "
            "import blocked page1.json page2.json …. Nothing was imported."
        )


def rows_of_page(page: Page, columns: Columns) -> Iterator[Row]:
    """Yield an address after the other, and what can't be used."""
    for number, entry in enumerate(page.entries, page.first):
        yield from _rows(entry, Row(number, unit=page.unit), columns)


def _page(value: Any, line: int) -> Page:
    if isinstance(value, list):
        return Page(value, 1, "entry")
    if not isinstance(value, dict):
        raise ActionError(f"Line {line} of the file is JSON, but no list of addresses. {_KNOWN}")
    fields = {_name(key): content for key, content in value.items()}
    single = fields.get("suppresseddestination")
    if isinstance(single, dict):
        return Page([single], line, "line")
    lists = [content for content in value.values() if isinstance(content, list)]
    token = fields.get(_TOKEN)
    is_entry = any(name in fields for name in (*EMAIL_NAMES, *ADDRESS_NAMES))
    if not is_entry and len(lists) == 1 and set(fields) <= {_TOKEN, "responsemetadata", *_names_of_lists(value)}:
        return Page(lists[0], 1, "entry", str(token) if token else None)
    if not is_entry and not (set(fields) & {"reason", *_DATES}):
        raise ActionError(f"The value in line {line} of the file is JSON, but no list that is known. {_KNOWN}")
    return Page([value], line, "line")


def _names_of_lists(value: dict[str, Any]) -> set[str]:
    return {_name(key) for key, content in value.items() if isinstance(content, list)}


def _rows(entry: Any, row: Row, columns: Columns) -> Iterator[Row]:
    fields = {_name(key): content for key, content in entry.items()} if isinstance(entry, dict) else {}
    if isinstance(entry, str):
        fields = {"email": entry}
    address = _text(fields, columns.address, (*sorted(EMAIL_NAMES), *ADDRESS_NAMES))
    reason = _text(fields, columns.reason, ("reason", "suppressionreason"))
    if UNSUBSCRIBE_ALL in fields:
        unsubscribed = unsubscribed_from_all(fields[UNSUBSCRIBE_ALL])
        if unsubscribed is not True:
            yield row.with_problem(NOT_SAID) if unsubscribed is None else row.left_out_one()
            return
        reason = "unsubscribed"
    if not address:
        yield row.with_problem(NO_OBJECT)
        return
    date = _text(fields, columns.date, _DATES)
    for one in rows_of_text(address, row.with_reason(reason)):
        yield dated(one, date) if date and one.problem is None else one


def _text(fields: dict[str, Any], wanted: str | None, names: tuple[str, ...]) -> str:
    """Return the text of a field: the one that is named, else the first of some."""
    for name in (_name(wanted),) if wanted is not None else names:
        content = fields.get(name)
        if isinstance(content, str | int | float) and not isinstance(content, bool):
            return str(content).strip()
    return ""


def _name(key: str) -> str:
    return re.sub(r"[\W_]+", "", key).lower()
