"""Figures: where bounces and complaints come from, how they compare with what was sent, and what may be an outage."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from ses_bounces.ledger.figures import words
from ses_bounces.ledger.figures.outages import outages
from ses_bounces.ledger.figures.reading import (
    GROUPS_SHOWN,
    MAX_DAYS,
    Dimension,
    Group,
    counted_at,
    groups,
    rates_of,
    series,
    texts,
)
from ses_bounces.ledger.lists.guarded import guarded_providers
from ses_bounces.web import figure_view
from ses_bounces.web.access import ReaderDep
from ses_bounces.web.dependencies import DatabaseDep
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.render import page

router = APIRouter(route_class=OwnThreads)

DaysDep = Annotated[int, Query(ge=1, le=MAX_DAYS)]


@router.get("/figures", response_class=HTMLResponse)
def show(
    request: Request,
    viewer: ReaderDep,
    connection: DatabaseDep,
    days: DaysDep = 30,
    by: Dimension | Literal["day"] = "provider",
) -> HTMLResponse:
    """Suggested outages, rates, the days, and one table of what bounces have in common."""
    span = series(connection, days)
    found: list[Group] = []
    said: dict[str, list[tuple[str, int]]] = {}
    if by != "day":
        found = groups(connection, by, days)
    if by == "provider":
        hidden = set() if viewer.may_edit else guarded_providers(connection)
        found = [group for group in found if group.name not in hidden]
        said = texts(connection, [group.name for group in found], days) if viewer.may_edit else {}
    return page(
        request, viewer, "figures.html", section="figures", view=figure_view, words=words, by=by, days=days, span=span,
        rates=rates_of(span), strips=figure_view.strips(span), groups=found, said=said,
        groups_shown=GROUPS_SHOWN,
        why_no_rate=next((group.bounce_rate.why for group in found if group.bounce_rate.why), ""),
        outages=outages(connection) if viewer.may_edit else [], counted_at=counted_at(connection),
    )  # fmt: skip
