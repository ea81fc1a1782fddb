"""Times whose messages are lost: SQS threw them away unread, or Postgres was put back to an earlier time."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ses_bounces.base import sites
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.settings import Queue

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

log = logging.getLogger(__name__)


def note_gap(connection: Connection, queue: Queue, retention: timedelta) -> bool:
    """Note the times whose messages a queue has thrown away before they were read; returns whether there are new ones.

    The reports of those days say so.

    :param connection: autocommit.
    :param retention: how long the queue keeps messages.
    """
    with quiet(), connection.transaction():
        parameters = {"queue_url": queue.url, "retention": retention}
        row = connection.execute(statement("feed/note_feed_gap"), parameters).fetchone()
        if row is None:
            return False
        first, last = row
        connection.execute(statement("feed/mark_stale_of_gap"), {"first": first, "last": last})
    log.warning(
        "%s was not drained for longer than it keeps messages: those of %s to %s UTC may be missing. Trigger "
        "%s with First day and Last day of that time: SES kept what bounced and complained",
        queue.name, f"{first:%Y-%m-%d %H:%M}", f"{last:%Y-%m-%d %H:%M}", sites.dag_id(sites.SUPPRESSION_SYNC),
    )  # fmt: skip
    return True


class Gap(NamedTuple):
    """The send times (aware, to exclusive) of which messages of a queue may be lost."""

    queue_url: str
    first: datetime
    last: datetime

    @property
    def queue(self) -> str:
        """The queue's name."""
        return self.queue_url.rpartition("/")[2]


def restore_gaps(connection: Connection, restored_to: datetime, queue_urls: Iterable[str] = ()) -> list[Gap]:
    """Return what a restore of Postgres lost, by queue.

    SQS had handed those messages over, and deleted them once they were committed.

    :param restored_to: the time to which Postgres was put back, aware.
    :param queue_urls: of the settings; queues that are on record are looked at as well.
    """
    wanted = {"restored_to": restored_to, "queue_urls": list(queue_urls)}
    rows = connection.execute(statement("feed/select_restore_gaps"), wanted).fetchall()
    return [Gap(*row) for row in rows]


def note_restore_gaps(connection: Connection, gaps: Sequence[Gap]) -> int:
    """Note these gaps, and have the reports of their days made again; returns how many reports that are."""
    noted = {
        "queue_urls": [gap.queue_url for gap in gaps],
        "firsts": [gap.first for gap in gaps],
        "lasts": [gap.last for gap in gaps],
    }
    connection.execute(statement("feed/upsert_restore_gaps"), noted)
    return sum(
        connection.execute(statement("feed/mark_stale_of_gap"), {"first": gap.first, "last": gap.last}).rowcount
        for gap in gaps
    )
