"""A bounce that may block, as the brake looks at it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from ses_bounces.classify.entry import Entry

# The message_id of entries that come from SES's suppression list.
NO_MESSAGE = 0
Day = tuple[dt.date, str]


@dataclass(frozen=True)
class Candidate:
    """A bounce that may block. ``place``: among what is decided together; ``is_exempt``: it is of a first run."""

    place: int
    message_id: int
    entry: Entry
    cause: str
    is_listed: bool = False
    is_exempt: bool = False

    @property
    def domain(self) -> str:
        """The recipient's domain."""
        return self.entry.address.rpartition("@")[2]

    @property
    def day(self) -> Day:
        """The day that it counts for, in UTC, and the domain."""
        return day_of(self.entry.occurred_at), self.domain


def day_of(moment: dt.datetime) -> dt.date:
    return moment.astimezone(dt.UTC).date()


def cause_of(entry: Entry) -> str | None:
    """Return what an entry of a bounce would block by at once; None: by nothing, or it is a wish."""
    if entry.kind == "permanent_bounce" or (entry.kind == "ses_suppression" and entry.bounce_type is not None):
        return entry.kind
    # Without a grace period a transient problem blocks as soon as it is recorded.
    without_grace = entry.deadline is not None and entry.deadline <= entry.occurred_at and entry.policy == "age"
    # A reply may be answered by a delivery yet.
    if entry.kind == "transient_bounce" and without_grace and not entry.is_reply:
        return "expired_transient"
    return None


def listing_of(entry: Entry) -> dict[str, Any]:
    """Return what a held entry of SES's list is made of again; see :func:`listed_entry`."""
    return {
        "address": entry.address, "reported": entry.address_as_reported, "at": entry.occurred_at.isoformat(),
        "reason": entry.reason,
    }  # fmt: skip


def listed_entry(listing: dict[str, Any], dedup_key: bytes) -> Entry:
    """Return the entry of SES's list that was held."""
    at = dt.datetime.fromisoformat(listing["at"])
    return Entry("ses_suppression", listing["address"], listing["reported"], at, dedup_key, reason=listing["reason"])


@dataclass
class Verdict:
    """What is to become of the candidates, by place: ``held`` with the id of the brake, ``dismissed``; others count."""

    held: dict[int, int] = field(default_factory=dict)
    dismissed: set[int] = field(default_factory=set)
