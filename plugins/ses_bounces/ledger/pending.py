"""From landed messages to state: classify what is pending, chunk by chunk."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ses_bounces.base.counted import counted
from ses_bounces.base.database.connection import is_of_rows, name_of, quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import CertificateError, SesBouncesError
from ses_bounces.classify.body import classify_body
from ses_bounces.classify.entry import Classification
from ses_bounces.classify.rules import WARNINGS, Rules
from ses_bounces.classify.signature import Verify
from ses_bounces.ledger.brake.limit import Brake
from ses_bounces.ledger.erased.guard import conceal_bodies, names_in, read_texts
from ses_bounces.ledger.landed import Message
from ses_bounces.ledger.pace import Pace
from ses_bounces.ledger.sending_status import note_sending
from ses_bounces.ledger.writing import Changes, writing

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

log = logging.getLogger(__name__)

# What is in memory: a chunk that is worked on, and the next one.
MESSAGES_PER_CHUNK = 6_000
BYTES_PER_CHUNK = 16 * 1024 * 1024
# What is written in one transaction at most, while others wait: entries, of which a message without any counts as one.
ENTRIES_PER_BATCH = 6_000
PROGRESS_SECONDS = 10

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


_Result = tuple[Message, Classification]


@dataclass
class Classified:
    """What a call classified: messages by outcome, those quarantined by reason, and the changes of state.

    ``left``: ids of messages that stay pending, as their signatures could not be checked; ``why_left``: of the first.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    changes: Changes = field(default_factory=Changes)
    brake: Brake | None = None
    left: set[int] = field(default_factory=set)
    why_left: str = ""

    @property
    def messages(self) -> int:
        """How many messages were classified."""
        return sum(self.outcomes.values())


def classify_pending(
    connection: Connection,
    rules: Rules,
    keep_no_effect_bodies: bool = False,
    seconds: float = float("inf"),
    max_new_blocks: int | None = None,
    verify: Verify | None = None,
) -> Classified:
    """Classify every pending message, the oldest first, in transactions that are short, and shorter while others wait.

    A batch that Postgres refuses for its data is halved until the one message is alone and quarantined.

    :param connection: autocommit.
    :param seconds: begin no further batch after this long.
    :param max_new_blocks: of a domain and day; see :mod:`ses_bounces.ledger.brake.limit`.
    :param verify: checks SNS's signatures, if the rules say so; never called within a transaction of its thread. The
        messages for which it raises :class:`CertificateError` stay pending, and others go on.
    :raises DatabaseError: what is done stays done; repeat to go on.
    """
    total = Classified()
    pace = Pace(ENTRIES_PER_BATCH)
    began = reported = time.monotonic()
    with quiet(), ThreadPoolExecutor(1, "classify") as reader:
        total.brake = Brake.of(connection, max_new_blocks)
        backlog = _Backlog(connection, rules, verify, total)
        batch = backlog.next_batch()
        while batch and time.monotonic() - began < seconds:
            # Read while Postgres works on the batch before.
            backlog.fetch()
            reading = reader.submit(backlog.read)
            for part in _parts(batch, pace, began + seconds):
                _apply_batch(connection, part, keep_no_effect_bodies, total, pace)
            batch = reading.result() or backlog.go_on()
            if time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                each_second = total.messages / (reported - began)
                log.info("Classified %s, %.0f a second", counted(total.messages, "message"), each_second)
    return total


class _Backlog:
    """What is pending, the oldest first, in batches that cost no more than they may."""

    def __init__(self, connection: Connection, rules: Rules, verify: Verify | None, total: Classified) -> None:
        self._connection = connection
        self._rules = rules
        self._verify = verify
        self._total = total
        self._messages: deque[Message] = deque()
        self._last: Message | None = None
        self._is_second = False
        # Classified already: the first of the next batch.
        self._next: list[_Result] = []

    def fetch(self) -> None:
        """Have messages in memory, if there are more; outside of transactions."""
        if not self._messages:
            self._messages.extend(_next_chunk(self._connection, self._last))
            self._last = self._messages[-1] if self._messages else self._last

    def go_on(self) -> list[_Result]:
        """Return the next batch when all that was fetched is read; empty: there is no more."""
        left = self._total.left
        # All that was fetched may stay pending, with more behind it.
        if left and (batch := self.next_batch()):
            return batch
        # What was sent before the last one may have been landed after it was fetched.
        self._last = None
        if (batch := self.next_batch()) or not left or self._is_second:
            return batch
        # Once more, by what is known now: a host that has given others lacks this certificate.
        self._is_second = True
        left.clear()
        self._total.why_left = ""
        self._last = None
        return self.next_batch()

    def next_batch(self) -> list[_Result]:
        """Fetch and classify, past what stays pending, until there is a batch, or nothing more."""
        while True:
            self.fetch()
            is_last = not self._messages
            if (batch := self.read()) or is_last:
                return batch

    def read(self) -> list[_Result]:
        """Classify the next batch, of what was fetched."""
        batch, entries = self._next, sum(_cost(result) for result in self._next)
        self._next = []
        while self._messages:
            message = self._messages.popleft()
            if message.message_id in self._total.left:
                continue
            try:
                result = message, _classify(message, self._rules, self._verify)
            except CertificateError as error:
                self._total.left.add(message.message_id)
                self._total.why_left = self._total.why_left or str(error)
                continue
            entries += _cost(result)
            if batch and entries > ENTRIES_PER_BATCH:
                self._next = [result]
                break
            batch.append(result)
        return batch


