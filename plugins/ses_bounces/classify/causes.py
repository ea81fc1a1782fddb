"""Why an address is blocked: the one table of causes.

Where only one cause is shown, it is the first of these that is there.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

Cause = Literal["stop_request", "complaint", "unsubscribed", "permanent_bounce", "ses_suppression", "expired_transient"]


class _Shown(NamedTuple):
    """Words for people, the color of charts, and whether a person asked for it: a wish is lifted only where named."""

    words: str
    color: str
    is_wish: bool


_TABLE: Final[dict[Cause, _Shown]] = {
    "stop_request": _Shown("Stop request", "#7c3aed", True),
    "complaint": _Shown("Complaint", "#dc2626", True),
    "unsubscribed": _Shown("Unsubscribed at SES", "#d97706", True),
    "permanent_bounce": _Shown("Permanent bounce", "#2563eb", False),
    "ses_suppression": _Shown("On SES's suppression list", "#0891b2", False),
    "expired_transient": _Shown("Transient, grace period over", "#64748b", False),
}

CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)
WISHES: Final[tuple[str, ...]] = tuple(cause for cause, shown in _TABLE.items() if shown.is_wish)
CAUSE_WORDS: Final[dict[str, str]] = {cause: shown.words for cause, shown in _TABLE.items()}
CAUSE_COLORS: Final[dict[str, str]] = {cause: shown.color for cause, shown in _TABLE.items()}
