"""What enforcing would do: for observe mode, before it is switched on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ses_bounces.base.database.connection import database_time
from ses_bounces.base.exceptions import SettingsError
from ses_bounces.people.enforcing import Preview, is_enforced, preview
from ses_bounces.web.access import ReaderDep
from ses_bounces.web.dependencies import DatabaseDep, SettingsDep
from ses_bounces.web.kept import Kept
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.readers import error_text
from ses_bounces.web.render import page

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings

router = APIRouter(route_class=OwnThreads)

# A person waits; the shell has all the time that it needs.
PEOPLE_SECONDS = 2
# All blocked addresses and people are read to count them; whoever reloads the page reads them once a minute.
KEPT_SECONDS = 60.0
# The numbers, and when their counting began.
Counted = tuple[Preview, datetime]


@router.get("/preview", response_class=HTMLResponse)
def show(request: Request, viewer: ReaderDep, settings: SettingsDep, connection: DatabaseDep) -> HTMLResponse:
    """Numbers, and some addresses by their ids; no address is in it."""
    kept = _kept(request)
    problem = None
    try:
        seen, counted_at = _counted(kept, connection, settings)
    except SettingsError as error:
        # The people table is not as it should be: the rest can be shown.
        problem = error_text(error, viewer)
        seen, counted_at = _counted(kept, connection, settings.model_copy(update={"people_table": None}))
    return page(
        request, viewer, "preview.html", section="overview", seen=seen, counted_at=counted_at, problem=problem,
        has_people=settings.people_table is not None,
    )  # fmt: skip


def _kept(request: Request) -> Kept[Counted]:
    """Return what this app keeps; each site has its own app, and so its own numbers."""
    state = request.app.state
    if not hasattr(state, "previews"):
        state.previews = Kept[Counted](KEPT_SECONDS)
    kept: Kept[Counted] = state.previews
    return kept


def _counted(kept: Kept[Counted], connection: Connection, settings: Settings) -> Counted:
    """Return the numbers for these settings; whoever changes one sees new numbers at once."""
    people = (
        settings.people_table,
        settings.people_id_column,
        settings.people_email_column,
        settings.people_flag_column,
    )
    key = (settings.postgres_conn_id, people, is_enforced(connection))

    def count() -> Counted:
        at = database_time(connection)
        return preview(connection, settings, seconds=PEOPLE_SECONDS), at

    return kept.get(key, count)
