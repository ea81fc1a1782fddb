"""Many messages, drained and classified over several Celery workers, of which one is killed halfway."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

from dev.aws import Feed
from dev.celery_lists import Lists
from dev.celery_stack import CeleryStack
from dev.generate import bodies
from dev.stack import DAG_ID
from ses_bounces.feed.sqs.queue import VISIBILITY_SECONDS

# Messages in one queue at a time: the emulator looks through a whole queue for each receipt.
MOST_IN_A_QUEUE = 2_500
# Put into each queue in turn: a drainer that finds its queue empty for a second ends.
SENT_AT_ONCE = 200
POLL_SECONDS = 0.5
# What the killed worker held is visible again after two minutes; then another run takes it.
MOST_RUNS = 8
RUN_SECONDS = 3_600
DRAIN = "drain_queue"


@dataclass
class Outcome:
    """What there was at the end, and what there should be."""

    messages: int
    seconds: float = 0.0
    runs: list[str] = field(default_factory=list)
    killed_at: int = 0
    killed_processes: int = 0
    killed_drains: int = 0
    # By worker: how many tries of the drain it has logged.
    attempts: dict[str, int] = field(default_factory=dict)
    # By worker: messages landed by those of its drains that came to their end. A killed drain notes nothing.
    landed: dict[str, int] = field(default_factory=dict)
    # Landed messages, with those that landed a second time since a killed drain had not yet deleted them.
    rows: int = 0
    expected: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    # Where the lists are not what the messages say.
    differences: list[str] = field(default_factory=list)

    @property
    def landed_by_killed(self) -> int:
        """Messages landed by the drains that were killed."""
        return self.rows - sum(self.landed.values())

    @property
    def figures(self) -> dict[str, int]:
        """What to show, in the order of time."""
        return {
            "messages landed when a worker was killed": self.killed_at,
            "drains killed with it": self.killed_drains,
            "messages landed by those": self.landed_by_killed,
            **{f"tries of the drain on {name}": number for name, number in self.attempts.items()},
            **{f"messages landed by finished drains on {name}": number for name, number in self.landed.items()},
            "messages landed twice and entered once": self.rows - self.found.get("messages", 0),
            **self.found,
        }

    @property
    def problems(self) -> list[str]:
        """What is not as it should be, in sentences."""
        told = [
            f"{name}: {self.found.get(name, 0):,}; it must be {number:,}"
            for name, number in self.expected.items()
            if self.found.get(name, 0) != number
        ]
        told += self.differences
        told += [f"{worker} has drained nothing" for worker, tries in self.attempts.items() if not tries]
        told += [f"run {number} is {state}" for number, state in enumerate(self.runs, 1) if state != "success"]
        if not self.killed_processes:
            told.append("no worker was killed: the messages were drained before")
        return told


def run(
    data: Path,
    messages: int,
    workers: int = 2,
    queues: int = 4,
    visibility_seconds: int = VISIBILITY_SECONDS,
    say: Callable[[str], None] = lambda _step: None,
) -> Outcome:
    """Starts everything, drains the messages, and ends everything. RuntimeError if a part of it does not start.

    `visibility_seconds`: for how long SQS hides what a drain has received.
    """
    outcome = Outcome(messages)
    say(f"Redis, PostgreSQL, AWS emulator with {queues} queues, Airflow, {workers} Celery workers")
    with CeleryStack(data, workers, queues, visibility_seconds) as stack:
        say(f"{messages:,} messages")
        feeder = Feeder(stack.feeds, messages)
        feeder.start()
        feeder.wait_filled()
        began = time.monotonic()
        run_ids: list[str] = []
        ended = threading.Event()
        victim = threading.Thread(target=_kill_halfway, args=(stack, outcome, ended, say))
        victim.start()
        while feeder.is_alive() or stack.depth():
            if len(outcome.runs) == MOST_RUNS:
                break
            run_id = stack.airflow.api.trigger(DAG_ID)
            run_ids.append(run_id)
            say(f"Run {len(outcome.runs) + 1}")
            outcome.runs.append(stack.airflow.api.wait_for_run(DAG_ID, run_id, RUN_SECONDS))
            _wait_for_visibility(stack)
        outcome.seconds = time.monotonic() - began
        ended.set()
        victim.join()
        feeder.raise_error()
        outcome.attempts = {worker.name: worker.attempts(DRAIN) for worker in stack.workers}
        outcome.expected = {"messages": messages, "still in the queues": 0, **feeder.expected}
        outcome.found = _found(stack.database_url) | {"still in the queues": stack.depth()}
        outcome.differences = feeder.lists.differences(stack.database_url)
        outcome.landed, outcome.rows = _landed(stack, run_ids)
    return outcome


class Feeder(threading.Thread):
    """Fills the queues in turn, each as far as the emulator bears it, until all messages are sent."""

    def __init__(self, feeds: list[Feed], messages: int) -> None:
        super().__init__(name="feeder", daemon=True)
        self._feeds = feeds
        self._texts = bodies(messages)
        self._filled = threading.Event()
        self._kinds: Counter[str] = Counter()
        self.lists = Lists()
        self.error: Exception | None = None

    def run(self) -> None:
        """Sends everything."""
        try:
            while (sent := self._fill_all()) is not None:
                if not sent:
                    self._filled.set()
                    time.sleep(POLL_SECONDS / 5)
        except Exception as error:
            self.error = error
        self._filled.set()

    def wait_filled(self) -> None:
        """Waits until each queue is full, or all is sent."""
        self._filled.wait()
        self.raise_error()

    def raise_error(self) -> None:
        """Raises RuntimeError if it could not go on."""
        if self.error:
            raise RuntimeError("the queues can't be filled") from self.error

    @property
    def expected(self) -> dict[str, int]:
        """What the ledger must have, by kind; each message is of an address of its own."""
        return {"entries": self._kinds.total(), "addresses": self._kinds.total(), **self._kinds}

    def _fill_all(self) -> int | None:
        """Sends some to each queue that has room, so that none runs empty; how many, None when all are sent."""
        sent = 0
        for feed in self._feeds:
            if feed.depth() < MOST_IN_A_QUEUE:
                texts = list(islice(self._texts, SENT_AT_ONCE))
                if not texts:
                    return None
                feed.send_bodies(texts)
                self._kinds.update(self.lists.take_in(texts))
                sent += len(texts)
        return sent


def _kill_halfway(stack: CeleryStack, outcome: Outcome, ended: threading.Event, say: Callable[[str], None]) -> None:
    """Kills the worker in the middle of the drains that have landed most, when half of the messages have landed."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        while not ended.wait(POLL_SECONDS / 5):
            landed = _one(connection, "SELECT count(*) FROM ses_bounces.message")
            if landed < outcome.messages // 2:
                continue
            drains = _running_drains(connection, stack)
            worker = max(stack.workers, key=lambda worker: sum(drains[worker.name]))
            if any(drains[worker.name]):
                outcome.killed_at, outcome.killed_processes = landed, worker.kill()
                outcome.killed_drains = len(drains[worker.name])
                say(f"Killed {worker.name}: {outcome.killed_processes} processes, when {landed:,} messages had landed")
                return


