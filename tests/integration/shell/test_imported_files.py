"""Files of other programs as they are: pages of the AWS CLI, SES's own formats, contact lists, spreadsheets' exports."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ses_bounces.__main__ import main

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


class Importing:
    """Imports texts as files; ``err`` is what was said on stderr."""

    def __init__(self, folder: Path, url: str, capsys: pytest.CaptureFixture[str], database: Connection) -> None:
        self.folder, self.url, self.capsys, self.database, self.err = folder, url, capsys, database, ""

    def __call__(
        self, *contents: str | bytes, what: str = "blocked", more: tuple[str, ...] = (), status: int = 0
    ) -> Any:
        names = []
        for number, content in enumerate(contents, 1):
            path = self.folder / f"file{number}"
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            names.append(str(path))
        return self.run(*names, what=what, more=more, status=status)

    def run(self, *names: str, what: str = "blocked", more: tuple[str, ...] = (), status: int = 0) -> Any:
        self.capsys.readouterr()
        arguments = ["import", what, *names, "--reason", "old list", "--url", self.url, "--json", *more]
        assert main(arguments) == status, self.capsys.readouterr().err
        said = self.capsys.readouterr()
        self.err = said.err
        return json.loads(said.out) if said.out else None

    @property
    def recorded(self) -> set[tuple[str, str]]:
        query = (
            "SELECT a.address, e.kind FROM ses_bounces.address_event e JOIN ses_bounces.address a USING (address_id)"
        )
        return set(self.database.execute(query).fetchall())


@pytest.fixture
def importing(tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str], database: Connection) -> Importing:
    return Importing(tmp_path, database_url, capsys, database)


def page(*names: str, token: str | None = None) -> str:
    """A page of ``aws sesv2 list-suppressed-destinations``."""
    entries = [
        {"EmailAddress": f"{name}@example.com", "Reason": "BOUNCE", "LastUpdateTime": "2026-01-10T08:00:05+00:00"}
        for name in names
    ]
    return json.dumps({"SuppressedDestinationSummaries": entries} | ({"NextToken": token} if token else {}), indent=2)


def bounced(*names: str) -> set[tuple[str, str]]:
    return {(f"{name}@example.com", "permanent_bounce") for name in names}


def test_all_pages_of_a_list(importing: Importing) -> None:
    said = importing(page("ann", token="A"), page("bo", "cy", token="B"), page("di"))
    assert said["new"] == {"permanent_bounce": 4}
    assert importing.recorded == bounced("ann", "bo", "cy", "di")


def test_pages_one_after_the_other_in_one_file(importing: Importing) -> None:
    assert importing(page("ann", token="A") + "\n" + page("bo"))["new"] == {"permanent_bounce": 2}


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ([page("ann", token="A")], "The list goes on after the last page that was given: it has a NextToken."),
        ([page("ann", token="A"), page("bo", token="B")], "The list goes on after the last page"),
        ([page("bo"), page("ann", token="A")], "The list goes on after the last page"),
        ([page("ann", token="A"), page("ann", token="A"), page("bo")], "One page was given twice"),
        ([page("ann", token="A") + page("bo", token="B")], "The list goes on after the last page"),
    ],
)
@pytest.mark.parametrize("what", ["blocked", "stop-requests"])
def test_a_list_that_lacks_pages_is_refused_whole(importing: Importing, pages: list[str], said: str, what: str) -> None:
    importing(*pages, what=what, status=1)
    assert importing.err.startswith(said)
    assert importing.recorded == set()


def test_a_page_from_stdin_that_is_not_the_last_is_refused(
    importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = page("ann", token="A").encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))
    importing.run("-", status=1)
    assert "NextToken" in importing.err


BULK = {("ann@example.com", "permanent_bounce"), ("bo@example.com", "complaint")}


@pytest.mark.parametrize(
    "content",
    [
        "ann@example.com,BOUNCE\nbo@example.com, COMPLAINT\n",
        "ann@example.com;BOUNCE\r\nbo@example.com;COMPLAINT\r\n",
        "\ufeffann@example.com,BOUNCE\n\nbo@example.com,COMPLAINT",
        '"ann@example.com","BOUNCE"\n"bo@example.com","COMPLAINT"\n',
        "BOUNCE,ann@example.com\nCOMPLAINT,bo@example.com\n",
        "emailAddress,reason\nann@example.com,BOUNCE\nbo@example.com,COMPLAINT\n",
        '{"emailAddress":"ann@example.com","reason":"BOUNCE"}\n{"emailAddress":"bo@example.com","reason":"COMPLAINT"}\n',
        '[{"emailAddress":"ann@example.com","reason":"BOUNCE"},{"emailAddress":"bo@example.com","reason":"COMPLAINT"}]',
        '{\n "emailAddress": "ann@example.com",\n "reason": "BOUNCE"\n}\n{"EmailAddress":"bo@example.com","Reason":"COMPLAINT"}',
        '{"SuppressedDestination": {"EmailAddress": "ann@example.com", "Reason": "BOUNCE"}}\n'
        '{"SuppressedDestination": {"EmailAddress": "bo@example.com", "Reason": "COMPLAINT"}}',
    ],
)
def test_ses_own_formats(importing: Importing, content: str) -> None:
    columns = ("--reason-column", "reason") if content.startswith("emailAddress") else ()
    said = importing(content, more=columns)
    assert said["new"] == {"permanent_bounce": 1, "complaint": 1}
    assert importing.recorded == BULK


CONTACTS = [
    {"EmailAddress": "ann@example.com", "UnsubscribeAll": True, "LastUpdatedTimestamp": "2026-01-10T08:00:05+00:00"},
    {"EmailAddress": "bo@example.com", "UnsubscribeAll": False, "LastUpdatedTimestamp": 1768032005.0},
]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"Contacts": CONTACTS}),
        "\n".join(json.dumps(one) for one in CONTACTS),
        "emailAddress,unsubscribeAll,attributesData\nann@example.com,true,{}\nbo@example.com,false,{}\n",
        '{"emailAddress":"ann@example.com","unsubscribeAll":true}\n{"emailAddress":"bo@example.com","unsubscribeAll":false}',
        '{"emailAddress":"ann@example.com","unsubscribeAll":"true"}\n{"emailAddress":"bo@example.com","unsubscribeAll":null}',
    ],
)
def test_contact_lists_block_who_unsubscribed_from_all(importing: Importing, content: str) -> None:
    said = importing(content)
    assert (said["new"], said["refused"], said["left_out"]) == ({"unsubscribed": 1}, 0, 1)
    assert importing.recorded == {("ann@example.com", "unsubscribed")}


@pytest.mark.parametrize(
    "content",
    [
        "emailAddress,unsubscribeAll\nann@example.com,WAHR\nbo@example.com,FALSCH\n",
        '{"emailAddress":"ann@example.com","unsubscribeAll":"vrai"}\n{"emailAddress":"bo@example.com","unsubscribeAll":[]}',
    ],
)
def test_contacts_of_whom_it_is_not_known_are_refused(importing: Importing, content: str) -> None:
    said = importing(content, status=3)
    assert (said["new"], said["left_out"]) == ({}, 0)
    assert said["problems"] == {"unsubscribeAll is neither true nor false": 2}


def test_contacts_with_a_next_token_are_refused(importing: Importing) -> None:
    importing(json.dumps({"Contacts": CONTACTS, "NextToken": "A"}), status=1)
    assert "NextToken" in importing.err


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\nemail;name\nann@example.com;Ann\n",
        'sep=,\r\nemail,name\r\nann@example.com,"Smith; Ann"\r\n',
        '"sep=;"\nname;email\nAnn, Bo;ann@example.com\n',
        "sep=\t\nemail\tname\nann@example.com\tAnn\n",
        "\ufeffsep=|\nemail|name\nann@example.com|Ann\n",
        "email\tname\nann@example.com\tAnn\n".encode("utf-16"),
        "First Name,Address,E-mail Address\nAnn,1 Main Street,ann@example.com\n",
        "Name,Address,Contact\nAnn,1 Main Street,ann@example.com\n",
        "Name,Address,Notes\nAnn,ann@example.com,called\n",
    ],
)
def test_exports_of_spreadsheets_and_mailing_tools(importing: Importing, content: str | bytes) -> None:
    assert importing(content, what="stop-requests")["new"] == 1
    assert importing.recorded == {("ann@example.com", "stop_request")}


@pytest.mark.parametrize(
    ("cell", "names", "refused"),
    [
        ("ann@example.com;bo@example.com", ["ann", "bo"], 0),
        ("ann@example.com,bo@example.com", ["ann", "bo"], 0),
        ("Ann <ann@example.com>; Bo <bo@example.com>", ["ann", "bo"], 0),
        ("<ann@example.com> <bo@example.com>", ["ann", "bo"], 0),
        ("ann@example.com; bo@", ["ann"], 1),
        ("ann@example.com and bo@example.com", [], 1),
        ("ann@example.com\nbo@example.com", [], 1),
    ],
)
def test_a_cell_with_several_addresses(importing: Importing, cell: str, names: list[str], refused: int) -> None:
    status = 3 if refused else 0
    said = importing(f'email,name\n"{cell}",x\n', what="stop-requests", status=status)
    assert (said["new"], said["refused"]) == (len(names), refused)
    assert {address for address, _ in importing.recorded} == {f"{name}@example.com" for name in names}


@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        ("ann@example.com,BOUNCE\n", ("--reason-column", "BOUNCE"), "first line of the file is no header"),
        ("Email,Other email\nann@example.com,bo@example.com\n", (), "Several columns of the file hold addresses"),
        ("name,mobile\nAnn,1\n", (), "none is named as e-mail addresses are"),
        ("email,a,a\nann@example.com,1,2\n", ("--reason-column", "a"), "Give its number, from 1: 2, 3"),
    ],
)
def test_advice_that_can_be_followed(importing: Importing, content: str, more: tuple[str, ...], said: str) -> None:
    importing(content, more=("--cause", "complaint", *more), status=1)
    assert said in importing.err
    assert importing.recorded == set()


def test_columns_by_number(importing: Importing) -> None:
    more = ("--address-column", "2", "--reason-column", "3", "--date-column", "1")
    assert importing("2026-01-10,ann@example.com,BOUNCE\n", more=more)["new"] == {"permanent_bounce": 1}


def test_the_file_and_the_line_of_a_problem_are_named(importing: Importing) -> None:
    said = importing("email\nann@example.com\n", "email\nnobody\n", what="stop-requests", status=3)
    assert said["lines"] == {"file2, line 2": "not an e-mail address"}
