"""Messages that were not understood or are held: by reason, to be read, retried or dismissed."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from ses_bounces.actions.quarantine import MAX_MESSAGES, confirm_messages, dismiss_messages, retry_messages
from ses_bounces.base.database.connection import database_time
from ses_bounces.base.exceptions import ActionError
from ses_bounces.ledger.brake.held import held_domains
from ses_bounces.ledger.lists.engine.paging import MAX_ROWS, Page
from ses_bounces.ledger.lists.quarantine import (
    QuarantinedMessage,
    QuarantineReason,
    list_quarantine,
    quarantine_reasons,
    some_quarantined,
)
from ses_bounces.web.access import ReaderDep
from ses_bounces.web.dependencies import DatabaseDep
from ses_bounces.web.forms import EditorFormDep
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.render import page
from ses_bounces.web.routes.outcome import show_done

router = APIRouter(route_class=OwnThreads)

What = Literal["retry", "confirm", "dismiss"]
ROWS = 50
# Messages that the page names before anything is done to them.
SHOWN = 200
ACTIONS = {"retry": retry_messages, "confirm": confirm_messages, "dismiss": dismiss_messages}
DONE = {"retry": "Messages retried", "confirm": "Messages confirmed", "dismiss": "Messages dismissed"}


@router.get("/quarantine", response_class=HTMLResponse)
def show(
    request: Request,
    viewer: ReaderDep,
    connection: DatabaseDep,
    group: Annotated[str | None, Query(description="One of the groups by outcome and reason")] = None,
    after: str | None = None,
) -> HTMLResponse:
    """The reasons with their counts, and the messages of one of them, or of all."""
    groups = {group_id(reason): reason for reason in quarantine_reasons(connection)}
    chosen = groups.get(group) if group else None
    listed = _listed(connection, chosen, after)
    return page(
        request, viewer, "quarantine.html", section="quarantine", groups=groups, group=group if chosen else None,
        chosen=chosen, listed=listed, after=after, max_messages=MAX_MESSAGES, held=held_domains(connection),
        now=database_time(connection),
    )  # fmt: skip


@router.post("/quarantine/{what}", response_class=HTMLResponse)
def confirm(request: Request, what: What, form: EditorFormDep, connection: DatabaseDep) -> HTMLResponse:
    """The ticked messages, or all of a group, before anything is done to them."""
    ids = _all_of_group(connection, form.text("group")) if form.text("all") else form.ids()
    return page(
        request, form.viewer, "quarantine_confirm.html", section="quarantine", what=what, ids=ids,
        rows=some_quarantined(connection, ids[:SHOWN]), now=database_time(connection),
    )  # fmt: skip


@router.post("/quarantine/{what}/done", response_class=HTMLResponse)
def do(request: Request, what: What, form: EditorFormDep, connection: DatabaseDep) -> HTMLResponse:
    """Retry, confirm or dismiss them."""
    results = ACTIONS[what](connection, form.action(), form.ids())
    return show_done(request, form, f"{what}_messages", DONE[what], "Message", results, ("quarantine", "Quarantine"))


def group_id(reason: QuarantineReason) -> str:
    """Return what stands for a group in a URL: a reason is free text."""
    return hashlib.blake2b(f"{reason.outcome} {reason.reason}".encode(), digest_size=8).hexdigest()


def _listed(
    connection: DatabaseDep, chosen: QuarantineReason | None, after: str | None, limit: int = ROWS
) -> Page[QuarantinedMessage]:
    if chosen is None:
        return list_quarantine(connection, after=after or None, limit=limit)
    outcome: Literal["held", "quarantined"] = "held" if chosen.outcome == "held" else "quarantined"
    return list_quarantine(connection, outcome, chosen.reason, after or None, limit)


def _all_of_group(connection: DatabaseDep, group: str) -> list[int]:
    chosen = next((reason for reason in quarantine_reasons(connection) if group_id(reason) == group), None)
    if chosen is None:
        raise ActionError("There is no message of this group any more.")
    ids: list[int] = []
    after = None
    while len(ids) < MAX_MESSAGES:
        listed = _listed(connection, chosen, after, min(MAX_ROWS, MAX_MESSAGES - len(ids)))
        ids += [message.message_id for message in listed.rows]
        after = listed.after
        if after is None:
            break
    return ids
