"""Steps of a walk in which a queue can't be read, or only in part: deadlines wait for what may be in it."""

from __future__ import annotations

from random import Random
from typing import Any

from ses_bounces.base.database.statements import statement
from ses_bounces.feed.queues import mirror_queues
from tests.kit.walk.events import DAY, HALF_DAY
from tests.kit.walk.world import World

QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/of-the-walk"
RETENTION = 4 * DAY


def fall_behind(world: World, r: Random) -> None:
    """A drain ends before the queue is empty, or the queue can't be opened at all."""
    if world.read_to is not None:
        return
    world.blocked_before = world.expired_blocks()
    mirror_queues(world.connection, [QUEUE_URL])
    if r.random() < 0.3:
        # SQS told how long it keeps messages, and nothing after that.
        awaited = {"queue_url": QUEUE_URL, "belongs_to": QUEUE_URL, "retention": RETENTION, "is_empty": False}
        world.connection.execute(statement("feed/note_awaited_queue"), awaited)
        # Time goes on in the walk by seconds.
        world.read_to = world.clock() - RETENTION + HALF_DAY / 12
    else:
        world.read_to = world.now - r.randrange(1, 28) * HALF_DAY
        _note_drain(world, left_since=world.read_to)


def catch_up(world: World, _r: Random) -> None:
    """A drain finds the queue empty, and promotion goes on."""
    if world.read_to is not None:
        mirror_queues(world.connection, [QUEUE_URL])
        _note_drain(world, left_since=None)
        _end(world)


def forget_queue(world: World, _r: Random) -> None:
    """The settings name the queue no more."""
    if world.read_to is not None:
        mirror_queues(world.connection, [])
        _end(world)


def _note_drain(world: World, left_since: Any) -> None:
    noted = {
        "queue_url": QUEUE_URL,
        "belongs_to": QUEUE_URL,
        "began": world.clock(),
        "gave_all": left_since is None,
        "in_flight": False,
        "visibility": None,
        "left_since": left_since,
    }
    world.connection.execute(statement("feed/upsert_queue"), noted)


def _end(world: World) -> None:
    world.read_to = None
    world.is_owed = True
    # What the walk knows of deadlines is by the clock: nothing else holds it up.
    world.connection.execute("DELETE FROM ses_bounces.awaited_queue")
    world.connection.execute("DELETE FROM ses_bounces.queue")
