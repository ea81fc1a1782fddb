"""The COPY that puts received messages into ``ses_bounces.message``."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ses_bounces.base.aws.answers import Received
from ses_bounces.base.database.connection import is_of_rows, name_of
from ses_bounces.classify.body import has_no_effect
from ses_bounces.classify.entry import SendingStatus
from ses_bounces.classify.provenance import published
from ses_bounces.classify.rules import NO_EFFECT, WARNINGS, Rules
from ses_bounces.classify.sending import sending_statuses
from ses_bounces.classify.unwrapping import Event, Problem, clean, unwrap
from ses_bounces.ledger.sending_status import note_sending

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

log = logging.getLogger(__name__)

# How many of the last received messages tell the age of those still in the queue.
LATE_MESSAGES = 1_000
MAX_TYPE_CHARACTERS = 200

_COPY = (
    "COPY ses_bounces.message (sqs_message_id, queue_url, event_type, body, sent_at, receive_count, outcome, reason)"
    " FROM STDIN"
)


@dataclass
class _Read:
    """What a body is.

    ``published_at``: of its last event, not later than SQS got it. ``is_settled``: its types alone say that it has no
    effect. ``problem``: it could not be looked at.
    """

    event_type: str | None
    published_at: datetime
    is_settled: bool = False
    problem: str | None = None
    statuses: tuple[SendingStatus, ...] = ()


@dataclass
class Landed:
    """What became of a batch: how many messages have no effect and are settled by that; those that were refused."""

    no_effect: int = 0
    refused: list[Received] = field(default_factory=list)


class Landing:
    """Lands batches of one queue; each call of :meth:`land` is one committed transaction."""

    def __init__(self, connection: Connection, queue_url: str, rules: Rules, keep_no_effect_bodies: bool) -> None:
        self._connection = connection
        self._queue_url = queue_url
        self._rules = rules
        self._keep_no_effect_bodies = keep_no_effect_bodies
        self._sent: deque[datetime] = deque(maxlen=LATE_MESSAGES)
        # What SES said of sending, of the batch that is landed.
        self._statuses: list[SendingStatus] = []
        self.max_lag_seconds = 0.0

    @property
    def oldest_of_late(self) -> datetime | None:
        """Send time of the oldest among the last messages landed: about that of the oldest still in the queue."""
        return min(self._sent, default=None)

    def land(self, messages: list[Received]) -> Landed:
        """Commit messages as SQS gave them.

        A batch that Postgres refuses for its data is halved until the one message is alone, and refused.

        :raises psycopg.Error: what was committed of these messages stays so.
        """
        try:
            return Landed(self._copy(messages))
        except Exception as error:
            if not is_of_rows(error):
                raise
            if len(messages) == 1:
                log.error("SQS message %s can't be stored (%s)", messages[0].get("MessageId"), name_of(error))
                return Landed(refused=messages)
        middle = len(messages) // 2
        first, second = self.land(messages[:middle]), self.land(messages[middle:])
        return Landed(first.no_effect + second.no_effect, first.refused + second.refused)

    def _copy(self, messages: list[Received]) -> int:
        """Commit messages; returns how many have no effect."""
        no_effect = 0
        self._statuses = []
        now = datetime.now(UTC)
        with self._connection.transaction():
            # Deleted from the queue as soon as this returns: it must be on disk by then.
            self._connection.execute("SET LOCAL synchronous_commit = on")
            with self._connection.cursor().copy(_COPY) as copy:
                for message in messages:
                    row = self._row(message)
                    no_effect += row[6] == "no_effect"
                    copy.write_row(row)
            note_sending(self._connection, self._statuses)
        self.max_lag_seconds = max((now - sent).total_seconds() for sent in list(self._sent)[-len(messages) :])
        return no_effect

    def _row(self, message: Received) -> tuple[object, ...]:
        attributes = message.get("Attributes", {})
        body = clean(message["Body"], len(message["Body"])) or ""
        sent = attributes.get("SentTimestamp")
        sent_at = datetime.fromtimestamp(int(sent) / 1000, UTC) if sent else datetime.now(UTC)
        read = self._read(body, sent_at)
        self._statuses += read.statuses
        self._sent.append(sent_at)
        return (
            message["MessageId"],
            self._queue_url,
            clean(read.event_type, MAX_TYPE_CHARACTERS),
            None if read.is_settled and not self._keep_no_effect_bodies else body,
            read.published_at,
            int(attributes.get("ApproximateReceiveCount", 1)),
            "no_effect" if read.is_settled else "pending",
            NO_EFFECT[read.event_type] if read.is_settled and read.event_type else read.problem,
        )

    def _read(self, body: str, sent_at: datetime) -> _Read:
        try:
            items = unwrap(body)
            is_settled = has_no_effect(items, self._rules)
            # The last: of several in one body none is then taken for later than it was.
            published_at = max(published(item, sent_at) or sent_at for item in items)
        except Exception as error:
            # A fault of ours: it must not stop the others, and is looked at when the message is classified.
            log.error("A message can't be read (%s): it is landed as it is", name_of(error))
            return _Read(None, sent_at, problem=f"could not be read ({name_of(error)})")
        types = [item.type for item in items if isinstance(item, Event)]
        read = _Read(next(iter(types), None), published_at, is_settled)
        if is_settled:
            # Classification never sees it.
            self._tell(items, types, read, sent_at)
        return read

    def _tell(self, items: list[Event | Problem], types: list[str], read: _Read, sent_at: datetime) -> None:
        for type_ in dict.fromkeys(types):
            if type_ in WARNINGS:
                log.warning("%s", NO_EFFECT[type_])
        read.statuses = sending_statuses(items, sent_at)
