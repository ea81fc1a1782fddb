"""Deleting and extending transient records: what is ticked is shown first, then done."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ses_bounces.actions.transients import MAX_EXTENSION_DAYS, delete_transients, extend_deadlines
from ses_bounces.ledger.lists.bounces import chosen_bounces
from ses_bounces.web.dependencies import DatabaseDep, SettingsDep
from ses_bounces.web.forms import EditorFormDep, SentForm, whole
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.render import page
from ses_bounces.web.routes.outcome import SHOWN, show_outcome
from ses_bounces.web.routes.selected import all_bounced

router = APIRouter(route_class=OwnThreads)

BACK = ("bounces", "Email Bounce List")


@router.post("/transients/delete", response_class=HTMLResponse)
def confirm_deletion(request: Request, form: EditorFormDep, connection: DatabaseDep) -> HTMLResponse:
    """The ticked transient records, before they are deleted."""
    return _confirm(request, form, connection, "delete")


@router.post("/transients/delete/done", response_class=HTMLResponse)
def delete(request: Request, form: EditorFormDep, connection: DatabaseDep, settings: SettingsDep) -> HTMLResponse:
    """Delete them."""
    results = delete_transients(connection, form.action(), form.ids())
    title = "Transient records deleted"
    return show_outcome(request, form, connection, "delete_transients", title, results, BACK, settings)


@router.post("/transients/extend", response_class=HTMLResponse)
def confirm_extension(request: Request, form: EditorFormDep, connection: DatabaseDep) -> HTMLResponse:
    """The ticked transient records, before they get a later deadline."""
    return _confirm(request, form, connection, "extend")


@router.post("/transients/extend/done", response_class=HTMLResponse)
def extend(request: Request, form: EditorFormDep, connection: DatabaseDep) -> HTMLResponse:
    """Give them a later deadline."""
    days = whole(form.text("days"), "The number of days")
    results = extend_deadlines(connection, form.action(), form.ids(), days)
    return show_outcome(request, form, connection, "extend_deadlines", "Deadlines extended", results, BACK)


def _confirm(request: Request, form: SentForm, connection: DatabaseDep, what: str) -> HTMLResponse:
    ids = all_bounced(form, connection) if form.text("all") else form.ids()
    rows = chosen_bounces(connection, ids)
    return page(
        request, form.viewer, "transients.html", section="bounces", what=what, rows=rows,
        without=len(ids) - len(rows), max_days=MAX_EXTENSION_DAYS, shown=SHOWN,
    )  # fmt: skip
