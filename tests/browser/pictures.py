"""The pictures of the documentation: how to come to what each shows, and what can be read there whatever the data are."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import Frame, Page

from dev.airflow import REPOSITORY

FOLDER = REPOSITORY / "docs" / "images"
OUTLINES = FOLDER / "outlines.json"
SIZE = {"width": 1200, "height": 760}
THEMES = ("light", "dark")
# What a page is made of, and not its data: no cells, no links within tables.
_PARTS = "h1, h2, h3, th[scope=col], label, button, legend, caption, summary, nav a"

Steps = Callable[[Page, str], None]


def outline(page: Page) -> list[str]:
    """The headings, columns, fields and buttons of our part of a page, each once; numbers and addresses left out."""
    ours = [frame for frame in page.frames if urlsplit(frame.url).path.startswith("/ses-bounces/")]
    return sorted({text for frame in ours for text in _texts(frame)})


def _texts(frame: Frame) -> set[str]:
    found = set()
    for text in frame.locator(_PARTS).all_inner_texts():
        line = " ".join(text.split())
        found.add(re.sub(r"\d+", "#", re.sub(r"\S+@\S+", "@", line)))
    return found - {""}


def _at(path: str) -> Steps:
    def go(page: Page, url: str) -> None:
        page.goto(f"{url}/ses-bounces/{path}")

    return go


def _overview(page: Page, url: str) -> None:
    page.goto(f"{url}/plugin/ses-bounces")
    page.frame_locator("iframe").get_by_role("heading", name="What needs you").wait_for()


def _tab(page: Page, url: str) -> None:
    page.goto(f"{url}/dags/ses_bounces/plugin/ses-bounces-dag")
    page.frame_locator("iframe").get_by_role("heading", name="What needs you").wait_for()


def _history(page: Page, url: str) -> None:
    page.goto(f"{url}/ses-bounces/blocked?reason=expired_transient")
    page.get_by_role("rowheader").get_by_role("link").first.click()


def _message(page: Page, url: str) -> None:
    _history(page, url)
    page.get_by_role("link", name=re.compile("Raw message")).first.click()
    page.get_by_role("region", name="Body of the message").wait_for()


def _lift(page: Page, url: str) -> None:
    page.goto(f"{url}/ses-bounces/blocked?reason=permanent_bounce")
    for number in (0, 2, 5):
        page.locator("tbody input[name=id]").nth(number).check()
    page.get_by_role("button", name=re.compile("Lift blocks")).click()


def _stop(page: Page, url: str) -> None:
    page.goto(f"{url}/ses-bounces/stops")
    page.get_by_label("Addresses").fill("Nora Lind <nora.lind@example.com>\nten@example.org\nnot an address")
    page.get_by_role("button", name="Preview…").click()


def _settings_change(page: Page, url: str) -> None:
    page.goto(f"{url}/ses-bounces/settings")
    page.get_by_label("AWS Transient Email Grace Period").fill("7")
    page.get_by_role("button", name="Preview the change…").click()


def _check(page: Page, url: str) -> None:
    page.goto(f"{url}/ses-bounces/blocked")
    blocked = page.locator("tbody").get_by_role("rowheader").all_inner_texts()[:4]
    page.get_by_role("link", name="Check addresses").click()
    page.get_by_label("Addresses to check").fill("\n".join([*blocked, "nobody@example.com", "not an address"]))
    page.get_by_role("main").get_by_role("button", name="Check").click()
    page.get_by_role("heading", name="What is known").wait_for()


def _report(page: Page, url: str) -> None:
    page.goto(f"{url}/ses-bounces/reports")
    page.get_by_role("link", name=re.compile(r"^\d{4}-\d\d-\d\d$")).first.click()


PICTURES: dict[str, Steps] = {
    "overview": _overview,
    "tab": _tab,
    "bounces": _at("bounces"),
    "history": _history,
    "message": _message,
    "blocked": _at("blocked"),
    "check": _check,
    "reports": _at("reports"),
    "daily-report": _report,
    "figures": _at("figures"),
    "lifts": _at("lifts"),
    "lift": _lift,
    "undo": _at("undo"),
    "stop": _stop,
    "people": _at("people"),
    "preview": _at("preview"),
    "quarantine": _at("quarantine"),
    "settings": _at("settings"),
    "settings-change": _settings_change,
}

# The picture of runs, which the server of these pages lacks: tests/e2e/test_grid_picture.py takes it.
GRID = "grid"

# The picture of each page; the others are previews on the way from one.
SHOWN = {
    "GET /": "overview",
    "GET /bounces": "bounces",
    "GET /addresses/{address_id}": "history",
    "GET /messages/{message_id}": "message",
    "GET /blocked": "blocked",
    "GET /check": "check",
    "GET /reports": "reports",
    "GET /reports/{day}": "daily-report",
    "GET /lifts": "lifts",
    "GET /undo": "undo",
    "GET /stops": "stop",
    "GET /people": "people",
    "GET /preview": "preview",
    "GET /figures": "figures",
    "GET /quarantine": "quarantine",
    "GET /settings": "settings",
}
# What is asked for by GET and is no page, and why.
NO_PAGE = {
    "GET /queues": "a part of the overview",
    "GET /charts/{name}.svg": "on the page of the daily reports",
    "GET /lifts/progress": "a part of the page of lifts",
    "GET /reports/yesterday": "the page of a report",
    "GET /reports/{day}/document": "within the page of the report",
    "GET /bounces.csv": "a file",
    "GET /blocked.csv": "a file",
    "GET /reports/{day}/blocked_report.csv": "a file",
}
