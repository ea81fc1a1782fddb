"""The Email Blocked List: who is blocked, why, since when."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from ses_bounces.base.database.connection import database_time
from ses_bounces.ledger.lists.blocked import count_blocked, count_causes, list_blocked, stream_blocked
from ses_bounces.web.access import EditorDep, ReaderDep
from ses_bounces.web.audit import audit
from ses_bounces.web.dependencies import DatabaseDep
from ses_bounces.web.downloads import csv_file
from ses_bounces.web.forms import ReaderFormDep
from ses_bounces.web.list_queries import BlockedForm
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.readers import seen_by
from ses_bounces.web.render import page
from ses_bounces.web.routes.searches import searched, text_of

router = APIRouter(route_class=OwnThreads)

QueryDep = Annotated[BlockedForm, Query()]


@router.get("/blocked", response_class=HTMLResponse)
def show(request: Request, viewer: ReaderDep, query: QueryDep, connection: DatabaseDep) -> HTMLResponse:
    """One page of the list, how many rows its filter has, and the totals."""
    text = text_of(connection, viewer, query.filter)
    wanted = seen_by(connection, viewer, query.filtered(text))
    listed = list_blocked(connection, wanted, query.sort, query.direction, query.after, query.limit)
    return page(
        request, viewer, "blocked.html", section="blocked", query=query, text=text, listed=listed,
        count=listed.whole(query.after) or count_blocked(connection, wanted), totals=count_causes(connection),
        now=database_time(connection),
    )  # fmt: skip


@router.post("/blocked/search")
def search(request: Request, form: ReaderFormDep, connection: DatabaseDep) -> RedirectResponse:
    """Send the browser to the list that the form asks for."""
    return searched(request, form, connection, "blocked", BlockedForm)


@router.get("/blocked.csv", response_class=StreamingResponse)
def download(viewer: EditorDep, query: QueryDep, connection: DatabaseDep) -> StreamingResponse:
    """All that the filter shows."""
    wanted = query.filtered(text_of(connection, viewer, query.filter))
    audit(viewer, "download_list", list="blocked", **query.audited())
    return csv_file(stream_blocked(connection, wanted, query.sort, query.direction), "email_blocked_list.csv")
