"""When a backlog will have been drained, as the overview says it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ses_bounces.feed.pace import catch_up, last_pace
from ses_bounces.ledger.lists.overview import Run, TaskDone

NOW = datetime(2026, 3, 1, 9, 12, tzinfo=UTC)


def run(*drains: dict[str, Any]) -> Run:
    plan = TaskDone("plan_drain", -1, 1, NOW, NOW, {"drainers": len(drains)})
    done = [TaskDone("drain_queue", n, 1, NOW, NOW, counts) for n, counts in enumerate(drains)]
    return Run("scheduled", NOW, [plan, *done])


# Two drainers side by side: 1,000 a second together.
BUSY = run({"landed": 6_000, "seconds": 10.0}, {"landed": 4_000, "seconds": 9.0})


def test_the_pace_is_that_of_the_newest_run_that_had_something_to_do() -> None:
    assert last_pace([run({"landed": 3, "seconds": 2.1}), run({"seconds": 2.1}), BUSY]) == 1_000
    assert last_pace([run({"landed": 3, "seconds": 2.1})]) is None
    assert last_pace([]) is None


@pytest.mark.parametrize(
    ("waiting", "said"),
    [
        (10_000, "the next run takes all that waits, in about a minute."),
        (1_200_000, "the next run takes all that waits, in about 20 minutes."),
        (1_500_001, "it takes 2 runs, until about 2026-03-01 11:30 UTC."),
        (50_000_000, "it takes 34 runs, until about 2026-03-02 19:30 UTC."),
    ],
)
def test_when_it_will_have_caught_up(waiting: int, said: str) -> None:
    told = catch_up(waiting, [BUSY], 1_500, NOW)
    assert told is not None
    assert told.startswith("At the pace of the last drain (1,000 messages a second) ")
    assert said in told


def test_nothing_is_said_where_nothing_waits_or_nothing_is_known() -> None:
    assert catch_up(0, [BUSY], 1_500, NOW) is None
    assert catch_up(5, [], 1_500, NOW) is None