def _parts(batch: list[_Result], pace: Pace, until: float) -> Iterator[list[_Result]]:
    """Yield what each transaction is to write, by the pace of the ones before; after the first, none once it is late.

    :param until: by time.monotonic().
    """
    begin = 0
    while begin < len(batch) and (begin == 0 or time.monotonic() < until):
        end, entries = begin + 1, _cost(batch[begin])
        while end < len(batch) and (entries := entries + _cost(batch[end])) <= pace.size:
            end += 1
        yield batch[begin:end]
        begin = end


def _cost(result: _Result) -> int:
    return len(result[1].entries) or 1


def _next_chunk(connection: Connection, after: Message | None = None) -> list[Message]:
    """Return the oldest pending messages, up to a number of messages and a number of bytes of their bodies.

    :param after: only those behind this one.
    """
    position = {
        "sent_at": after.sent_at if after else _BEFORE_ALL,
        "message_id": after.message_id if after else 0,
        "limit": MESSAGES_PER_CHUNK,
        "bytes": BYTES_PER_CHUNK,
    }
    with connection.transaction(), connection.cursor(binary=True) as cursor:
        # Otherwise Postgres reads and sorts a backlog that autovacuum has not seen yet for every chunk.
        connection.execute("SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        return [Message(*row) for row in cursor.execute(statement("ledger/select_pending_messages"), position)]


def _classify(message: Message, rules: Rules, verify: Verify | None = None) -> Classification:
    try:
        return classify_body(message.body, rules, message.sent_at, verify)
    except SesBouncesError:
        # The certificates, or the connection that fetches them, are at fault, not the message.
        raise
    except Exception as error:
        # A fault of ours must not stop the others; the error's text may hold the address.
        return _refused(message, f"could not be read ({name_of(error)})")


def _refused(message: Message, reason: str) -> Classification:
    log.warning("Message %d %s", message.message_id, reason)
    return Classification("quarantined", reason, [])


def _apply_batch(
    connection: Connection, results: list[_Result], keep_no_effect_bodies: bool, total: Classified, pace: Pace
) -> None:
    try:
        _apply(connection, results, keep_no_effect_bodies, total, pace)
    except Exception as error:
        if not is_of_rows(error):
            raise
        if len(results) > 1:
            middle = len(results) // 2
            _apply_batch(connection, results[:middle], keep_no_effect_bodies, total, pace)
            _apply_batch(connection, results[middle:], keep_no_effect_bodies, total, pace)
        else:
            message = results[0][0]
            reason = f"could not be stored ({name_of(error)})"
            _apply(connection, [(message, _refused(message, reason))], keep_no_effect_bodies, total, pace)


def _apply(
    connection: Connection, results: list[_Result], keep_no_effect_bodies: bool, total: Classified, pace: Pace
) -> None:
    names = names_in(connection, ((message.message_id, message.body) for message, _ in results))
    read_texts(connection, (entry for _, result in results for entry in result.entries))
    with writing(connection, pace) as writer:
        pace.writes(sum(_cost(result) for result in results))
        if total.brake is not None:
            results = total.brake.hold(connection, results)
        # Outcomes first: what this transaction settles is no longer waiting when state is computed.
        for key, messages in _by_outcome(results, keep_no_effect_bodies).items():
            _update_outcomes(connection, key, messages)
        writer.append((entry, message.message_id) for message, result in results for entry in result.entries)
        bodies = ((message.message_id, message.body, result.entries) for message, result in results)
        conceal_bodies(connection, bodies, names)
        note_sending(connection, (status for _, result in results for status in result.statuses))
    total.changes += writer.changes
    for _, result in results:
        total.outcomes[result.outcome] += 1
        if result.outcome == "quarantined":
            total.reasons[result.reason or ""] += 1
        elif result.event_type in WARNINGS and result.reason:
            log.warning("%s", result.reason)


_Key = tuple[str, str | None, str | None, bool]


def _by_outcome(results: Iterable[_Result], keep_no_effect_bodies: bool) -> dict[_Key, list[Message]]:
    grouped: dict[_Key, list[Message]] = {}
    for message, result in results:
        is_plain_delivery = result.outcome == "applied" and all(entry.kind == "delivery" for entry in result.entries)
        keep = keep_no_effect_bodies or not (result.outcome == "no_effect" or is_plain_delivery)
        changed = result.event_type != message.event_type
        key = (result.outcome, result.reason, result.event_type if changed else None, keep)
        grouped.setdefault(key, []).append(message)
    return grouped


def _update_outcomes(connection: Connection, key: _Key, messages: list[Message]) -> None:
    outcome, reason, event_type, keep_body = key
    received = [message.received_at for message in messages]
    connection.execute(
        statement("ledger/update_outcomes"),
        {
            "ids": [message.message_id for message in messages],
            "first": min(received),
            "last": max(received),
            "outcome": outcome,
            "reason": reason,
            "event_type": event_type,
            "keep_body": keep_body,
        },
    )
