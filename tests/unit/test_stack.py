"""What `make run` does when the first run has ended."""

from __future__ import annotations

from typing import Any, cast

import pytest

from dev.airflow_api import AirflowApi
from dev.stack import DAG_ID, report_next


class Airflow:
    """Its runs, the newest first."""

    def __init__(self, states: list[str]) -> None:
        self.states = states

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        assert dag_id == DAG_ID
        return [{"state": state} for state in self.states]

    def trigger(self, dag_id: str) -> None:
        assert dag_id == DAG_ID
        self.states.insert(0, "queued")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["success"], ["queued", "success"]),
        # It may have made its reports before the earlier days were due.
        (["running", "success"], ["queued", "running", "success"]),
        (["queued", "success"], ["queued", "success"]),
        (["queued", "running"], ["queued", "running"]),
    ],
)
def test_a_run_that_has_not_begun_makes_the_earlier_reports(before: list[str], after: list[str]) -> None:
    airflow = Airflow(before)
    report_next(cast("AirflowApi", airflow))
    assert airflow.states == after
