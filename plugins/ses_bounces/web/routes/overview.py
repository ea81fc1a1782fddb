"""The overview: what needs a person, the numbers, the last runs, the queues."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from ses_bounces.doctor.finding import read_findings
from ses_bounces.ledger.brake.held import undecided
from ses_bounces.ledger.lists.overview import overview
from ses_bounces.web.access import ReaderDep
from ses_bounces.web.attention import notices
from ses_bounces.web.catch_up import catch_up
from ses_bounces.web.dependencies import DatabaseDep, SettingsDep
from ses_bounces.web.depths import Seen, queue_depths
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.readers import error_text
from ses_bounces.web.render import page

router = APIRouter(route_class=OwnThreads)


@router.get("/", response_class=HTMLResponse)
def show(request: Request, viewer: ReaderDep, settings: SettingsDep, connection: DatabaseDep) -> HTMLResponse:
    """Everything that needs a person first, in words; then the numbers."""
    seen = overview(connection, settings.report_timezone)
    findings = read_findings(connection)
    opened = [finding for finding in findings if finding.severity != "ok"]
    return page(
        request, viewer, "overview.html", section="overview", seen=seen, settings=settings,
        notices=notices(seen, settings, opened, undecided(connection)), findings=opened, looked_at=len(findings),
        checked_at=max((finding.checked_at for finding in findings if finding.checked_at), default=None),
    )  # fmt: skip


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
    seen = overview(connection, settings.report_timezone)
    told = catch_up(waiting, seen.runs, settings.max_seconds, seen.now)
    return page(request, viewer, "queues.html", section="overview", queues=rows, catch_up=told)
