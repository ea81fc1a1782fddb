"""Pages from templates: everything is escaped, links are relative, addresses are masked for those who only read."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.logins import without_logins
from ses_bounces.base.sites import current
from ses_bounces.classify.address import is_key
from ses_bounces.classify.causes import CAUSE_WORDS
from ses_bounces.web.forms import new_token
from ses_bounces.web.readers import SUB_TYPES, error_text, is_documented, set_name

if TYPE_CHECKING:
    from ses_bounces.ledger.lists.history import HistoryEntry
    from ses_bounces.web.access import Viewer

KINDS = {
    "transient": "Transient",
    "permanent": "Permanent",
    "complaint": "Complaint",
    "suppressed": "Suppressed by SES",
}
HIDDEN = "not shown without edit access"
MASK = "•••"
# Characters of an address that has room in a line of any list.
_ONE_LINE = 32
# What a line is broken behind: the sign itself stays with what stands before it.
_WORDS = re.compile(r"[^@._+-]*[@._+-]+|[^@._+-]+")
_CAPITALS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def page(request: Request, viewer: Viewer | None, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page. ``section`` in the values is the entry of the navigation that it belongs to."""
    text = (
        _environment()
        .get_template(template)
        .render(
            request=request,
            viewer=viewer,
            root=root(request),
            site=current(),
            token=(lambda: new_token(viewer)) if viewer else None,
            **({"section": ""} | values),
        )
    )
    return HTMLResponse(text, status)


def redirect(request: Request, path: str, query: Mapping[str, Any] | None = None) -> RedirectResponse:
    """Send the browser on to another page, with GET. The path is relative to the pages' own root."""
    return RedirectResponse(root(request) + path + query_string(query or {}), 303)


def root(request: Request) -> str:
    """Return the way up from the page that is asked for to the root of the pages: it works under any base path."""
    mounted_at = getattr(request.state, "root_path", request.scope.get("root_path", ""))
    below = request.scope["path"].removeprefix(mounted_at)
    return "../" * (below.count("/") - 1) or "./"


def query_string(values: Mapping[str, Any]) -> str:
    """Return what follows the path of a URL; values that are None or empty are left out."""
    kept = {name: value for name, value in values.items() if value not in (None, "")}
    return f"?{urlencode(kept)}" if kept else ""


def mask(address: str) -> str:
    """Return an address with nothing of its local part but the first character."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}{MASK}@{domain}"


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ses_bounces.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "address": _address,
        "address_note": _address_note,
        "breakable": _breakable,
        "breakable_name": _breakable_name,
        "when_ago": _when_ago,
        "hidden": _hidden,
        "reported": _reported,
        "set_name": _set_name,
        "rule": _rule,
        "setting_errors": _setting_errors,
        "setting_value": _setting_value,
        "when": _when,
        "day": lambda moment: f"{moment:%Y-%m-%d}" if moment else "",
        # For URLs: Airflow's address bar makes a space of a plus.
        "stamp": lambda moment: f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        # For a form's datetime-local, which has no zone.
        "minute": lambda moment: f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}",
        "number": lambda value: f"{value:,.10g}" if isinstance(value, float) else f"{value:,}",
        "reason": lambda cause: CAUSE_WORDS.get(cause, cause.replace("_", " ").capitalize()),
        "reasons": _reasons,
        "kind": lambda kind: KINDS.get(kind, kind),
        "words": lambda text: text.replace("_", " "),
        "query": query_string,
        "purpose": _purpose,
        "sentence": lambda text: f"{text[:1].upper()}{text[1:]}.",
        "ago": _ago,
        "took": _took,
        "path": quote,
    }
    environment.globals |= {"CAUSE_WORDS": CAUSE_WORDS, "KINDS": KINDS, "HIDDEN": HIDDEN, "SUB_TYPES": SUB_TYPES}
    return environment


@pass_context
def _address(context: Context, address: str) -> Markup:
    viewer = context["viewer"]
    return _breakable(address if viewer and viewer.may_edit else mask(address))


def _breakable(text: str) -> Markup:
    """An address that a line may end in, but not within one of its words."""
    return Markup("<wbr>").join(_WORDS.findall(text) if len(text) > _ONE_LINE else [text])


def _breakable_name(name: str | Markup) -> Markup:
    """A name like OnAccountSuppressionList that a line may end in, but not within one of its words."""
    return name if isinstance(name, Markup) else Markup("<wbr>").join(_CAPITALS.split(name))


def _address_note(address: str) -> str | Markup:
    """What is wrong with a recorded address, if anything is: rules of before took it for one."""
    if is_key(address):
        return ""
    return Markup(' <span class="badge warn">not an address</span>')


@pass_context
def _hidden(context: Context, text: str | None) -> str | Markup:
    """Free text, in which an address may stand."""
    viewer = context["viewer"]
    if not text or (viewer and viewer.may_edit):
        return text or ""
    return Markup('<span class="soft">{}</span>').format(HIDDEN)


@pass_context
def _reported(context: Context, text: str | None) -> str | Markup:
    """A message's own word."""
    return (text or "") if is_documented(text) else _hidden(context, text)


@pass_context
def _set_name(context: Context, text: str | None) -> str | Markup:
    """A configuration set that a message names."""
    return (text or "") if set_name(text) == text else _hidden(context, text)


@pass_context
def _rule(context: Context, entry: HistoryEntry) -> str | Markup:
    """What decided that an entry means what it means: it names the message's own words."""
    words = (entry.bounce_type, entry.bounce_sub_type, entry.feedback_type)
    return entry.rule if all(map(is_documented, words)) else _hidden(context, entry.rule)


@pass_context
def _setting_errors(context: Context, errors: list[str]) -> list[str]:
    """What is wrong with the settings: the values that were refused are not for everybody."""
    viewer = context["viewer"]
    if viewer and viewer.may_edit:
        return errors
    return [error_text(SettingsError("\n".join(errors)), viewer)] if errors else []


@pass_context
def _setting_value(context: Context, text: str) -> str:
    """The text of a setting: without the login that a URL may have."""
    viewer = context["viewer"]
    return text if viewer and viewer.may_edit else without_logins(text)


def _when(moment: datetime | None) -> str | Markup:
    if moment is None:
        return ""
    utc = moment.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M}")


def _when_ago(moment: datetime | None, now: datetime) -> str | Markup:
    """A time, and how long ago it is, or in how long it will be.

    :param now: by the database's clock.
    """
    if moment is None:
        return ""
    seconds = (now - moment).total_seconds()
    text = f"{_ago(seconds)} ago" if seconds >= 0 else f"in {_ago(-seconds)}"
    return Markup('{} <span class="ago">{}</span>').format(_when(moment), text)


def _purpose(text: str) -> Markup:
    """What stands in backticks as code, the rest as text."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(p) if n % 2 else p for n, p in enumerate(parts))


def _reasons(causes: Iterable[str]) -> str:
    return ", ".join(CAUSE_WORDS.get(cause, cause) for cause in causes)


def _ago(seconds: float) -> str:
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            number = int(seconds // length)
            return f"{number:,} {unit}{'' if number == 1 else 's'}"
    return "less than a minute"


def _took(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
