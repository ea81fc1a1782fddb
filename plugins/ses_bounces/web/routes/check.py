"""Check addresses: which of a pasted list are blocked and why, for everybody who may read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from ses_bounces.actions.pasted import Pasted, read_text
from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.causes import CAUSE_WORDS
from ses_bounces.ledger.lists.checked import STATE_WORDS, Checked, check_keys
from ses_bounces.ledger.lists.csv_lines import write_table
from ses_bounces.ledger.lists.lookup import MAX_ADDRESSES
from ses_bounces.web.access import ReaderDep, Viewer
from ses_bounces.web.dependencies import DatabaseDep
from ses_bounces.web.downloads import csv_file
from ses_bounces.web.forms import ReaderFormDep, SentForm
from ses_bounces.web.in_turn import in_turn
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.render import page

router = APIRouter(route_class=OwnThreads)

SHOWN = 500
COLUMNS = ("address", "state", "is_blocked", "reasons", "blocked_since", "transient_until", "lifting_since")
BADGES = {"blocked": "bad", "being_lifted": "warn", "transient": "warn", "not_blocked": "good"}


@router.get("/check", response_class=HTMLResponse)
def show(request: Request, viewer: ReaderDep) -> HTMLResponse:
    """A box for addresses."""
    return _page(request, viewer)


async def pasted_ones(form: ReaderFormDep) -> Pasted:
    """Return the addresses of the form. :raises ActionError: there is none, or there are too many."""
    text = _written(form)
    if not text.strip():
        raise ActionError("There is no address to check. Paste one or more, one a line.")
    return await in_turn(read_text, text)


PastedDep = Annotated[Pasted, Depends(pasted_ones)]


@router.post("/check", response_class=HTMLResponse)
async def check(request: Request, form: ReaderFormDep, pasted: PastedDep, connection: DatabaseDep) -> HTMLResponse:
    """What is known of each of some addresses."""
    found = await in_turn(_check, connection, form.viewer, list(pasted.addresses))
    results = list(zip(pasted.spelled.values(), found, strict=True))
    return _page(request, form.viewer, text=_written(form), pasted=pasted, results=results)


@router.post("/check.csv", response_class=StreamingResponse)
async def download(form: ReaderFormDep, pasted: PastedDep, connection: DatabaseDep) -> StreamingResponse:
    """The same as CSV."""
    found = await in_turn(_check, connection, form.viewer, list(pasted.addresses))
    rows = map(_row, pasted.spelled.values(), found)
    return csv_file(write_table(COLUMNS, rows), "checked_addresses.csv")


def _written(form: SentForm) -> str:
    # The box on every page has a name that no form of those pages has.
    return form.text("text") or form.text("one")


def _check(connection: DatabaseDep, viewer: Viewer, keys: list[str | None], pause: Callable[[], None]) -> list[Checked]:
    found: list[Checked] = []
    for some in check_keys(connection, keys, hide_guarded=not viewer.may_edit):
        found += some
        pause()
    return found


def _page(request: Request, viewer: Viewer, **values: Any) -> HTMLResponse:
    results: list[tuple[str, Checked]] = values.get("results", [])
    counts = Counter(found.state for _, found in results)
    return page(
        request, viewer, "check.html", section="check", max_addresses=MAX_ADDRESSES, shown=SHOWN,
        counts=[(words, counts[state]) for state, words in STATE_WORDS.items() if counts[state]], badges=BADGES,
        STATE_WORDS=STATE_WORDS, **({"text": "", "pasted": None, "results": []} | values),
    )  # fmt: skip


def _row(text: str, found: Checked) -> tuple[Any, ...]:
    reasons = "; ".join(CAUSE_WORDS[cause] for cause in found.reasons)
    since = min(found.reasons.values(), default=None)
    state = STATE_WORDS[found.state]
    return (text, state, str(found.is_blocked).lower(), reasons, since, found.transient_until, found.lifting_since)
