"""From Airflow's home to an outage that is undone, by clicking only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from dev.pages_server import PagesServer
from ses_bounces.ledger.figures.counting import count_figures
from ses_bounces.ledger.figures.outages import find_outages
from tests.browser.menu import menu_entry
from tests.browser.test_pages import causes, data
from tests.kit.builders import bounce
from tests.kit.seeding import dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from tests.browser.conftest import OpenPage

__all__ = ["data"]

pytestmark = pytest.mark.e2e

REFUSED = "smtp; 550 5.1.1 <{0}> recipient rejected, id {1}"


def test_a_suggested_outage_is_undone_in_five_clicks(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    addresses = [f"p{number}@northwind.example" for number in range(38)]
    receive(
        data,
        *(
            dated(bounce(address, recipient={"diagnosticCode": REFUSED.format(address, number)}), 0.1)
            for number, address in enumerate(addresses)
        ),
    )
    count_figures(data)
    find_outages(data)
    page = open_page(server, f"{server.airflow.url}/")
    menu_entry(page).click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Figures", exact=True).click()
    expect(frame.get_by_text("38 addresses at northwind.example")).to_be_visible()
    frame.get_by_role("link", name="Undo this outage…").click()
    expect(frame.get_by_label("Domain of the address")).to_have_value("northwind.example")
    expect(frame.get_by_label("Text in the reported diagnostic")).to_have_value("recipient rejected, id")
    frame.get_by_role("button", name="Preview…").click()
    expect(frame.get_by_label(re.compile("^Lift p"))).to_have_count(38)
    expect(frame.get_by_text("recipient rejected, id 17")).to_be_visible()
    frame.get_by_label("Reason", exact=True).fill("their outage")
    frame.get_by_role("button", name="Lift", exact=True).click()
    expect(frame.get_by_role("status")).to_contain_text("38 done")
    assert [causes(data, address) for address in addresses] == [set()] * 38
    frame.get_by_role("link", name="Figures", exact=True).click()
    expect(frame.get_by_role("heading", name="Where it hurts")).to_be_visible()
    expect(frame.get_by_text("Undo this outage…")).to_have_count(0)


def test_what_is_unticked_stays_blocked(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    receive(data, *(dated(bounce(f"{name}@northwind.example"), 0.1) for name in ("one", "two")))
    page = open_page(server, "undo")
    page.get_by_label("from", exact=True).fill("2020-01-01T00:00")
    page.get_by_label("Domain of the address").fill("northwind.example")
    page.get_by_role("button", name="Preview…").click()
    everything = page.get_by_label("Tick all addresses")
    expect(everything).to_be_checked()
    everything.uncheck()
    expect(page.get_by_label("Lift two@northwind.example")).not_to_be_checked()
    page.get_by_label("Lift one@northwind.example").check()
    page.get_by_label("Reason", exact=True).fill("it is back")
    page.get_by_role("button", name="Lift", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("1 done")
    assert causes(data, "one@northwind.example") == set()
    assert causes(data, "two@northwind.example") == {"permanent_bounce"}
