"""What administrators do: to addresses, to people's flag, to messages. Plain Python, for the pages and the JSON API.

Every action is one short transaction, says who and why, may be repeated, and answers for each target in words that
hold no address.
"""

from __future__ import annotations

from ses_bounces.actions.action import MAX_REASON_CHARACTERS, Action, Outcome, Result
from ses_bounces.actions.blocks import lift_blocks, request_stops
from ses_bounces.actions.flags import FlagsFollowed, Person, follow_flags, leave_off, people_at, switch_on
from ses_bounces.actions.held import decide_domains
from ses_bounces.actions.messages import confirm_messages, dismiss_messages, retry_messages
from ses_bounces.actions.pasted import Line, Pasted, read_csv, read_text
from ses_bounces.actions.previews import BlocksPreview, Cause, Found, StopsPreview, preview_blocks, preview_stops
from ses_bounces.actions.transients import delete_transients, extend_deadlines
from ses_bounces.actions.undo import BlocksOf, find_blocks, retract_lift

__all__ = [
    "MAX_REASON_CHARACTERS",
    "Action",
    "BlocksOf",
    "BlocksPreview",
    "Cause",
    "FlagsFollowed",
    "Found",
    "Line",
    "Outcome",
    "Pasted",
    "Person",
    "Result",
    "StopsPreview",
    "confirm_messages",
    "decide_domains",
    "delete_transients",
    "dismiss_messages",
    "extend_deadlines",
    "find_blocks",
    "follow_flags",
    "leave_off",
    "lift_blocks",
    "people_at",
    "preview_blocks",
    "preview_stops",
    "read_csv",
    "read_text",
    "request_stops",
    "retract_lift",
    "retry_messages",
    "switch_on",
]
