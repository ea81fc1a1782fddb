"""What Airflow would say of our DAGs, for pages that are rendered without one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from ses_bounces.base.sites import DAG_NAMES, HOURLY
from ses_bounces.web.our_dags import AirflowRun, OurDag, OurDags


def our_dags(
    *runs: AirflowRun, paused: Collection[str] = (), missing: Collection[str] = (), may_edit: bool = True
) -> OurDags:
    """DAGs that run, but for some."""
    dags = {name: OurDag(name, name, name not in missing, name in paused, may_edit) for name in DAG_NAMES}
    return OurDags(dags, runs)


def airflow_run(
    began_at: datetime, name: str = HOURLY, state: str = "success", *failed: str, run_id: str = "r", seconds: int = 75
) -> AirflowRun:
    """A run that who asks may open; one that is ``running`` has not ended."""
    ended = None if state == "running" else began_at + timedelta(seconds=seconds)
    return AirflowRun(name, name, run_id, "scheduled", state, began_at, ended, failed, may_open=True)
