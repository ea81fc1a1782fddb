"""Asking SES about an address, on the pages: before a lift, and in the history of the address."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from fastapi import Request
from fastapi.testclient import TestClient

from ses_bounces.base.settings import parse
from ses_bounces.base.sites import Site
from ses_bounces.web.access import reader
from ses_bounces.web.app import create_app
from ses_bounces.web.dependencies import database as database_of
from ses_bounces.web.dependencies import site_settings
from tests.integration.actions.test_validation import OPERATION, ids, ses

if TYPE_CHECKING:
    from dev.ses import FakeSes
    from ses_bounces.base.database.connection import Connection

__all__ = ["ids", "ses"]


@pytest.fixture
def settings() -> dict[str, Any]:
    return {
        "queue_urls": ["http://127.0.0.1/000000000000/queue"],
        "ses_regions": ["eu-west-1"],
        "ask_ses_validation": True,
    }


@pytest.fixture
def viewer() -> SimpleNamespace:
    return SimpleNamespace(may_read=True, may_edit=True, may_set_variable=False, name="otto", id="8")


@pytest.fixture
def client(
    database: Connection, settings: dict[str, Any], viewer: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__DAG_ID_PREFIX", "")
    app = create_app(Site())

    def read_as(request: Request) -> SimpleNamespace:
        request.state.viewer = viewer
        return viewer

    app.dependency_overrides |= {
        reader: read_as,
        site_settings: lambda: parse(settings),
        database_of: lambda: database,
    }
    with TestClient(app) as opened:
        yield opened


def shown(client: TestClient, path: str, **fields: Any) -> BeautifulSoup:
    answer = client.post(path, data=fields) if fields else client.get(path)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html.parser")


def token(page: BeautifulSoup) -> str:
    field = page.select_one("[name=token]")
    assert field is not None
    return str(field["value"])


def said(page: BeautifulSoup) -> list[str]:
    return [" ".join(text.get_text().split()).partition(" (")[0] for text in page.select(".opinion")]


def test_it_is_asked_in_the_history_of_an_address(
    client: TestClient, ses: FakeSes, ids: list[int], viewer: SimpleNamespace
) -> None:
    ses.region("eu-west-1").confidence["bo@example.com"] = "LOW"
    path = f"/addresses/{ids[1]}"
    page = shown(client, path)
    assert said(page) == []
    form = page.select_one('form[action$="lifts/ask"]')
    assert form is not None
    fields = {str(field["name"]): str(field["value"]) for field in form.select("input")}
    page = shown(client, "/lifts/ask", **fields)
    assert said(page) == ["SES's confidence that mail arrives: LOW"]
    assert "asked by otto" in page.get_text()
    # Sent again, as by a second click or Back, it is not paid for again.
    assert said(shown(client, "/lifts/ask", **fields)) == ["SES's confidence that mail arrives: LOW"]
    assert ses.calls[OPERATION] == 1
    viewer.may_edit = False
    page = shown(client, path)
    assert said(page) == []
    assert page.select('form[action$="lifts/ask"]') == []
    assert client.post("/lifts/ask", data=fields).status_code == 403


def test_it_is_asked_before_a_lift(client: TestClient, ses: FakeSes, ids: list[int]) -> None:
    page = shown(client, "/lifts/preview", id=ids, token=token(shown(client, "/check")))
    button = page.select_one('button[formaction$="lifts/ask"]')
    assert button is not None
    # Nothing but the choice is needed for it.
    assert button.has_attr("formnovalidate")
    page = shown(client, "/lifts/ask", id=ids, token=token(page))
    assert said(page) == ["SES's confidence that mail arrives: HIGH"] * 2
    assert page.select_one('form[action$="lifts/done"]') is not None


def test_it_is_not_offered_where_the_setting_is_off_or_there_are_many(
    client: TestClient, ses: FakeSes, ids: list[int], settings: dict[str, Any], database: Connection
) -> None:
    from tests.kit.builders import bounce
    from tests.kit.seeding import address_id, dated, receive

    names = [f"p{number}@example.com" for number in range(4)]
    receive(database, *(dated(bounce(name), 1) for name in names))
    many = ids + [address_id(database, name) for name in names]
    start = token(shown(client, "/check"))
    offered = [bool(shown(client, "/lifts/preview", id=some, token=start).select("[formaction$='lifts/ask']"))
               for some in (many[:5], many)]  # fmt: skip
    assert offered == [True, False]
    settings["ask_ses_validation"] = False
    assert shown(client, "/lifts/preview", id=ids, token=start).select("[formaction$='lifts/ask']") == []
    assert shown(client, f"/addresses/{ids[0]}").select("form[action$='lifts/ask']") == []
    refused = client.post("/lifts/ask", data={"id": ids, "token": start})
    assert refused.status_code == 400
    assert "the setting ask_ses_validation is false" in refused.text
    assert ses.calls[OPERATION] == 0


def test_what_ses_refuses_is_said_on_a_page(client: TestClient, ses: FakeSes, ids: list[int]) -> None:
    ses.refuse[OPERATION] = ("AccessDeniedException", None)
    answer = client.post("/lifts/ask", data={"id": ids[:1], "token": token(shown(client, "/check"))})
    assert answer.status_code == 503
    assert "docs/iam.md" in answer.text
