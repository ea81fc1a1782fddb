"""What people come for, from Airflow's home by clicking only, in no more clicks than it takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import psycopg
import pytest
from playwright.sync_api import FrameLocator, Page, expect

from dev.aws import temporary_aws
from dev.pages_server import PagesServer
from dev.ses import FakeSes
from ses_bounces.base.sites import HOURLY, LIFT_BLOCKS
from ses_bounces.ledger.figures.counting import count_figures
from ses_bounces.ledger.figures.outages import find_outages
from ses_bounces.report.making import make_report
from ses_bounces.suppression.lifting import lift_open
from tests.browser.menu import menu_entry
from tests.browser.test_lists import Clicks
from tests.browser.test_pages import GONE, causes, data
from tests.integration.suppression.test_lifting import listed, listing
from tests.kit.airflow_rows import our_dags_there
from tests.kit.builders import bounce
from tests.kit.days import today
from tests.kit.seeding import dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from tests.browser.conftest import OpenPage

__all__ = ["data"]

pytestmark = pytest.mark.e2e

REFUSED = "smtp; 550 5.1.1 <{0}> recipient rejected, id {1}"
NORTHWIND = [f"p{number}@northwind.example" for number in range(38)]


@pytest.fixture
def airflow(server: PagesServer) -> Iterator[psycopg.Connection]:
    """Airflow's database, which has our DAGs."""
    with our_dags_there(server.metadata_url) as connection:
        yield connection


@pytest.fixture(scope="module")
def ses() -> Iterator[FakeSes]:
    with temporary_aws() as aws, FakeSes(aws) as started:
        yield started


def home(page: Page, click: Clicks) -> FrameLocator:
    """Go from Airflow's home to our pages."""
    click(menu_entry(page))
    return page.frame_locator("iframe")


def test_yesterdays_report_takes_two_clicks(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    make_report(data, today() - timedelta(days=1), ZoneInfo("UTC"))
    click = Clicks()
    page = open_page(server, f"{server.airflow.url}/")
    frame = home(page, click)
    click(frame.get_by_role("link", name="Yesterday's report"))
    document = frame.frame_locator("iframe")
    expect(document.get_by_role("heading", name="New that day")).to_be_visible()
    assert click.count <= 2
    # It is as long as it is, in the theme of the page; the page alone scrolls.
    inner = frame.locator("iframe")
    shown = inner.evaluate("frame => [frame.clientHeight, frame.contentDocument.documentElement.scrollHeight]")
    assert shown[0] >= shown[1] - 1
    theme = "() => document.querySelector('iframe').contentDocument.documentElement.dataset.theme"
    assert page.frames[-2].evaluate(theme) == page.frames[-2].evaluate("document.documentElement.dataset.theme")


def test_without_a_report_yesterdays_says_why_in_two_clicks(
    server: PagesServer, data: Connection, open_page: OpenPage, airflow: psycopg.Connection
) -> None:
    data.execute("UPDATE ses_bounces.queue SET first_drained_at = now() - interval '3 days'")
    if not data.execute("SELECT FROM ses_bounces.queue").fetchone():
        data.execute("INSERT INTO ses_bounces.queue VALUES ('q', 'q', now() - interval '3 days', now(), now(), NULL)")
    airflow.execute("UPDATE dag SET is_paused = true WHERE dag_id = %s", [HOURLY])
    click = Clicks()
    page = open_page(server, f"{server.airflow.url}/")
    frame = home(page, click)
    click(frame.get_by_role("link", name="Yesterday's report"))
    expect(frame.get_by_role("status").first).to_contain_text(f"The DAG {HOURLY}, whose runs make reports, is paused.")
    assert click.count <= 2
    click(frame.get_by_role("button", name=f"Unpause {HOURLY}"))
    expect(frame.get_by_role("status").first).to_contain_text(f"The next run of {HOURLY} makes it")
    assert airflow.execute("SELECT is_paused FROM dag WHERE dag_id = %s", [HOURLY]).fetchone() == (False,)


def test_a_lift_takes_five_clicks(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    click = Clicks()
    frame = home(open_page(server, f"{server.airflow.url}/"), click)
    frame.get_by_label("Address to check at once").fill(GONE)
    click(frame.get_by_role("search").get_by_role("button", name="Check"))
    click(frame.get_by_role("link", name=GONE))
    click(frame.get_by_role("button", name="Lift block…"))
    frame.get_by_label("Reason", exact=True).fill("a typo, corrected at the provider")
    click(frame.get_by_role("button", name="Lift", exact=True))
    expect(frame.get_by_role("row").filter(has_text=GONE)).to_contain_text("Lifted: permanent bounce.")
    assert causes(data, GONE) == set()
    assert click.count <= 5


def test_an_outage_is_undone_in_six_clicks_and_it_ends(
    server: PagesServer, data: Connection, open_page: OpenPage, airflow: psycopg.Connection, ses: FakeSes
) -> None:
    """SES suppresses them too, and the DAG that lifts is paused: this was a dead end."""
    bounces = (
        dated(bounce(address, recipient={"diagnosticCode": REFUSED.format(address, number)}), 0.1)
        for number, address in enumerate(NORTHWIND)
    )
    receive(data, *bounces)
    count_figures(data)
    find_outages(data)
    listed(data, ses, *NORTHWIND)
    airflow.execute("UPDATE dag SET is_paused = true WHERE dag_id = %s", [LIFT_BLOCKS])

    click = Clicks()
    frame = home(open_page(server, f"{server.airflow.url}/"), click)
    notice = frame.get_by_role("listitem").filter(has_text="38 addresses at northwind.example")
    click(notice.get_by_role("link", name="Undo this outage…"))
    click(frame.get_by_role("button", name="Preview…"))
    frame.get_by_label("Reason", exact=True).fill("their outage")
    click(frame.get_by_role("button", name="Lift", exact=True))
    progress = frame.locator("#progress")
    expect(progress).to_contain_text("38 queued, 0 lifted so far.")
    expect(progress).to_contain_text(f"They wait for the DAG {LIFT_BLOCKS}, which is paused.")
    click(frame.get_by_role("button", name=f"Unpause {LIFT_BLOCKS}"))
    expect(frame.locator("#progress")).to_contain_text(f"They wait for the next run of the DAG {LIFT_BLOCKS}.")
    assert airflow.execute("SELECT is_paused FROM dag WHERE dag_id = %s", [LIFT_BLOCKS]).fetchone() == (False,)
    assert click.count <= 6

    # What the DAG's task does; the page follows by itself.
    assert lift_open(data, [listing(ses)]).lifted == len(NORTHWIND)
    expect(frame.locator("#progress")).to_contain_text("38 lifted. SES says that it had 38 of them on its own list")
    rows = frame.get_by_role("region", name="What became of each address").get_by_role("row")
    expect(rows.filter(has_text="Lifted: permanent bounce, ses suppression.")).to_have_count(len(NORTHWIND))
    expect(rows.filter(has_text="Queued")).to_have_count(0)
    assert [causes(data, address) for address in NORTHWIND] == [set()] * len(NORTHWIND)
