"""What documentation and runbooks say that a page, a form or a log shows is what it shows, in these words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

PACKAGE = ROOT / "plugins" / "ses_bounces"
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
# Their docstrings are the runbooks that Airflow shows.
RUNBOOKS = sorted((PACKAGE / "dags").glob("*.py"))
# Others' texts: Airflow's own pages and errors, with what is ours only in part.
OF_OTHERS = {
    "The module/attribute could not be loaded",
    "Security > List Roles",
    "can read on Plugins",
    "Bounces: news",
    "one of n possible complainers",
}
_QUOTED = re.compile(r"(?<![*\w])\*([A-Za-z][^*\n]{2,}(?:\n[^*\n]+)?)\*(?!\*)")
_JOINED = re.compile(r"[\"']\s*\n\s*f?[\"']")


def words(text: str) -> str:
    """A text in one line, pieces of strings put together, and without what only stands for a value."""
    return re.sub(r"\s+", " ", _JOINED.sub("", text)).lower()


def without_runbook(text: str) -> str:
    """A module without its docstring, which proves nothing."""
    return re.sub(r'\A""".*?"""', "", text, flags=re.S)


def heading(text: str) -> list[str]:
    """The headings of a page."""
    return re.findall(r"^#+ (.+)$", text, re.M)


SOURCES = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.html"), *PACKAGE.rglob("*.js"), *(ROOT / "include").rglob("*.sql")]
SHOWN = words("\n".join(without_runbook(path.read_text(encoding="utf-8")) for path in SOURCES))
HEADINGS = words("\n".join(line for page in PAGES for line in heading(page.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("page", [*PAGES, *RUNBOOKS], ids=lambda path: path.name)
def test_every_quoted_text_is_somewhere(page: Path) -> None:
    quoted = {re.sub(r"\s+", " ", text) for text in _QUOTED.findall(page.read_text(encoding="utf-8"))}
    unknown = sorted(
        text for text in quoted - OF_OTHERS
        if text.lower().rstrip(".") not in SHOWN and text.lower() not in HEADINGS
    )  # fmt: skip
    assert not unknown, "no page, form, log or heading has these words"


@pytest.mark.parametrize("page", [*PAGES, *RUNBOOKS], ids=lambda path: path.name)
def test_what_a_page_says_is_quoted(page: Path) -> None:
    """In other words than its own nobody finds it; and nothing can tell whether it is there at all."""
    lines = (line for line in page.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    assert re.findall(r"pages? says? that [^.:;]*", " ".join(lines)) == []
