"""Messages of a window read again with today's rules: tried first, then done.

Entries that today's rules don't make any more are superseded, not deleted, and only if their own message was read
again. A window whose messages are gone changes nothing; nor does one that was replayed already.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from ses_bounces.base.counted import counted
from ses_bounces.base.database.connection import name_of, quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import ReplayError, SesBouncesError
from ses_bounces.classify.body import classify_body
from ses_bounces.classify.entry import Classification, Entry
from ses_bounces.classify.rules import RULES_VERSION, Rules
from ses_bounces.classify.signature import Verify
from ses_bounces.ledger.moment import moment_of
from ses_bounces.ledger.rebuild import Window
from ses_bounces.ledger.registry import keys_of
from ses_bounces.ledger.replay_tables import create_tables, keep, own_session
from ses_bounces.ledger.writing import Changes, Writer, writing

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

log = logging.getLogger(__name__)

ACTOR = "replay"
REASON = "a replay took away what blocked the address; its old transient problem ends with that"
MESSAGES_PER_CHUNK = 5_000
BYTES_PER_CHUNK = 16 * 1024 * 1024
CHANGES_PER_CHUNK = 1_000
IDS_KEPT = 100
PROGRESS_SECONDS = 10


@dataclass(frozen=True)
class Change:
    """A difference between the ledger and today's rules.

    ``event_id`` is the entry that would be superseded, None where none was made; ``new_kind`` None: none is made now.
    """

    event_id: int | None
    address_id: int | None
    old_kind: str | None
    dedup_key: bytes | None
    new_kind: str | None

    @property
    def name(self) -> str:
        """What it is, in words."""
        if self.old_kind == self.new_kind:
            return f"{self.new_kind}, otherwise noted"
        return f"{self.old_kind or 'nothing'} → {self.new_kind or 'nothing'}"


@dataclass
class Replayed:
    """What a replay found, and did.

    ``messages``: read again. ``found``: by kind of change, how many, and the ids of the first 100 addresses that are on
    record. ``outcomes``: messages by ``before → now``, where they differ. ``changes``: of state, if it was done.
    """

    messages: int = 0
    found: dict[str, tuple[int, list[int]]] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)
    superseded: int = 0
    # How many addresses were erased when the messages were read.
    erased: int = 0
    # What the session that has the work tables is known by.
    token: UUID = field(default_factory=uuid4)

    def lines(self) -> list[str]:
        """The table for the log; no address is in it."""
        rows = [f"{name:55} {count:>9,}  {_ids(ids)}" for name, (count, ids) in sorted(self.found.items())]
        rows += [f"{'messages ' + name:55} {count:>9,}" for name, count in sorted(self.outcomes.items())]
        return rows or ["Nothing differs."]


def rules_key(rules: Rules) -> str:
    """Return what tells whether a window was tried with the rules of today: their version, and the settings' part."""
    settings = [
        str(rules.grace), rules.promotion, sorted(rules.promotion_excludes), sorted(rules.allowed_topic_arns),
        rules.allow_raw, rules.promote_auto_replies, rules.verify_signatures,
    ]  # fmt: skip
    digest = hashlib.blake2b(json.dumps(settings).encode(), digest_size=8).hexdigest()
    return f"{RULES_VERSION}-{digest}"


def try_replay(connection: Connection, rules: Rules, window: Window, verify: Verify | None = None) -> Replayed:
    """Say what a replay would change, and note that it was said; nothing else is changed.

    :param connection: autocommit; its session gets temporary tables.
    :param window: of the messages' send times; from inclusive, to exclusive, aware.
    :param verify: checks SNS's signatures, if the rules say so. A message that an erased address was taken out of can't
        be checked any more, and is left as it is.
    :raises ReplayError: the window has no length.
    :raises CertificateError: a signature can't be checked now; nothing is changed.
    :raises DatabaseError: repeat.
    """
    replayed, changes = _read(connection, rules, window, verify)
    with quiet():
        with own_session(connection, replayed.token):
            counts = connection.execute(statement("ledger/replay/count_messages")).fetchall()
        for before, outcome, count in counts:
            replayed.outcomes[f"{before} → {outcome}"] = count
        noted = {"found": {name: count for name, (count, _) in replayed.found.items()}, "outcomes": replayed.outcomes}
        connection.execute(statement("ledger/replay/note_tried"), _key(rules, window) | {"changes": json.dumps(noted)})
    would_change = counted(len(changes), "entry", "entries")
    log.info("Read %s again; %s would change", counted(replayed.messages, "message"), would_change)
    return replayed


def replay(connection: Connection, rules: Rules, window: Window, verify: Verify | None = None) -> Replayed:
    """Do it: in chunks, each one transaction. Killed and repeated, it goes on. As :func:`try_replay`.

    :raises ReplayError: also when the window was not tried with these rules before.
    """
    with quiet():
        tried = connection.execute(statement("ledger/replay/select_tried"), _key(rules, window)).fetchone()
    if tried is None:
        raise ReplayError(
            f"The window {window[0]:%Y-%m-%d %H:%M} to {window[1]:%Y-%m-%d %H:%M} was not tried with today's rules and "
            "settings. Run it with dry_run first, and read what it would change."
        )
    replayed, changes = _read(connection, rules, window, verify)
    with quiet():
        for chunk in _chunks(changes):
            _apply(connection, chunk, replayed)
        with own_session(connection, replayed.token):
            counts = connection.execute(statement("ledger/replay/update_messages")).fetchall()
        for before, outcome, count in counts:
            replayed.outcomes[f"{before} → {outcome}"] = count
        connection.execute(statement("ledger/replay/note_applied"), _key(rules, window))
    return replayed


