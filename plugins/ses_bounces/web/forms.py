"""Forms that only our own pages can send, once for each time they were shown.

Each form carries a signed token with the user's id and the id of what it is to do. A page of another site has none,
and sent twice, the action knows its id and does nothing further.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qsl

from airflow.configuration import conf
from fastapi import Depends, HTTPException, Request
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from ses_bounces.actions.action import Action
from ses_bounces.actions.tables import MAX_BYTES
from ses_bounces.base.exceptions import ActionError
from ses_bounces.base.sites import current
from ses_bounces.web.access import EditorDep, ReaderDep, Viewer, refuse_other_sites

HOURS = 12
MAX_FIELDS = 12_000
TOKEN = "token"  # noqa: S105  # the name of the field
_AGAIN = "Reload the page and send it again. Nothing was changed."


def _serializer() -> URLSafeTimedSerializer:
    # The token is for one site: the same user may have fewer rights on another one.
    return URLSafeTimedSerializer(conf.get_mandatory_value("api", "secret_key"), salt=f"{current().slug} form")


def new_token(viewer: Viewer) -> str:
    """Return the token of a form that is shown to a user."""
    return str(_serializer().dumps([viewer.id, str(uuid.uuid4())]))


@dataclass(frozen=True)
class SentForm:
    """A form as it was sent. ``id`` is the id that it was given; ``files`` what was uploaded, by field."""

    viewer: Viewer
    id: str
    fields: dict[str, list[str]]
    files: dict[str, bytes] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The text of a field; empty where it is not there."""
        return self.fields.get(name, [""])[0]

    def ids(self, name: str = "id") -> list[int]:
        """The ids of ticked rows, each once.

        :raises ActionError: none is ticked, or one is no id.
        """
        ids = list(dict.fromkeys(whole(text, "The id of a row") for text in self.fields.get(name, [])))
        if not ids:
            raise ActionError("Nothing is ticked. Go back and tick the rows that you mean.")
        return ids

    def action(self) -> Action:
        """Who does it, and why.

        :raises ActionError: the reason is missing or too long.
        """
        return Action(self.viewer.name, self.text("reason"), self.id)


def whole(text: str, what: str) -> int:
    """Return a whole number from a form.

    :raises ActionError: it is none.
    """
    try:
        number = int(text)
        if not -(2**63) <= number < 2**63:
            raise ValueError
    except ValueError:
        raise ActionError(f"{what} must be a whole number.") from None
    return number


async def reader_form(request: Request, viewer: ReaderDep) -> SentForm:
    """Return the form that a user sent.

    :raises HTTPException: 400: it has a file, or too many fields; 403: it is not one of ours, or too old; 413: it is
        too large.
    """
    return await _sent(request, viewer)


async def editor_form(request: Request, viewer: EditorDep) -> SentForm:
    """The same of a user who may change things; others are refused before it is read.

    :raises HTTPException: 403 also where they may not.
    """
    return await _sent(request, viewer)


async def upload_form(request: Request, viewer: EditorDep) -> SentForm:
    """The same for the one form that has a file."""
    return await _sent(request, viewer, max_files=1)


async def _sent(request: Request, viewer: Viewer, max_files: int = 0) -> SentForm:
    refuse_other_sites(request)
    fields: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        for name, text in await run_in_threadpool(_pairs, await request.body()):
            fields.setdefault(name, []).append(text)
    else:
        async with request.form(max_files=max_files, max_fields=MAX_FIELDS, max_part_size=MAX_BYTES + 1) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    files[name] = await value.read(MAX_BYTES + 1)
                else:
                    fields.setdefault(name, []).append(value)
    return SentForm(viewer, _read_token(viewer, fields.get(TOKEN, [""])[0]), fields, files)


def _pairs(body: bytes) -> list[tuple[str, str]]:
    # All else than ASCII is escaped there.
    try:
        return parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise HTTPException(400, f"The form has more than {MAX_FIELDS:,} fields. Tick fewer rows at a time.") from None


def _read_token(viewer: Viewer, token: str) -> str:
    try:
        user_id, form_id = _serializer().loads(token, max_age=HOURS * 3600)
    except SignatureExpired:
        raise HTTPException(403, f"The form was shown over {HOURS} hours ago. {_AGAIN}") from None
    except BadSignature:
        raise HTTPException(403, f"The form's token is missing or damaged. {_AGAIN}") from None
    if user_id != viewer.id:
        raise HTTPException(403, f"The form was shown to another user. {_AGAIN}")
    return str(form_id)


ReaderFormDep = Annotated[SentForm, Depends(reader_form)]
EditorFormDep = Annotated[SentForm, Depends(editor_form)]
UploadFormDep = Annotated[SentForm, Depends(upload_form)]
