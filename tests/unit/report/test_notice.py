"""What is sent of a report: numbers, chart and link; no address unless it was asked for."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from bs4 import BeautifulSoup

from ses_bounces.base.sites import Site
from ses_bounces.report.notice import BLOCKS, CHART_PIXELS, Notice

SUMMARY: dict[str, Any] = {
    "day": "2026-03-10", "timezone": "UTC", "enforce": True, "revision": 0, "ledger_position": 9,
    "blocked_addresses": 1_234, "by_reason": {"complaint": 200, "permanent_bounce": 1_034}, "new_addresses": 12,
    "new_by_reason": {"complaint": 4, "permanent_bounce": 8},
    "new_by_day": {"2026-03-10": {"complaint": 4, "permanent_bounce": 8}, "2026-02-20": {"permanent_bounce": 48}},
    "lifted": 3, "transients_open": 45, "transients_by_days_left": {}, "due_within_48_hours": 6, "bounces": 20,
    "complaints": 4, "top_domains": {"example.com": 9},
}  # fmt: skip
NEW = tuple((f"new{n}@example.com", "permanent_bounce") for n in range(60))
LINK = "https://airflow.example.com/ses-bounces/reports/2026-03-10"


def test_the_numbers_are_in_all_of_them() -> None:
    notice = Notice(SUMMARY, LINK)
    assert notice.subject == "Email Blocked Report of 2026-03-10: 12 addresses newly blocked"
    html = BeautifulSoup(notice.html(), "html.parser")
    for text in (notice.text(), html.get_text(" ")):
        for told in (
            "12 addresses (4 complaint, 8 permanent bounce)",
            "1,234",
            "Lifted that day: 3",
            "45 open",
            " 6 of",
            "20 bounces, 4 complaints",
        ):
            assert told in text, told
    assert notice.text().endswith(LINK)
    assert [a["href"] for a in html.find_all("a")] == [LINK]


def test_without_a_link_there_is_none() -> None:
    assert "http" not in Notice(SUMMARY).text()
    assert "<a " not in Notice(SUMMARY).html()


def test_no_address_unless_it_was_given() -> None:
    notice = Notice(SUMMARY, LINK)
    for text in (notice.subject, notice.text(), notice.html(), json.dumps(notice.payload("teams"))):
        assert "@" not in text
    asked = Notice(SUMMARY, LINK, NEW)
    assert asked.text().count("@example.com") == 50
    assert "… and 10 more" in asked.text()
    # A mail has them in its attachment.
    assert "@" not in asked.html()


def test_observe_mode_is_said_first() -> None:
    assert Notice(SUMMARY | {"enforce": False}).lines()[0].startswith("Observe mode")


def test_a_site_is_named() -> None:
    assert Notice(SUMMARY, site=Site("news")).subject.startswith("Email Blocked Report (news) of")


def test_the_chart_of_a_mail_needs_no_image_and_is_to_scale() -> None:
    html = BeautifulSoup(Notice(SUMMARY).html(), "html.parser")
    assert not html.find_all(["img", "svg", "script"])
    days = html.find("table", attrs={"role": "img"}).find("tr").find_all("td", recursive=False)
    assert len(days) == 30
    heights = {day["title"]: [int(cell["height"]) for cell in day.find_all("td")] for day in days}
    assert heights["20 Feb: 48"] == [CHART_PIXELS]
    assert heights["10 Mar: 12"] == [CHART_PIXELS * 4 // 48, CHART_PIXELS * 8 // 48]
    assert sum(map(bool, heights.values())) == 2


def test_the_chart_of_a_chat() -> None:
    [row] = re.findall(f"[{BLOCKS}]{{30}}", Notice(SUMMARY).text())
    assert (row[11], row[29], row.count(BLOCKS[0])) == (BLOCKS[7], BLOCKS[2], 28)
    assert "most: 48 on 20 Feb" in Notice(SUMMARY).text()


def test_a_day_without_anything() -> None:
    empty = SUMMARY | {"new_by_day": {}, "new_by_reason": {}, "new_addresses": 0}
    assert "Newly blocked: 0 addresses." in Notice(empty).text()
    assert not re.search(f"[{BLOCKS}]", Notice(empty).text())
    assert "role=" not in Notice(empty).html()


@pytest.mark.parametrize("form", ["text", "teams", "discord"])
def test_payloads(form: str) -> None:
    payload = Notice(SUMMARY, LINK, NEW).payload(form)
    text = Notice(SUMMARY, LINK, NEW).text()
    if form == "text":
        assert payload == {"text": text}
    elif form == "discord":
        assert payload == {"content": text[:2_000], "allowed_mentions": {"parse": []}}
    else:
        [attachment] = payload["attachments"]
        assert "\n".join(block["text"] for block in attachment["content"]["body"]) == text


def test_values_are_text() -> None:
    html = Notice(SUMMARY, site=Site('"><script>')).html()
    assert "<script>" not in html
