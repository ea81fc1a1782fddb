"""What the page Figures shows: names of groups as the user may see them, and bars by day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ses_bounces.classify.providers import ERASED, PROVIDERS
from ses_bounces.ledger.figures.reading import Day, Dimension
from ses_bounces.ledger.figures.words import NOT_SAID
from ses_bounces.web.access import Viewer
from ses_bounces.web.render import HIDDEN

SPANS = (7, 30, 90, 365)
# Bars are drawn in these units, and stretched to the width of the page.
HEIGHT = 100
# A configuration set or a tag value of SES; a domain. Anything else may be a stranger's text.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_PROVIDER_NAMES = frozenset(PROVIDERS.values())


@dataclass(frozen=True)
class Bar:
    """A day's bar, from the left and from the top, in units of the drawing; ``value``: what it stands for."""

    day: date
    value: int
    x: int
    y: float
    height: float


@dataclass(frozen=True)
class Strip:
    """One number over all days. ``name``: of the number, and its class in pages.css; ``most``: the highest bar."""

    name: str
    title: str
    bars: list[Bar]
    most: int
    total: int


def strips(days: Sequence[Day]) -> list[Strip]:
    """Return the bars of bounces and of complaints, below each other."""
    return [
        strip("bounces", "Permanent bounces", [(day.day, day.bounces) for day in days]),
        strip("complaints", "Complaints", [(day.day, day.complaints) for day in days]),
    ]


def strip(name: str, title: str, values: Sequence[tuple[date, int]]) -> Strip:
    """Return the bars of one number, of days that follow each other."""
    most = max((value for _, value in values), default=0)
    bars = [
        Bar(day, value, place, HEIGHT * (1 - value / most), HEIGHT * value / most)
        for place, (day, value) in enumerate(values)
        if value
    ]
    return Strip(name, title, bars, most, sum(value for _, value in values))


def group_name(viewer: Viewer, dimension: Dimension, name: str) -> str:
    """Return what a group is called: a name that may be a stranger's text is for those with edit access."""
    if not name:
        return NOT_SAID[dimension]
    return name if viewer.may_edit or name in _PROVIDER_NAMES or _NAME.fullmatch(name) else HIDDEN


def domain_of(name: str) -> str | None:
    """Return the domain whose blocks a provider's row links to; None: it stands for several, or for none."""
    return None if not name or name == ERASED or name in _PROVIDER_NAMES else name
