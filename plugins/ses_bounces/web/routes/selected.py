"""All that a list shows, where a form selects that in place of ticked rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl

from pydantic import ValidationError

from ses_bounces.base.exceptions import ActionError
from ses_bounces.ledger.lists.blocked import blocked_ids
from ses_bounces.ledger.lists.bounces import bounced_ids
from ses_bounces.web.list_queries import BlockedForm, BounceForm
from ses_bounces.web.routes.searches import text_of

if TYPE_CHECKING:
    from ses_bounces.web.dependencies import DatabaseDep
    from ses_bounces.web.forms import SentForm

Query = TypeVar("Query", BlockedForm, BounceForm)


def all_blocked(form: SentForm, connection: DatabaseDep) -> list[int]:
    """Return the ids of all addresses that the Email Blocked List showed.

    :raises ActionError: there are more than 10,000, or its filter can't be read.
    """
    query = _query(form, BlockedForm)
    return blocked_ids(connection, query.filtered(text_of(connection, form.viewer, query.filter)))


def all_bounced(form: SentForm, connection: DatabaseDep) -> list[int]:
    """The same of the Email Bounce List."""
    query = _query(form, BounceForm)
    return bounced_ids(connection, query.filtered(text_of(connection, form.viewer, query.filter)))


def _query(form: SentForm, model: type[Query]) -> Query:
    # One field has what the page's URL had: its names are those of other fields too.
    values = dict(parse_qsl(form.text("shown").removeprefix("?")))
    try:
        return model.model_validate(values)
    except ValidationError:
        raise ActionError("The filter of the list can't be read. Reload the list, and select all once more.") from None
