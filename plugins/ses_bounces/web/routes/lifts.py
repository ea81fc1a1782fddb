"""Lifting blocks: ticked ones or a pasted list, with a preview; and lifts that wait for SES."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from ses_bounces.actions.action import Action, Result
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.actions.pasted import Pasted, read_text
from ses_bounces.actions.previews import BlocksPreview, preview_blocks
from ses_bounces.actions.undo import BlocksOf, find_blocks, retract_lift, said_of
from ses_bounces.actions.validation import MOST, REASON, ask_ses, opinions
from ses_bounces.base.database.connection import database_time
from ses_bounces.base.exceptions import ActionError
from ses_bounces.base.settings import Settings
from ses_bounces.base.sites import LIFT_BLOCKS, dag_id
from ses_bounces.classify.causes import CAUSES, WISHES
from ses_bounces.ledger.figures.outages import outages
from ses_bounces.ledger.lists.requests import lift_progress, lift_requests, open_requests, tenant_listed
from ses_bounces.suppression.at_once import AT_ONCE, try_at_once
from ses_bounces.suppression.lifting import LIFTED
from ses_bounces.web.access import EditorDep, ReaderDep
from ses_bounces.web.audit import audit
from ses_bounces.web.dependencies import DatabaseDep, SettingsDep
from ses_bounces.web.forms import EditorFormDep, SentForm, whole
from ses_bounces.web.in_turn import in_turn
from ses_bounces.web.our_dags import OurDagsDep
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.readers import unguarded
from ses_bounces.web.render import page, redirect
from ses_bounces.web.routes.outcome import Lifting, progress_path, show_outcome
from ses_bounces.web.routes.selected import all_blocked

router = APIRouter(route_class=OwnThreads)

SHOWN = 200
MAX_ID = 2**63 - 1


@router.get("/lifts", response_class=HTMLResponse)
def show(request: Request, viewer: ReaderDep, ours: OurDagsDep, connection: DatabaseDep) -> HTMLResponse:
    """Lifts that wait for SES or were refused, and a box for a list of addresses."""
    requests = unguarded(connection, viewer, lift_requests(connection), lambda one: one.address_id)
    return page(
        request, viewer, "lifts.html", section="blocked", requests=requests, progress=lift_progress(connection),
        ours=ours, refresh=progress_path(None),
    )  # fmt: skip


@router.get("/lifts/progress", response_class=HTMLResponse)
def progress(
    request: Request,
    viewer: ReaderDep,
    ours: OurDagsDep,
    connection: DatabaseDep,
    first: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    last: Annotated[int, Query(ge=1, le=MAX_ID)] = MAX_ID,
) -> HTMLResponse:
    """How lifts go on, which pages read again: the user's own of these requests, else all of the last day."""
    asked = None if first is None else (first, last)
    return page(
        request, viewer, "lift_progress.html", section="blocked", ours=ours,
        progress=lift_progress(connection, asked, viewer.name), refresh=progress_path(asked),
    )  # fmt: skip


async def chosen_ones(form: EditorFormDep) -> Pasted | list[int]:
    """Return the pasted addresses, or the ids of the ticked ones. :raises ActionError: none, or too many."""
    if form.text("all"):
        return []
    return await in_turn(read_text, form.text("text")) if "text" in form.fields else form.ids()


@router.post("/lifts/preview", response_class=HTMLResponse)
def preview(
    request: Request,
    form: EditorFormDep,
    chosen: Annotated[Pasted | list[int], Depends(chosen_ones)],
    connection: DatabaseDep,
    settings: SettingsDep,
) -> HTMLResponse:
    """Which of the ticked or pasted addresses are blocked, and why."""
    blocks = all_blocked(form, connection) if form.text("all") else chosen
    return _preview(request, form, connection, settings, preview_blocks(connection, blocks))


@router.post("/lifts/ask", response_class=HTMLResponse)
def ask(request: Request, form: EditorFormDep, connection: DatabaseDep, settings: SettingsDep) -> Response:
    """Ask SES what it thinks of a few addresses; then the page that was left, with the answer."""
    ids = form.ids()
    ask_ses(connection, settings, Action(form.viewer.name, REASON, form.id), ids)
    audit(form.viewer, "ask_ses", address_ids=ids)
    if form.text("history"):
        return redirect(request, f"addresses/{ids[0]}")
    return _preview(request, form, connection, settings, preview_blocks(connection, ids))