def _running_drains(connection: psycopg.Connection[Any], stack: CeleryStack) -> dict[str, list[int]]:
    """How much each drain that runs has landed, by worker."""
    # By the tasks' own notes: until Airflow's API has answered, much more has landed. A queue has one drainer.
    query = """
        SELECT d.run_id, d.task_id, d.map_index, d.try_number,
            (SELECT count(*) FROM ses_bounces.message m WHERE m.queue_url = (%(queues)s::text[])[d.map_index + 1])
            - (SELECT coalesce(sum((f.counts ->> 'landed')::bigint), 0) FROM ses_bounces.run f
               WHERE f.task_id = d.task_id AND f.map_index = d.map_index AND f.finished_at IS NOT NULL)
        FROM ses_bounces.run d WHERE d.task_id = %(task)s AND d.finished_at IS NULL
    """
    parameters = {"queues": [feed.queue_url for feed in stack.feeds], "task": DRAIN}
    found = connection.execute(query, parameters).fetchall()
    return {worker.name: [int(landed) for *one, landed in found if worker.has_tried(*one)] for worker in stack.workers}


def _wait_for_visibility(stack: CeleryStack) -> None:
    """Waits until nothing is in flight; where nothing else waits, that is what a killed worker held."""
    sqs = stack.aws.client("sqs")
    name = "ApproximateNumberOfMessagesNotVisible"
    for feed in stack.feeds:
        while int(sqs.get_queue_attributes(QueueUrl=feed.queue_url, AttributeNames=[name])["Attributes"][name]):
            time.sleep(POLL_SECONDS)


def _landed(stack: CeleryStack, run_ids: list[str]) -> tuple[dict[str, int], int]:
    """What the finished drains of each worker landed, and how many landed in all."""
    landed = {worker.name: 0 for worker in stack.workers}
    with psycopg.connect(stack.database_url) as connection:
        query = "SELECT run_id, task_id, map_index, try_number, counts FROM ses_bounces.run WHERE run_id = ANY(%s)"
        for *one, counts in connection.execute(query, [run_ids]):
            for worker in stack.workers:
                if one[1] == DRAIN and counts and worker.has_tried(*one):
                    landed[worker.name] += counts.get("landed", 0)
        return landed, _one(connection, "SELECT count(*) FROM ses_bounces.message")


def _found(database_url: str) -> dict[str, int]:
    with psycopg.connect(database_url) as connection:
        query = "SELECT kind, count(*) FROM ses_bounces.address_event WHERE superseded_at IS NULL GROUP BY kind"
        kinds: list[tuple[str, int]] = connection.execute(query).fetchall()
        return {
            "messages": _one(connection, "SELECT count(DISTINCT sqs_message_id) FROM ses_bounces.message"),
            "entries": _one(connection, "SELECT count(*) FROM ses_bounces.address_event WHERE superseded_at IS NULL"),
            "addresses": _one(connection, "SELECT count(*) FROM ses_bounces.address"),
            **dict(kinds),
        }


def _one(connection: psycopg.Connection[tuple[int]], query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
