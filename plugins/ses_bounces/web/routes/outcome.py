"""The page after an action: what became of each target, of the flags of the people there, and what is left to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fastapi import Request
from fastapi.responses import HTMLResponse

from ses_bounces.actions.action import Result
from ses_bounces.actions.people import FlagsFollowed, follow_flags, people_at
from ses_bounces.actions.states import LIFTING
from ses_bounces.base.exceptions import SesBouncesError
from ses_bounces.base.settings import Settings
from ses_bounces.ledger.lists.lookup import addresses_of
from ses_bounces.ledger.lists.requests import lift_progress, tenant_listed
from ses_bounces.people.decisions import Person
from ses_bounces.suppression.lifting import LIFTED
from ses_bounces.web.audit import audit
from ses_bounces.web.dependencies import DatabaseDep
from ses_bounces.web.forms import SentForm
from ses_bounces.web.our_dags import OurDags
from ses_bounces.web.render import page, query_string

LIFTED_NOW, QUEUED = "lifted", "queued"
# A pasted list may have 10,000 lines: the page shows the first, and those that were not done.
SHOWN = 200


@dataclass(frozen=True)
class Lifting:
    """Lifts that SES's own list comes before.

    ``became``: by address id, ``lifted``, or why not yet. ``requests``: the first and the last of them; None: whoever
    asks did not ask for them.
    """

    became: Mapping[int, str]
    requests: tuple[int, int] | None

    def statuses(self) -> dict[int, str]:
        """Return how each stands, by address id: ``lifted`` or ``queued``."""
        return {id_: LIFTED_NOW if told == LIFTED else QUEUED for id_, told in self.became.items()}


def progress_path(requests: tuple[int, int] | None) -> str:
    """Return where the page is that says how lifts go on, below the root."""
    return f"lifts/progress{query_string({'first': requests[0], 'last': requests[1]}) if requests else ''}"


def show_outcome(
    request: Request,
    form: SentForm,
    connection: DatabaseDep,
    what: str,
    title: str,
    results: Sequence[Result],
    back: tuple[str, str],
    settings: Settings | None = None,
    lifting: Lifting | None = None,
    lift_id: str | None = None,
    ours: OurDags | None = None,
) -> HTMLResponse:
    """Note an action on addresses in the Audit Log, let the flags follow, and say what became of it.

    :param what: the action's name in the Audit Log.
    :param back: path and name of the page to go back to.
    :param settings: given where flags may follow.
    :param lift_id: of a lift that may be taken back.
    :param lifting: what becomes of those that SES's own list comes before.
    :param ours: given with ``lifting``.
    """
    audit(form.viewer, what, results, action_id=form.id)
    done = [r.target_id for r in results if r.outcome == "done" and r.target_id is not None]
    flags, people = _flags(connection, settings, done) if settings else ("", [])
    ids = [r.target_id for r in results if r.target_id is not None]
    shown = sorted(results, key=lambda r: r.outcome == "done")[:SHOWN]
    statuses = lifting.statuses() if lifting else {}
    return page(
        request, form.viewer, "outcome.html", section=back[0].partition("?")[0], title=title,
        results=[_said_now(r, statuses) for r in shown], statuses=statuses, count=len(results),
        lifted_words=lifted_words,
        counts=Counter(r.outcome for r in results if r.target_id not in statuses), ours=ours,
        of_tenants=tenant_listed(connection, statuses) if statuses else set(),
        progress=lift_progress(connection, lifting.requests, form.viewer.name) if lifting else None,
        refresh=progress_path(lifting.requests) if lifting else None,
        addresses=addresses_of(connection, ids[:SHOWN] + [r.target_id for r in shown if r.target_id is not None]),
        back=back, flags=flags, people=people, busy=any(r.busy for r in results), form=form,
        lift_id=lift_id if done else None,
    )  # fmt: skip


def _said_now(result: Result, statuses: Mapping[int, str]) -> Result:
    """Return a result in the words of now: what was being lifted may be lifted."""
    if statuses.get(result.target_id or 0) == LIFTED_NOW:
        return replace(result, message=lifted_words(result))
    return result


def lifted_words(result: Result) -> str:
    """Return what is said of a lift when SES's own list has let go."""
    if not result.message.startswith(LIFTING):
        return "Lifted."
    return f"Lifted{result.message.removeprefix(LIFTING).partition('. ')[0].rstrip('.')}."


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
