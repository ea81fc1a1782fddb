"""Pasted lists and uploaded files."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_bounces.actions.columns import NOT_SAID
from ses_bounces.actions.pasted import LEFT_OUT, MAX_LINES, Line, read_csv, read_text
from ses_bounces.actions.tables import MAX_BYTES
from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.address import address_key
from ses_bounces.ledger.lists.csv_lines import write_table
from ses_bounces.ledger.lists.lookup import MAX_ADDRESSES

ADDRESSES = st.one_of(
    st.emails(),
    st.builds(
        "{}{}@{}".format,
        st.sampled_from(["=", "+", "-", "@", "'=", "'", "''+", '"', "1"]),
        st.text("abc'=+-,;\"|", max_size=6),
        st.sampled_from(["example.com", "müller.example"]),
    ),
)


def test_lines_names_and_separators() -> None:
    pasted = read_text(
        'ann@example.com\n\n"Doe, Jane" <JANE@example.com>\r\nbob@example.com; cleo@example.com, x\nANN@example.com'
    )
    assert pasted.addresses == {
        "ann@example.com": 1,
        "jane@example.com": 3,
        "bob@example.com": 4,
        "cleo@example.com": 4,
    }
    assert [line.number for line in pasted.problems] == [4]
    assert pasted.duplicates == 1


def test_a_problem_never_shows_the_value() -> None:
    pasted = read_text("secret-without-at\nsecret@@@")
    assert [(line.number, "secret" in line.problem) for line in pasted.problems] == [(1, False), (2, False)]


@pytest.mark.parametrize(
    "content",
    [
        b"ann@example.com\nbob@example.com\n",
        b"\xef\xbb\xbfann@example.com\r\nbob@example.com",
        b"E-Mail Address\nann@example.com\nbob@example.com\n",
        b"id,Email\n1,ann@example.com\n2,bob@example.com\n",
        b'"name";"address"\n"Doe, J.";"ann@example.com"\n"";"bob@example.com"\n',
        b"mail\tname\nann@example.com\tAnn\n\nbob@example.com\tBob\n",
        b"\n\naddress\nann@example.com\nbob@example.com",
    ],
)
def test_files(content: bytes) -> None:
    pasted = read_csv(content)
    assert (list(pasted.addresses), pasted.problems) == (["ann@example.com", "bob@example.com"], [])


def test_contacts_who_have_not_unsubscribed_from_all_mail_are_told() -> None:
    pasted = read_csv(
        b"emailAddress,unsubscribeAll\nann@example.com,TRUE\nbo@example.com,FALSE\ncy@example.com,\ndi@example.com,WAHR\n"
    )
    assert pasted.addresses == {"ann@example.com": 2}
    assert pasted.problems == [Line(3, LEFT_OUT), Line(4, LEFT_OUT), Line(5, NOT_SAID)]


def test_errors_of_a_file_name_the_line() -> None:
    pasted = read_csv(b'name,email\nAnn,ann@example.com\nx\ny,nonsense\n"two\nlines",bob@example.com\n')
    assert [line.number for line in pasted.problems] == [3, 4]
    assert pasted.addresses == {"ann@example.com": 2, "bob@example.com": 6}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Grüße@example.com".encode("latin-1"), "not UTF-8"),
        ("Grüße@example.com".encode("utf-16") + b"x", "not UTF-8"),
        (b"ann@example.com,news@example.com,Ann\nbob@example.com,news@example.com,Bob", "3 columns and no header"),
        (b'[{"email": "ann@example.com"}]', "is JSON"),
        (b"x" * (MAX_BYTES + 1), "bytes; it may have"),
        (b"a@example.com\n" * (MAX_LINES + 1), "more than 10000 lines"),
    ],
)
def test_files_that_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(ActionError, match=message):
        read_csv(content)


@pytest.mark.parametrize(
    "content",
    [
        b"email,mail\nann@example.com,bo@example.com\n",
        b"name,mobile\nAnn,1\n",
        b"ann@example.com,news@example.com,Ann\nbo@example.com,news@example.com,Bo",
        b'<a href="mailto:ann@example.com">Ann</a>\n',
    ],
)
def test_advice_of_a_page_names_no_option_of_the_shell(content: bytes) -> None:
    with pytest.raises(ActionError) as refused:
        read_csv(content)
    assert "--" not in str(refused.value)
    assert "1 columns" not in str(refused.value)


ONE_LINE = ",".join(f"a{number}@example.com" for number in range(90_000))


@pytest.mark.parametrize(
    "text",
    ["a@example.com\n" * (MAX_LINES + 1), "é" * MAX_BYTES, ONE_LINE, ONE_LINE.replace(",", " "), "x@ " * 600_000],
)
def test_texts_that_are_too_long(text: str) -> None:
    with pytest.raises(ActionError, match=r"may have|more than"):
        read_text(text)


@pytest.mark.parametrize("by", ["\n", ",", ";", " ", ", ", "\t"])
def test_as_many_addresses_as_can_be_are_taken_however_they_are_parted(by: str) -> None:
    whole = [f"a{number}@example.com" for number in range(MAX_ADDRESSES - 1)]
    pasted = read_text(by.join([*whole, "a0@example.com"]))
    assert (len(pasted.addresses), pasted.duplicates, pasted.problems) == (MAX_ADDRESSES - 1, 1, [])
    with pytest.raises(ActionError, match=r"more than 10000 (addresses|lines)"):
        read_text(by.join([*whole, "a0@example.com", "a1@example.com"]))


@given(st.binary(max_size=300))
def test_no_file_breaks_it(content: bytes) -> None:
    with contextlib.suppress(ActionError):
        read_csv(content)


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    read_text(text)


@given(st.lists(ADDRESSES, min_size=1, max_size=20))
def test_our_own_download_is_read_back(keys: list[str]) -> None:
    keys = [key for key in map(address_key, keys) if key and not key.isspace()]
    content = "".join(write_table(("address", "reason"), ((key, "complaint") for key in keys))).encode()
    assert list(read_csv(content).addresses) == list(dict.fromkeys(keys))
