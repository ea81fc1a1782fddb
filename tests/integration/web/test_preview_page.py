"""The page What enforcing would do, and its link on the overview, as the app renders them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from fastapi.testclient import TestClient

from ses_bounces.base.settings import parse
from ses_bounces.base.sites import Site
from ses_bounces.ledger.protection import mirror_settings
from ses_bounces.web.access import reader
from ses_bounces.web.app import create_app
from ses_bounces.web.dependencies import database as database_of
from ses_bounces.web.dependencies import site_settings
from ses_bounces.web.our_dags import our_dags
from tests.integration.shell.test_adopting import SETTINGS, observed  # noqa: F401  # a fixture
from tests.kit.builders import bounce
from tests.kit.our_dags import our_dags as all_run
from tests.kit.seeding import address_id, dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


@pytest.fixture
def settings() -> dict[str, Any]:
    return SETTINGS | {"people_table": "public.people"}


@pytest.fixture
def viewer() -> SimpleNamespace:
    """A user who may only read."""
    return SimpleNamespace(may_read=True, may_edit=False, may_set_variable=False, name="vic", id="7")


@pytest.fixture
def client(
    observed: Connection,  # noqa: F811
    settings: dict[str, Any],
    viewer: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[TestClient]:
    """Airflow is not asked for the DAGs."""
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__DAG_ID_PREFIX", "")
    app = create_app(Site())
    app.dependency_overrides |= {
        reader: lambda: viewer,
        our_dags: lambda: all_run(),
        site_settings: lambda: parse(settings),
        database_of: lambda: observed,
    }
    with TestClient(app) as opened:
        yield opened


def text_of(client: TestClient, path: str) -> BeautifulSoup:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html.parser")


def test_numbers_and_a_sample_without_addresses(client: TestClient, observed: Connection) -> None:  # noqa: F811
    page = text_of(client, "/preview")
    figures = {entry.dt.get_text(): entry.dd.get_text() for entry in page.select("dl.figures div")}
    assert figures == {"Addresses blocked": "4", "People switched off": "3", "Domains": "2"}
    tables = {table.caption.get_text(): table for table in page.find_all("table")}
    rows = [
        [cell.get_text() for cell in row.find_all(["th", "td"])]
        for table in tables.values()
        for row in table.tbody.find_all("tr")
    ]
    assert ["Complaint", "1"] in rows
    assert ["example.com", "3"] in rows
    ids = {str(address_id(observed, address)) for address in ("p0@example.com", "q@example.org")}
    assert ids <= {row[0] for row in rows}
    assert all(client.get(f"/{link['href'].lstrip('./')}").status_code == 200 for link in page.select("tbody a")[:1])
    assert "@" not in page.get_text()


def test_the_numbers_are_kept_for_a_minute_and_say_since_when(
    client: TestClient,
    observed: Connection,  # noqa: F811
    settings: dict[str, Any],
) -> None:
    def figures() -> list[str]:
        return [entry.dd.get_text() for entry in text_of(client, "/preview").select("dl.figures div")]

    before = datetime.now(UTC).replace(microsecond=0)
    assert figures() == ["4", "3", "2"]
    counted = text_of(client, "/preview").select_one("main .counted time, .counted time")
    assert counted is not None
    assert before - timedelta(minutes=1) <= datetime.fromisoformat(counted["datetime"]) <= datetime.now(UTC)
    receive(observed, dated(bounce("late@example.net"), 1))
    assert figures() == ["4", "3", "2"]
    # With another setting they are others.
    settings["people_table"] = None
    assert figures() == ["5", "–", "3"]
    settings["people_table"] = "public.people"
    assert figures() == ["4", "3", "2"]
    mirror_settings(observed, enforce=True, never_block=[])
    assert figures() == ["5", "3", "3"]


def test_the_overview_leads_there_in_observe_mode_only(client: TestClient, observed: Connection) -> None:  # noqa: F811
    links = [link["href"] for link in text_of(client, "/").select(".banner a")]
    assert any(href.endswith("preview") for href in links)
    mirror_settings(observed, enforce=True, never_block=[])
    links = [link["href"] for link in text_of(client, "/").select(".banner a")]
    assert not any(href.endswith("preview") for href in links)
    assert "this is what is blocked now" in text_of(client, "/preview").get_text()


def test_a_people_table_that_is_not_there_is_said(
    client: TestClient, settings: dict[str, Any], viewer: SimpleNamespace
) -> None:
    settings["people_table"] = "public.nobody"
    for may_edit in (False, True):
        viewer.may_edit = may_edit
        page = text_of(client, "/preview").get_text()
        # What the setting says is for those who may change it.
        assert ("there is no such table" in page, "public.nobody" in page) == (may_edit, may_edit)
        assert "people_table" in page
        assert "Complaint" in page


def test_an_empty_ledger(client: TestClient, observed: Connection) -> None:  # noqa: F811
    observed.execute("TRUNCATE ses_bounces.blocked_list")
    page = text_of(client, "/preview")
    assert page.find("table") is None
    assert json.dumps([entry.dd.get_text() for entry in page.select("dl.figures div")]) == '["0", "0", "0"]'


def test_reports_of_the_version_before_are_shown(client: TestClient, observed: Connection) -> None:  # noqa: F811
    """A field that a summary does not have yet is none of its day."""
    from zoneinfo import ZoneInfo

    from ses_bounces.report.making import make_report

    make_report(observed, (datetime.now(UTC) - timedelta(days=1)).date(), ZoneInfo("UTC"))
    released = (
        "blocked_addresses", "bounces", "by_reason", "complaints", "day", "due_within_48_hours", "enforce",
        "ledger_position", "lifted", "new_addresses", "new_by_day", "new_by_reason", "revision", "timezone",
        "top_domains", "transients_by_days_left", "transients_open",
    )  # fmt: skip
    observed.execute(
        "UPDATE ses_bounces.report_day SET summary ="
        " (SELECT jsonb_object_agg(key, value) FROM jsonb_each(summary) WHERE key = ANY (%s))",
        [list(released)],
    )
    assert len(text_of(client, "/reports").select("tbody tr")) == 1
