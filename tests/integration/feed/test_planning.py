"""How many drainers a queue gets: by its depth, up to the setting, and none needlessly."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ses_bounces.base.exceptions import FeedError
from ses_bounces.base.settings import Queue, Settings
from ses_bounces.feed import planning
from ses_bounces.feed.sqs.queue import Depth, SqsQueue

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/bounces"
DEAD = "https://sqs.eu-west-1.amazonaws.com/123456789012/bounces-dead"
ARN = "arn:aws:sqs:eu-west-1:123456789012:bounces-dead"


class DeepQueue(SqsQueue):
    """A queue of that depth, and of that of its dead-letter queue; None: SQS does not answer, or there is none."""

    def __init__(self, url: str, waiting: int | None, in_flight: int = 0, dead: int | None = None) -> None:
        super().__init__(None, url)
        self.waiting, self.in_flight, self.dead = waiting, in_flight, dead

    def depth(self) -> Depth:
        if self.waiting is None:
            raise FeedError("sqs:GetQueueAttributes failed")
        arn = None if self.dead is None else ARN
        return Depth(self.waiting, self.in_flight, arn, timedelta(days=14))

    def dead_letter_queue(self, arn: str) -> SqsQueue:
        assert arn == ARN
        return DeepQueue(DEAD, self.dead)


def plan(
    database: Connection, monkeypatch: pytest.MonkeyPatch, queue: DeepQueue, **settings: Any
) -> list[tuple[str, int | None]]:
    """URL and limit of each drainer."""
    monkeypatch.setattr(planning, "open_queue", lambda *_: queue)
    jobs = list(planning.plan_queue(Settings(queue_urls=[URL], **settings), Queue(url=URL), database))
    assert {job["queue_url"] for job in jobs} == {URL}
    return [(job["url"], job["max_messages"]) for job in jobs]


@pytest.mark.parametrize(
    ("waiting", "max_drainers", "drainers"),
    [
        # Approximate: it may hold some.
        (0, 4, 1),
        (1, 4, 1),
        (20_000, 4, 1),
        (20_001, 4, 2),
        (60_000, 4, 3),
        (60_001, 4, 4),
        (50_000_000, 4, 4),
        (50_000_000, 1, 1),
        (50_000_000, 64, 64),
        (1_279_999, 64, 64),
    ],
)
def test_deeper_queues_get_more_drainers(
    database: Connection, monkeypatch: pytest.MonkeyPatch, waiting: int, max_drainers: int, drainers: int
) -> None:
    planned = plan(database, monkeypatch, DeepQueue(URL, waiting), max_drainers=max_drainers)
    assert planned == [(URL, None)] * drainers


def test_what_others_hold_is_no_work(database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(database, monkeypatch, DeepQueue(URL, 100, in_flight=1_000_000)) == [(URL, None)]


@pytest.mark.parametrize(
    ("most", "limits"),
    [(1, [1]), (20_000, [20_000]), (20_001, [10_001, 10_000]), (50_000, [16_667, 16_667, 16_666])],
)
def test_a_run_that_may_take_few_gets_drainers_for_those(
    database: Connection, monkeypatch: pytest.MonkeyPatch, most: int, limits: list[int]
) -> None:
    planned = plan(database, monkeypatch, DeepQueue(URL, 1_000_000), max_messages=most)
    assert planned == [(URL, limit) for limit in limits]


@pytest.mark.parametrize(("dead", "drainers"), [(None, 0), (0, 0), (1, 1), (20_001, 2), (1_000_000, 4)])
def test_the_dead_letter_queue_gets_drainers_by_its_own_depth(
    database: Connection, monkeypatch: pytest.MonkeyPatch, dead: int | None, drainers: int
) -> None:
    planned = plan(database, monkeypatch, DeepQueue(URL, 0, dead=dead))
    assert planned == [(URL, None)] + [(DEAD, None)] * drainers


def test_a_queue_that_does_not_answer_gets_one_drainer_to_say_why(
    database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert plan(database, monkeypatch, DeepQueue(URL, None), max_messages=7) == [(URL, 7)]


@pytest.mark.parametrize("refused", ["dead_letter_queue", "depth"])
def test_a_dead_letter_queue_that_does_not_answer_stops_no_other(
    database: Connection, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    """The queue itself is drained, and the dead-letter queue gets the drainer that says why it fails."""
    queue = DeepQueue(URL, 30_000, dead=1)

    def refuse(*_: Any) -> None:
        raise FeedError("sqs:GetQueueUrl failed")

    if refused == "depth":
        dead = DeepQueue(DEAD, None)
        monkeypatch.setattr(queue, "dead_letter_queue", lambda _arn: dead)
    else:
        monkeypatch.setattr(queue, refused, refuse)
    assert plan(database, monkeypatch, queue, max_messages=700) == [(URL, 700), (DEAD, 700)]
