"""What the pages and the JSON API show: lists, histories, counts. Read-only, each by way of an index."""

from __future__ import annotations

from ses_bounces.lists.blocked import (
    BlockedFilter,
    BlockedRow,
    BlockedSort,
    count_blocked,
    list_blocked,
    stream_blocked,
)
from ses_bounces.lists.bounces import BounceFilter, BounceRow, BounceSort, count_bounces, list_bounces, stream_bounces
from ses_bounces.lists.history import History, HistoryEntry, MessageBody, Request, address_history, message_body
from ses_bounces.lists.lookup import MAX_ADDRESSES, LookedUp, lookup
from ses_bounces.lists.overview import Overview, QueueState, Run, TaskDone, overview
from ses_bounces.lists.quarantine import QuarantinedMessage, QuarantineReason, list_quarantine, quarantine_reasons
from ses_bounces.lists.query import COUNTED, Count, Direction, Page
from ses_bounces.lists.search import drop_old_filters, index_addresses, keep_text, kept_text

__all__ = [
    "COUNTED",
    "MAX_ADDRESSES",
    "BlockedFilter",
    "BlockedRow",
    "BlockedSort",
    "BounceFilter",
    "BounceRow",
    "BounceSort",
    "Count",
    "Direction",
    "History",
    "HistoryEntry",
    "LookedUp",
    "MessageBody",
    "Overview",
    "Page",
    "QuarantineReason",
    "QuarantinedMessage",
    "QueueState",
    "Request",
    "Run",
    "TaskDone",
    "address_history",
    "count_blocked",
    "count_bounces",
    "drop_old_filters",
    "index_addresses",
    "keep_text",
    "kept_text",
    "list_blocked",
    "list_bounces",
    "list_quarantine",
    "lookup",
    "message_body",
    "overview",
    "quarantine_reasons",
    "stream_blocked",
    "stream_bounces",
]
