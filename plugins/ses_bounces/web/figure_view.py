"""What the page Figures shows: names of groups as the user may see them, rates and trends in words, bars by day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ses_bounces.classify.providers import ERASED, PROVIDERS
from ses_bounces.ledger.figures.reading import THRESHOLDS, Day, Dimension, Group, Rate
from ses_bounces.web.access import Viewer

DIMENSIONS: dict[Dimension, str] = {
    "provider": "Recipient provider",
    "configuration_set": "Configuration set",
    "identity": "Sender identity",
    "campaign": "Campaign tag",
}
SPANS = (7, 30, 90, 365)
NOT_SAID: dict[Dimension, str] = {
    "provider": "not known",
    "configuration_set": "without a configuration set",
    "identity": "sender not known",
    "campaign": "without a campaign tag",
}
HIDDEN = "not shown without edit access"
# Bars are drawn in these units, and stretched to the width of the page.
HEIGHT = 100
_LIKE_BEFORE = (0.8, 1.25)
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
        _strip("bounces", "Permanent bounces", [(day.day, day.bounces) for day in days]),
        _strip("complaints", "Complaints", [(day.day, day.complaints) for day in days]),
    ]


def _strip(name: str, title: str, values: Sequence[tuple[date, int]]) -> Strip:
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


def percent(value: float | None) -> str:
    """Return a rate as people read it."""
    if value is None:
        return "–"
    shown = value * 100
    return f"{shown:.3f} %" if 0 < shown < 0.1 else f"{shown:.2f} %" if shown < 10 else f"{shown:.1f} %"


def stands_on(rate: Rate) -> str:
    """Say what a rate is made of."""
    if rate.denominator is None:
        return rate.why
    what = "bounces" if rate.measure == "bounce" else "complaints"
    of = "mails sent" if rate.source != "deliveries" else "deliveries and bounces that are reported"
    review, pause = THRESHOLDS[rate.measure]
    days = f"{rate.days} {'day' if rate.days == 1 else 'days'}"
    return (
        f"{rate.numerator:,} {what}, {rate.denominator:,} {of} in {days}. SES reviews at {review * 100:g} %, and may "
        f"pause at {pause * 100:g} %."
    )


def trend(group: Group) -> tuple[str, str]:
    """Return how bounces and complaints compare with the span before: in a sign, and in words."""
    times = group.trend
    if times is None:
        return ("new", "none in as many days before") if group.bounces + group.complaints else ("–", "none")
    if _LIKE_BEFORE[0] <= times <= _LIKE_BEFORE[1]:
        return "≈", "about as many as in as many days before"
    arrow = "▲" if times > 1 else "▼"
    return f"{arrow} {times:,.1f} ×", f"{times:,.1f} times as many as in as many days before"
