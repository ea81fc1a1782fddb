"""The page after an action: what became of each target, of the flags of the people there, and what is left to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from fastapi import Request
from fastapi.responses import HTMLResponse

from ses_bounces.actions.action import Result
from ses_bounces.actions.people import FlagsFollowed, follow_flags, people_at
from ses_bounces.base.exceptions import SesBouncesError
from ses_bounces.base.settings import Settings
from ses_bounces.ledger.lists.lookup import addresses_of
from ses_bounces.people.decisions import Person
from ses_bounces.web.audit import audit
from ses_bounces.web.dependencies import DatabaseDep
from ses_bounces.web.forms import SentForm
from ses_bounces.web.render import page

# A pasted list may have 10,000 lines: the page shows the first, and those that were not done.
SHOWN = 200


def show_outcome(
    request: Request,
    form: SentForm,
    connection: DatabaseDep,
    what: str,
    title: str,
    results: Sequence[Result],
    back: tuple[str, str],
    settings: Settings | None = None,
    lifting: Mapping[int, str] | None = None,
    lift_id: str | None = None,
) -> HTMLResponse:
    """Note an action on addresses in the Audit Log, let the flags follow, and say what became of it.

    :param what: the action's name in the Audit Log.
    :param back: path and name of the page to go back to.
    :param settings: given where flags may follow.
    :param lift_id: of a lift that may be taken back.
    :param lifting: by address id, what became of taking it off SES's own list.
    """
    audit(form.viewer, what, results, action_id=form.id)
    done = [r.target_id for r in results if r.outcome == "done" and r.target_id is not None]
    flags, people = _flags(connection, settings, done) if settings else ("", [])
    ids = [r.target_id for r in results if r.target_id is not None]
    shown = sorted(results, key=lambda r: r.outcome == "done")[:SHOWN]
    return page(
        request, form.viewer, "outcome.html", section=back[0].partition("?")[0], title=title, results=shown,
        count=len(results), counts=Counter(r.outcome for r in results),
        addresses=addresses_of(connection, ids[:SHOWN] + [r.target_id for r in shown if r.target_id is not None]),
        back=back, flags=flags, people=people, lifting=lifting or {}, busy=any(r.busy for r in results), form=form,
        lift_id=lift_id if done else None,
    )  # fmt: skip


def _flags(connection: DatabaseDep, settings: Settings, ids: list[int]) -> tuple[str, list[Person]]:
    """Let the flags follow, and return what was said of it and whom an administrator may switch on by hand.

    The action is done: what goes wrong with the people table is told, not raised.
    """
    if not ids:
        return "", []
    try:
        followed: FlagsFollowed = follow_flags(connection, settings, ids)
        people = [person for person in people_at(connection, settings, ids) if person.switched_off_by_us]
    except SesBouncesError as error:
        return f"{error} Allow Group Email follows with the hourly run.", []
    return followed.message, [person for person in people if not person.is_blocked]


def show_done(
    request: Request,
    form: SentForm,
    what: str,
    title: str,
    target: str,
    results: Sequence[Result],
    back: tuple[str, str],
) -> HTMLResponse:
    """Note an action on other things than addresses in the Audit Log, and say what became of it.

    :param target: what each of them is.
    """
    audit(form.viewer, what, results, action_id=form.id)
    shown = sorted(results, key=lambda r: r.outcome == "done")[:SHOWN]
    return page(
        request, form.viewer, "done.html", section=back[0], title=title, target=target, results=shown,
        count=len(results), counts=Counter(r.outcome for r in results), back=back, form=form,
        busy=any(r.busy for r in results),
    )  # fmt: skip
