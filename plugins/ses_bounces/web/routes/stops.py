"""Stop requests: addresses that are blocked at their owners' wish, pasted or uploaded, with a preview."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ses_bounces.actions.pasted import read_csv, read_text
from ses_bounces.actions.previews import preview_stops
from ses_bounces.actions.stops import request_stops
from ses_bounces.base.exceptions import ActionError
from ses_bounces.web.access import EditorDep
from ses_bounces.web.dependencies import DatabaseDep, SettingsDep
from ses_bounces.web.forms import EditorFormDep
from ses_bounces.web.render import page
from ses_bounces.web.routes.outcome import show_outcome

router = APIRouter()

SHOWN = 200


@router.get("/stops", response_class=HTMLResponse)
def show(request: Request, viewer: EditorDep) -> HTMLResponse:
    """A box for a list, and a field for a file."""
    return page(request, viewer, "stops.html", section="stops")


@router.post("/stops/preview", response_class=HTMLResponse)
def preview(request: Request, form: EditorFormDep, connection: DatabaseDep) -> HTMLResponse:
    """Whom the list would block, who is blocked already, and which lines are no addresses."""
    text, file = form.text("text").strip(), form.files.get("file", b"")
    if text and file:
        raise ActionError("There is both a pasted list and a file. Send one of them.")
    if not text and not file:
        raise ActionError("There is neither a pasted list nor a file.")
    pasted = read_csv(file) if file else read_text(text)
    found = preview_stops(connection, pasted)
    spelled = [pasted.spelled[item.address] for item in found.new]
    return page(request, form.viewer, "stop_preview.html", section="stops", found=found, spelled=spelled, shown=SHOWN)


@router.post("/stops/done", response_class=HTMLResponse)
def stop(request: Request, form: EditorFormDep, connection: DatabaseDep, settings: SettingsDep) -> HTMLResponse:
    """Block them."""
    addresses = list(read_text(form.text("text")).spelled.values())
    if not addresses:
        raise ActionError("There is no address to block.")
    results = request_stops(connection, form.action(), addresses)
    return show_outcome(
        request, form, connection, "request_stops", "Stop requests recorded", results,
        ("blocked", "Email Blocked Report"), settings,
    )  # fmt: skip
