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

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.classify.entry import Entry
from ses_bounces.classify.rules import RULES_VERSION
from ses_bounces.ledger.erased.guard import conceal_entries, recognised, secret_of

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

SES = "ses"
# Small enough that a page's action never waits a second for its turn.
ADDRESSES_PER_CHUNK = 5_000

# Behind every id that there is.
_NO_ID = 2**63 - 1

# The binary format needs their types, and costs a quarter of what texts do.
_EVENT_COLUMNS = {
    "address_id": "int8", "kind": "text", "occurred_at": "timestamptz", "dedup_key": "bytea", "actor": "text",
    "reason": "text", "lifts": "text[]", "deadline": "timestamptz", "policy": "text", "mail_sent_at": "timestamptz",
    "feedback_id": "text", "ses_message_id": "text", "bounce_type": "text", "bounce_sub_type": "text",
    "feedback_type": "text", "status": "text", "diagnostic_code": "text", "source": "text",
    "configuration_set": "text", "tags": "jsonb", "rules_version": "int2", "message_id": "int8",
}  # fmt: skip
_DELIVERY_COLUMNS = {
    "address_id": "int8", "occurred_at": "timestamptz", "dedup_key": "bytea", "reason": "text",
    "mail_sent_at": "timestamptz", "ses_message_id": "text", "message_id": "int8",
}  # fmt: skip
_ADDRESS_COLUMNS = {"place": "int4", "address": "text", "address_as_reported": "text"}


def _copy(table: str, columns: Iterable[str]) -> str:
    return f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH (FORMAT binary)"


_COPY_EVENTS = _copy("ses_bounces.address_event", _EVENT_COLUMNS)
_COPY_DELIVERIES = _copy("incoming_delivery", _DELIVERY_COLUMNS)
_COPY_ADDRESSES = _copy("incoming_address", _ADDRESS_COLUMNS)

