"""Which addresses a replay would change since the rules are others: told by an upgrade, and before enforcing.

Only entries that today's rules may make otherwise are looked at, by reading their own messages again; nothing is
written. What a replay does in all, :func:`ses_bounces.ledger.replay.try_replay` says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from ses_bounces.base.counted import counted
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.classify.body import classify_body
from ses_bounces.classify.rules import RULES_VERSION, Rules

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

IDS_SHOWN = 20
_ROWS_AT_ONCE = 2_000
# The window's end is not included.
_BEHIND = timedelta(seconds=1)


@dataclass
class Outdated:
    """What a replay would change.

    ``address_ids``: of the addresses whose state it may change, in their order. ``first``, ``last``: the send times of
    the messages to be read again, None where there are none. ``unreadable``: further entries that the rules of today
    may make otherwise, and whose message is gone.
    """

    address_ids: list[int] = field(default_factory=list)
    first: datetime | None = None
    last: datetime | None = None
    unreadable: int = 0

    def lines(self) -> list[str]:
        """What a person is told; no address is in it."""
        told = []
        if self.first is not None and self.last is not None:
            ids = ", ".join(map(str, self.address_ids[:IDS_SHOWN]))
            more = ", …" if len(self.address_ids) > IDS_SHOWN else ""
            last = self.last + _BEHIND
            told.append(
                f"A replay by rules version {RULES_VERSION} would change "
                f"{counted(len(self.address_ids), 'address', 'addresses')} (ids {ids}{more}): it reads the messages "
                f"sent from {self.first:%Y-%m-%dT%H:%M:%SZ} to {last:%Y-%m-%dT%H:%M:%SZ} again. Try it first; see "
                "Replay in docs/operations.md."
            )
        if self.unreadable:
            entries = counted(self.unreadable, "entry", "entries")
            told.append(f"{entries} of earlier rules can't be read again, as the message is gone, and will not change.")
        return told


def outdated(connection: Connection, rules: Rules) -> Outdated:
    """Return what a replay would change for the rules of today.

    :param connection: autocommit.
    :raises DatabaseError: repeat.
    """
    found = Outdated()
    # It is about the rules; certificates can't be fetched here.
    rules = msgspec.structs.replace(rules, verify_signatures=False)
    changed: set[int] = set()
    with quiet(), connection.transaction(), connection.cursor("outdated") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(statement("ledger/select_outdated_entries"), {"rules_version": RULES_VERSION})
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            replies: dict[tuple[int, str], datetime] = {}
            for _, address_id, dedup_key, kind, sent_at, body in rows:
                if body is None:
                    found.unreadable += 1
                    continue
                entries = {entry.dedup_key: entry for entry in classify_body(body, rules, sent_at).entries}
                entry = entries.get(bytes(dedup_key))
                if entry is None or entry.kind != kind:
                    changed.add(address_id)
                    _widen(found, sent_at)
                elif entry.is_reply and entry.ses_message_id is not None:
                    replies[address_id, entry.ses_message_id] = sent_at
            wanted = {"ids": [id_ for id_, _ in replies], "mails": [mail for _, mail in replies]}
            for answered in connection.execute(statement("ledger/select_delivered_mails"), wanted):
                changed.add(answered[0])
                _widen(found, replies[answered])
    found.address_ids = sorted(changed)
    return found


def _widen(found: Outdated, sent_at: datetime) -> None:
    found.first = min(found.first or sent_at, sent_at)
    found.last = max(found.last or sent_at, sent_at)
