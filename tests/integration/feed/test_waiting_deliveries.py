"""A delivery that waits where nothing could be read ends a transient problem before its deadline is acted upon."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from ses_bounces.base.aws.answers import Received
from ses_bounces.base.database import connection as connections
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import FeedError, QueueError
from ses_bounces.classify.rules import Rules
from ses_bounces.dags.tasks import hourly
from ses_bounces.doctor.feed_checks import check_read_queues
from ses_bounces.doctor.finding import Findings
from ses_bounces.feed import planning
from ses_bounces.feed.drain import drain
from ses_bounces.feed.sqs.queue import Depth, SqsQueue
from ses_bounces.ledger.promotion import promote_expired
from tests.kit.builders import bounce, delivery, iso
from tests.kit.tasks import Tasks

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/bounces"
DEAD = f"{URL}-dead"
ARN = "arn:aws:sqs:eu-west-1:123456789012:bounces-dead"
ADDRESS = "ann@example.com"
DAY = timedelta(days=1)


class Queue(SqsQueue):
    """A queue in memory; ``refuses`` is raised by whatever is asked."""

    def __init__(self, url: str = URL) -> None:
        super().__init__(None, url)
        self.waiting: list[Received] = []
        self.in_flight = 0
        self.refuses: Exception | None = None
        self.dead_letters: Queue | None = None
        self.visibility = timedelta(seconds=120)

    def send(self, event: dict[str, Any], days_ago: float) -> None:
        sent = datetime.now(UTC) - days_ago * DAY
        content = event.get("bounce") or event["delivery"]
        content["timestamp"] = iso(sent)
        event["mail"]["timestamp"] = iso(sent - timedelta(seconds=5))
        number = str(len(self.waiting))
        attributes = {"SentTimestamp": str(int(sent.timestamp() * 1000)), "ApproximateReceiveCount": "1"}
        self.waiting.append(
            {"MessageId": number, "Body": json.dumps(event), "ReceiptHandle": number, "Attributes": attributes}
        )

    def receive(self) -> list[Received]:
        if self.refuses is not None:
            raise self.refuses
        batch, self.waiting = self.waiting[:10], self.waiting[10:]
        return batch

    def delete(self, receipt_handles: Any) -> list[str]:
        return []

    def give_back(self, receipt_handles: Any) -> None:
        pass

    def depth(self) -> Depth:
        if self.refuses is not None:
            raise self.refuses
        arn = ARN if self.dead_letters else None
        return Depth(len(self.waiting), self.in_flight, arn, timedelta(days=4), self.visibility)

    def dead_letter_queue(self, arn: str) -> SqsQueue:
        assert self.dead_letters is not None
        return self.dead_letters


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    made = Queue()

    def opened(*_: object) -> Queue:
        if isinstance(made.refuses, QueueError):
            raise made.refuses
        return made

    monkeypatch.setattr(planning, "open_queue", opened)
    monkeypatch.setattr("ses_bounces.feed.sqs.queue.open_queue", opened)
    return made


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Tasks:
    aws = json.dumps({"conn_type": "aws", "extra": {"region_name": "eu-west-1"}})
    return Tasks(monkeypatch, database_url, aws, queue_urls=[URL])


def hour(tasks: Tasks) -> None:
    """A run of the DAG, whose tasks go on where one of the drains fails."""
    jobs = hourly.plan_drain(tasks.context("plan_drain"))
    for job in jobs:
        with suppress(FeedError, QueueError):
            hourly.drain_queue(tasks.context("drain_queue"), job)
    hourly.classify_bounces(tasks.context("classify_bounces"))
    hourly.promote_expired_transients(tasks.context("promote_expired_transients"))


def blocked(connection: Connection) -> list[str]:
    query = "SELECT reason FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL"
    return [reason for (reason,) in connection.execute(query)]


def days_read(connection: Connection) -> dict[str, float]:
    """How many days ago each queue is known to have been read to."""
    query = "SELECT queue_url, extract(epoch FROM clock_timestamp() - read_to) / 86400 FROM ses_bounces.queue_read"
    return {url: round(float(days), 2) for url, days in connection.execute(query)}


def let_days_pass(connection: Connection, days: float) -> None:
    """As if all that was noted so far had been noted so much earlier."""
    for table, names in (
        ("queue", ("first_drained_at", "last_drained_at", "emptied_at", "left_since", "given_at", "held_until")),
        ("awaited_queue", ("seen_empty_at",)),
        ("address_event", ("occurred_at", "deadline")),
        ("bounce_list", ("first_bounced_at", "last_bounced_at", "transient_fix_deadline", "due_at", "opened_at")),
    ):
        changes = ", ".join(f"{name} = {name} - %(days)s * interval '1 day'" for name in names)
        connection.execute(f"UPDATE ses_bounces.{table} SET {changes}", {"days": days})  # type: ignore[arg-type]


REFUSALS: list[Exception] = [FeedError("sqs:ReceiveMessage failed"), QueueError("403: it can't be opened")]


@pytest.mark.parametrize("refusal", REFUSALS, ids=["fails", "can't be opened"])
def test_a_queue_that_can_not_be_read_for_three_days(
    database: Connection, queue: Queue, tasks: Tasks, refusal: Exception
) -> None:
    queue.send(bounce(ADDRESS, "Transient"), 12.5)
    hour(tasks)
    assert days_read(database) == {URL: 0}
    queue.refuses = refusal
    for _ in range(3):
        let_days_pass(database, 1)
        hour(tasks)
        assert blocked(database) == []
    assert days_read(database) == {URL: 3}
    findings = Findings("ledger")
    check_read_queues(findings, database)
    found = findings.all[0]
    assert (found.check, found.subject, found.severity) == ("deadlines", "bounces", "critical")
    # The delivery was sent to it meanwhile; the deadline was a day and a half ago.
    queue.refuses = None
    queue.send(delivery(ADDRESS), 2)
    hour(tasks)
    assert (blocked(database), days_read(database)) == ([], {URL: 0})
    ended = database.execute("SELECT close_reason FROM ses_bounces.bounce_list").fetchall()
    assert ended == [("delivered",)]


def test_what_a_queue_has_thrown_away_is_not_waited_for(database: Connection, queue: Queue, tasks: Tasks) -> None:
    queue.send(bounce(ADDRESS, "Transient"), 12.5)
    hour(tasks)
    let_days_pass(database, 3)
    queue.refuses = FeedError("sqs:ReceiveMessage failed")
    hour(tasks)
    assert blocked(database) == []
    # It keeps messages for four days: nothing of the day of the deadline is there any more.
    let_days_pass(database, 3)
    hour(tasks)
    assert days_read(database) == {URL: 4}
    assert blocked(database) == ["expired_transient"]


def test_a_drain_that_is_killed(
    database: Connection, database_url: str, queue: Queue, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What kills it at its end is not asked to note anything."""
    queue.send(bounce(ADDRESS, "Transient"), 12.5)
    hour(tasks)
    let_days_pass(database, 2)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ses_bounces.feed.drain._record", killed)
    with pytest.raises(KeyboardInterrupt):
        drain(queue, URL, partial(connections.connect_url, database_url), Rules())
    promote_expired(database)
    assert blocked(database) == []


