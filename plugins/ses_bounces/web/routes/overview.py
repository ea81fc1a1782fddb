"""The overview: what needs a person, the numbers, the last runs, the queues."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ses_bounces.base.exceptions import SesBouncesError
from ses_bounces.doctor.finding import read_findings
from ses_bounces.feed.sqs.queue import Depth, open_queue
from ses_bounces.ledger.brake.held import undecided
from ses_bounces.ledger.lists.overview import overview
from ses_bounces.web.access import ReaderDep
from ses_bounces.web.attention import notices
from ses_bounces.web.catch_up import catch_up
from ses_bounces.web.dependencies import DatabaseDep, SettingsDep
from ses_bounces.web.readers import error_text
from ses_bounces.web.render import page

router = APIRouter()

# A person waits.
QUEUE_SECONDS = 2


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
def queues(request: Request, viewer: ReaderDep, settings: SettingsDep, connection: DatabaseDep) -> HTMLResponse:
    """How many messages SQS says that there are; a page of its own, because SQS may be slow to answer."""
    rows: list[tuple[str, Depth | None, Depth | None, str | None]] = []
    for queue in settings.queue_urls:
        try:
            opened = open_queue(settings, queue, read_seconds=QUEUE_SECONDS, attempts=1)
            depth = opened.depth()
            dead = opened.dead_letter_queue(depth.dead_letter_arn).depth() if depth.dead_letter_arn else None
            rows.append((queue.name, depth, dead, None))
        except SesBouncesError as error:
            rows.append((queue.name, None, None, error_text(error, viewer)))
    waiting = sum(depth.waiting for _, depth, _, _ in rows if depth)
    seen = overview(connection, settings.report_timezone)
    told = catch_up(waiting, seen.runs, settings.max_seconds, seen.now)
    return page(request, viewer, "queues.html", section="overview", queues=rows, catch_up=told)
