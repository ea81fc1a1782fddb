"""The charts of the Email Blocked Report as SVG: of the daily artifact, and of the page in the Airflow UI."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Literal

from ses_bounces.classify.causes import CAUSE_COLORS, CAUSE_WORDS

HISTORY_DAYS = 30
# An SVG within a page takes the page's color; one that is an image has none to take.
PAGE_INK = "currentColor"
PAGE_SIZE = (900, 340)
# Several beside each other.
IMAGE_SIZE = (520, 320)
# Seen on black and on white.
GUIDES = "#7f8a9e"

ChartName = Literal["history", "domains", "days_left"]


def history_chart(day: date, counts: Iterable[tuple[date, str, int]], ink: str = PAGE_INK) -> Any:
    """Return addresses newly blocked per day and reason, over the 30 days up to a day; None: nobody was."""
    days = [day - timedelta(days=HISTORY_DAYS - 1 - n) for n in range(HISTORY_DAYS)]
    by_day = {(day, reason): count for day, reason, count in counts}
    used = [reason for reason in CAUSE_WORDS if any(reason == r for _, r in by_day)]
    series = {CAUSE_WORDS[reason]: [by_day.get((day, reason), 0) for day in days] for reason in used}
    labels = [f"{day:%d %b}" for day in days]
    colors = [CAUSE_COLORS[reason] for reason in used]
    return _chart("StackedBar", "history", labels, series, colors, ink, show_legend=True, x_labels_major_every=5,
                  show_minor_x_labels=False)  # fmt: skip


def domains_chart(top_domains: Mapping[str, int], ink: str = PAGE_INK) -> Any:
    """Return the domains with the most blocked addresses; None: nobody is blocked."""
    # From the bottom up. A summary that was kept as JSON has lost its order.
    ordered = sorted(top_domains.items(), key=lambda item: (-item[1], item[0]))[::-1]
    return _chart("HorizontalBar", "domains", [name for name, _ in ordered], {"Blocked": [n for _, n in ordered]},
                  ["#2563eb"], ink)  # fmt: skip


def days_left_chart(days_left: Mapping[int, int], ink: str = PAGE_INK) -> Any:
    """Return open transient problems by the days left until they count as permanent; None: there are none."""
    counts = Counter(days_left)
    last = max(counts, default=0)
    return _chart("Bar", "days", [str(n) for n in range(1, last + 1)],
                  {"Addresses": [counts[n] for n in range(1, last + 1)]}, ["#64748b"], ink)  # fmt: skip


def draw(name: ChartName, summary: Mapping[str, Any], ink: str) -> str | None:
    """Draw a chart from what a daily report counted, as the report itself draws it; None: there is nothing to draw.

    :param summary: see :class:`ses_bounces.report.summary.Summary`.
    :param ink: the color of text and lines.
    """
    counted = summary[{"history": "new_by_day", "domains": "top_domains", "days_left": "transients_by_days_left"}[name]]
    return _drawn(name, summary["day"], json.dumps(list(counted.items())), ink)


@functools.lru_cache(maxsize=64)
def _drawn(name: ChartName, day: str, counted: str, ink: str) -> str | None:
    counts = json.loads(counted)
    if name == "history":
        rows = [(date.fromisoformat(d), reason, count) for d, new in counts for reason, count in new.items()]
        chart = history_chart(date.fromisoformat(day), rows, ink)
    elif name == "domains":
        chart = domains_chart(dict(counts), ink)
    else:
        chart = days_left_chart({int(days): count for days, count in counts}, ink)
    return None if chart is None else str(chart)


def _chart(
    kind: str, id_: str, labels: list[str], series: dict[str, list[int]], colors: list[str], ink: str, **options: Any
) -> Any:
    """Return a chart as SVG text marked safe, or None where there is nothing to show."""
    if not any(any(values) for values in series.values()):
        return None
    import pygal
    from markupsafe import Markup
    from pygal.style import Style

    is_image = ink != PAGE_INK
    width, height = IMAGE_SIZE if is_image else PAGE_SIZE
    guides = {"guide_stroke_color": GUIDES, "major_guide_stroke_color": GUIDES} if is_image else {}
    style = Style(
        background="transparent", plot_background="transparent", colors=tuple(colors), opacity=".9",
        foreground=ink, foreground_strong=ink, foreground_subtle=ink,
        font_family="system-ui, sans-serif" if is_image else "inherit",
        label_font_size=12, major_label_font_size=12, legend_font_size=13, **guides,
    )  # fmt: skip
    config: dict[str, Any] = {
        "style": style, "width": width, "height": height, "js": (), "no_prefix": False, "disable_xml_declaration": True,
        "show_legend": False, "legend_at_bottom": True, "legend_at_bottom_columns": 2 if is_image else 3,
        "spacing": 12, "margin": 12,
        "value_formatter": lambda value: f"{value:,.0f}", "print_values": False, "force_uri_protocol": "none",
        "min_scale": 1, "max_scale": 6,
        "truncate_label": -1,
        "truncate_legend": -1,
        "margin_bottom": 34, "include_x_axis": True, **options,
    }  # fmt: skip
    chart = getattr(pygal, kind)(pygal.Config(**config))
    # Its default is a random id: charts of one page need ids of their own, and the same page the same ones.
    chart.uuid = f"chart-{id_}"
    chart.x_labels = labels
    for name, values in series.items():
        chart.add(name, values)
    # The report holds no script; the library's only makes tooltips.
    chart.add_xml_filter(_without_scripts)
    return Markup(chart.render(is_unicode=True))  # noqa: S704  # SVG of our own; labels are escaped by the library


def _without_scripts(root: Any) -> Any:
    for parent in list(root.iter()):
        for child in list(parent):
            if (isinstance(child.tag, str) and child.tag.rpartition("}")[2] == "script") or not isinstance(
                child.tag, str
            ):
                parent.remove(child)
    return root
