"""The Email Blocked Report as one HTML page: self-contained, without a script, charts as SVG."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from ses_bounces.base import sites
from ses_bounces.classify.causes import CAUSE_WORDS
from ses_bounces.ledger.figures.words import DIMENSION_WORDS, NOT_SAID, percent, rate_name, stands_on
from ses_bounces.report.charts import days_left_chart, domains_chart, history_chart

if TYPE_CHECKING:
    from jinja2 import Template

    from ses_bounces.report.summary import Summary
    from ses_bounces.report.where import Where


@dataclass(frozen=True)
class ShownRows:
    """The number of all rows, and the first of them."""

    total: int
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True)
class ReportPage:
    """What the page shows; rows as the statements ``select_report_…`` yield them."""

    day: date
    zone: str
    is_over: bool
    summary: Summary
    new: ShownRows
    lifted: ShownRows
    due: ShownRows
    due_domains: list[tuple[str, int]]
    history: list[tuple[date, str, int]]
    days_left: list[tuple[int | None, int]]
    where: Where


def render(page: ReportPage) -> str:
    """Return the page as HTML; the same input gives the same text."""
    charts = {
        "history": history_chart(page.day, page.history),
        "domains": domains_chart(page.summary.top_domains),
        "days_left": days_left_chart({days: count for days, count in page.days_left if days is not None}),
    }
    return _template().render(
        page=page, s=page.summary, where=page.where, reasons=CAUSE_WORDS, dimensions=DIMENSION_WORDS,
        not_said=NOT_SAID, percent=percent, rate_name=rate_name, stands_on=stands_on,
        sync_dag=sites.dag_id(sites.SUPPRESSION_SYNC), **charts,
    )  # fmt: skip


@functools.cache
def _template() -> Template:
    """Compiled once: after an outage there is a report for each day."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("ses_bounces.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("blocked_report.html")
