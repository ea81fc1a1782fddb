"""Which columns of a table hold the addresses, the reasons and the dates: by their names, else by what is in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import IO

from ses_bounces.actions.column_contents import holds_address, seen_in
from ses_bounces.actions.tables import Record, records_of
from ses_bounces.base.counted import counted
from ses_bounces.base.exceptions import ActionError
from ses_bounces.base.spreadsheet import plain
from ses_bounces.classify.mailboxes import mailboxes

NO_ADDRESS = "not an e-mail address"
PART = "a part of it is not an e-mail address, or unclear"
SHORT = "the line has too few columns"
LONG = "the line has more columns than the header"
# Without spaces and signs, in lower case. Others are found by what is in them.
EMAIL_NAMES = frozenset((
    "email", "emailaddress", "mail", "mailaddress", "emailadresse", "mailadresse", "adresseemail", "adressemail",
    "courriel", "correo", "correoelectronico", "correoelectrónico", "emailadres", "epost", "epostadress", "eposta",
    "indirizzoemail", "endereçodeemail", "enderecodeemail", "sähköposti", "adresemail", "adresemailowy",
    "subscriberemail", "recipientemail", "contactemail", "bouncedemail",
))  # fmt: skip
# They may be anything else as well: a postal address, a name.
ADDRESS_NAMES = ("address", "recipient", "recipients", "adresse", "to", "destination", "subscriber", "contact")
NOT_SAID = "unsubscribeAll is neither true nor false"
# Of SES's contact lists: whoever says false there gets mail of some topics.
UNSUBSCRIBE_ALL = "unsubscribeall"
_SAYS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
_SAMPLE = 200
# No header is a number or a date.
_VALUE = re.compile(r"[\d.,:/+-]+(T[\d.:]++\S*| [\d.:]++.*)?")


@dataclass(frozen=True)
class Columns:
    """The names of the columns, or their numbers from 1; None: the address's is looked for, the others are not read.

    ``by_option``: whether the person can name them; a page has no way to. ``is_reason``: whether a text is one of the
    reasons that are known: where there is no header, they are found by it.
    """

    address: str | None = None
    reason: str | None = None
    date: str | None = None
    is_reason: Callable[[str], bool] | None = None
    by_option: bool = True


@dataclass(frozen=True)
class Cells:
    """What a row holds: the addresses as written, the texts of the other columns, and why a part can't be used.

    ``left_out``: it is a contact of SES who has not unsubscribed from all mail.
    """

    line: int
    addresses: list[str] = field(default_factory=list)
    problem: str | None = None
    reason: str = ""
    date: str = ""
    position: int = 0
    left_out: bool = False


@dataclass(frozen=True)
class _Layout:
    """The places of the columns; no place of ``addresses``: each cell is one. ``width``: the columns of the header.

    ``all_mail``: that of SES's ``unsubscribeAll``, in its files of contacts.
    """

    addresses: tuple[int, ...]
    reason: int | None = None
    date: int | None = None
    width: int | None = None
    all_mail: int | None = None


def read_table(file: IO[bytes], columns: Columns) -> Iterator[Cells]:
    """Yield what the rows of a file hold; the file may be of any length.

    :raises ActionError: another encoding, not CSV, or it can't be told which column is meant.
    """
    records = records_of(file)
    sample = list(islice(records, _SAMPLE))
    if not sample:
        return
    layout = _layout([record.cells for record in sample], columns)
    rows = chain(sample if layout.width is None else sample[1:], records)
    yield from (_read(record, layout) for record in rows)


def unsubscribed_from_all(said: object) -> bool | None:
    """Tell whether a contact has unsubscribed from all mail, by what stands there; None: it can't be told.

    A spreadsheet may have written true and false in another language.
    """
    return _SAYS.get("" if said is None else str(said).strip().lower())


def _read(record: Record, layout: _Layout) -> Cells:
    cells, line = record.cells, record.line
    if record.is_open:
        why = f"the quotation mark that opens in line {record.first} is not closed there: its lines may be several"
        return Cells(line, problem=why, position=record.position)
    if layout.width is not None and any(cell.strip() for cell in cells[layout.width :]):
        return Cells(line, problem=LONG, position=record.position)
    wanted = (*layout.addresses, layout.reason, layout.date, layout.all_mail)
    if max((place for place in wanted if place is not None), default=0) >= len(cells):
        return Cells(line, problem=SHORT, position=record.position)
    if layout.all_mail is not None and (unsubscribed := unsubscribed_from_all(cells[layout.all_mail])) is not True:
        not_said = NOT_SAID if unsubscribed is None else None
        return Cells(line, problem=not_said, position=record.position, left_out=not_said is None)
    texts = [cells[place] for place in layout.addresses] if layout.addresses else cells
    read = [mailboxes(plain(text).strip()) for text in texts if text.strip()]
    addresses = [address for one in read for address in one.addresses]
    problem = None if addresses and not any(one.unclear for one in read) else PART if addresses else NO_ADDRESS
    said, date = ("" if place is None else plain(cells[place]).strip() for place in (layout.reason, layout.date))
    if layout.all_mail is not None:
        said = said or "unsubscribed"
    return Cells(line, addresses, problem, said, date, record.position)


def _layout(rows: list[list[str]], columns: Columns) -> _Layout:
    """Return where the columns are, by the first rows.

    :raises ActionError: it can't be told.
    """
    first = rows[0]
    names = [_name(cell) for cell in first]
    if not _is_header(first, names, columns):
        return _without_header(rows, columns)
    reason, date = (
        _one_place(first, names, wanted, option)
        for wanted, option in ((columns.reason, "--reason-column"), (columns.date, "--date-column"))
    )
    places = (
        _found(first, names, rows[1:], columns)
        if columns.address is None
        else _places(first, names, columns.address, "--address-column")
    )
    all_mail = names.index(UNSUBSCRIBE_ALL) if UNSUBSCRIBE_ALL in names else None
    return _Layout(places, reason, date, len(first), all_mail)


def _is_header(first: list[str], names: list[str], columns: Columns) -> bool:
    if any(holds_address(cell) for cell in first):
        return False
    if EMAIL_NAMES.intersection(names):
        return True
    filled = [cell.strip() for cell in first if cell.strip()]
    if len(first) == 1:
        return names[0] in ADDRESS_NAMES or columns.address is not None
    is_data = any(_VALUE.fullmatch(cell) or (columns.is_reason and columns.is_reason(cell)) for cell in filled)
    return columns.address is not None or not is_data


def _found(first: list[str], names: list[str], rows: list[list[str]], columns: Columns) -> tuple[int, ...]:
    """Return the columns of the addresses: those that are named so, else those whose cells are addresses."""
    seen = seen_in(rows)
    by_name = [place for place, name in enumerate(names) if name in EMAIL_NAMES]
    named = [place for place in by_name if place in seen and seen[place].addresses]
    if named:
        # "E-mail Address" and "E-mail 2 Address": which is meant, or both, is for a person to say.
        named += [
            place for place in sorted(seen) if seen[place].is_address and place not in named and _like(names, place)
        ]
    loosely = [
        place
        for wanted in ADDRESS_NAMES
        for place, name in enumerate(names)
        if name == wanted and (not rows or (place in seen and seen[place].addresses))
    ]
    places = named or loosely[:1] or [place for place in sorted(seen) if seen[place].is_address] or by_name
    if not places and len(first) == 1:
        places = [0]
    if len({names[place] if place < len(names) else str(place) for place in places}) == 1:
        return tuple(places)
    if places:
        raise ActionError(
            f"Several columns of the file hold addresses: {_shown(first, places)}. Keep one of them"
            f"{_or(columns, 'name one with --address-column')}; read the file once for each."
        )
    raise ActionError(
        f"The file has {counted(len(first), 'column')}: none is named as e-mail addresses are, and none holds "
        'addresses in its first lines. Give the right one the header "email"'
        f"{_or(columns, 'name it with --address-column')}."
    )


def _or(columns: Columns, option: str) -> str:
    return f", or {option}" if columns.by_option else ""


def _like(names: list[str], place: int) -> bool:
    return place < len(names) and "mail" in names[place]


def _without_header(rows: list[list[str]], columns: Columns) -> _Layout:
    width = max(map(len, rows))
    reason, date = (
        _number(wanted, option, width)
        for wanted, option in ((columns.reason, "--reason-column"), (columns.date, "--date-column"))
    )
    given = _number(columns.address, "--address-column", width)
    seen = seen_in(rows)
    holding = [place for place in sorted(seen) if seen[place].is_address]
    if given is None and len(holding) != 1:
        if len(holding) == len(seen):
            return _Layout((), reason, date)
        raise ActionError(
            f"The file has {counted(width, 'column')} and no header, and it can't be told which holds the addresses. "
            f'Give it a header with "email" above them{_or(columns, "name it by its number: --address-column 1")}.'
        )
    place = holding[0] if given is None else given
    if reason is None and columns.is_reason is not None:
        known = [other for other in sorted(seen) if other not in (place, date) and _is_reasons(rows, other, columns)]
        reason = known[0] if len(known) == 1 else None
    return _Layout((place,), reason, date)


def _is_reasons(rows: list[list[str]], place: int, columns: Columns) -> bool:
    cells = (cells[place].strip() for cells in rows if place < len(cells))
    return columns.is_reason is not None and any(columns.is_reason(cell) for cell in cells if cell)


def _places(first: list[str], names: list[str], wanted: str, option: str) -> tuple[int, ...]:
    """Return the places of a column by its name, all of them where several are named so, or by its number.

    :raises ActionError: there is none.
    """
    places = tuple(place for place, name in enumerate(names) if name and name == _name(wanted))
    if places:
        return places
    number = _number(wanted, option, len(first)) if wanted.strip().isdecimal() else None
    if number is None:
        raise ActionError(
            f"{option} is {wanted!r}; the file's header has no such column, but "
            f"{_shown(first, range(len(first))) or 'none'}."
        )
    return (number,)


def _one_place(first: list[str], names: list[str], wanted: str | None, option: str) -> int | None:
    if wanted is None:
        return None
    places = _places(first, names, wanted, option)
    if len(places) > 1:
        raise ActionError(
            f"{option} is {wanted!r}; the file has {len(places)} columns of that name. Give its number, from 1: "
            f"{', '.join(str(place + 1) for place in places)}."
        )
    return places[0]


def _number(wanted: str | None, option: str, width: int) -> int | None:
    """Return the place of a column by its number, where there is no name to go by."""
    if wanted is None:
        return None
    text = wanted.strip()
    if not text.isdecimal():
        raise ActionError(
            f"{option} names a column, but the first line of the file is no header: an address stands in it, or a "
            f"number. Give the file a header, or the column's number, as {option} 1; SES's own lists need neither."
        )
    if not 1 <= int(text) <= width:
        raise ActionError(f"{option} is {text}; the file has {width} columns, counted from 1.")
    return int(text) - 1


def _shown(first: list[str], places: Sequence[int]) -> str:
    return ", ".join(repr(first[place].strip()) for place in places if "@" not in first[place])


def _name(cell: str) -> str:
    return re.sub(r"[\W_]+", "", cell).lower()
