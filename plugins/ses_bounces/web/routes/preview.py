"""What enforcing would do: for observe mode, before it is switched on."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ses_bounces.base.exceptions import SettingsError
from ses_bounces.people.enforcing import preview
from ses_bounces.web.access import ReaderDep
from ses_bounces.web.dependencies import DatabaseDep, SettingsDep
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.readers import error_text
from ses_bounces.web.render import page

router = APIRouter(route_class=OwnThreads)

# A person waits; the shell has all the time that it needs.
PEOPLE_SECONDS = 2


@router.get("/preview", response_class=HTMLResponse)
def show(request: Request, viewer: ReaderDep, settings: SettingsDep, connection: DatabaseDep) -> HTMLResponse:
    """Numbers, and some addresses by their ids; no address is in it."""
    problem = None
    try:
        seen = preview(connection, settings, seconds=PEOPLE_SECONDS)
    except SettingsError as error:
        # The people table is not as it should be: the rest can be shown.
        problem = error_text(error, viewer)
        seen = preview(connection, settings.model_copy(update={"people_table": None}))
    return page(
        request, viewer, "preview.html", section="overview", seen=seen, problem=problem,
        has_people=settings.people_table is not None,
    )  # fmt: skip
