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
from ses_bounces.classify.message import Event, clean, unwrap
from ses_bounces.classify.rules import NO_EFFECT, WARNINGS, Rules

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
        now = datetime.now(UTC)
        with self._connection.transaction():
            # Deleted from the queue as soon as this returns: it must be on disk by then.
            self._connection.execute("SET LOCAL synchronous_commit = on")
            with self._connection.cursor().copy(_COPY) as copy:
                for message in messages:
                    row = self._row(message)
                    no_effect += row[6] == "no_effect"
                    copy.write_row(row)
        self.max_lag_seconds = max((now - sent).total_seconds() for sent in list(self._sent)[-len(messages) :])
        return no_effect

    def _row(self, message: Received) -> tuple[object, ...]:
        attributes = message.get("Attributes", {})
        body = clean(message["Body"], len(message["Body"])) or ""
        sent = attributes.get("SentTimestamp")
        sent_at = datetime.fromtimestamp(int(sent) / 1000, UTC) if sent else datetime.now(UTC)
        event_type, published_at, settled, problem = self._read(body)
        self._sent.append(sent_at)
        return (
            message["MessageId"],
            self._queue_url,
            clean(event_type, MAX_TYPE_CHARACTERS),
            None if settled and not self._keep_no_effect_bodies else body,
            published_at or sent_at,
            int(attributes.get("ApproximateReceiveCount", 1)),
            "no_effect" if settled else "pending",
            NO_EFFECT[event_type] if settled and event_type else problem,
        )

    def _read(self, body: str) -> tuple[str | None, datetime | None, bool, str | None]:
        """Return the event's type, when it was published, whether that settles it, and what is wrong with the body."""
        try:
            items = unwrap(body)
            settled = has_no_effect(items, self._rules)
        except Exception as error:
            # A fault of ours: it must not stop the others, and is looked at when the message is classified.
            log.error("A message can't be read (%s): it is landed as it is", name_of(error))
            return None, None, False, f"could not be read ({name_of(error)})"
        types = [item.type for item in items if isinstance(item, Event)]
        event_type = next(iter(types), None)
        # Classification never sees what is settled here.
        for type_ in dict.fromkeys(types) if settled else ():
            if type_ in WARNINGS:
                log.warning("%s", NO_EFFECT[type_])
        return event_type, next((item.published_at for item in items if item.published_at), None), settled, None
