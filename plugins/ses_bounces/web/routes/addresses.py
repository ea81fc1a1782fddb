"""One address: its history in the ledger, the lists' rows about it, the people there; and raw messages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse

from ses_bounces.actions.people import people_at
from ses_bounces.actions.validation import opinions
from ses_bounces.base.database.connection import database_time
from ses_bounces.base.exceptions import SesBouncesError
from ses_bounces.base.settings import Settings
from ses_bounces.ledger.lists.history import address_history, message_body
from ses_bounces.people.decisions import Person
from ses_bounces.web.access import EditorDep, ReaderDep, Viewer
from ses_bounces.web.audit import audit
from ses_bounces.web.dependencies import DatabaseDep, SettingsDep
from ses_bounces.web.message_text import readable
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.readers import error_text, history_for
from ses_bounces.web.render import page

router = APIRouter(route_class=OwnThreads)

IdPath = Annotated[int, Path(ge=0, lt=2**63)]


@router.get("/addresses/{address_id}", response_class=HTMLResponse)
def history(
    request: Request,
    address_id: IdPath,
    viewer: ReaderDep,
    connection: DatabaseDep,
    settings: SettingsDep,
    after: str | None = None,
) -> HTMLResponse:
    """All that is known of an address, the oldest entry first."""
    found = history_for(viewer, address_history(connection, address_id, after or None))
    if found is None:
        raise HTTPException(404, f"There is no address with the id {address_id}.")
    people, people_error = _people(connection, viewer, settings, address_id)
    return page(
        request, viewer, "address.html", section="bounces", history=found, people=people, after=after,
        people_error=people_error, people_table=settings.people_table, now=database_time(connection),
        open_blocks=[block for block in found.blocks if block.unblocked_at is None],
        open_bounce=next((bounce for bounce in found.bounces if bounce.closed_at is None), None),
        asks_ses=viewer.may_edit and settings.ask_ses_validation,
        opinion=opinions(connection, [address_id]).get(address_id) if viewer.may_edit else None,
    )  # fmt: skip


@router.get("/messages/{message_id}", response_class=HTMLResponse)
def message(
    request: Request,
    message_id: IdPath,
    viewer: EditorDep,
    connection: DatabaseDep,
    near: Annotated[datetime, Query(description="When it was received, or an entry made of it")],
    address: Annotated[int | None, Query(ge=0, lt=2**63, description="Whose history leads to it")] = None,
) -> HTMLResponse:
    """A message as it was received, or why it is gone."""
    found = message_body(connection, message_id, near if near.tzinfo else near.replace(tzinfo=UTC))
    if found.body is not None:
        audit(viewer, "read_message", message_id=message_id)
    back = ("quarantine", "Quarantine") if address is None else (f"addresses/{address}", "the address")
    return page(
        request, viewer, "message.html", section=back[0].partition("/")[0], message=found, back=back,
        decoded=None if found.body is None else readable(found.body), now=database_time(connection),
    )  # fmt: skip


def _people(
    connection: DatabaseDep, viewer: Viewer, settings: Settings, address_id: int
) -> tuple[list[Person], str | None]:
    # The people table belongs to another application: the history is shown without it as well.
    try:
        return people_at(connection, settings, [address_id]), None
    except SesBouncesError as error:
        return [], error_text(error, viewer)
