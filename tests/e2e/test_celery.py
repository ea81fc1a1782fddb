"""The DAG over two Celery workers that share no disk, one of them killed while it drains: each message counts once."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from dev import celery_run, processes
from dev.celery_lists import Lists
from dev.celery_run import Outcome
from dev.generate import bodies
from dev.redis import LocalRedis
from dev.stack import CELERY, AlreadyRunningError, clean, only_one

pytestmark = pytest.mark.e2e

MESSAGES = 4_000
# The product's own 120 s would only be waited for.
VISIBILITY_SECONDS = 20


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return celery_run.run(tmp_path_factory.mktemp("celery"), MESSAGES, visibility_seconds=VISIBILITY_SECONDS)


def test_no_message_is_lost_and_none_counts_twice(outcome: Outcome) -> None:
    assert outcome.problems == []
    assert outcome.found == outcome.expected
    assert outcome.found["messages"] == outcome.found["entries"] == outcome.found["addresses"] == MESSAGES
    kinds = {name: outcome.found[name] for name in ("permanent_bounce", "transient_bounce", "complaint")}
    assert sum(kinds.values()) == MESSAGES
    assert min(kinds.values()) > MESSAGES // 20


def test_a_worker_was_killed_and_the_other_did_its_work(outcome: Outcome) -> None:
    assert MESSAGES // 2 <= outcome.killed_at < MESSAGES
    assert outcome.killed_drains >= 1
    assert outcome.landed_by_killed > 0
    assert max(outcome.landed.values()) > 0
    # The worker, its pool, and a task at least.
    assert outcome.killed_processes >= 3
    assert set(outcome.attempts) == {"worker1", "worker2"}
    # There is one drainer for each queue, and one more try of each that was killed.
    assert sum(outcome.attempts.values()) > 4 * len(outcome.runs)


def test_what_is_wrong_is_told() -> None:
    wrong = Outcome(
        10, runs=["success", "failed"], attempts={"worker1": 3, "worker2": 0}, expected={"messages": 10, "entries": 10},
        found={"messages": 9, "entries": 10},
    )  # fmt: skip
    assert wrong.problems == [
        "messages: 9; it must be 10",
        "worker2 has drained nothing",
        "run 2 is failed",
        "no worker was killed: the messages were drained before",
    ]


def test_lists_that_are_wrong_are_told(database_url: str) -> None:
    """An outcome where nothing landed."""
    lists = Lists()
    kinds = list(lists.take_in(bodies(10)))
    assert len(kinds) == len(lists.open) == 10
    blocked = sum(kind != "transient_bounce" for kind in kinds)
    assert [told.partition(",")[0] for told in lists.differences(database_url)] == [
        f"blocked: {blocked} missing", "on the bounce list: 10 missing",
    ]  # fmt: skip


def test_redis_listens_on_the_loopback_interface_and_is_found_by_its_mark(tmp_path: Path) -> None:
    with LocalRedis(tmp_path / "redis") as redis:
        (process,) = processes.marked(redis.directory)
        listening = {(c.laddr.ip, c.laddr.port) for c in process.net_connections("inet") if c.status == "LISTEN"}
        assert listening == {("127.0.0.1", redis.port)}
    assert not psutil.pid_exists(process.pid)


def test_what_a_killed_run_left_is_ended_and_forgotten(tmp_path: Path) -> None:
    owner = tmp_path / CELERY / "worker1"
    owner.mkdir(parents=True)
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    left = processes.spawn("a worker", command, {}, owner / "worker.log", owner)
    with only_one(tmp_path / CELERY), pytest.raises(AlreadyRunningError):
        clean(tmp_path)
    left.check_alive()
    clean(tmp_path)
    # With what status is not known: whoever ends a process may be the one who learns it.
    left.process.wait(timeout=10)
    assert not psutil.pid_exists(left.process.pid)
    assert not tmp_path.exists()
