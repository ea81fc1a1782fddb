"""The ledger, and the lists that are projections of it: the only writer of state.

Every change of state goes through :func:`writing`: one short transaction that waits for the other writers, appends
entries, and brings the projections of the addresses it touched up to what ``address_state`` says. Repeating it, in
any order and grouping, changes nothing.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ses_bounces.database.connection import quiet
from ses_bounces.database.statements import statement
from ses_bounces.entry import Entry
from ses_bounces.rules import RULES_VERSION

if TYPE_CHECKING:
    from ses_bounces.database.connection import Connection

SES = "ses"
# Small enough that a page's action never waits a second for its turn.
ADDRESSES_PER_CHUNK = 5_000

# The columns of incoming_entry; the binary format needs their types, and costs a quarter of what texts do.
_ENTRY_COLUMNS = {
    "place": "int4", "message_id": "int8", "address": "text", "address_as_reported": "text", "kind": "text",
    "occurred_at": "timestamptz", "dedup_key": "bytea", "reason": "text", "deadline": "timestamptz", "policy": "text",
    "mail_sent_at": "timestamptz", "feedback_id": "text", "ses_message_id": "text", "bounce_type": "text",
    "bounce_sub_type": "text", "feedback_type": "text", "status": "text", "diagnostic_code": "text", "source": "text",
    "configuration_set": "text", "tags": "jsonb",
}  # fmt: skip
_COPY_ENTRIES = f"COPY incoming_entry ({', '.join(_ENTRY_COLUMNS)}) FROM STDIN WITH (FORMAT binary)"


@dataclass
class Changes:
    """What a transaction changed, in numbers.

    ``entries``: new ledger entries by kind. ``blocked`` and ``unblocked``: rows opened and closed in the Email Blocked
    List by cause. ``promoted``: transient problems that became permanent.
    """

    entries: Counter[str] = field(default_factory=Counter)
    blocked: Counter[str] = field(default_factory=Counter)
    unblocked: Counter[str] = field(default_factory=Counter)
    promoted: int = 0

    def __iadd__(self, other: Changes) -> Changes:
        self.entries += other.entries
        self.blocked += other.blocked
        self.unblocked += other.unblocked
        self.promoted += other.promoted
        return self


class Writer:
    """The open transaction of :func:`writing`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.changes = Changes()
        self.superseded: Counter[str] = Counter()
        self._earliest: datetime | None = None
        self._latest = datetime.min.replace(tzinfo=UTC)

    def append(
        self, entries: Iterable[tuple[Entry, int | None]], actor: str = SES, lifts: list[str] | None = None
    ) -> None:
        """Append ledger entries; of entries with one ``dedup_key`` the first counts.

        :param entries: each with the ``message_id`` that it came from, None where it came from a person.
        :param actor: ``ses``, or the Airflow user.
        :param lifts: the causes that an ``unblocked`` entry names.
        """
        # The earlier an entry occurred, the lower its id, within what is appended together.
        ordered = sorted(entries, key=lambda item: (item[0].occurred_at, item[0].dedup_key))
        has_deliveries = False
        with self.connection.cursor().copy(_COPY_ENTRIES) as copy:
            copy.set_types(list(_ENTRY_COLUMNS.values()))
            write = copy.write_row
            for place, (e, message_id) in enumerate(ordered):
                has_deliveries = has_deliveries or e.kind == "delivery"
                write((
                    place, message_id, e.address, e.address_as_reported, e.kind, e.occurred_at, e.dedup_key, e.reason,
                    e.deadline, e.policy, e.mail_sent_at, e.feedback_id, e.ses_message_id, e.bounce_type,
                    e.bounce_sub_type, e.feedback_type, e.status, e.diagnostic_code, e.source, e.configuration_set,
                    e.tags or None,
                ))  # fmt: skip
        if ordered:
            self._latest = max(self._latest, ordered[-1][0].occurred_at)
            self._take_in(actor, lifts, has_deliveries)

    def append_replayed(self, event_ids: list[int], dedup_keys: list[bytes]) -> None:
        """Supersede entries, and append those that a replay makes in their place, or anew; see ``replay.py``.

        :param event_ids: the entries that are superseded.
        :param dedup_keys: of those in the work table ``replayed_entry`` that are appended.
        """
        execute = self.connection.execute
        self.supersede(event_ids)
        row = execute(statement("take_replayed_entries"), {"keys": dedup_keys, "ids": event_ids}).fetchone()
        if row and row[0]:
            self._latest = max(self._latest, row[0])
            self._take_in(SES, None, has_deliveries=False)
        execute(statement("link_superseded_entries"), {"ids": event_ids})

    def supersede(self, event_ids: list[int]) -> None:
        """Supersede entries: they stay in the history, and count no more."""
        for kind, count, earliest in self.connection.execute(statement("supersede_entries"), {"ids": event_ids}):
            self.superseded[kind] += count
            self._earliest = min(self._earliest or earliest, earliest)

    def _take_in(self, actor: str, lifts: list[str] | None, has_deliveries: bool) -> None:
        """Move incoming_entry into the ledger."""
        self.connection.execute(statement("insert_addresses"))
        made = {"actor": actor, "lifts": lifts, "rules_version": RULES_VERSION}
        self._count(self.connection.execute(statement("insert_events"), made).fetchall())
        if has_deliveries or self.changes.entries["transient_bounce"]:
            rows = self.connection.execute(statement("insert_ending_deliveries"), {"rules_version": RULES_VERSION})
            self._count(rows.fetchall())
        if has_deliveries:
            self.connection.execute(statement("upsert_last_deliveries"))
        self.connection.execute("TRUNCATE incoming_entry")

    def touch(self, address_ids: Iterable[int]) -> None:
        """Have the projections of these addresses brought up to date, whether entries were appended or not."""
        query = "INSERT INTO touched_address SELECT unnest(%s::bigint[])"
        self.connection.execute(query, [list(address_ids)])

    def touch_due(self, limit: int) -> int:
        """The same for up to ``limit`` addresses whose deadline has passed; returns how many there were."""
        at, expire_before = self._moment()
        due = {"at": at, "expire_before": expire_before, "limit": limit}
        cursor = self.connection.execute(statement("touch_due_addresses"), due)
        return cursor.rowcount

    def refresh(self) -> None:
        """Bring the projections of all touched addresses to their state now."""
        at, expire_before = self._moment()
        moment = {"at": at, "expire_before": expire_before}
        execute = self.connection.execute
        ids = [address_id for (address_id,) in execute("SELECT DISTINCT address_id FROM touched_address")]
        if ids:
            if self._latest > at:
                execute(statement("note_later_entries"), moment)
            execute(statement("forget_later_entries"), moment)
            execute(statement("compute_states"), moment | {"ids": ids})
            execute(statement("close_bounces"), moment)
            execute(statement("open_bounces"), moment)
            self.changes.unblocked += Counter(dict(execute(statement("close_blocks"), moment).fetchall()))
            self.changes.blocked += Counter(dict(execute(statement("open_blocks"), moment).fetchall()))
            promoted = execute(statement("insert_promotions"), {"rules_version": RULES_VERSION}).fetchone()
            if promoted and promoted[0]:
                self.changes.promoted += promoted[0]
                self._count([("promotion", *promoted)])
        if self._earliest is not None:
            execute(statement("mark_stale_reports"), {"since": self._earliest})
        execute("TRUNCATE touched_address, touched_state")

    def _moment(self) -> tuple[datetime, datetime]:
        row = self.connection.execute(statement("select_moment")).fetchone()
        assert row is not None
        return row[0], row[1]

    def _count(self, rows: list[tuple[Any, ...]]) -> None:
        for kind, count, earliest in rows:
            self.changes.entries[kind] += count
            self._earliest = min(self._earliest or earliest, earliest)


