"""Pages tell the time by the database's clock: how long ago a thing was, what is left of a deadline, what yesterday is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from bs4 import BeautifulSoup

from tests.integration.web.test_figures_page import client, viewer
from tests.kit.builders import bounce
from tests.kit.seeding import address_id, dated, receive

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from ses_bounces.base.database.connection import Connection

__all__ = ["client", "viewer"]

AHEAD = timedelta(days=3)
TRANSIENT, GONE = "away@example.com", "gone@example.com"


@pytest.fixture
def ahead(database: Connection) -> Iterator[Connection]:
    """The database's clock is three days ahead of this machine's."""
    database.execute("CREATE SCHEMA ahead")
    database.execute(
        "CREATE FUNCTION ahead.now() RETURNS timestamptz LANGUAGE sql STABLE"
        " AS $$SELECT pg_catalog.now() + interval '3 days'$$"
    )
    receive(database, dated(bounce(TRANSIENT, "Transient", "General"), 1))
    receive(database, dated(bounce(GONE), 1))
    database.execute("SET search_path = ahead, pg_catalog, public")
    yield database
    database.execute("RESET search_path; DROP SCHEMA ahead CASCADE")


def shown(client: TestClient, path: str) -> BeautifulSoup:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html.parser")


def test_lists_and_histories_say_how_long_ago(client: TestClient, ahead: Connection) -> None:
    for path in ("/bounces", "/blocked"):
        assert {ago.get_text() for ago in shown(client, path).select("tbody .ago")} == {"4 days ago"}, path
    # The grace period is 14 days.
    for path in ("/bounces", f"/addresses/{address_id(ahead, TRANSIENT)}"):
        assert "10 days left" in shown(client, path).get_text(), path


def test_the_window_of_an_outage_ends_now(client: TestClient, ahead: Connection) -> None:
    end = shown(client, "/undo").select_one("#last")
    assert end is not None
    assert abs(datetime.fromisoformat(f"{end['value']}Z") - datetime.now(UTC) - AHEAD) < timedelta(minutes=2)


def test_yesterday_is_the_day_before_the_databases_today(client: TestClient, ahead: Connection) -> None:
    title = shown(client, "/reports/yesterday").h1
    assert title is not None
    assert title.get_text().endswith(str((datetime.now(UTC) + AHEAD).date() - timedelta(days=1)))