def _key(rules: Rules, window: Window) -> dict[str, Any]:
    return {"first": window[0], "last": window[1], "rules": rules_key(rules)}


def _read(connection: Connection, rules: Rules, window: Window, verify: Verify | None) -> tuple[Replayed, list[Change]]:
    """Classify the window's messages into work tables, and compare those with the ledger.

    The whole window at once: copies of one event are anywhere in it.
    """
    if window[0] >= window[1]:
        raise ReplayError(f"The window begins at {window[0]} and ends at {window[1]}: it must end later.")
    replayed = Replayed(erased=_erased(connection))
    reported = time.monotonic()
    with quiet():
        create_tables(connection, replayed.token)
        for chunk in _messages(connection, window):
            # Before the transaction: certificates are fetched for it.
            results = [(row, read) for row in chunk if (read := _classify(row, rules, verify)) is not None]
            with own_session(connection, replayed.token):
                keep(connection, results)
            replayed.messages += len(results)
            if time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                log.info("Read %s again so far", counted(replayed.messages, "message"))
        parameters = {"first": window[0], "last": window[1]}
        with own_session(connection, replayed.token):
            connection.execute("ANALYZE replayed_message, replayed_entry")
            rows = connection.execute(statement("ledger/replay/select_changes"), parameters).fetchall()
        changes = [Change(*row) for row in rows]
    grouped: dict[str, list[int | None]] = defaultdict(list)
    for change in changes:
        grouped[change.name].append(change.address_id)
    for name, ids in grouped.items():
        known = sorted({id_ for id_ in ids if id_ is not None})
        replayed.found[name] = len(ids), known[:IDS_KEPT]
    return replayed, changes


def _classify(row: tuple[Any, ...], rules: Rules, verify: Verify | None) -> Classification | None:
    if rules.verify_signatures and row[5]:
        # Its body is not what was signed any more; what it led to was decided when it was.
        return None
    try:
        return classify_body(row[4], rules, row[2], verify)
    except SesBouncesError:
        raise
    except Exception as error:
        # A fault of ours: the message counts as not read again, and keeps the entries that it has.
        log.error("Message %d could not be read (%s): it is left as it is", row[0], name_of(error))
        return None


def _messages(connection: Connection, window: Window) -> Iterator[list[tuple[Any, ...]]]:
    # Nothing is received before it was sent, except where two clocks differ.
    position = {"received": window[0].replace(hour=0, minute=0, second=0, microsecond=0), "id": 0}
    while True:
        wanted = {"first": window[0], "last": window[1], "limit": MESSAGES_PER_CHUNK, "bytes": BYTES_PER_CHUNK}
        rows = connection.execute(statement("ledger/replay/select_messages"), wanted | position).fetchall()
        if not rows:
            return
        yield rows
        position = {"received": rows[-1][1], "id": rows[-1][0]}


def _chunks(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Part the changes; those of one address stay together, so that its state is never seen halfway."""
    chunk: list[Change] = []
    for change in changes:
        if len(chunk) >= CHANGES_PER_CHUNK and (change.address_id is None or change.address_id != chunk[-1].address_id):
            yield chunk
            chunk = []
        chunk.append(change)
    if chunk:
        yield chunk


def _apply(connection: Connection, changes: Sequence[Change], replayed: Replayed) -> None:
    event_ids = [change.event_id for change in changes if change.event_id is not None]
    keys = [change.dedup_key for change in changes if change.dedup_key is not None and change.new_kind is not None]
    ids = sorted({change.address_id for change in changes if change.address_id is not None})
    with own_session(connection, replayed.token), writing(connection) as writer:
        if _erased(connection) != replayed.erased:
            raise ReplayError("An address was erased while the messages were read again. Repeat the replay.")
        before = _causes(connection, ids)
        writer.append_replayed(event_ids, keys)
        writer.refresh()
        _end_old_transients(connection, writer, before)
    replayed.changes += writer.changes
    replayed.superseded += sum(writer.superseded.values())


def _end_old_transients(connection: Connection, writer: Writer, before: dict[int, set[str]]) -> None:
    """End the transient problems that block addresses only since the replay took away what blocked them."""
    now = _causes(connection, before)
    freed = [
        id_
        for id_, causes in before.items()
        if causes - {"expired_transient"} and "expired_transient" not in causes and now[id_] == {"expired_transient"}
    ]
    if not freed:
        return
    at = moment_of(connection).at
    entries = [
        Entry("transient_deleted", address, address, at, _dedup_key(id_, at), reason=REASON)
        for id_, address in keys_of(connection, freed).items()
    ]
    writer.append(((entry, None) for entry in entries), ACTOR)


def _erased(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM ses_bounces.erased_address").fetchone()
    return int(row[0]) if row else 0


def _causes(connection: Connection, ids: Sequence[int] | dict[int, set[str]]) -> dict[int, set[str]]:
    causes: dict[int, set[str]] = {id_: set() for id_ in ids}
    # Not the open blocks: a deadline that messages in the queue hold back would block as soon as they are drained.
    for id_, reason in connection.execute(
        statement("ledger/replay/select_blocking_causes"), {"ids": list(causes), "at": moment_of(connection).at}
    ):
        causes[id_].add(reason)
    return causes


def _dedup_key(address_id: int, at: datetime) -> bytes:
    return hashlib.blake2b(f"replay {address_id} {at.isoformat()}".encode(), digest_size=16).digest()


def _ids(ids: Sequence[int]) -> str:
    return f"addresses {', '.join(map(str, ids[:10]))}{', …' if len(ids) > 10 else ''}" if ids else ""
