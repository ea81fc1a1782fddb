"""Every route of the pages has a right, and the documentation names it."""

from __future__ import annotations

import re
from pathlib import Path

from ses_bounces.base.sites import Site
from ses_bounces.web.app import create_app
from tests.kit.page_rights import CASES, routes

ROOT = Path(__file__).resolve().parents[3]


def test_every_route_has_a_case() -> None:
    assert sorted(f"{method} {path}" for method, path in routes(create_app(Site()))) == sorted(CASES)


def test_the_page_on_access_says_of_every_route_what_it_asks_for() -> None:
    text = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `((?:GET|POST) [^`]+)` \| (\w+) \|$", text, re.MULTILINE)
    assert dict(rows) == {route: case.right for route, case in CASES.items()}
    assert len(rows) == len(CASES)
