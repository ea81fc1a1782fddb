"""What readers see in place of what they must not see; docs/access.md says what that is.

A message's own words are a stranger's: an address may stand in each of them. Those that SES documents are shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ses_bounces.base.exceptions import ActionError, SesBouncesError, SettingsError
from ses_bounces.base.settings import Settings
from ses_bounces.base.sites import HOURLY, current, dag_id
from ses_bounces.classify.causes import WISHES
from ses_bounces.classify.rules import NO_EFFECT
from ses_bounces.ledger.lists.blocked import BlockedFilter
from ses_bounces.ledger.lists.bounces import BounceFilter
from ses_bounces.ledger.lists.guarded import any_guarded, guarded_of
from ses_bounces.ledger.lists.history import History

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.web.access import Viewer

Filter = TypeVar("Filter", BounceFilter, BlockedFilter)
Row = TypeVar("Row")

# SES Developer Guide, "Amazon SNS notification contents" and "Event data".
EVENT_TYPES = ("Bounce", "Complaint", "Delivery", *NO_EFFECT)
BOUNCE_TYPES = ("Undetermined", "Permanent", "Transient")
SUB_TYPES = (
    "Undetermined", "General", "NoEmail", "Suppressed", "OnAccountSuppressionList", "OnTenantSuppressionList",
    "UnsubscribedRecipient", "MailboxFull", "MessageTooLarge", "CustomTimeoutExceeded", "ContentRejected",
    "AttachmentRejected",
)  # fmt: skip
FEEDBACK_TYPES = ("abuse", "auth-failure", "fraud", "not-spam", "other", "virus")
DOCUMENTED = frozenset((*EVENT_TYPES, *BOUNCE_TYPES, *SUB_TYPES, *FEEDBACK_TYPES))
# RFC 3463 §2; a name that SES gives a configuration set.
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_SET = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SETTING = re.compile(r"^(\w+)(?=[. ])", re.MULTILINE)
# Entries that no bounce leads to.
_OF_WISHES = ("complaint", "not_spam", "auth_failure", "unsubscribed", "stop_request", "delivery")


def is_documented(text: str | None) -> bool:
    """Tell whether a message's own word is one of SES's, or of a standard, and no stranger's."""
    return text is None or text in DOCUMENTED or bool(_STATUS.fullmatch(text))


def documented(text: str | None) -> str | None:
    """Return a word of a message, None where it may be a stranger's."""
    return text if is_documented(text) else None


def set_name(text: str | None) -> str | None:
    """Return the name of a configuration set, None for what SES can't have named so."""
    return text if text is None or _SET.fullmatch(text) else None


def error_text(error: SesBouncesError, viewer: Viewer | None) -> str:
    """Return what an error says to a user.

    It may name the database's host and login, a queue's credentials or a value that was refused: who only reads is told
    which settings it is about, and who sees more. What they asked for themselves is answered in full.
    """
    if isinstance(error, ActionError) or (viewer is not None and viewer.may_edit):
        return str(error)
    who = f'Anyone with edit access to the DAG "{dag_id(HOURLY)}" sees here what is wrong.'
    if isinstance(error, SettingsError):
        named = ", ".join(settings_named(str(error)))
        where = f'Airflow Variable "{current().variable}"'
        return f"{where} is missing or wrong{f', in {named}' if named else ''}. {who}"
    return f"What this page needs is not there, or does not answer. {who}"


def settings_named(text: str) -> list[str]:
    """Return the settings that the lines of an error are about."""
    return [name for name in dict.fromkeys(_SETTING.findall(text)) if name in Settings.model_fields]


def seen_by(connection: Connection, viewer: Viewer, wanted: Filter) -> Filter:
    """Return a filter that shows a user no more than they may see."""
    return wanted if viewer.may_edit or not any_guarded(connection) else replace(wanted, without_guarded=True)


def unguarded(connection: Connection, viewer: Viewer, rows: Iterable[Row], id_of: Callable[[Row], int]) -> list[Row]:
    """Return those of some rows about addresses that a user may see."""
    listed = list(rows)
    hidden = set() if viewer.may_edit else guarded_of(connection, map(id_of, listed))
    return [row for row in listed if id_of(row) not in hidden]


def history_for(viewer: Viewer, found: History | None) -> History | None:
    """Return what a user may see of an address; None: as if there were no such address."""
    if found is None or viewer.may_edit or not found.is_protected:
        return found
    found.blocks = [block for block in found.blocks if block.reason in WISHES]
    if not found.blocks:
        return None
    found.bounces, found.requests = [], []
    found.entries.rows[:] = [
        replace(entry, bounces=[], opened=_wishes(entry.opened), closed=_wishes(entry.closed))
        for entry in found.entries.rows
        if entry.kind in _OF_WISHES or set(entry.lifts or ()) & set(WISHES)
    ]
    return found


def _wishes(causes: Iterable[str]) -> list[str]:
    return [cause for cause in causes if cause in WISHES]
