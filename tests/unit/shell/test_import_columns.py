"""Rows of CSV files as other providers export them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_bounces.actions.columns import SHORT, Columns
from ses_bounces.base.exceptions import ActionError
from ses_bounces.shell.import_columns import FUTURE, NO_DATE, Row, rows_of

ALL = Columns("email", "reason", "created")
ANY = Columns()
AT = datetime(2026, 1, 10, 8, 0, 5, tzinfo=UTC)


def read(text: str, columns: Columns = ANY, encoding: str = "utf-8") -> list[Row]:
    return list(rows_of(io.BytesIO(text.encode(encoding)), columns))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-01-10T08:00:05Z", AT),
        ("2026-01-10T10:00:05+02:00", AT),
        ("2026-01-10 08:00:05", AT),
        ("2026-01-10 08:00:05 UTC", AT),
        ("2026-01-10", AT.replace(hour=0, second=0)),
        (str(int(AT.timestamp())), AT),
        ("Sat, 10 Jan 2026 08:00:05 UTC", AT),
        ("Sat, 10 Jan 2026 09:00:05 +0100", AT),
        ("Sat, 10 January 2026 09:00:05 +0100 (Central European Standard Time)", AT),
        ("Sat, 10 Jan 2026 03:00:05 EST", AT),
        ("Jan 10, 2026 08:00:05", AT),
        ("", None),
    ],
)
def test_dates_as_others_write_them(written: str, expected: datetime | None) -> None:
    [row] = read(f'email,reason,created\na@example.com,"no, thanks","{written}"\n', ALL)
    assert (row.address, row.reason, row.date, row.problem) == ("a@example.com", "no, thanks", expected, None)


@pytest.mark.parametrize(
    "written",
    [
        "yesterday", "10/01/2026", "1767945605000", "2026-13-01", "99999999999999999999", "Jan 10, 2026 8:00:05 PM",
        "10 Jan 2026 08:00 pm +0100", "10 Jan 2026 08:00:05 CET", "Sat Jan 10 08:00:05 IST 2026",
        "Sat Jan 10 2026 09:00:05 GMT+0100 (Central European Standard Time)", "10 Jan 2026 08:00:05 Europe/Paris",
    ],
)  # fmt: skip
def test_dates_that_could_mean_anything(written: str) -> None:
    [row] = read(f'email,reason,created\na@example.com,x,"{written}"\n', ALL)
    assert row.problem == NO_DATE


def test_a_date_ahead() -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    [row] = read(f"email,reason,created\na@example.com,x,{ahead.isoformat()}\n", ALL)
    assert row.problem == FUTURE


@pytest.mark.parametrize("parting", [",", ";", "\t", "|"])
@pytest.mark.parametrize("header", ["Email", "E-mail Address", "address", "\ufeffrecipient"])
def test_the_column_of_the_addresses_is_found(parting: str, header: str) -> None:
    text = f"\n\nname{parting}{header.lstrip(chr(0xFEFF))}\nAnna{parting}a@example.com\n\nBo{parting}b@example.com\n"
    found = read(f"\ufeff{text}" if header.startswith("\ufeff") else text)
    assert [(row.line, row.address) for row in found] == [(4, "a@example.com"), (6, "b@example.com")]


def test_one_column_needs_no_header() -> None:
    assert [(row.line, row.address) for row in read("a@example.com\n'=b@example.com\r\n")] == [
        (1, "a@example.com"),
        (2, "=b@example.com"),
    ]


def test_a_line_that_is_short() -> None:
    assert [row.problem for row in read("id,email\n1\n2,b@example.com\n")] == [SHORT, None]


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("name,mobile\nAnna,1\n", ANY, "or name it with --address-column"),
        ("name,mobile\nAnna,1\n", Columns("mail"), "--address-column is 'mail'; the file's header has no such column"),
        ("email\na@example.com\n", Columns("email", "why"), "--reason-column is 'why'"),
        ("a@example.com\n", Columns("email"), "the first line of the file is no header"),
        (f'email\n"{"x" * 3_000_000}"\n', ANY, "Line 2 of the file is not CSV"),
    ],
)
def test_files_that_can_not_be_read(text: str, columns: Columns, message: str) -> None:
    with pytest.raises(ActionError, match=message) as caught:
        read(text, columns)
    assert "@" not in str(caught.value)


def test_a_file_in_another_encoding() -> None:
    with pytest.raises(ActionError, match="not UTF-8"):
        read("email\nbücher@example.com\n", encoding="latin-1")


def test_nothing_at_all() -> None:
    assert read("") == []
    assert read("\n\n") == []
    assert read("email\n") == []


_cells = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\x00"), max_size=20).map(
    lambda text: text.strip("\ufeff")
)


@settings(deadline=None)
@given(st.lists(st.tuples(_cells, _cells), min_size=1, max_size=8), st.sampled_from([",", ";"]))
def test_what_was_written_is_read_again(rows: list[tuple[str, str]], parting: str) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=parting, quoting=csv.QUOTE_ALL)
    writer.writerow(("id", "email"))
    writer.writerows(rows)
    found = read(buffer.getvalue(), Columns("email"))
    expected = [email for id_, email in rows if id_.strip() or email.strip()]
    assert len(found) == len(expected)
    for row, email in zip(found, expected, strict=True):
        assert email.strip().endswith(row.address)