def test_the_first_drain_of_all_fails(database: Connection, database_url: str, queue: Queue) -> None:
    """Nothing is known of the queue: all that it may keep is waited for."""
    queue.refuses = FeedError("sqs:ReceiveMessage failed")
    with pytest.raises(FeedError):
        drain(queue, URL, partial(connections.connect_url, database_url), Rules())
    assert days_read(database) == {URL: 14}


def test_a_backfill_before_the_drain(database: Connection, queue: Queue, tasks: Tasks) -> None:
    queue.send(bounce(ADDRESS, "Transient"), 12.5)
    hour(tasks)
    let_days_pass(database, 3)
    queue.send(delivery(ADDRESS), 2)
    context = tasks.context("plan_drain")
    context["dag_run"].run_type = "backfill"
    assert hourly.plan_drain(context) == []
    for task in (hourly.classify_bounces, hourly.promote_expired_transients):
        task(tasks.context(task.__name__))
    assert blocked(database) == []
    hour(tasks)
    assert blocked(database) == []


def test_a_backfill_before_the_first_drain_of_all(database: Connection, queue: Queue, tasks: Tasks) -> None:
    context = tasks.context("plan_drain")
    context["dag_run"].run_type = "backfill"
    hourly.plan_drain(context)
    assert days_read(database) == {URL: 14}


