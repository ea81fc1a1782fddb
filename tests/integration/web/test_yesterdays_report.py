"""Yesterday's report always answers: with the report, or with why there is none and what gives it one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup
from fastapi.testclient import TestClient

from ses_bounces.base.settings import parse
from ses_bounces.base.sites import HOURLY, Site
from ses_bounces.report.making import make_report
from ses_bounces.web.access import reader
from ses_bounces.web.app import create_app
from ses_bounces.web.dependencies import database as database_of
from ses_bounces.web.dependencies import site_settings
from ses_bounces.web.our_dags import our_dags
from tests.kit.builders import bounce
from tests.kit.days import today
from tests.kit.our_dags import airflow_run
from tests.kit.our_dags import our_dags as all_run
from tests.kit.seeding import dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

ADDRESS = "gone@example.com"
SETTINGS: dict[str, Any] = {"queue_urls": ["https://sqs.eu-west-1.amazonaws.com/123456789012/queue"]}


def yesterday() -> date:
    return today() - timedelta(days=1)


@pytest.fixture
def world() -> SimpleNamespace:
    """What Airflow and the settings say, and who asks."""
    return SimpleNamespace(ours=all_run(), settings=dict(SETTINGS), may_edit=True)


@pytest.fixture
def client(database: Connection, world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Someone who looks at the pages."""
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__DAG_ID_PREFIX", "")
    # The Audit Log is Airflow's, which is not there.
    monkeypatch.setattr("ses_bounces.web.routes.reports.audit", lambda *_args, **_details: None)
    app = create_app(Site())
    app.dependency_overrides |= {
        reader: lambda: SimpleNamespace(
            may_read=True, may_edit=world.may_edit, may_set_variable=False, name="anna", id="7"
        ),
        our_dags: lambda: world.ours,
        site_settings: lambda: parse(world.settings),
        database_of: lambda: database,
    }
    with TestClient(app) as opened:
        yield opened


def drained(database: Connection, days_ago: int) -> None:
    database.execute(
        "INSERT INTO ses_bounces.queue (queue_url, belongs_to, first_drained_at, last_drained_at, emptied_at)"
        " VALUES ('q', 'q', %s, now(), now())",
        [datetime.now(UTC) - timedelta(days=days_ago)],
    )


def answer(client: TestClient, path: str = "/reports/yesterday", status: int = 200) -> BeautifulSoup:
    got = client.get(path)
    assert got.status_code == status, got.text
    return BeautifulSoup(got.text, "html.parser")


def why(client: TestClient) -> str:
    page = answer(client)
    assert page.find("iframe") is None
    return page.select_one(".notice[role=status]").get_text(" ", strip=True)  # type: ignore[union-attr]


def test_the_report_is_shown(client: TestClient, database: Connection, world: SimpleNamespace) -> None:
    drained(database, 3)
    receive(database, dated(bounce(ADDRESS), 1))
    make_report(database, yesterday(), ZoneInfo("UTC"))
    page = answer(client)
    assert page.h1.get_text() == f"Email Blocked Report of {yesterday()}"  # type: ignore[union-attr]
    assert page.iframe["src"].endswith(f"reports/{yesterday()}/document")  # type: ignore[index,union-attr]
    assert ADDRESS in client.get(f"/reports/{yesterday()}/document").text
    world.may_edit = False
    page = answer(client)
    assert page.find("iframe") is None
    figures = {entry.dt.get_text(): entry.dd.get_text() for entry in page.select("dl.figures div")}  # type: ignore[union-attr]
    assert figures["Blocked addresses"] == "1"
    assert ADDRESS not in page.get_text()


def test_why_there_is_none_is_said(client: TestClient, database: Connection, world: SimpleNamespace) -> None:
    assert "No queue was drained yet" in why(client)
    drained(database, 0)
    assert f"{yesterday()} is before {today()}, when a queue was drained for the first time" in why(client)


def test_what_gives_it_one_is_said(client: TestClient, database: Connection, world: SimpleNamespace) -> None:
    drained(database, 3)
    assert f"The next run of {HOURLY} makes it" in why(client)
    assert [button["data-run"] for button in answer(client).select("button[data-run]")] == [HOURLY]
    world.ours = all_run(paused=[HOURLY])
    assert "is paused" in why(client)
    assert [button["data-unpause"] for button in answer(client).select("button[data-unpause]")] == [HOURLY]
    world.ours = all_run(missing=[HOURLY])
    assert f"Airflow has no DAG {HOURLY}" in why(client)
    world.ours = all_run(airflow_run(datetime.now(UTC), HOURLY, "failed", "emit_blocked_report", run_id="red run"))
    assert "emit_blocked_report failed" in why(client)
    assert [link["href"] for link in answer(client).select("a[data-airflow]")] == [
        f"../../dags/{HOURLY}/runs/red%20run"
    ]
    world.settings["enabled"] = False
    assert "Processing is switched off" in why(client)


def test_another_day_without_a_report_is_not_found_and_says_why(client: TestClient, database: Connection) -> None:
    drained(database, 3)
    for day, text in (
        (today() + timedelta(days=1), "has not begun"),
        (today(), "is not over"),
        (today() - timedelta(days=9), "days before that have no report"),
    ):
        assert text in answer(client, f"/reports/{day}", 404).get_text()
    database.execute("UPDATE ses_bounces.queue SET first_drained_at = now() - interval '90 days'")
    assert "more than 45 days ago" in answer(client, f"/reports/{today() - timedelta(days=50)}", 404).get_text()


def test_a_report_that_is_to_be_made_again_says_so(client: TestClient, database: Connection) -> None:
    drained(database, 3)
    make_report(database, yesterday(), ZoneInfo("UTC"))
    assert "makes its report again" not in answer(client).get_text()
    receive(database, dated(bounce(ADDRESS), 1))
    database.execute("UPDATE ses_bounces.report_day SET stale = true")
    assert "makes its report again" in answer(client).get_text()
