"""The DAG over two Celery workers that share no disk, one of them killed while it drains: each message counts once."""

from __future__ import annotations

import pytest

from dev import celery_run
from dev.celery_run import Outcome

pytestmark = pytest.mark.e2e

MESSAGES = 4_000


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return celery_run.run(tmp_path_factory.mktemp("celery"), MESSAGES)


def test_no_message_is_lost_and_none_counts_twice(outcome: Outcome) -> None:
    assert outcome.problems == []
    assert outcome.found == outcome.expected
    assert outcome.found["messages"] == outcome.found["entries"] == outcome.found["addresses"] == MESSAGES
    kinds = {name: outcome.found[name] for name in ("permanent_bounce", "transient_bounce", "complaint")}
    assert sum(kinds.values()) == MESSAGES
    assert min(kinds.values()) > MESSAGES // 20


def test_a_worker_was_killed_and_the_other_did_its_work(outcome: Outcome) -> None:
    assert MESSAGES // 2 <= outcome.killed_at < MESSAGES
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
