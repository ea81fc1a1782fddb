"""People who wait for a decision: we switched their Allow Group Email off, and their row has changed since."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ses_bounces.actions.action import Result
from ses_bounces.actions.people import leave_off, people_at, switch_on
from ses_bounces.ledger.lists.lookup import addresses_of
from ses_bounces.ledger.lists.people import waiting_people
from ses_bounces.web.access import ReaderDep
from ses_bounces.web.dependencies import DatabaseDep, SettingsDep
from ses_bounces.web.forms import EditorFormDep, SentForm
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.readers import unguarded
from ses_bounces.web.render import page
from ses_bounces.web.routes.outcome import show_done

router = APIRouter(route_class=OwnThreads)

ADDRESSES_SHOWN = 100


@router.get("/people", response_class=HTMLResponse)
def show(request: Request, viewer: ReaderDep, connection: DatabaseDep, settings: SettingsDep) -> HTMLResponse:
    """The people, with their addresses."""
    ids = waiting_people(connection, ADDRESSES_SHOWN)
    people = [p for p in people_at(connection, settings, ids) if p.switched_off_by_us and not p.is_blocked]
    people = unguarded(connection, viewer, people, lambda person: person.address_id or 0)
    addresses = addresses_of(connection, [p.address_id for p in people if p.address_id is not None])
    return page(
        request, viewer, "people.html", section="overview", people=people, addresses=addresses,
        is_whole=len(ids) < ADDRESSES_SHOWN, people_table=settings.people_table,
    )  # fmt: skip


@router.post("/people/switch-on", response_class=HTMLResponse)
def on(request: Request, form: EditorFormDep, connection: DatabaseDep, settings: SettingsDep) -> HTMLResponse:
    """Switch Allow Group Email on for the ticked people."""
    return _decide(request, form, connection, settings, "switch_on", switch_on)


@router.post("/people/leave-off", response_class=HTMLResponse)
def off(request: Request, form: EditorFormDep, connection: DatabaseDep, settings: SettingsDep) -> HTMLResponse:
    """Settle that the ticked people stay switched off."""
    return _decide(request, form, connection, settings, "leave_off", leave_off)


def _decide(
    request: Request,
    form: SentForm,
    connection: DatabaseDep,
    settings: SettingsDep,
    what: str,
    work: Callable[..., list[Result]],
) -> HTMLResponse:
    results = work(connection, settings, form.action(), form.ids("flag_change_id"))
    title = "Allow Group Email switched on" if what == "switch_on" else "Left off"
    return show_done(request, form, what, title, "Change of the flag", results, ("people", "the people"))
