"""What is typed into a search box: POSTed and kept here, so that only its id is in a URL."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import RedirectResponse

from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.address import address_key
from ses_bounces.ledger.lists.engine.query import stored
from ses_bounces.ledger.lists.engine.search import keep_text, kept_text
from ses_bounces.web.access import Viewer
from ses_bounces.web.dependencies import DatabaseDep
from ses_bounces.web.forms import SentForm
from ses_bounces.web.list_queries import ListQuery
from ses_bounces.web.render import redirect, root

NO_PARTS = (
    "Searching by a part of an address needs edit access: the answer would give away what is masked. A domain, like "
    "@example.com, can be searched for, and a whole address can be checked."
)
# They are parameters of the URL that the browser is sent on to.
NOT_HERE = "An address goes into the first field, not into one of the others: those become part of the page's URL."


def searched(
    request: Request, form: SentForm, connection: DatabaseDep, path: str, query: type[ListQuery]
) -> RedirectResponse:
    """Send the browser on to the list that a form asks for; a whole address of a user who only reads, to its check.

    :raises ActionError: a text that can't be searched for.
    """
    values = {name: form.text(name).strip() for name in query.model_fields if name not in ("filter", "after")}
    if any("@" in value.removeprefix("@") for value in values.values()):
        raise ActionError(NOT_HERE)
    text = form.text("text").strip()
    if text and not form.viewer.may_edit and not text.startswith("@") and address_key(stored(text)):
        # The browser sends the same form there: no address in a URL.
        return RedirectResponse(f"{root(request)}check", 307)
    if text:
        check_text(form.viewer, text)
        values["filter"] = keep_text(connection, text, form.viewer.id)
    return redirect(request, path, values)


def text_of(connection: DatabaseDep, viewer: Viewer, filter_id: str | None) -> str | None:
    """Return the text that an id in a URL stands for.

    :raises ActionError: there is none, or the user may not search for it.
    """
    if not filter_id:
        return None
    text = kept_text(connection, filter_id)
    if text is None:
        raise ActionError(
            "This search was over a day ago, or you searched for many others since: it is forgotten. Search again."
        )
    check_text(viewer, text)
    return text


def check_text(viewer: Viewer, text: str) -> None:
    """Refuse parts of addresses to those who see addresses masked.

    :raises ActionError: it is one.
    """
    if not viewer.may_edit and not text.lstrip().startswith("@"):
        raise ActionError(NO_PARTS)
