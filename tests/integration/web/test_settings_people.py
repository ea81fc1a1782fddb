"""The settings page says what is wrong with the people table, before the task does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from fastapi.testclient import TestClient

from ses_bounces.base.settings import parse
from ses_bounces.base.sites import Site
from ses_bounces.web.access import reader
from ses_bounces.web.app import create_app
from ses_bounces.web.setting_effects import effects
from ses_bounces.web.setting_form import Stored

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

SETTINGS: dict[str, Any] = {
    "queue_urls": ["http://127.0.0.1/000000000000/queue"],
    "people_table": "public.people",
}
PROBLEM = "people_id_column is id; it must have a unique index of its own in public.people"
TABLE = "CREATE TABLE public.people (id int, email text, allow_group_email boolean)"


@pytest.fixture
def viewer() -> SimpleNamespace:
    return SimpleNamespace(may_read=True, may_edit=True, may_set_variable=False, name="vic", id="7")


@pytest.fixture
def client(
    database: Connection, database_url: str, viewer: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__DAG_ID_PREFIX", "")
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    # There is no database of Airflow's here.
    monkeypatch.setattr("ses_bounces.web.routes.settings.stored", lambda: Stored(json.dumps(SETTINGS), False))
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_POSTGRES", database_url)
    app = create_app(Site())
    app.dependency_overrides[reader] = lambda: viewer
    with TestClient(app) as opened:
        yield opened


def errors(client: TestClient) -> list[str]:
    answer = client.get("/settings")
    assert answer.status_code == 200, answer.text
    return [text.get_text() for text in BeautifulSoup(answer.text, "html.parser").select(".notice.critical p")]


def test_the_page_says_it(client: TestClient, database: Connection, viewer: SimpleNamespace) -> None:
    database.execute(TABLE)
    assert [error.startswith(PROBLEM) for error in errors(client)] == [True]
    viewer.may_edit = False
    [error] = errors(client)
    assert "wrong, in people_id_column. Who has edit access" in error
    assert "public.people" not in error
    database.execute("CREATE UNIQUE INDEX ON public.people (id)")
    assert errors(client) == []


def test_the_preview_of_a_change_says_it(database: Connection) -> None:
    database.execute(TABLE)
    before = parse(SETTINGS | {"people_table": None})
    told = effects(database, before, parse(SETTINGS))
    assert len(told) == 1
    assert PROBLEM in told[0]
