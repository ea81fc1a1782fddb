"""The page of the daily reports: sixty at a time, after three years as on the first day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup

from ses_bounces.ledger.lists.reports import Neighbours, neighbours, report_days, report_of
from ses_bounces.report.making import make_report
from ses_bounces.web.routes.reports import DAYS_SHOWN
from tests.integration.web.test_figures_page import client, viewer

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from ses_bounces.base.database.connection import Connection

__all__ = ["client", "viewer"]

KEPT = 130
COPIES = """
INSERT INTO ses_bounces.report_day (day, timezone, ledger_position, published_at, summary, html, csv)
SELECT r.day - n, r.timezone, r.ledger_position, now(), r.summary, r.html, r.csv
FROM ses_bounces.report_day r CROSS JOIN generate_series(1, %s) n
"""


def seed(connection: Connection) -> date:
    """Keep reports of 130 days; returns the newest."""
    newest = datetime.now(UTC).date() - timedelta(days=1)
    make_report(connection, newest, ZoneInfo("UTC"))
    connection.execute(COPIES, [KEPT - 1])
    return newest


def shown(client: TestClient, path: str) -> BeautifulSoup:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html.parser")


def test_every_day_is_reached_sixty_at_a_time(client: TestClient, database: Connection) -> None:
    newest = seed(database)
    path, days, sizes = "/reports", [], []
    while path:
        page = shown(client, path)
        found = [cell.get_text(strip=True) for cell in page.select("tbody th")]
        days += found
        sizes.append(len(found))
        link = page.select_one("a[rel=next]")
        path = "/" + str(link["href"]).removeprefix("./").partition("#")[0] if link else ""
    assert sizes == [DAYS_SHOWN, DAYS_SHOWN, KEPT - 2 * DAYS_SHOWN]
    assert days == [str(newest - timedelta(days=n)) for n in range(KEPT)]
    # The charts are of the newest day, and stand on the first page only.
    assert [bool(shown(client, one).select("figure, #charts-title")) for one in ("/reports", f"/reports?before={newest}")] == [
        True, False,
    ]  # fmt: skip
    assert "No earlier report is kept" in shown(client, "/reports?before=2001-01-01").get_text()


def test_a_day_knows_those_around_it(database: Connection) -> None:
    assert report_days(database) == []
    day = date(2026, 3, 5)
    assert neighbours(database, day) == Neighbours(None, None, None)
    newest = seed(database)
    oldest = newest - timedelta(days=KEPT - 1)
    gap = newest - timedelta(days=10)
    database.execute("DELETE FROM ses_bounces.report_day WHERE day = %s", [gap])
    assert report_of(database, gap) is None
    before, after = gap - timedelta(days=1), gap + timedelta(days=1)
    assert neighbours(database, gap) == Neighbours(before, after, newest)
    found = report_of(database, before)
    assert found is not None
    assert found.day == before
    assert neighbours(database, newest) == Neighbours(newest - timedelta(days=1), None, newest)
    assert neighbours(database, oldest) == Neighbours(None, oldest + timedelta(days=1), newest)


@pytest.mark.parametrize(("day", "why"), [(date.min, "No queue was drained yet"), (date.max, "has not begun")])
def test_the_first_and_the_last_day_of_the_calendar_have_no_report(client: TestClient, day: date, why: str) -> None:
    answer = client.get(f"/reports/{day}")
    assert (answer.status_code, why in answer.text) == (404, True), answer.text
