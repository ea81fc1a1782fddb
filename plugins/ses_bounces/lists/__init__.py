"""What the pages and the JSON API show: lists, histories, counts. Read-only, each by way of an index."""

from __future__ import annotations

from ses_bounces.lists.blocked import (
    BlockedFilter,
    BlockedRow,
    BlockedSort,
    count_blocked,
    count_causes,
    list_blocked,
    stream_blocked,
)
from ses_bounces.lists.bounces import BounceFilter, BounceRow, BounceSort, count_bounces, list_bounces, stream_bounces
from ses_bounces.lists.chosen import addresses_of, chosen_bounces, waiting_people
from ses_bounces.lists.history import History, HistoryEntry, MessageBody, Request, address_history, message_body
from ses_bounces.lists.lookup import MAX_ADDRESSES, LookedUp, lookup
from ses_bounces.lists.overview import Overview, QueueState, Run, TaskDone, overview
from ses_bounces.lists.quarantine import QuarantinedMessage, QuarantineReason, list_quarantine, quarantine_reasons
from ses_bounces.lists.query import COUNTED, Count, Direction, Page
from ses_bounces.lists.reports import ReportDay, report_days, report_files
from ses_bounces.lists.requests import LiftRequest, lift_requests, open_requests
from ses_bounces.lists.search import keep_text, kept_text

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
    "LiftRequest",
    "LookedUp",
    "MessageBody",
    "Overview",
    "Page",
    "QuarantineReason",
    "QuarantinedMessage",
    "QueueState",
    "ReportDay",
    "Request",
    "Run",
    "TaskDone",
    "address_history",
    "addresses_of",
    "chosen_bounces",
    "count_blocked",
    "count_bounces",
    "count_causes",
    "keep_text",
    "kept_text",
    "lift_requests",
    "list_blocked",
    "list_bounces",
    "list_quarantine",
    "lookup",
    "message_body",
    "open_requests",
    "overview",
    "quarantine_reasons",
    "report_days",
    "report_files",
    "stream_blocked",
    "stream_bounces",
    "waiting_people",
]