def test_a_queue_that_the_settings_name_no_more_is_not_waited_for(
    database: Connection, queue: Queue, tasks: Tasks
) -> None:
    hour(tasks)
    let_days_pass(database, 2)
    tasks.settings["queue_urls"] = [f"{URL}-new"]
    context = tasks.context("plan_drain")
    context["dag_run"].run_type = "backfill"
    hourly.plan_drain(context)
    assert days_read(database) == {f"{URL}-new": 14}


def test_a_dead_letter_queue_that_is_empty_is_read(
    database: Connection, queue: Queue, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.dead_letters = Queue(DEAD)
    monkeypatch.setattr("ses_bounces.feed.sqs.queue.SqsQueue", lambda *_: queue.dead_letters)
    hour(tasks)
    let_days_pass(database, 1)
    assert days_read(database) == {URL: 1, DEAD: 1}
    hour(tasks)
    assert days_read(database) == {URL: 0, DEAD: 0}
    # It has something, and that can't be read.
    let_days_pass(database, 1)
    queue.dead_letters.send(delivery(ADDRESS), 0)
    monkeypatch.setattr(queue.dead_letters, "receive", lambda: (_ for _ in ()).throw(FeedError("no")))
    hour(tasks)
    assert days_read(database)[DEAD] == 1
    queue.dead_letters = None
    hour(tasks)
    assert days_read(database) == {URL: 0}


def test_what_others_have_in_flight_is_waited_for_no_longer_than_it_may_be(
    database: Connection, queue: Queue, tasks: Tasks
) -> None:
    hour(tasks)
    let_days_pass(database, 1)
    queue.in_flight = 1
    hour(tasks)
    assert days_read(database) == {URL: 1}
    # An hour later there is something in flight again; whatever it was then has come back since, or is gone.
    let_days_pass(database, 1 / 24)
    hour(tasks)
    assert days_read(database) == {URL: 0.04}
    queue.visibility = timedelta(seconds=-1)
    hour(tasks)
    assert days_read(database) == {URL: 0}
    row = database.execute(statement("ledger/select_moment")).fetchone()
    assert row is not None
    assert row[0] - row[1] < timedelta(minutes=5)


@pytest.mark.parametrize("visibility", [timedelta(hours=12), timedelta(minutes=2)])
def test_a_queue_that_is_never_quiet_does_not_stop_time(
    database: Connection, queue: Queue, tasks: Tasks, visibility: timedelta
) -> None:
    """Somebody always holds something: what is in flight now is waited for, not what comes after it."""
    hour(tasks)
    queue.in_flight, queue.visibility = 1, visibility
    behind = []
    for _ in range(60):
        let_days_pass(database, 1 / 24)
        hour(tasks)
        behind.append(days_read(database)[URL])
    # Until it may have come back twice: while it was waited for, and while the next was.
    assert max(behind) <= 2 * (visibility + timedelta(hours=1)) / DAY + 0.05
    # And no later than that either: what was in flight may be a delivery.
    assert min(behind[2:]) >= min(visibility, timedelta(minutes=59)) / DAY - 0.02


def test_a_host_clock_that_is_ahead_does_not_date_a_drain(
    database: Connection, database_url: str, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What occurred before the first drain of a queue is not braked: a drain dated ahead would switch the brake off."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(hours=2)

    monkeypatch.setattr("ses_bounces.feed.drain.datetime", Ahead)
    monkeypatch.setattr("ses_bounces.feed.landing.datetime", Ahead)
    drain(queue, URL, partial(connections.connect_url, database_url), Rules())
    query = "SELECT first_drained_at <= clock_timestamp(), emptied_at <= clock_timestamp() FROM ses_bounces.queue"
    assert database.execute(query).fetchone() == (True, True)
