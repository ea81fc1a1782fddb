"""The tasks of the DAGs in this process: their own functions, with a context as Airflow gives it to them."""

from __future__ import annotations

import importlib
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ses_bounces.dags.tasks import hourly, lift
from ses_bounces.dags.tasks import suppression as suppression_tasks

POSTGRES, AWS, VARIABLE = "AIRFLOW_CONN_SES_BOUNCES_POSTGRES", "AIRFLOW_CONN_SES_BOUNCES_AWS", "AIRFLOW_VAR_SES_BOUNCES"


class Tasks:
    """What Airflow knows: connections and settings (``settings`` may be changed by a test)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, database_url: str, aws: str, **settings: Any) -> None:
        """Set the environment.

        :param aws: the connection to AWS, as JSON.
        """
        # Airflow sets logging up when it is imported, which takes caplog's handler away from the test that comes first.
        importlib.import_module("airflow.settings")
        self._monkeypatch = monkeypatch
        self.settings = settings
        self.states: dict[str, str] = {}
        monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
        monkeypatch.setenv(AWS, aws)
        self.connect_as(database_url)

    def connect_as(self, database_url: str) -> None:
        """Use another role, or database, from now on."""
        self._monkeypatch.setenv(POSTGRES, database_url)

    def context(self, task_id: str, run_id: str = "manual__1", map_index: int = -1, **params: Any) -> Any:
        """The context of a task of a run by hand."""
        self._monkeypatch.setenv(VARIABLE, json.dumps(self.settings))
        run = SimpleNamespace(run_type="manual", data_interval_start=None, data_interval_end=None, run_id=run_id)
        run.run_after, run.triggering_user_name = datetime.now(UTC), "ops"
        ti = SimpleNamespace(
            run_id=run_id, task_id=task_id, map_index=map_index, try_number=1, dag_id="ses_bounces",
            get_task_states=lambda **_asked: {run_id: self.states},
        )  # fmt: skip
        return {"params": params, "dag_run": run, "ti": ti, "run_id": run_id}

    def hour(self, run_id: str = "manual__1", **params: Any) -> dict[str, Any]:
        """Run the hourly DAG's tasks one after the other; what each returned."""
        jobs = hourly.plan_drain(self.context("plan_drain", run_id, **params))
        done: dict[str, Any] = {"plan_drain": jobs, "drain_queue": []}
        for number, job in enumerate(jobs):
            done["drain_queue"].append(hourly.drain_queue(self.context("drain_queue", run_id, number, **params), job))
        for task in (
            hourly.classify_bounces,
            hourly.promote_expired_transients,
            hourly.sync_allow_group_email,
            hourly.emit_blocked_report,
            hourly.check_brake,
        ):
            done[task.__name__] = task(self.context(task.__name__, run_id, **params))
        return done

    def suppression_sync(self) -> None:
        """Run the tasks of the DAGs for SES's lists: what they tell us, where we differ, what we tell them, lifts."""
        for job in suppression_tasks.plan_sync(self.context("plan_sync")):
            suppression_tasks.read_suppression_list(self.context("read_suppression_list"), job)
        self.states["plan_sync"] = "success"
        for task in (
            suppression_tasks.report_suppression_drift,
            suppression_tasks.push_blocked_addresses,
            lift.lift_blocks,
        ):
            task(self.context(task.__name__))
