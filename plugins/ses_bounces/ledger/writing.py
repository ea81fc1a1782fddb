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

from ses_bounces.base.database.statements import statement
from ses_bounces.classify.entry import SES, Entry
from ses_bounces.classify.rules import RULES_VERSION
from ses_bounces.ledger.copying import Item, copy_addresses, copy_deliveries, copy_events
from ses_bounces.ledger.erased.guard import conceal_entries, secret_of
from ses_bounces.ledger.figures.deliveries import count_deliveries
from ses_bounces.ledger.moment import moment_of
from ses_bounces.ledger.pace import Pace

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Loops without a pace write this many addresses in one transaction: few enough that nobody at a page notices.
ADDRESSES_PER_CHUNK = 1_500

# The latest deliveries of an address that are kept, by time; see docs/semantics.md.
DELIVERIES_KEPT = 4
# Greater than any possible id.
_NO_ID = 2**63 - 1


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

    def append(self, entries: Iterable[Item], actor: str = SES, lifts: list[str] | None = None) -> None:
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
        # Addresses that this call registered have no entries and no deliveries yet.
        known = {id_ for id_ in ids.values() if id_ < first_new}
        events, deliveries = self._divide(ordered)
        for key in self._recorded([key for key, item in events.items() if ids[item[0].address] in known]):
            del events[key]
        self._write_events(list(events.values()), ids, actor, lifts)
        kept = self._write_deliveries(deliveries, ids, first_new) if deliveries else 0
        late = [ids[e.address] for e, _ in events.values() if e.kind == "transient_bounce"]
        self._end_episodes([id_ for id_ in late if id_ in known], are_deliveries=bool(deliveries))
        if deliveries:
            self._keep_deliveries(kept)

    def _divide(self, ordered: list[Item]) -> tuple[dict[bytes, Item], list[Item]]:
        """Tell what goes into the ledger, the first of each ``dedup_key``, from deliveries, which are kept apart."""
        row = self.connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        now = row[0]
        events: dict[bytes, Item] = {}
        deliveries: list[Item] = []
        for item in ordered:
            # A delivery dated in the future goes into the ledger: as the newest it would hide the one before it.
            if item[0].kind == "delivery" and item[0].occurred_at <= now:
                deliveries.append(item)
            else:
                events.setdefault(item[0].dedup_key, item)
        return events, deliveries

    def _end_episodes(self, late: list[int], *, are_deliveries: bool) -> None:
        """Append the deliveries that end an episode of transient bounces.

        :param late: known addresses with a new transient bounce, whose episode an earlier delivery may end.
        """
        if are_deliveries or late:
            ending = {"ids": late, "rules_version": RULES_VERSION}
            self._count(self.connection.execute(statement("ledger/insert_ending_deliveries"), ending).fetchall())

    def _keep_deliveries(self, kept: int) -> None:
        """Keep the latest deliveries of each address.

        :param kept: how many of the new ones may be among them; where others are as well, they are merged.
        """
        row = self.connection.execute(statement("ledger/upsert_last_deliveries")).fetchone()
        if row != (kept,):
            self.connection.execute(statement("ledger/merge_last_deliveries"))
        self.connection.execute("TRUNCATE incoming_delivery")

    def append_replayed(self, event_ids: list[int], dedup_keys: list[bytes]) -> None:
        """Supersede entries, and append those that a replay makes in their place, or in addition; see ``replay.py``.

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

    def _register(self, items: list[Item]) -> tuple[dict[str, int], int]:
        """Return the id of each address, and the id from which on they were registered by this."""
        reported: dict[str, str] = {}
        for entry, _ in items:
            reported.setdefault(entry.address, entry.address_as_reported)
        copy_addresses(self.connection, reported)
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

    def _write_events(self, items: list[Item], ids: dict[str, int], actor: str, lifts: list[str] | None) -> None:
        copy_events(self.connection, items, ids, actor, lifts)
        if items:
            earliest = items[0][0].occurred_at
            self._earliest = min(self._earliest or earliest, earliest)
        self.changes.entries.update(e.kind for e, _ in items)
        self._touched.update(ids[e.address] for e, _ in items)

    def _write_deliveries(self, items: list[Item], ids: dict[str, int], first_new: int) -> int:
        """Count deliveries, and write them into their work table; returns how many may be kept as one of the latest."""
        places = _places(items)
        copy_deliveries(self.connection, items, ids, places)
        are_known = any(ids[e.address] < first_new for e, _ in items)
        count_deliveries(self.connection, items, first_new, have_known=are_known)
        return sum(place is not None for place in places)

    def touch(self, address_ids: Iterable[int]) -> None:
        """Have the projections of these addresses brought up to date, whether entries were appended or not."""
        self._touched.update(address_ids)

    def touch_due(self, limit: int) -> int:
        """The same for up to ``limit`` addresses whose deadline has passed; returns how many there were."""
        at, expire_before = moment_of(self.connection)
        due = {"at": at, "expire_before": expire_before, "limit": limit}
        cursor = self.connection.execute(statement("ledger/touch_due_addresses"), due)
        return cursor.rowcount

    def refresh(self) -> None:
        """Bring the projections of all touched addresses to their state now."""
        at, expire_before = moment_of(self.connection)
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

    def _count(self, rows: list[tuple[Any, ...]]) -> None:
        for kind, count, earliest in rows:
            self.changes.entries[kind] += count
            self._earliest = min(self._earliest or earliest, earliest)


def _places(items: list[Item]) -> list[int | None]:
    """Return which place each delivery has among the latest of its address, from 1; None: it is not to be kept.

    :param items: in the order of their time.
    """
    places: list[int | None] = [1] * len(items)
    if len({e.address for e, _ in items}) == len(items):
        return places
    latest: dict[str, list[bytes]] = {}
    for index in range(len(items) - 1, -1, -1):
        e = items[index][0]
        keys = latest.setdefault(e.address, [])
        if len(keys) < DELIVERIES_KEPT and e.dedup_key not in keys:
            keys.append(e.dedup_key)
            places[index] = len(keys)
        else:
            places[index] = None
    return places


def lock_state(connection: Connection) -> None:
    """Wait for the other writers of state, and keep them waiting until the transaction ends."""
    connection.execute(statement("ledger/lock_state"))


@contextlib.contextmanager
def writing(connection: Connection, pace: Pace | None = None) -> Iterator[Writer]:
    """Open the transaction in which state is written; it commits at the end, with the projections up to date.

    :param connection: autocommit.
    :param pace: of a loop of such transactions; is told how long this one kept others waiting.
    """
    # Where there are erased addresses: a secrets backend is not asked while others wait.
    secret_of(connection)
    with connection.transaction():
        lock_state(connection)
        began = time.perf_counter()
        connection.execute(statement("ledger/create_work_tables"))
        writer = Writer(connection)
        yield writer
        writer.refresh()
        if pace is not None:
            pace.note_waiting(connection)
    if pace is not None:
        pace.note_held(time.perf_counter() - began)
