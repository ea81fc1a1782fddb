"""What Airflow tells of our DAGs: are they there, paused, failing?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from ses_bounces.base import sites
from ses_bounces.doctor.finding import Findings, Severity
from ses_bounces.doctor.health import LATE_HOURS, LONG_HOURS, ago

HOURLY, DAILY = timedelta(hours=1), timedelta(days=1)
_FEW_HOURS, _MANY_HOURS = timedelta(hours=LATE_HOURS), timedelta(hours=LONG_HOURS)
_FEW_DAYS, _MANY_DAYS = timedelta(days=2), timedelta(days=4)
# By the name of the DAG: how often it runs.
DAGS = {sites.HOURLY: HOURLY, sites.LIFT_BLOCKS: HOURLY, sites.SUPPRESSION_SYNC: DAILY}
MEANINGS = {
    "ses_bounces": "Nothing is drained; the queue keeps messages for a limited time.",
    "ses_lift_blocks": "Blocks that were lifted stay until it runs.",
    "ses_suppression_sync": "What SES suppresses itself is not brought into our lists.",
}


class Dags(Protocol):
    """What is asked of Airflow."""

    def is_paused(self, dag_id: str) -> bool | None:
        """Whether a DAG is paused; None: there is no such DAG."""

    def last(self, dag_id: str, state: str) -> datetime | None:
        """When the last of its scheduled runs in a state began; None: there is none."""


def check_dags(dags: Dags, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Findings:
    """Look at each of our DAGs that runs by a schedule."""
    findings = Findings("dags")
    for name in DAGS:
        dag_id = sites.current().dag_id(name)
        paused = dags.is_paused(dag_id)
        worst: Severity = "critical" if name == sites.HOURLY else "warning"
        if paused is None:
            todo = "See docs/install.md for how it gets there, and the import errors in Airflow's UI."
            findings.add("dag", dag_id, worst, "Airflow has no such DAG.", MEANINGS[name], todo)
        elif paused:
            findings.add("dag", dag_id, "warning", "It is paused.", MEANINGS[name], "Unpause it.")
        else:
            _check_runs(findings, dags, name, worst, now())
    return findings


def _check_runs(findings: Findings, dags: Dags, name: str, worst: Severity, now: datetime) -> None:
    dag_id = sites.current().dag_id(name)
    few, many = (_FEW_HOURS, _MANY_HOURS) if DAGS[name] == HOURLY else (_FEW_DAYS, _MANY_DAYS)
    failed, succeeded = dags.last(dag_id, "failed"), dags.last(dag_id, "success")
    todo = "Look at the log of the task that failed; it says what to do."
    if failed is None or (succeeded is not None and succeeded > failed):
        findings.ok("dag", dag_id, "It is not paused, and its last run did not fail.")
    elif succeeded is None:
        found = "Its last run failed, and none has ever succeeded."
        findings.add("dag", dag_id, "warning", found, MEANINGS[name], todo)
    elif now - succeeded <= few:
        findings.ok("dag", dag_id, "Its last run failed; one before it succeeded a short time ago.")
    else:
        found = f"Its runs fail; the last that succeeded began {ago((now - succeeded) / HOURLY)}."
        findings.add("dag", dag_id, worst if now - succeeded > many else "warning", found, MEANINGS[name], todo)
