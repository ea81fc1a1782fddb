"""The recipe for one-click unsubscribe: exactly the code of its page, over HTTP, into the ledger."""

from __future__ import annotations

import os
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from tests.docs.blocks import ROOT, blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ses_bounces.base.database.connection import Connection

PAGE = ROOT / "docs" / "unsubscribe.md"
FORM = ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click")
PARTS = (
    "multipart/form-data; boundary=b",
    b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
)


class _Quiet(WSGIRequestHandler):
    logged: list[str] = []  # noqa: RUF012

    def log_message(self, format: str, *args: Any) -> None:
        self.logged.append(format % args)


@pytest.fixture
def people(database: Connection) -> Connection:
    database.execute("CREATE TABLE public.people (id bigint PRIMARY KEY, email text)")
    database.execute(
        "INSERT INTO public.people VALUES (7, 'Anna@Example.com'), (8, 'Bo <bo@example.com>'), (9, 'none'), (11, NULL)"
    )
    return database


@pytest.fixture
def recipe(people: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The page's module, answering at the URL that it puts into mails."""
    [block] = [block for block in blocks_of(PAGE) if block.language == "python"]
    scripts = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", f"{scripts}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("UNSUBSCRIBE_SECRET", "a long random text")
    module = ModuleType("unsubscribe")
    _Quiet.logged.clear()
    with make_server("127.0.0.1", 0, lambda *given: module.application(*given), handler_class=_Quiet) as server:
        monkeypatch.setenv("UNSUBSCRIBE_URL", f"http://127.0.0.1:{server.server_port}/unsubscribe")
        exec(compile(block.text, block.where, "exec"), module.__dict__)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield module
        server.shutdown()


def ask(url: str, sent: tuple[str, bytes] | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, sent and sent[1], {"Content-Type": sent[0]} if sent else {})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def link(recipe: ModuleType, person_id: int) -> str:
    headers = recipe.headers_for(person_id)
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url: str = headers["List-Unsubscribe"]
    return url.removeprefix("<").removesuffix(">")


def stops(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT b.address, b.reason, e.reason FROM ses_bounces.blocked_list b"
        " JOIN ses_bounces.address_event e USING (event_id) ORDER BY 1"
    ).fetchall()


def test_a_click_is_a_stop_request(recipe: ModuleType, people: Connection) -> None:
    status, page = ask(link(recipe, 7))
    assert (status, 'method="post"' in page, stops(people)) == (200, True, [])
    for sent in (FORM, FORM):
        assert ask(link(recipe, 7), sent)[0] == 200
    anna = ("anna@example.com", "stop_request", "one-click unsubscribe")
    assert stops(people) == [anna]
    assert ask(link(recipe, 8), PARTS)[0] == 200
    assert stops(people) == [anna, ("bo@example.com", "stop_request", "one-click unsubscribe")]
    assert len(people.execute("SELECT FROM ses_bounces.address_event").fetchall()) == 2
    assert len(_Quiet.logged) == 4
    assert "@" not in "".join(_Quiet.logged)


def test_what_is_no_click_blocks_nobody(recipe: ModuleType, people: Connection) -> None:
    url = link(recipe, 7)
    start, token = url.rpartition("/")[0], url.rpartition("/")[2]
    for forged in (f"8{token[1:]}", token[:-1], "7", ""):
        assert ask(f"{start}/{forged}", FORM)[0] == 404, forged
    assert ask(url, (FORM[0], b"something=else"))[0] == 400
    # Gone meanwhile: there is nobody to mail.
    assert ask(link(recipe, 10), FORM)[0] == 200
    assert ask(link(recipe, 11), FORM)[0] == 200
    assert stops(people) == []


def test_a_request_that_could_not_be_recorded_says_so(recipe: ModuleType, people: Connection) -> None:
    assert ask(link(recipe, 9), FORM)[0] == 503
    people.execute("ALTER TABLE ses_bounces.address_event ADD CHECK (kind <> 'stop_request')")
    assert ask(link(recipe, 7), FORM)[0] == 503
    assert stops(people) == []
