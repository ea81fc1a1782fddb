"""Domains whose bounces the brake holds: confirmed or dismissed as a whole."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ses_bounces.actions.brake import decide_domains
from ses_bounces.ledger.brake.decisions import Decision
from ses_bounces.ledger.brake.held import held_domains
from ses_bounces.web.dependencies import DatabaseDep
from ses_bounces.web.forms import EditorFormDep
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.render import page
from ses_bounces.web.routes.outcome import show_done

router = APIRouter(route_class=OwnThreads)

What = Literal["confirm", "dismiss"]
DECISIONS: dict[What, Decision] = {"confirm": "confirmed", "dismiss": "dismissed"}
BACK = ("quarantine", "Quarantine")


@router.post("/held/{what}", response_class=HTMLResponse)
def confirm(request: Request, what: What, form: EditorFormDep, connection: DatabaseDep) -> HTMLResponse:
    """The ticked domains with what is held of them, before anything is decided."""
    rows = [one for one in held_domains(connection, form.ids()) if one.decision is None]
    return page(request, form.viewer, "held_confirm.html", section="quarantine", what=what, rows=rows)


@router.post("/held/{what}/done", response_class=HTMLResponse)
def do(request: Request, what: What, form: EditorFormDep, connection: DatabaseDep) -> HTMLResponse:
    """Confirm or dismiss what is held of them."""
    results = decide_domains(connection, form.action(), form.ids(), DECISIONS[what])
    title = "Held bounces confirmed" if what == "confirm" else "Held bounces dismissed"
    return show_done(request, form, f"{what}_held", title, "Number", results, BACK)