_Item = tuple[Entry, int | None]


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
        self._touched: set[int] = set()
        # Addresses from this id on were registered since the projections were last brought up to date: they have none.
        self._first_new = _NO_ID

    def append(self, entries: Iterable[_Item], actor: str = SES, lifts: list[str] | None = None) -> None:
        """Append ledger entries; of entries with one ``dedup_key`` the first counts.

        :param entries: each with the ``message_id`` that it came from, None where it came from a person.
        :param actor: ``ses``, or the Airflow user.
        :param lifts: the causes that an ``unblocked`` entry names.
        """
        items = list(entries)
        conceal_entries(self.connection, [entry for entry, _ in items])
        # The earlier an entry occurred, the lower its id, within what is appended together.
        ordered = sorted(items, key=lambda item: (item[0].occurred_at, item[0].dedup_key))
        if not ordered:
            return
        self._latest = max(self._latest, ordered[-1][0].occurred_at)
        ids, first_new = self._register(ordered)
        # Of what is registered by this there is nothing yet, neither entries nor deliveries.
        known = {id_ for id_ in ids.values() if id_ < first_new}
        deliveries: list[_Item] = []
        events: dict[bytes, _Item] = {}
        row = self.connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        now = row[0]
        for item in ordered:
            # One that is dated ahead of our clock is an entry: as the newest delivery it would hide the one before it.
            if item[0].kind == "delivery" and item[0].occurred_at <= now:
                deliveries.append(item)
            else:
                events.setdefault(item[0].dedup_key, item)
        for key in self._recorded([key for key, item in events.items() if ids[item[0].address] in known]):
            del events[key]
        self._write_events(list(events.values()), ids, actor, lifts)
        if deliveries:
            self._write_deliveries(deliveries, ids)
        # Ones that came before a bounce which arrived late may end its episode.
        waiting = [ids[e.address] for e, _ in events.values() if e.kind == "transient_bounce"]
        waiting = [id_ for id_ in waiting if id_ in known]
        if deliveries or waiting:
            ending = {"ids": waiting, "rules_version": RULES_VERSION}
            self._count(self.connection.execute(statement("ledger/insert_ending_deliveries"), ending).fetchall())
        if deliveries:
            self.connection.execute(statement("ledger/upsert_last_deliveries"))
            self.connection.execute("TRUNCATE incoming_delivery")

    def append_replayed(self, event_ids: list[int], dedup_keys: list[bytes]) -> None:
        """Supersede entries, and append those that a replay makes in their place, or anew; see ``replay.py``.

        :param event_ids: the entries that are superseded.
        :param dedup_keys: of those in the work table ``replayed_entry`` that are appended.
        """
        self.supersede(event_ids)
        rows = self.connection.execute(
            statement("ledger/replay/select_entries"), {"keys": dedup_keys, "ids": event_ids}
        )
        self.append([(Entry(*entry), message_id) for message_id, *entry in rows.fetchall()])
        self.connection.execute(statement("ledger/link_superseded_entries"), {"ids": event_ids})

    def supersede(self, event_ids: list[int]) -> None:
        """Supersede entries: they stay in the history, and count no more."""
        for kind, count, earliest in self.connection.execute(statement("ledger/supersede_entries"), {"ids": event_ids}):
            self.superseded[kind] += count
            self._earliest = min(self._earliest or earliest, earliest)

    def _register(self, items: list[_Item]) -> tuple[dict[str, int], int]:
        """Return the id of each address, and the id from which on they were registered by this."""
        reported: dict[str, str] = {}
        for entry, _ in items:
            reported.setdefault(entry.address, entry.address_as_reported)
        with self.connection.cursor().copy(_COPY_ADDRESSES) as copy:
            copy.set_types(list(_ADDRESS_COLUMNS.values()))
            for place, (address, spelling) in enumerate(reported.items()):
                copy.write_row((place, address, spelling))
        rows = self.connection.cursor(binary=True).execute(statement("ledger/insert_addresses")).fetchall()
        first_new: int = rows[0][0]
        self._first_new = min(self._first_new, first_new)
        ids = {address: id_ for address, (_, id_) in zip(reported, rows, strict=True)}
        self.connection.execute("TRUNCATE incoming_address")
        return ids, first_new

    def _recorded(self, keys: list[bytes]) -> list[bytes]:
        """Return which of these are of live entries."""
        if not keys:
            return []
        return [key for (key,) in self.connection.execute(statement("ledger/select_recorded_keys"), {"keys": keys})]

    def _write_events(self, items: list[_Item], ids: dict[str, int], actor: str, lifts: list[str] | None) -> None:
        # Into the ledger itself, which costs half of what a work table and INSERT … SELECT do.
        with self.connection.cursor().copy(_COPY_EVENTS) as copy:
            copy.set_types(list(_EVENT_COLUMNS.values()))
            write = copy.write_row
            for e, message_id in items:
                write((
                    ids[e.address], e.kind, e.occurred_at, e.dedup_key, actor, e.reason, lifts, e.deadline, e.policy,
                    e.mail_sent_at, e.feedback_id, e.ses_message_id, e.bounce_type, e.bounce_sub_type, e.feedback_type,
                    e.status, e.diagnostic_code, e.source, e.configuration_set, e.tags or None, RULES_VERSION,
                    message_id,
                ))  # fmt: skip
        if items:
            earliest = items[0][0].occurred_at
            self._earliest = min(self._earliest or earliest, earliest)
        self.changes.entries.update(e.kind for e, _ in items)
        self._touched.update(ids[e.address] for e, _ in items)

    def _write_deliveries(self, items: list[_Item], ids: dict[str, int]) -> None:
        with self.connection.cursor().copy(_COPY_DELIVERIES) as copy:
            copy.set_types(list(_DELIVERY_COLUMNS.values()))
            for e, message_id in items:
                copy.write_row((
                    ids[e.address], e.occurred_at, e.dedup_key, e.reason, e.mail_sent_at, e.ses_message_id, message_id,
                ))  # fmt: skip

    def touch(self, address_ids: Iterable[int]) -> None:
        """Have the projections of these addresses brought up to date, whether entries were appended or not."""
        self._touched.update(address_ids)

    def touch_due(self, limit: int) -> int:
        """The same for up to ``limit`` addresses whose deadline has passed; returns how many there were."""
        at, expire_before = self._moment()
        due = {"at": at, "expire_before": expire_before, "limit": limit}
        cursor = self.connection.execute(statement("ledger/touch_due_addresses"), due)
        return cursor.rowcount

    def refresh(self) -> None:
        """Bring the projections of all touched addresses to their state now."""
        at, expire_before = self._moment()
        execute = self.connection.execute
        self._touched.update(address_id for (address_id,) in execute("SELECT address_id FROM touched_address"))
        ids = sorted(self._touched)
        moment = {"at": at, "expire_before": expire_before, "ids": ids, "first_new": self._first_new}
        if ids:
            if self._latest > at:
                execute(statement("ledger/note_later_entries"), moment)
            execute(statement("ledger/forget_later_entries"), moment)
            execute(statement("ledger/compute_states"), moment)
            execute(statement("ledger/close_bounces"), moment)
            execute(statement("ledger/open_bounces"), moment)
            self.changes.unblocked += Counter(dict(execute(statement("ledger/close_blocks"), moment).fetchall()))
            self.changes.blocked += Counter(dict(execute(statement("ledger/open_blocks"), moment).fetchall()))
            promoted = execute(statement("ledger/insert_promotions"), {"rules_version": RULES_VERSION}).fetchone()
            if promoted and promoted[0]:
                self.changes.promoted += promoted[0]
                self._count([("promotion", *promoted)])
        if self._earliest is not None:
            execute(statement("ledger/mark_stale_reports"), {"since": self._earliest})
        execute("TRUNCATE touched_address, touched_state")
        self._touched.clear()
        self._first_new = _NO_ID

    def _moment(self) -> tuple[datetime, datetime]:
        row = self.connection.execute(statement("ledger/select_moment")).fetchone()
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
    # Where there are erased addresses: a secrets backend is not asked while others wait.
    secret_of(connection)
    with connection.transaction():
        connection.execute(statement("ledger/lock_state"))
        connection.execute(statement("ledger/create_work_tables"))
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
    with quiet():
        patterns = set(never_block)
        names = recognised(connection, patterns)
        wanted = sorted(names.get(pattern, pattern) for pattern in patterns)
        if connection.execute("SELECT enforce FROM ses_bounces.setting").fetchone() != (enforce,):
            connection.execute(statement("ledger/upsert_setting"), {"enforce": enforce})
        current = [pattern for (pattern,) in connection.execute("SELECT pattern FROM ses_bounces.protected")]
        if sorted(current) == wanted:
            return
        with connection.transaction():
            connection.execute(statement("ledger/lock_state"))
            connection.execute(statement("ledger/make_protected_due"), {"patterns": sorted(set(wanted) ^ set(current))})
            connection.execute(statement("ledger/mirror_protected"), {"patterns": wanted})
