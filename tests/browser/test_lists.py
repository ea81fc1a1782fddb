"""The lists and Check addresses, done in a browser: what is found, selected, paged through and downloaded."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from dev.pages_server import PagesServer
from tests.browser.menu import menu_entry
from tests.browser.test_pages import ANGRY, FULL, GONE, confirm, data
from tests.kit.builders import bounce
from tests.kit.page_rights import record
from tests.kit.seeding import dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from tests.browser.conftest import OpenPage

__all__ = ["data"]

pytestmark = pytest.mark.e2e

TEN = [GONE, FULL, ANGRY, *(f"nobody{number}@example.com" for number in range(7))]


class Clicks:
    """Counts what a person clicks."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, place: Any) -> None:
        self.count += 1
        place.click()


def test_ten_addresses_are_checked_with_three_clicks_from_airflows_home(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    click = Clicks()
    page = open_page(server, f"{server.airflow.url}/", user="vera")
    click(menu_entry(page))
    frame = page.frame_locator("iframe")
    click(frame.get_by_role("link", name="Check addresses"))
    frame.get_by_label("Addresses to check").fill("\n".join(TEN))
    click(frame.get_by_role("main").get_by_role("button", name="Check"))
    expect(frame.get_by_role("status")).to_have_text("10 addresses: 2 blocked, 1 transient, 7 not known.")
    expect(frame.get_by_role("row").filter(has_text=GONE)).to_contain_text("Blocked: permanent bounce since ")
    expect(frame.get_by_role("row").filter(has_text=FULL)).to_contain_text("Not blocked; transient until ")
    assert click.count <= 3


def test_an_address_is_found_with_its_reason_from_airflows_home_with_two_clicks(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    click = Clicks()
    page = open_page(server, f"{server.airflow.url}/")
    click(menu_entry(page))
    frame = page.frame_locator("iframe")
    frame.get_by_label("Address to check at once").fill(f" Gone <{GONE}>")
    click(frame.get_by_role("search").get_by_role("button", name="Check"))
    expect(frame.get_by_role("row").filter(has_text=GONE)).to_contain_text("Blocked: permanent bounce since ")
    assert click.count <= 2
    assert "gone" not in page.url


def test_what_was_checked_is_downloaded(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    page = open_page(server, "check", user="vera")
    page.get_by_label("Addresses to check").fill(f"{GONE}, {FULL}\nno address\n{GONE}\nnobody@example.com")
    page.get_by_role("main").get_by_role("button", name="Check").click()
    expect(page.get_by_role("status")).to_contain_text("3 addresses: 1 blocked, 1 transient, 1 not known.")
    expect(page.get_by_role("status")).to_contain_text("1 repeats another one.")
    with page.expect_download() as waited:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(Path(waited.value.path()).read_text().splitlines()))
    assert [(row["address"], row["state"], row["reasons"]) for row in rows] == [
        (GONE, "blocked", "Permanent bounce"), (FULL, "transient", ""), ("nobody@example.com", "not known", ""),
    ]  # fmt: skip
    assert rows[0]["blocked_since"].endswith("Z")
    assert rows[1]["transient_until"] > f"{datetime.now(UTC):%Y-%m-%d}"


def test_the_search_of_a_viewer_for_a_whole_address_ends_at_its_check(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    for path in ("bounces", "blocked"):
        page = open_page(server, path, user="vera")
        page.get_by_label("Whole address, or @domain").fill(GONE)
        page.get_by_role("button", name="Filter").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Check addresses")
        expect(page.get_by_role("row").filter(has_text=GONE)).to_contain_text("Blocked: permanent bounce since ")
        assert "gone" not in page.url


def test_a_list_of_many_pages_is_gone_through_both_ways(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    for number in range(120):
        record(data, "permanent_bounce", f"row{number:03}@example.com", days_ago=1 + number / 100)
    page = open_page(server, "bounces?kind=permanent&sort=address&direction=ascending&limit=50")
    place = page.get_by_role("navigation", name="Pages")
    seen = []
    for rows in ("1–50", "51–100", "101–121"):
        expect(place).to_contain_text(f"{rows} of 121")
        seen.append(page.get_by_role("rowheader").all_inner_texts())
        if rows != "101–121":
            place.get_by_role("link", name="Next").click()
    assert [len(rows) for rows in seen] == [50, 50, 21]
    for rows, texts in (("51–100", seen[1]), ("1–50", seen[0])):
        place.get_by_role("link", name="Previous").click()
        expect(place).to_contain_text(f"{rows} of 121")
        assert page.get_by_role("rowheader").all_inner_texts() == texts
    expect(place.get_by_role("link", name="Previous")).to_have_count(0)


def test_all_that_a_filter_shows_is_selected(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    for number in range(60):
        record(data, "permanent_bounce", f"row{number:03}@outage.example")
    page = open_page(server, "blocked")
    page.get_by_label("Part of an address, or @domain").fill("@outage.example")
    page.get_by_role("button", name="Filter").click()
    page.get_by_label("Select all 60").check()
    button = page.get_by_role("button", name=re.compile("Lift blocks…"))
    expect(button).to_have_attribute("data-ticked", "60")
    button.click()
    confirm(page, "Lift", "it was an outage")
    expect(page.get_by_role("status").first).to_contain_text("60 done")
    rows = data.execute("SELECT address FROM ses_bounces.blocked_list WHERE is_open ORDER BY address").fetchall()
    assert {address for (address,) in rows} == {GONE, ANGRY}


def test_the_filters_offer_what_is_in_the_list(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    tags = {"ses:configuration-set": ["news"]}
    receive(data, dated(bounce("set@example.com", "Transient", "General", mail_fields={"tags": tags}), 1))
    page = open_page(server, "bounces")
    # The address with a complaint bounced too; nothing is known of a subtype that is none.
    options = page.get_by_label("Subtype").locator("option").all_inner_texts()
    assert options[0] == "Any"
    assert "MailboxFull (1)" in options
    page.get_by_label("Configuration set").select_option(label="news (1)")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("rowheader")).to_have_text(["set@example.com"])
    expect(page.get_by_role("status")).to_have_text("1 address")
    expect(page.get_by_role("columnheader", name="Configuration set")).to_have_count(1)
    page.goto(f"{server.root}bounces?kind=complaint")
    expect(page.get_by_role("columnheader", name="Configuration set")).to_have_count(0)


def test_times_are_in_the_zone_chosen_in_airflow(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    at = datetime.now(UTC) - timedelta(days=3)
    record(data, "permanent_bounce", "zoned@example.com", days_ago=3)
    page = open_page(server, "bounces", timezone_id="UTC")
    time = page.get_by_role("row").filter(has_text="zoned@example.com").locator("time").first
    expect(time).to_have_text(re.compile(f"^{at:%Y-%m-%d} "))
    expect(page.get_by_role("row").filter(has_text="zoned@example.com")).to_contain_text("3 days ago")
    shown = datetime.strptime(time.inner_text(), "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    page.evaluate("localStorage.setItem('timezone', JSON.stringify('Asia/Kolkata'))")
    page.reload()
    expect(time).to_have_text(f"{shown + timedelta(hours=5, minutes=30):%Y-%m-%d %H:%M}")
    expect(page.get_by_text("All times are Asia/Kolkata")).to_be_visible()


@pytest.mark.parametrize("width", [1000, 1440])
def test_header_and_bar_stay_in_sight(server: PagesServer, data: Connection, open_page: OpenPage, width: int) -> None:
    for number in range(60):
        record(data, "permanent_bounce", f"row{number:03}@example.com")
    page = open_page(server, "blocked", width=width)
    page.get_by_role("link", name=re.compile("^row")).nth(40).scroll_into_view_if_needed()
    page.mouse.wheel(0, 600)
    for place in (page.get_by_role("button", name=re.compile("Lift blocks")), page.get_by_role("columnheader").nth(1)):
        expect(place).to_be_in_viewport()


def test_on_a_narrow_window_a_row_says_what_each_of_its_lines_is(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    page = open_page(server, "bounces?kind=transient", width=390)
    row = page.get_by_role("row").filter(has_text=FULL)
    labels = row.locator("td").evaluate_all(
        "cells => cells.filter(c => c.offsetParent).map(c => c.dataset.label ?? '')"
    )
    assert labels == ["", "Kind, subtype", "Last bounce", "Bounces", "What the server said", "Fix deadline"]
    # All rows of the page are ticked at once there too.
    page.get_by_label("Tick all transient records of this page").check()
    expect(page.get_by_role("button", name=re.compile("^Extend…"))).to_have_attribute("data-ticked", "2")
    box = page.get_by_role("rowheader").first.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390


@pytest.mark.parametrize("width", [390, 1000, 1440])
def test_an_address_is_broken_only_between_its_words(
    server: PagesServer, data: Connection, open_page: OpenPage, width: int
) -> None:
    address = "firstname.lastname+newsletter-subscription@department.of-a-company-with-a-name.example.com"
    record(data, "permanent_bounce", address)
    for path in ("bounces", "blocked"):
        page = open_page(server, path, width=width)
        link = page.get_by_role("link", name=address)
        assert len(link.inner_text()) == len(address)
        # Each word is on one line: it has one rectangle.
        broken = link.evaluate(
            "link => { const found = [], walker = document.createTreeWalker(link, NodeFilter.SHOW_TEXT);"
            " while (walker.nextNode()) for (const match of walker.currentNode.data.matchAll(/[A-Za-z]+/g)) {"
            " const range = document.createRange(); range.setStart(walker.currentNode, match.index);"
            " range.setEnd(walker.currentNode, match.index + match[0].length);"
            " if (new Set([...range.getClientRects()].map(r => r.top)).size > 1) found.push(match[0]); }"
            " return found; }"
        )
        assert broken == []
