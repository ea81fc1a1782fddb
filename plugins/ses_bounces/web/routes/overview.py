"""The overview: what needs a person, how it is and how it went, the last runs, the queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from ses_bounces.base.database.connection import database_time
from ses_bounces.doctor.finding import read_findings
from ses_bounces.feed.pace import catch_up
from ses_bounces.ledger.brake.held import undecided
from ses_bounces.ledger.figures.outages import outages
from ses_bounces.ledger.figures.reading import Day, counted_at, rates_of, series
from ses_bounces.ledger.figures.words import percent, stands_on
from ses_bounces.ledger.lists.dashboard import RANGES, Dashboard, dashboard
from ses_bounces.ledger.lists.overview import last_runs, overview
from ses_bounces.web.access import ReaderDep
from ses_bounces.web.attention import DUE_SOON, doctors_own, notices
from ses_bounces.web.dependencies import DatabaseDep, SettingsDep
from ses_bounces.web.depths import Seen, queue_depths
from ses_bounces.web.figure_view import Strip, strip, strips
from ses_bounces.web.our_dags import OurDagsDep
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.rates import shown_rates
from ses_bounces.web.readers import error_text
from ses_bounces.web.render import page
from ses_bounces.web.run_lines import run_lines

router = APIRouter(route_class=OwnThreads)

# How many days the table behind the chart names.
DAYS_LISTED = 30


@router.get("/", response_class=HTMLResponse)
def show(
    request: Request,
    viewer: ReaderDep,
    settings: SettingsDep,
    ours: OurDagsDep,
    connection: DatabaseDep,
    days: Annotated[Literal["30", "90", "365"], Query()] = "30",
) -> HTMLResponse:
    """How it is, what needs a person, and how it went."""
    span = series(connection, int(days))
    seen = overview(connection, settings.report_timezone)
    numbers = dashboard(connection, int(days))
    findings = read_findings(connection)
    opened = doctors_own(findings, seen, ours)
    today = seen.now.astimezone(settings.report_zone).date()
    drained = [queue.last_drained_at for queue in seen.queues if queue.belongs_to == queue.queue_url]
    tasks = [(run.run_id, task) for run in seen.runs for task in run.tasks]
    return page(
        request, viewer, "overview.html", section="overview", seen=seen, settings=settings, ours=ours,
        notices=notices(
            seen, settings, opened, undecided(connection), ours, outages(connection) if viewer.may_edit else []
        ),
        numbers=numbers, today=today, rates=shown_rates(findings, rates_of(span)), percent=percent,
        stands_on=stands_on, span=span, strips=_strips(span, numbers), counted_at=counted_at(connection),
        ranges=RANGES, days=int(days), listed=numbers.days[::-1][:DAYS_LISTED], lines=run_lines(ours.runs, tasks),
        drained_at=min(drained, default=None), due_soon_path=DUE_SOON, findings=opened, looked_at=len(findings),
        checked_at=max((finding.checked_at for finding in findings if finding.checked_at), default=None),
    )  # fmt: skip


def _strips(span: Sequence[Day], numbers: Dashboard) -> list[Strip]:
    """Return the bars by day: what was reported, and what came of it, which the daily reports count."""
    new = {day.day: day.new for day in numbers.days}
    blocked = strip("new", "Newly blocked addresses", [(day.day, new.get(day.day, 0)) for day in span])
    return [*strips(span), blocked]


@router.get("/queues", response_class=HTMLResponse)
def queues(
    request: Request,
    viewer: ReaderDep,
    settings: SettingsDep,
    found: Annotated[list[Seen], Depends(queue_depths)],
    connection: DatabaseDep,
) -> HTMLResponse:
    """How many messages SQS says that there are; a page of its own, because SQS may be slow to answer."""
    rows = [(one.name, one.depth, one.dead, error_text(one.error, viewer) if one.error else None) for one in found]
    waiting = sum(one.depth.waiting for one in found if one.depth)
    told = catch_up(waiting, last_runs(connection), settings.max_seconds, database_time(connection))
    return page(request, viewer, "queues.html", section="overview", queues=rows, catch_up=told)
