"""The daily Email Blocked Report in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Summary:
    """The report in numbers; no addresses. ``day`` is ISO; ``by_reason`` counts each address once for each cause.

    ``new_by_day``: by reason, of each of the last 30 days that had some. ``transients_by_days_left``: the days left
    until they count as permanent, the day begun as a whole one. ``may_lack``: times of the day whose messages are
    lost: ``queue``, ``first``, ``last`` (ISO, in the time zone), ``cause`` (``retention``: the queue threw them away
    unread; ``restore``: Postgres was put back to a time before they were read). ``where``: where it hurts:
    ``groups`` by dimension, each ``name`` with its numbers of the day and ``usual`` (the daily mean of bounces and
    complaints over the seven days before); ``rates`` by what SES says it sent; ``suggested_outages``, times in ISO.
    """

    day: str
    timezone: str
    enforce: bool
    revision: int
    ledger_position: int
    blocked_addresses: int
    by_reason: dict[str, int]
    new_addresses: int
    new_by_reason: dict[str, int]
    new_by_day: dict[str, dict[str, int]]
    lifted: int
    transients_open: int
    transients_by_days_left: dict[str, int]
    due_within_48_hours: int
    bounces: int
    complaints: int
    top_domains: dict[str, int]
    may_lack: list[dict[str, str]]
    where: dict[str, Any]
