"""Email Bounce Settings: every setting with its meaning and range, and what a change would do before it is saved."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse

from ses_bounces.actions.action import Action
from ses_bounces.actions.setting_effects import (
    PLACE_OF_PEOPLE,
    SettingChange,
    effects,
    last_changes,
    note_change,
    people_problem,
)
from ses_bounces.base.database import schema
from ses_bounces.base.database.pool import lend
from ses_bounces.base.exceptions import ActionError, SesBouncesError, SettingsError
from ses_bounces.base.pinned import pinned
from ses_bounces.base.settings import MEANINGS, PRIVATE, Settings, parse
from ses_bounces.base.sites import current
from ses_bounces.web.access import ReaderDep
from ses_bounces.web.audit import audit
from ses_bounces.web.forms import EditorFormDep, SentForm
from ses_bounces.web.own_threads import OwnThreads
from ses_bounces.web.readers import settings_named
from ses_bounces.web.render import page
from ses_bounces.web.setting_form import (
    Stored,
    changes,
    choices,
    defaults_left,
    elsewhere,
    read,
    save,
    shown,
    stored,
)
from ses_bounces.web.setting_texts import BY_KEY, SECTIONS

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

router = APIRouter(route_class=OwnThreads)

NOT_YOURS = 'You need the right to edit the Airflow Variable "{variable}" to save settings.'


def variable_editor_form(form: EditorFormDep) -> SentForm:
    """Return the form of a user who may change the Variable. :raises HTTPException: 403: they may not."""
    if not form.viewer.may_set_variable:
        raise HTTPException(403, NOT_YOURS.format(variable=current().variable))
    return form


FormDep = Annotated[SentForm, Depends(variable_editor_form)]


@router.get("/settings", response_class=HTMLResponse)
def show(request: Request, viewer: ReaderDep) -> HTMLResponse:
    """The settings as they are, and what is wrong with them; it goes without a database."""
    now = stored()
    errors = [] if now.text is None else _errors(now.values if now.values else now.text)
    if now.text is not None and not errors:
        errors = _people_errors(now.values)
    fields = shown(now.values)
    if not viewer.may_edit:
        fields |= dict.fromkeys(PRIVATE, "")
    return _form(request, viewer, now, fields, errors)


@router.post("/settings/preview", response_class=HTMLResponse)
def preview(request: Request, form: FormDep) -> HTMLResponse:
    """What differs, and what it would do; or what is wrong."""
    now = stored()
    # A switch sends "false", and "true" behind that if it is on.
    fields = {key: form.fields.get(key, [""])[-1] for key in BY_KEY}
    try:
        values = read(fields, now.values)
        after = parse(values)
    except SettingsError as error:
        return _form(request, form.viewer, now, fields, str(error).splitlines(), 400)
    changed = changes(now.values, values)
    # What is wrong with people stops no other change: observe mode must be possible.
    if any(text.key in PLACE_OF_PEOPLE for text, _, _ in changed) and (wrong := _people_errors(values)):
        return _form(request, form.viewer, now, fields, wrong, 400)
    would, problem = _effects(now, after)
    return page(
        request, form.viewer, "settings_preview.html", section="settings", changes=changed,
        effects=would, problem=problem, text=json.dumps(values), digest=form.text("digest"),
    )  # fmt: skip


@router.post("/settings/done", response_class=HTMLResponse)
def done(request: Request, form: FormDep) -> HTMLResponse:
    """Save them with the user's own right to the Variable."""
    action = form.action()
    try:
        values = json.loads(form.text("settings"))
    except (ValueError, RecursionError):
        raise ActionError("The settings that were sent are no JSON. Make your change again.") from None
    if not isinstance(values, dict):
        raise ActionError("The settings that were sent are no JSON object. Make your change again.")
    try:
        settings = parse(values)
    except SettingsError as error:
        # Theirs, not those that we work with.
        raise ActionError(str(error)) from None
    changed = [text.key for text, _, _ in changes(stored().values, values)]
    save(values, form.text("digest"))
    audit(form.viewer, "save_settings", keys=changed, action_id=action.action_id)
    problem = _note(settings, action, changed)
    return page(request, form.viewer, "settings_done.html", section="settings", changed=changed, problem=problem)


def _form(
    request: Request, viewer: Any, now: Stored, fields: dict[str, str], errors: list[str], status: int = 200
) -> HTMLResponse:
    differ = defaults_left(now.values)
    if not viewer.may_edit:
        differ = {key: default for key, default in differ.items() if key not in PRIVATE}
    return page(
        request, viewer, "settings.html", status, section="settings", sections=SECTIONS, fields=fields, errors=errors,
        meanings=MEANINGS, pinned=set(pinned()), now=now, last=_changes(now.values), differ=differ, choices=choices,
        wrong={key: [line for line in errors if settings_named(line) == [key]] for key in BY_KEY},
        ELSEWHERE=elsewhere(), may_save=viewer.may_edit and viewer.may_set_variable,
    )  # fmt: skip


@contextlib.contextmanager
def _ledger(settings: Settings) -> Iterator[Connection]:
    """Open the database that some settings lead to. :raises SchemaError: it is not ready, or another site's."""
    with lend(settings.postgres_conn_id, schema.check) as connection:
        yield connection


def _note(settings: Settings, action: Action, keys: list[str]) -> str | None:
    """Keep who changed what and why; returns why that could not be kept: the settings are saved all the same."""
    try:
        with _ledger(settings) as connection:
            note_change(connection, action, keys)
    except SesBouncesError as error:
        return str(error)
    return None


def _changes(values: Any) -> list[SettingChange]:
    """Return the last changes; none where the settings lead to no database."""
    try:
        with _ledger(parse(values)) as connection:
            return last_changes(connection)
    except SesBouncesError:
        return []


def _errors(values: Any) -> list[str]:
    try:
        parse(values)
    except SettingsError as error:
        return str(error).splitlines()
    return []


def _people_errors(values: Any) -> list[str]:
    """Return what is wrong with the people table; nothing where the settings lead to no database."""
    try:
        settings = parse(values)
        with _ledger(settings) as connection:
            problem = people_problem(connection, settings)
    except SesBouncesError:
        return []
    return [problem] if problem else []


def _effects(now: Stored, after: Settings) -> tuple[list[str], str | None]:
    """Return what saving would do, and why that can't be said."""
    try:
        before = parse(now.values)
    except SettingsError:
        before = None
    try:
        with _ledger(after) as connection:
            return effects(connection, before, after), None
    except SesBouncesError as error:
        # They may be about to be corrected: saving must be possible.
        return [], str(error)
