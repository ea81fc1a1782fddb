"""How many drainers each queue gets."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ses_bounces.base import metrics
from ses_bounces.base.counted import counted
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import SesBouncesError
from ses_bounces.base.settings import Queue, Settings
from ses_bounces.feed.gaps import note_gap
from ses_bounces.feed.sqs.queue import Depth, SqsQueue, open_queue

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

log = logging.getLogger(__name__)

Job = dict[str, Any]

# So much work is worth a drainer of its own.
MESSAGES_PER_DRAINER = 20_000


def plan_queue(settings: Settings, queue: Queue, connection: Connection) -> Iterator[Job]:
    """Yield the drainers' jobs of one queue, and of its dead-letter queue; note what it has thrown away unread.

    The deeper the queue, the more drainers; a queue that can't be asked gets one, which fails and says why.
    """

    def job(url: str, max_messages: int | None) -> Job:
        return {"queue_url": queue.url, "url": url, "max_messages": max_messages}

    try:
        opened = open_queue(settings, queue)
        depth = opened.depth()
    except SesBouncesError as error:
        # The other queues still count; the drainer of this one will fail for the same reason.
        log.error("%s", error)
        yield job(queue.url, settings.max_messages)
        return
    note_gap(connection, queue, depth.retention)
    _note_awaited(connection, queue.url, queue.url, depth, is_empty=False)
    # The depth is approximate: a queue that says it is empty is looked into all the same.
    drainers = max(1, _drainers(depth.waiting, settings))
    log.info(
        "%s holds about %s, %d in flight: %s",
        queue.name,
        counted(depth.waiting, "message"),
        depth.in_flight,
        counted(drainers, "drainer"),
    )
    metrics.gauge("queue_depth", depth.waiting, {"queue": queue.name})
    yield from (job(queue.url, share) for share in _shares(settings.max_messages, drainers))
    if depth.dead_letter_arn:
        yield from _plan_dead_letters(connection, opened, depth.dead_letter_arn, queue, job, settings)
    else:
        _forget_dead_letters(connection, queue, None)


def _forget_dead_letters(connection: Connection, queue: Queue, url: str | None) -> None:
    """Await no more what is in other dead-letter queues of a queue than this one."""
    connection.execute(statement("feed/forget_dead_letters"), {"queue_url": queue.url, "dead_letter_url": url})


def _note_awaited(connection: Connection, url: str, belongs_to: str, depth: Depth, *, is_empty: bool) -> None:
    noted = {"queue_url": url, "belongs_to": belongs_to, "retention": depth.retention, "is_empty": is_empty}
    connection.execute(statement("feed/note_awaited_queue"), noted)


def _drainers(waiting: int, settings: Settings) -> int:
    """Return how many drainers have enough to do with the waiting messages, or with those that a run may take."""
    work = min(waiting, settings.max_messages or waiting)
    return min(settings.max_drainers, math.ceil(work / MESSAGES_PER_DRAINER))


def _shares(max_messages: int | None, drainers: int) -> list[int | None]:
    """Return what each drainer may take of the most messages of a queue; None: no limit."""
    if max_messages is None:
        return [None] * drainers
    share, more = divmod(max_messages, drainers)
    return [share + (number < more) for number in range(drainers)]


def _plan_dead_letters(
    connection: Connection,
    opened: SqsQueue,
    arn: str,
    queue: Queue,
    job: Callable[[str, int | None], Job],
    settings: Settings,
) -> Iterator[Job]:
    try:
        dead_letters = opened.dead_letter_queue(arn)
        _forget_dead_letters(connection, queue, dead_letters.url)
        depth = dead_letters.depth()
    except SesBouncesError as error:
        # As above: all other queues are drained, and the drainer of this one fails for the same reason.
        log.error("%s", error)
        account, name = arn.split(":")[-2:]
        yield job(f"{queue.url.rsplit('/', 2)[0]}/{account}/{name}", settings.max_messages)
        return
    waiting, is_empty = depth.waiting, not depth.waiting and not depth.in_flight
    _note_awaited(connection, dead_letters.url, queue.url, depth, is_empty=is_empty)
    metrics.gauge("dead_letter_depth", waiting, {"queue": dead_letters.url.rpartition("/")[2]})
    if waiting:
        log.warning("The dead-letter queue holds about %s: it is drained as well", counted(waiting, "message"))
    if not is_empty:
        shares = _shares(settings.max_messages, max(1, _drainers(waiting, settings)))
        yield from (job(dead_letters.url, share) for share in shares)
