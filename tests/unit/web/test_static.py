"""The files that browsers get as they are."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from importlib.resources import files

import pytest

STATIC = files("ses_bounces.web") / "static"


@pytest.mark.parametrize("name", ["pages.css", "document.css"])
def test_each_rule_of_a_stylesheet_ends(name: str) -> None:
    """What stands in a block that is not ended holds for narrow windows only, or for none."""
    text = re.sub(r"/\*.*?\*/", "", (STATIC / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        depth += line.count("{") - line.count("}")
        # A rule of a rule is as deep as it gets, and nothing but a condition has rules.
        assert 0 <= depth <= 1 or not line.startswith((".", "@")), (name, number, line)
    assert depth == 0


@pytest.mark.parametrize("name", ["icon.svg", "icon-dark.svg"])
def test_an_icon_is_seen_on_a_light_and_on_a_dark_ground(name: str) -> None:
    """The ground of the menu's chosen entry is dark in both themes: lines of one color would vanish on one of them."""
    root = ET.fromstring((STATIC / name).read_text(encoding="utf-8"))
    inks = {element.get(kind) for element in root.iter() for kind in ("fill", "stroke")} - {None, "none"}
    luminances = sorted(sum(int(ink[i : i + 2], 16) for i in (1, 3, 5)) / 3 for ink in inks if ink)
    assert luminances[0] < 90
    assert luminances[-1] > 180
