"""How many messages SQS says that there are: asked in a few threads of its own, once for all who look at the same time.

SQS may be slow to answer, or not to be had at all: that costs no thread that Airflow answers with, and a viewer who
reloads the page asks nothing twice.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from ses_bounces.base.exceptions import AwsError, SesBouncesError
from ses_bounces.base.settings import Queue, Settings
from ses_bounces.base.sites import current
from ses_bounces.feed.sqs.queue import Depth, open_queue
from ses_bounces.web.dependencies import SettingsDep

THREADS = 4
# A person waits: for an answer of SQS, and for all that the page needs.
QUEUE_SECONDS = 2
PAGE_SECONDS = 5.0
# What SQS said is shown again for as long,
KEPT_SECONDS = 5.0
# and while it is asked again, if it said so within this time.
FORGOTTEN_SECONDS = 60.0


@dataclass(frozen=True)
class Seen:
    """What SQS says of a queue and of its dead letters; ``error``: why it doesn't."""

    name: str
    depth: Depth | None = None
    dead: Depth | None = None
    error: SesBouncesError | None = None


@dataclass
class _Asked:
    """When SQS was asked, what it says, and what it said the time before."""

    at: float
    answer: Future[Seen]
    before: Seen | None


_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="ses-bounces-queue")
_lock = threading.Lock()
# By site, queue and connection.
_asked: dict[tuple[str, str, str | None], _Asked] = {}


async def queue_depths(settings: SettingsDep) -> list[Seen]:
    """Return what SQS says of each queue; it never raises, and takes 5 seconds at most."""
    answers = [_answer_of(settings, queue) for queue in settings.queue_urls]
    waiting = [asyncio.wrap_future(answer) for answer in answers if isinstance(answer, Future)]
    if waiting:
        await asyncio.wait(waiting, timeout=PAGE_SECONDS)
    return [_seen(queue, answer) for queue, answer in zip(settings.queue_urls, answers, strict=True)]


def _answer_of(settings: Settings, queue: Queue) -> Future[Seen] | Seen:
    """Ask SQS, if it was not asked in the last seconds; otherwise return what it says, or said before that."""
    key = (current().name, queue.url, settings.queue_connection(queue))
    now = time.monotonic()
    with _lock:
        known = _asked.get(key)
        if known and not known.answer.done():
            # One waits; the others need not.
            return known.before or known.answer
        if known and now - known.at < KEPT_SECONDS:
            return known.answer
        # Those of former settings are nobody's; older ones are no longer true.
        for old in [old for old, asked in _asked.items() if asked.answer.done() and now - asked.at > FORGOTTEN_SECONDS]:
            del _asked[old]
        before = known.answer.result() if known and key in _asked else None
        answer = _pool.submit(contextvars.copy_context().run, _ask, settings, queue)
        _asked[key] = _Asked(now, answer, before)
        return answer


def _seen(queue: Queue, answer: Future[Seen] | Seen) -> Seen:
    if isinstance(answer, Seen):
        return answer
    return answer.result() if answer.done() else Seen(queue.name, error=_silent(queue))


def _ask(settings: Settings, queue: Queue) -> Seen:
    try:
        opened = open_queue(settings, queue, read_seconds=QUEUE_SECONDS, attempts=1)
        depth = opened.depth()
        dead = opened.dead_letter_queue(depth.dead_letter_arn).depth() if depth.dead_letter_arn else None
        seen = Seen(queue.name, depth, dead)
    except SesBouncesError as error:
        seen = Seen(queue.name, error=error)
    return seen


def _silent(queue: Queue) -> AwsError:
    return AwsError(
        f"sqs:GetQueueAttributes on {queue.url} is not answered for {PAGE_SECONDS:.0f} seconds: check the Airflow "
        "connection's region, endpoint and credentials."
    )
