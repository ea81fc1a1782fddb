"""The chart of the overview: bars by day as plain SVG, which takes its colors from the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from ses_bounces.ledger.lists.dashboard import Day

Measure = Literal["bounces", "complaints", "new"]
# What is drawn, the topmost first: the field, which is its class in pages.css as well, and its words.
MEASURES: tuple[tuple[Measure, str], ...] = (
    ("bounces", "Bounces"),
    ("complaints", "Complaints"),
    ("new", "Newly blocked addresses"),
)
# Bars are drawn in these units, and stretched to the width of the page.
HEIGHT = 100


@dataclass(frozen=True)
class Bar:
    """A day's bar, from the left and from the top, in units of the drawing; ``value``: what it stands for."""

    day: date
    value: int
    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Strip:
    """One measure over all days. ``most``: the highest bar; ``total``: of all days."""

    measure: Measure
    title: str
    bars: list[Bar]
    most: int
    total: int


@dataclass(frozen=True)
class Chart:
    """Strips below each other that share their days, ``first`` to ``last``.

    ``width``: of the drawing, a unit for each day. ``days_without``: days that have no report.
    """

    first: date
    last: date
    strips: list[Strip]
    width: int
    days_without: int


def chart(days: Sequence[Day], last: date, count: int) -> Chart | None:
    """Return the chart of the days up to ``last``; None: no day has a report.

    :param count: how many days there are.
    """
    first = last - timedelta(days=count - 1)
    shown = [day for day in days if first <= day.day <= last]
    if not shown:
        return None
    strips = [_strip(measure, title, shown, first) for measure, title in MEASURES]
    return Chart(first, last, strips, count, count - len(shown))


def _strip(measure: Measure, title: str, days: Sequence[Day], first: date) -> Strip:
    values = [(day.day, int(getattr(day, measure))) for day in days]
    most = max(value for _, value in values)
    bars = [
        Bar(day, value, (day - first).days, HEIGHT * (1 - value / most), HEIGHT * value / most)
        for day, value in values
        if value
    ]
    return Strip(measure, title, bars, most, sum(value for _, value in values))
