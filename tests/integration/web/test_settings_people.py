"""The settings page says what is wrong with the people table, before the task does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ses_bounces.actions.setting_effects import effects
from ses_bounces.base.settings import parse
from ses_bounces.base.sites import Site
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.web.access import reader
from ses_bounces.web.app import create_app
from ses_bounces.web.setting_form import Stored
from tests.integration.ledger.test_brake import body, put

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


@pytest.fixture
def editor(client: TestClient) -> TestClient:
    """The client of a user who may save the settings."""
    viewer = SimpleNamespace(may_read=True, may_edit=True, may_set_variable=True, name="otto", id="8")
    assert isinstance(client.app, FastAPI)
    client.app.dependency_overrides[reader] = lambda: viewer
    return client


def errors(client: TestClient) -> list[str]:
    answer = client.get("/settings")
    assert answer.status_code == 200, answer.text
    return [text.get_text() for text in BeautifulSoup(answer.text, "html.parser").select(".notice.critical p")]


def test_the_page_says_it(client: TestClient, database: Connection, viewer: SimpleNamespace) -> None:
    database.execute(TABLE)
    assert [error.startswith(PROBLEM) for error in errors(client)] == [True]
    viewer.may_edit = False
    [error] = errors(client)
    assert "wrong, in people_id_column. Anyone with edit access" in error
    assert "public.people" not in error
    database.execute("CREATE UNIQUE INDEX ON public.people (id)")
    assert errors(client) == []


def test_the_preview_of_a_change_says_it(database: Connection) -> None:
    database.execute(TABLE)
    before = parse(SETTINGS | {"people_table": None})
    told = effects(database, before, parse(SETTINGS))
    assert len(told) == 1
    assert PROBLEM in told[0]


@pytest.fixture
def people(database: Connection) -> Connection:
    """Three people, two of them at blocked addresses; and columns that are none of ours."""
    database.execute(
        "CREATE TABLE public.people (id int PRIMARY KEY, email text, allow_group_email boolean DEFAULT true,"
        " salary int UNIQUE, may_login boolean DEFAULT true, notes text)"
    )
    for number, name in enumerate(("anna", "bo", "cy")):
        insert = "INSERT INTO public.people (id, email, salary, notes) VALUES (%s, %s, %s, 'none')"
        database.execute(insert, [number, f"{name}@example.com", 1_000 + number])
    put(database, body("P", "anna@example.com"), body("P", "bo@example.com"))
    classify_pending(database, Rules())
    return database


def told(connection: Connection, **changes: Any) -> list[str]:
    """What the preview says of a change of the settings."""
    return effects(connection, parse(SETTINGS), parse(SETTINGS | changes))


def test_the_preview_says_which_columns_and_rows(people: Connection) -> None:
    of_all = effects(people, None, parse(SETTINGS | {"enforce": True}))
    assert (
        "In public.people, id (integer) and email (text) are read, and allow_group_email (boolean) is read and written."
    ) in of_all
    assert "The next run would write 2 rows: those at blocked addresses whose allow_group_email is not off." in of_all
    people.execute("UPDATE public.people SET allow_group_email = false WHERE id = 0")
    assert "No row is written in observe mode. Enforcing would switch 1 row off." in told(people, enforce=False)
    other = told(people, people_id_column="salary", people_flag_column="may_login")
    assert "In public.people, salary (integer) and email (text) are read, and may_login (boolean) is read" in other[0]
    assert other[1].startswith("The next run would write 2 rows: those at blocked addresses whose may_login is not")
    # Nothing is said of people where nothing of them changes.
    assert told(people, max_drainers=2) == []


def test_the_preview_asks_whether_that_is_the_column_of_addresses(people: Connection) -> None:
    said = told(people, people_email_column="notes")
    assert "Is notes the column of addresses? Of 3 rows looked at, 0 have one in it." in said
    assert not any("column of addresses" in text for text in told(people, people_id_column="salary"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"people_table": "public.nobody"}, "there is no such table in this database"),
        ({"people_id_column": "nothing"}, "public.people has no such column"),
        ({"people_flag_column": "salary"}, "it is integer and must be boolean"),
    ],
)
def test_the_preview_says_what_is_not_there(people: Connection, changes: dict[str, str], message: str) -> None:
    [said] = told(people, **changes)
    assert said.startswith("Nobody's Allow Group Email would be touched, and its task would fail:")
    assert message in said


GIVEN = "SELECT (id, email, allow_group_email), UPDATE (allow_group_email)"
TOO_MUCH = "may do more with public.people than docs/sql/people.sql gives: "


@pytest.mark.parametrize(
    ("grant", "words"),
    [
        (GIVEN, None),
        (f"{GIVEN}, SELECT (salary)", "it may read 1 other column."),
        (f"{GIVEN}, UPDATE (salary, may_login)", "it may write 2 other columns."),
        ("SELECT, UPDATE, INSERT", "it may read 3 other columns; it may write 5 other columns; it may INSERT rows."),
        ("SELECT (id)", None),
    ],
)
def test_the_preview_says_where_the_role_may_do_more(
    people: Connection, database_url: str, grant: str, words: str | None
) -> None:
    people.execute("CREATE ROLE job_of_preview LOGIN")
    try:
        people.execute("GRANT USAGE ON SCHEMA ses_bounces, public TO job_of_preview")
        people.execute("GRANT SELECT ON ALL TABLES IN SCHEMA ses_bounces TO job_of_preview")
        people.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ses_bounces TO job_of_preview")
        people.execute(f"GRANT {grant} ON public.people TO job_of_preview")  # type: ignore[arg-type]
        people.execute("SET ROLE job_of_preview")
        said = told(people, enforce=False)
        people.execute("RESET ROLE")
    finally:
        people.execute("RESET ROLE")
        people.execute("DROP OWNED BY job_of_preview")
        people.execute("DROP ROLE job_of_preview")
    found = [text for text in said if TOO_MUCH in text]
    if words is None:
        assert found == []
        return
    assert found[0].startswith(f"The database role job_of_preview {TOO_MUCH}{words}")


def test_the_preview_says_that_the_role_is_a_superuser(people: Connection) -> None:
    assert any(
        f"{TOO_MUCH}it is a superuser; it may read 3 other columns" in text for text in told(people, enforce=False)
    )
