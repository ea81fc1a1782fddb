"""The Email Blocked Report as one HTML page: self-contained, without a script, charts as SVG."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ses_bounces.report import Summary

REASONS = {
    "stop_request": "Stop request",
    "complaint": "Complaint",
    "unsubscribed": "Unsubscribed at SES",
    "permanent_bounce": "Permanent bounce",
    "ses_suppression": "On SES's suppression list",
    "expired_transient": "Transient, grace period over",
}
COLORS = {
    "stop_request": "#7c3aed",
    "complaint": "#dc2626",
    "unsubscribed": "#d97706",
    "permanent_bounce": "#2563eb",
    "ses_suppression": "#0891b2",
    "expired_transient": "#64748b",
}
HISTORY_DAYS = 30


@dataclass(frozen=True)
class Listed:
    """The number of all rows, and the first of them."""

    total: int
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True)
class Page:
    """What the page shows; rows as the statements ``select_report_…`` yield them."""

    day: date
    zone: str
    is_over: bool
    summary: Summary
    new: Listed
    lifted: Listed
    due: Listed
    due_domains: list[tuple[str, int]]
    history: list[tuple[date, str, int]]
    days_left: list[tuple[int | None, int]]


def render(page: Page) -> str:
    """Return the page as HTML; the same input gives the same text."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("ses_bounces"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    charts = {"history": _history(page), "domains": _domains(page), "days_left": _days_left(page)}
    return environment.get_template("blocked_report.html").render(page=page, s=page.summary, reasons=REASONS, **charts)


def _history(page: Page) -> Any:
    days = [page.day - timedelta(days=HISTORY_DAYS - 1 - n) for n in range(HISTORY_DAYS)]
    counts = {(day, reason): count for day, reason, count in page.history}
    used = [reason for reason in REASONS if any(reason == r for _, r, _ in page.history)]
    series = {REASONS[reason]: [counts.get((day, reason), 0) for day in days] for reason in used}
    labels = [f"{day:%d %b}" for day in days]
    return _chart("StackedBar", "history", labels, series, [COLORS[reason] for reason in used], show_legend=True,
                  x_labels_major_every=5, show_minor_x_labels=False)  # fmt: skip


def _domains(page: Page) -> Any:
    ordered = list(page.summary.top_domains.items())[::-1]
    return _chart("HorizontalBar", "domains", [name for name, _ in ordered], {"Blocked": [n for _, n in ordered]},
                  ["#2563eb"])  # fmt: skip


def _days_left(page: Page) -> Any:
    counts = Counter({days: count for days, count in page.days_left if days is not None})
    last = max(counts, default=0)
    return _chart("Bar", "days", [str(n) for n in range(1, last + 1)],
                  {"Addresses": [counts[n] for n in range(1, last + 1)]}, ["#64748b"])  # fmt: skip


def _chart(
    kind: str, id_: str, labels: list[str], series: dict[str, list[int]], colors: list[str], **options: Any
) -> Any:
    """Return a chart as SVG text marked safe, or None where there is nothing to show."""
    if not any(any(values) for values in series.values()):
        return None
    import pygal
    from markupsafe import Markup
    from pygal.style import Style

    style = Style(
        background="transparent", plot_background="transparent", colors=tuple(colors), opacity=".9",
        foreground="currentColor", foreground_strong="currentColor", foreground_subtle="currentColor",
        font_family="inherit", label_font_size=12, major_label_font_size=12, legend_font_size=13,
    )  # fmt: skip
    config: dict[str, Any] = {
        "style": style, "width": 900, "height": 340, "js": (), "no_prefix": False, "disable_xml_declaration": True,
        "show_legend": False, "legend_at_bottom": True, "legend_at_bottom_columns": 3, "spacing": 12, "margin": 12,
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