def _preview(
    request: Request, form: SentForm, connection: DatabaseDep, settings: Settings, found: BlocksPreview
) -> HTMLResponse:
    causes = Counter(cause.reason for item in found.blocked for cause in item.causes)
    ids = [item.address_id for item in found.blocked[:SHOWN] if item.address_id is not None]
    said = said_of(connection, ids)
    return page(
        request, form.viewer, "lift_preview.html", section="blocked", found=found, shown=SHOWN, said=said,
        causes=[(cause, causes[cause]) for cause in CAUSES if causes[cause]], WISHES=WISHES,
        asks_ses=settings.ask_ses_validation and len(found.blocked) <= MOST, opinions=opinions(connection, ids),
        of_tenants=len(tenant_listed(connection, [item.address_id for item in found.blocked if item.address_id])),
        now=database_time(connection),
    )  # fmt: skip


@router.post("/lifts/done", response_class=HTMLResponse)
def lift(
    request: Request, form: EditorFormDep, settings: SettingsDep, ours: OurDagsDep, connection: DatabaseDep
) -> HTMLResponse:
    """Lift the ticked causes of the previewed addresses; SES's own list comes first where it has one of them."""
    causes = form.fields.get("cause", [])
    if not causes:
        raise ActionError("No cause is ticked. Go back and tick the causes to lift.")
    action = form.action()
    results = lift_blocks(connection, action, dict.fromkeys(form.ids(), causes), ses_first=settings.lift_at_ses)
    lifting = _lifting(connection, settings, [r.target_id for r in results if r.outcome == "done" and r.target_id])
    return show_outcome(
        request, form, connection, "lift_blocks", "Blocks lifted", results, ("blocked", "Email Blocked List"),
        settings, lifting, lift_id=form.id, ours=ours,
    )  # fmt: skip


@router.post("/lifts/retry", response_class=HTMLResponse)
def retry(
    request: Request, form: EditorFormDep, settings: SettingsDep, ours: OurDagsDep, connection: DatabaseDep
) -> HTMLResponse:
    """Ask SES once more, now, for one lift that waits."""
    address_id = whole(form.text("address_id"), "The id of an address")
    lifting = _lifting(connection, settings, [address_id])
    if lifting is None:
        raise ActionError("There is no lift under way for this address: it is done, or was refused.")
    results = [Result(id_, "done" if told == LIFTED else "refused", told) for id_, told in lifting.became.items()]
    return show_outcome(
        request, form, connection, "retry_lift", "Lift tried again", results, ("lifts", "Lifts"), settings,
        lifting, ours=ours,
    )  # fmt: skip


@router.get("/undo", response_class=HTMLResponse)
def undo(
    request: Request, viewer: EditorDep, connection: DatabaseDep, outage: Annotated[int | None, Query()] = None
) -> HTMLResponse:
    """A form for the blocks that a provider's outage caused; filled in for one that was suggested."""
    suggested = None if outage is None else next((o for o in outages(connection) if o.outage_id == outage), None)
    return page(
        request, viewer, "undo.html", section="blocked", now=database_time(connection), suggested=suggested,
        is_gone=outage is not None and suggested is None,
    )  # fmt: skip


@router.post("/undo/preview", response_class=HTMLResponse)
def preview_undo(request: Request, form: EditorFormDep, connection: DatabaseDep, settings: SettingsDep) -> HTMLResponse:
    """Which addresses they are; from there on as any lift."""
    wanted = BlocksOf(
        _moment(form.text("first"), "The beginning of the window"),
        _moment(form.text("last"), "The end of the window"),
        form.text("domain").strip() or None,
        form.text("text").strip() or None,
        form.text("configuration_set").strip() or None,
        form.text("sub_type").strip() or None,
    )
    return _preview(request, form, connection, settings, preview_blocks(connection, find_blocks(connection, wanted)))


@router.post("/lifts/retract", response_class=HTMLResponse)
def retract(request: Request, form: EditorFormDep, connection: DatabaseDep, settings: SettingsDep) -> HTMLResponse:
    """Take a lift back."""
    results = retract_lift(connection, form.action(), form.text("lift_id"))
    return show_outcome(
        request, form, connection, "retract_lift", "Lift taken back", results, ("blocked", "Email Blocked List"),
        settings,
    )  # fmt: skip


def _moment(text: str, what: str) -> datetime:
    """Return a time of a form, in UTC. :raises ActionError: it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ActionError(f"{what} is missing, or is no time.") from None


def _lifting(connection: DatabaseDep, settings: Settings, address_ids: list[int]) -> Lifting | None:
    """Try the lifts that wait for SES, if they are few; returns what became of each. None: none waits."""
    waiting = open_requests(connection, address_ids)
    if not waiting:
        return None
    told = try_at_once(connection, settings, list(waiting.values())) if len(waiting) <= AT_ONCE else {}
    left = f"The next run of {dag_id(LIFT_BLOCKS)} takes it off SES's list, then lifts."
    became = {address_id: told.get(request_id, left) for address_id, request_id in waiting.items()}
    return Lifting(became, (min(waiting.values()), max(waiting.values())))
