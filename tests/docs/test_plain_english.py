"""No page of the documentation has a turn of phrase that readers stumbled over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, ROOT

# The changelog tells of released versions in the words of their time.
READ = [page for page in PAGES if page.name != "CHANGELOG.md"]
AVOIDED = {
    "a sentence that opens with Of": re.compile(r"(?:^|[.:;|] +|^[-*] )Of [a-z`]", re.MULTILINE),
    "somebody (write someone, or name the actor)": re.compile(r"\bsomebody\b", re.IGNORECASE),
    "anew (write again)": re.compile(r"\banew\b"),
    "so many (write the number, or as many)": re.compile(r"\bso many\b"),
    "by half (say what was done)": re.compile(r"\bby half\b"),
    "is to be (write must, or the imperative)": re.compile(r"\b(?:is|are|was|were) to be\b"),
}


@pytest.mark.parametrize("page", READ, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_is_in_plain_english(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = [(phrase, match.group()) for phrase, pattern in AVOIDED.items() for match in pattern.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    "text", ["Of the two, one is kept.", "| a | Of each address four |", "somebody changed it", "what is to be done"]
)
def test_an_avoided_phrase_is_found(text: str) -> None:
    assert any(pattern.search(text) for pattern in AVOIDED.values())
