"""A run in one line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ses_bounces.base.sites import DOCTOR, HOURLY, LIFT_BLOCKS
from ses_bounces.ledger.lists.overview import TaskDone
from ses_bounces.web.run_lines import SHOWN, run_lines, words
from tests.kit.our_dags import airflow_run

NOW = datetime(2026, 3, 1, 9, 12, tzinfo=UTC)


def task(task_id: str, counts: dict[str, Any], map_index: int = -1, try_number: int = 1) -> TaskDone:
    return TaskDone(task_id, map_index, try_number, NOW, NOW, counts)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({("plan_drain", -1): {"drainers": 2}, ("drain_queue", 0): {"landed": 100}, ("drain_queue", 1): {"landed": 1_078},
          ("classify_bounces", -1): {"outcomes": {"applied": 9, "quarantined": 5}, "blocked": {"complaint": 9,
           "permanent_bounce": 100}}}, "1,178 drained · 109 blocked · 5 quarantined"),
        ({("classify_bounces", -1): {"replayed_messages": 8, "replay_tried": True}}, "8 tried to be read again"),
        ({("classify_bounces", -1): {"replayed_messages": 8}}, "8 read again"),
        ({("emit_blocked_report", -1): {"days": ["2026-02-27", "2026-02-28"]}}, "2 reports"),
        ({("lift_blocks", -1): {"lifted": 3, "refused": 1, "left": 0}}, "3 lifted · 1 refused"),
        ({("drain_queue", 0): {"landed": 0}}, "nothing to do"),
        ({}, ""),
    ],
)  # fmt: skip
def test_what_tasks_did_in_words(counts: dict[tuple[str, int], dict[str, Any]], said: str) -> None:
    assert words(counts) == said


def test_the_last_try_of_a_task_counts() -> None:
    [line] = run_lines(
        [airflow_run(NOW)],
        [
            ("r", task("drain_queue", {"landed": 5}, 0, try_number=2)),
            ("r", task("drain_queue", {"landed": 3}, 0)),
            ("other", task("drain_queue", {"landed": 7}, 0)),
        ],
    )
    assert line.did == "5 drained"


def test_runs_of_two_dags_may_have_one_id() -> None:
    lines = run_lines(
        [airflow_run(NOW), airflow_run(NOW, LIFT_BLOCKS)],
        [("r", task("lift_blocks", {"lifted": 2})), ("r", task("drain_queue", {"landed": 3}, 0))],
    )
    assert [(line.run.name, line.did) for line in lines] == [(HOURLY, "3 drained"), (LIFT_BLOCKS, "2 lifted")]


def test_a_run_that_goes_on_has_not_yet_had_nothing_to_do() -> None:
    tasks = [("r", task("plan_drain", {"drainers": 2}))]
    assert [line.did for line in run_lines([airflow_run(NOW, state="running")], tasks)] == [""]
    assert [line.did for line in run_lines([airflow_run(NOW)], tasks)] == ["nothing to do"]


def test_why_there_is_no_report_is_said() -> None:
    [line] = run_lines([airflow_run(NOW)], [("r", task("emit_blocked_report", {"no_report": "The day is not over."}))])
    assert (line.did, line.reason) == ("nothing to do", "The day is not over.")


def test_the_newest_runs_are_shown_and_none_that_may_not_be_seen() -> None:
    runs = [airflow_run(NOW - timedelta(hours=hour), run_id=str(hour)) for hour in range(SHOWN + 3)]
    hidden = airflow_run(NOW, DOCTOR)
    lines = run_lines([type(hidden)(**{**vars(hidden), "may_open": False}), *runs], [])
    assert [line.run.run_id for line in lines] == [str(hour) for hour in range(SHOWN)]
