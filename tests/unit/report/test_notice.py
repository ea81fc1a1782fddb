"""What is sent of a report: numbers, chart and link; no address unless it was asked for."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest
from bs4 import BeautifulSoup

from ses_bounces.base.settings import Settings
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


def test_the_providers_with_most_bounces_and_complaints_are_named() -> None:
    def lines(*counts: tuple[int, int]) -> list[str]:
        groups = [
            {"name": f"p{n}", "bounces": bounces, "complaints": complaints, "transients": 7, "usual": 0.0}
            for n, (bounces, complaints) in enumerate(counts)
        ]
        said = Notice(SUMMARY | {"where": {"groups": {"provider": groups}, "rates": []}}).lines()
        return [line for line in said if line.startswith("Most bounces")]

    assert lines((1_000, 2), (0, 3), (0, 0)) == ["Most bounces and complaints: p0 1,002, p1 3."]
    assert lines(*[(1, 0)] * 6) == ["Most bounces and complaints: p0 1, p1 1, p2 1, p3 1, p4 1."]
    assert lines((0, 0)) == lines() == []


def test_a_day_without_anything() -> None:
    empty = SUMMARY | {"new_by_day": {}, "new_by_reason": {}, "new_addresses": 0}
    assert "Newly blocked: 0 addresses." in Notice(empty).text()
    assert not re.search(f"[{BLOCKS}]", Notice(empty).text())
    assert "role=" not in Notice(empty).html()


def texts(form: str, *addresses: str) -> str:
    """All that is written into a chat."""
    payload = Notice(SUMMARY, LINK, tuple((address, "complaint") for address in addresses)).payload(form)
    if form == "teams":
        [attachment] = payload["attachments"]
        card = attachment["content"]
        assert [action["url"] for action in card["actions"]] == [LINK]
        # Markdown counts in a TextBlock: nothing that strangers chose is in one.
        plain = [block["text"] for block in card["body"] if block["type"] == "TextBlock"]
        runs = [run["text"] for block in card["body"] for run in block.get("inlines", ())]
        assert len(runs) == len(addresses)
        return "\n".join([*plain, *runs])
    key = "content" if form == "discord" else "text"
    assert payload == {key: payload[key]} | ({"allowed_mentions": {"parse": []}} if form == "discord" else {})
    text: str = payload[key]
    return text


FORMS = get_args(Settings.model_fields["report_chat_format"].annotation)


@pytest.mark.parametrize("form", FORMS)
def test_every_chat_gets_all_of_it(form: str) -> None:
    text = texts(form, "new@example.com")
    for line in Notice(SUMMARY).text().splitlines():
        assert line in text
    assert "new@example.com" in text


@pytest.mark.parametrize(
    ("form", "address", "written"),
    [
        ("text", "<!channel>@example.com", "`&lt;!channel&gt;@example.com`: complaint"),
        ("text", "r&d@example.com", "`r&amp;d@example.com`: complaint"),
        ("text", '"<https://example.net|here>"@example.com', '`"&lt;https://example.net|here&gt;"@example.com`: complaint'),
        ("text", "*_a_*~b~@example.com", "`*_a_*~b~@example.com`: complaint"),
        ("text", "a`b@example.com", "`aˋb@example.com`: complaint"),
        ("google_chat", "<users/all>@example.com", "`<\u200busers/all>@example.com`: complaint"),
        ("google_chat", "r&d@example.com", "`r&d@example.com`: complaint"),
        ("google_chat", "*_a_*@example.com", "`*_a_*@example.com`: complaint"),
        ("teams", '"[here](https://example.net)"@example.com', '"[here](https://example.net)"@example.com: complaint'),
        ("teams", "**a**@example.com", "**a**@example.com: complaint"),
        ("discord", '"[here](https://example.net)"@example.com', '`"[here](https://example.net)"@example.com`: complaint'),
        ("discord", "<@&1>@example.com", "`<@&1>@example.com`: complaint"),
    ],
)  # fmt: skip
def test_an_address_is_no_markup(form: str, address: str, written: str) -> None:
    assert texts(form, address).splitlines()[-1 if form == "teams" else -2] == written


@pytest.mark.parametrize("form", FORMS)
def test_no_escape_is_seen_where_there_are_no_addresses(form: str) -> None:
    text = texts(form)
    assert "&" not in text
    assert "`" not in text


def test_values_are_text() -> None:
    html = Notice(SUMMARY, site=Site('"><script>')).html()
    assert "<script>" not in html
