"""How the pages look and sound: themes, widths, screen readers; and where Airflow is mounted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from dev.pages_server import PagesServer, pages_server
from dev.postgres import EmbeddedPostgres
from ses_bounces.base.database.connection import connect_url
from tests.browser.test_pages import FULL, GONE, confirm, data, tick
from tests.kit.builders import bounce
from tests.kit.page_rights import hold
from tests.kit.seeding import address_id, dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from tests.browser.conftest import OpenPage

__all__ = ["data"]

pytestmark = pytest.mark.e2e

PAGES = [
    "",
    "bounces",
    "bounces?state=closed",
    "blocked",
    "blocked?state=lifted",
    "reports",
    "check",
    "lifts",
    "stops",
    "people",
    "quarantine",
    "settings",
    "figures",
    "figures?by=day&days=7",
]
THEMES = ["light", "dark"]


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory, postgres: EmbeddedPostgres) -> Iterator[PagesServer]:
    """An API server whose UI is at /airflow."""
    with pages_server(tmp_path_factory.mktemp("airflow"), postgres, "deep", base_path="/airflow") as started:
        yield started


def faults(page: Any) -> list[str]:
    """What axe finds that is serious or critical, and where."""
    return [
        f"{found['id']}: {node['html'][:200]}"
        for found in Axe().run(page).response["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_no_serious_fault(server: PagesServer, data: Connection, open_page: OpenPage, theme: str) -> None:
    # A color on its way to another is none of the two.
    page = open_page(server, color_scheme=theme, reduced_motion="reduce")
    hold(data, "down.example", 2)
    paths = [*PAGES, f"addresses/{address_id(data, GONE)}", "nothing"]
    found = {}
    for path in paths:
        page.goto(server.root + path)
        page.wait_for_load_state("networkidle")
        found[path] = faults(page)
    page.goto(f"{server.root}bounces")
    tick(page, FULL)
    page.get_by_role("button", name=re.compile("Delete transient")).click()
    found["confirm"] = faults(page)
    confirm(page, "Delete", "because")
    expect(page.get_by_role("status")).to_be_visible()
    found["outcome"] = faults(page)
    page.goto(f"{server.root}quarantine")
    tick(page, "down.example")
    page.get_by_role("button", name=re.compile("^Dismiss all of a domain")).click()
    found["held"] = faults(page)
    assert {path: texts for path, texts in found.items() if texts} == {}


@pytest.mark.parametrize("width", [390, 1000, 1440])
def test_no_page_is_wider_than_the_window(
    server: PagesServer, data: Connection, open_page: OpenPage, width: int
) -> None:
    page = open_page(server, width=width)
    wide = []
    for path in [*PAGES, f"addresses/{address_id(data, GONE)}"]:
        page.goto(server.root + path)
        page.wait_for_load_state("networkidle")
        # A table may be: it scrolls by itself.
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(path)
    assert wide == []


def test_the_theme_is_that_of_airflow(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    page = open_page(server, f"{server.airflow.url}/plugin/ses-bounces", color_scheme="light")
    html = page.frame_locator("iframe").locator("html")
    expect(html).to_have_attribute("data-theme", "light", timeout=45_000)
    page.evaluate("document.documentElement.classList.replace('light', 'dark')")
    expect(html).to_have_attribute("data-theme", "dark")


def test_the_keyboard_is_enough(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    page = open_page(server, "bounces")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("Part of an address, or @domain").focus()
    page.keyboard.type("gone")
    page.keyboard.press("Enter")
    expect(page.get_by_role("rowheader")).to_have_text([GONE])
    box = page.get_by_role("columnheader").get_by_role("link", name="Address")
    box.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name=re.compile("Address"))).to_have_attribute("aria-sort", "ascending")


def test_all_works_below_a_base_path(deep: PagesServer, open_page: OpenPage) -> None:
    with connect_url(deep.database_url) as connection:
        receive(connection, dated(bounce(FULL, "Transient", "MailboxFull"), 2), dated(bounce(GONE), 3))
    page = open_page(deep, f"{deep.airflow.url}/plugin/ses-bounces")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Email Bounce List").click(timeout=30_000)
    frame.get_by_label("Part of an address, or @domain").fill("full")
    frame.get_by_role("button", name="Filter").click()
    # The address stands in the list before it is filtered as well.
    expect(frame.get_by_role("status")).to_have_text("1 address")
    tick(frame, FULL)
    frame.get_by_role("button", name=re.compile("Delete transient")).click()
    frame.get_by_label("Reason", exact=True).fill("emptied")
    frame.get_by_role("button", name="Delete", exact=True).click()
    expect(frame.get_by_role("status")).to_contain_text("1 done")
    frame.get_by_role("link", name="Back to Email Bounce List").click()
    expect(frame.get_by_role("rowheader")).to_have_text([GONE])
    with page.expect_download() as waited:
        frame.get_by_role("link", name="Download CSV").click()
    assert waited.value.suggested_filename == "email_bounce_list.csv"
    frame.get_by_role("link", name=GONE).click()
    expect(frame.get_by_role("heading", name=GONE)).to_be_visible()
    assert page.url.startswith(f"{deep.airflow.url}/plugin/ses-bounces")
