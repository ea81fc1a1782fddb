"""The Email Bounce List: every bounced address."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from ses_bounces.base.database.connection import database_time
from ses_bounces.ledger.lists.bounces import count_bounces, list_bounces, stream_bounces
from ses_bounces.ledger.lists.choices import Choices, bounce_choices
from ses_bounces.web.access import EditorDep, ReaderDep
from ses_bounces.web.audit import audit
from ses_bounces.web.dependencies import DatabaseDep
from ses_bounces.web.downloads import csv_file
from ses_bounces.web.forms import ReaderFormDep
from ses_bounces.web.list_queries import BounceForm
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.readers import is_documented, seen_by, set_name
from ses_bounces.web.render import page
from ses_bounces.web.routes.searches import searched, text_of

router = APIRouter(route_class=OwnThreads)

QueryDep = Annotated[BounceForm, Query()]


@router.get("/bounces", response_class=HTMLResponse)
def show(request: Request, viewer: ReaderDep, query: QueryDep, connection: DatabaseDep) -> HTMLResponse:
    """One page of the list, and how many rows its filter has."""
    text = text_of(connection, viewer, query.filter)
    wanted = seen_by(connection, viewer, query.filtered(text))
    listed = list_bounces(connection, wanted, query.sort, query.direction, query.after, query.limit)
    return page(
        request, viewer, "bounces.html", section="bounces", query=query, text=text, listed=listed,
        count=listed.whole(query.after) or count_bounces(connection, wanted), now=database_time(connection),
        choices=_choices(connection, viewer, query.state, wanted.without_guarded),
    )  # fmt: skip


def _choices(
    connection: DatabaseDep, viewer: ReaderDep, state: Literal["open", "closed"], without_guarded: bool
) -> Choices:
    """Return what the list can be filtered by; who only reads is shown no stranger's words."""
    found = bounce_choices(connection, state, without_guarded=without_guarded)
    if viewer.may_edit:
        return found
    return Choices(
        [one for one in found.sub_types if is_documented(one.value)],
        [one for one in found.configuration_sets if set_name(one.value)],
    )


@router.post("/bounces/search")
def search(request: Request, form: ReaderFormDep, connection: DatabaseDep) -> RedirectResponse:
    """Send the browser to the list that the form asks for."""
    return searched(request, form, connection, "bounces", BounceForm)


@router.get("/bounces.csv", response_class=StreamingResponse)
def download(viewer: EditorDep, query: QueryDep, connection: DatabaseDep) -> StreamingResponse:
    """All that the filter shows."""
    wanted = query.filtered(text_of(connection, viewer, query.filter))
    audit(viewer, "download_list", list="bounces", **query.audited())
    return csv_file(stream_bounces(connection, wanted, query.sort, query.direction), "email_bounce_list.csv")
