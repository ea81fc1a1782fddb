"""What both lists must be after many messages, each of an address of its own."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import psycopg

SHOWN = 5
_BLOCKED = "SELECT address, reason FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL"
_OPEN = "SELECT address, kind FROM ses_bounces.bounce_list WHERE closed_at IS NULL"


class Leads(NamedTuple):
    """What a message leads to: an entry, a reason to block (None: it does not), and a kind on the bounce list."""

    entry: str
    reason: str | None
    kind: str


_LEADS = {
    "Permanent": Leads("permanent_bounce", "permanent_bounce", "permanent"),
    "Transient": Leads("transient_bounce", None, "transient"),
    "Complaint": Leads("complaint", "complaint", "complaint"),
}


class Lists:
    """Addresses with the reason they are blocked for, and with their kind on the bounce list."""

    def __init__(self) -> None:
        self.blocked: set[tuple[str, str]] = set()
        self.open: set[tuple[str, str]] = set()

    def take_in(self, texts: Iterable[str]) -> Iterator[str]:
        """Takes in SNS envelopes with one recipient each; yields the kind of the entry that each makes."""
        for text in texts:
            event = json.loads(json.loads(text)["Message"])
            (address,) = event["mail"]["destination"]
            leads = _LEADS[event["bounce"]["bounceType"] if "bounce" in event else "Complaint"]
            self.open.add((address, leads.kind))
            if leads.reason:
                self.blocked.add((address, leads.reason))
            yield leads.entry

    def differences(self, database_url: str) -> list[str]:
        """Where the lists in the database at a libpq URI are others; how many, and the first few."""
        with psycopg.connect(database_url) as connection:
            blocked, opened = set(connection.execute(_BLOCKED)), set(connection.execute(_OPEN))
        told = []
        for name, right, got in (("blocked", self.blocked, blocked), ("on the bounce list", self.open, opened)):
            for what, some in (("missing", right - got), ("too many", got - right)):
                if some:
                    told.append(f"{name}: {len(some):,} {what}, like {sorted(some)[:SHOWN]}")
        return told
