"""Stop requests: addresses that are blocked at their owners' wish, pasted or uploaded, with a preview."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from ses_bounces.actions.pasted import Pasted, read_csv, read_text
from ses_bounces.actions.previews import preview_stops
from ses_bounces.actions.stops import request_stops
from ses_bounces.base.exceptions import ActionError
from ses_bounces.web.access import EditorDep
from ses_bounces.web.dependencies import DatabaseDep, SettingsDep
from ses_bounces.web.forms import EditorFormDep, UploadFormDep
from ses_bounces.web.in_turn import in_turn
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.render import page
from ses_bounces.web.routes.outcome import show_outcome

router = APIRouter(route_class=OwnThreads)

SHOWN = 200


@router.get("/stops", response_class=HTMLResponse)
def show(request: Request, viewer: EditorDep) -> HTMLResponse:
    """A box for a list, and a field for a file."""
    return page(request, viewer, "stops.html", section="stops")


async def sent_list(form: UploadFormDep) -> Pasted:
    """Return the list of a form, pasted or uploaded. :raises ActionError: there is none, or both, or it is too long."""
    text, file = form.text("text").strip(), form.files.get("file", b"")
    if text and file:
        raise ActionError("There is both a pasted list and a file. Send one of them.")
    if not text and not file:
        raise ActionError("There is neither a pasted list nor a file.")
    return await (in_turn(read_csv, file) if file else in_turn(read_text, text))


async def confirmed_list(form: EditorFormDep) -> list[str]:
    """Return the addresses of the previewed list as they were spelled. :raises ActionError: there is none."""
    pasted = await in_turn(read_text, form.text("text"))
    if not pasted.addresses:
        raise ActionError("There is no address to block.")
    return list(pasted.spelled.values())


# Each is read before the database is asked for a connection.
@router.post("/stops/preview", response_class=HTMLResponse)
def preview(
    request: Request,
    form: UploadFormDep,
    pasted: Annotated[Pasted, Depends(sent_list)],
    connection: DatabaseDep,
) -> HTMLResponse:
    """Whom the list would block, who is blocked already, and which lines are no addresses."""
    found = preview_stops(connection, pasted)
    spelled = [pasted.spelled[item.address] for item in found.new]
    return page(request, form.viewer, "stop_preview.html", section="stops", found=found, spelled=spelled, shown=SHOWN)


@router.post("/stops/done", response_class=HTMLResponse)
def stop(
    request: Request,
    form: EditorFormDep,
    addresses: Annotated[list[str], Depends(confirmed_list)],
    connection: DatabaseDep,
    settings: SettingsDep,
) -> HTMLResponse:
    """Block them."""
    results = request_stops(connection, form.action(), addresses)
    return show_outcome(
        request, form, connection, "request_stops", "Stop requests recorded", results,
        ("blocked", "Email Blocked List"), settings,
    )  # fmt: skip