@contextlib.contextmanager
def writing(connection: Connection) -> Iterator[Writer]:
    """Open the transaction in which state is written; it commits at the end, with the projections up to date.

    :param connection: autocommit.
    """
    with connection.transaction():
        connection.execute(statement("lock_state"))
        connection.execute(statement("create_work_tables"))
        writer = Writer(connection)
        yield writer
        writer.refresh()


def promote_expired(connection: Connection, seconds: float = float("inf")) -> Changes:
    """Turn transient problems whose deadline has passed into permanent ones.

    Set-based, in chunks of their own transactions; costs what is due, not what is there. Looks no further than the
    send time of the oldest message that still waits.

    :param seconds: begin no further chunk after this long.
    :raises DatabaseError: what is done stays done; repeat to go on.
    """
    total = Changes()
    until = time.monotonic() + seconds
    touched = ADDRESSES_PER_CHUNK
    with quiet():
        while touched == ADDRESSES_PER_CHUNK and time.monotonic() < until:
            with writing(connection) as writer:
                touched = writer.touch_due(ADDRESSES_PER_CHUNK)
            total += writer.changes
    return total


def mirror_settings(connection: Connection, enforce: bool, never_block: Iterable[str]) -> None:
    """Mirror the settings that functions in SQL need; the next promotion frees or binds the addresses concerned.

    :param never_block: address keys, and exact domains as ``@domain``.
    """
    wanted = sorted(set(never_block))
    with quiet():
        if connection.execute("SELECT enforce FROM ses_bounces.setting").fetchone() != (enforce,):
            connection.execute(statement("upsert_setting"), {"enforce": enforce})
        current = [pattern for (pattern,) in connection.execute("SELECT pattern FROM ses_bounces.protected")]
        if sorted(current) == wanted:
            return
        with connection.transaction():
            connection.execute(statement("lock_state"))
            connection.execute(statement("make_protected_due"), {"patterns": sorted(set(wanted) ^ set(current))})
            connection.execute(statement("mirror_protected"), {"patterns": wanted})
