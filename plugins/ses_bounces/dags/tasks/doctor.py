"""What each task of the DAG ``ses_bounces_doctor`` does; see hourly.py.

The doctor looks also where processing is switched off: for how long is one of its findings.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ses_bounces.base import metrics
from ses_bounces.base.exceptions import HealthError, RunError
from ses_bounces.base.pages import where
from ses_bounces.base.settings import load
from ses_bounces.dags.tasks.run import Counts, check_run, recorded

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_bounces.base.database.connection import Connection
    from ses_bounces.doctor.finding import Findings

log = logging.getLogger(__name__)


def check_queues(context: Context) -> Counts:
    """Look at the queues: rights, policies, subscription, depth, age of the oldest message."""
    from ses_bounces.doctor.clients import Clients
    from ses_bounces.doctor.queue_checks import check_queues

    settings = load()
    with recorded(context, settings) as (connection, counts):
        return _kept(connection, check_queues(Clients(settings)), counts)


def check_sending(context: Context) -> Counts:
    """Look at SES: rights, rates, pauses, notifications, and whether reports come at all."""
    from ses_bounces.doctor.clients import Clients
    from ses_bounces.doctor.sending_checks import check_sending

    settings = load()
    with recorded(context, settings) as (connection, counts):
        return _kept(connection, check_sending(connection, Clients(settings)), counts)


def check_ledger(context: Context) -> Counts:
    """Look at the ledger: runs, what waits, partitions, and whether the lists are what the ledger says."""
    from ses_bounces.doctor.ledger_checks import check_ledger

    settings = load()
    with recorded(context, settings) as (connection, counts):
        return _kept(connection, check_ledger(connection, settings), counts)


def check_dags(context: Context) -> Counts:
    """Look at our DAGs: there, paused, failing."""
    from ses_bounces.doctor.dag_checks import check_dags

    settings = load()
    with recorded(context, settings) as (connection, counts):
        return _kept(connection, check_dags(AirflowDags(context)), counts)


def report_findings(context: Context) -> Counts:
    """Log what was found, the gravest first, and fail if something is critical.

    :raises HealthError: naming each critical finding, what it means, and what to do.
    :raises RunError: a check failed itself.
    """
    from ses_bounces.doctor.finding import SEVERITIES, read_findings, table_of

    settings = load()
    with recorded(context, settings) as (connection, counts):
        findings = read_findings(connection)
        found = Counter(finding.severity for finding in findings)
        counts.update({severity: found[severity] for severity in SEVERITIES})
    shown_on = f"The overview shows it: {where('', 'Overview')}"
    log.info("%s", "\n".join(["What was found:", *table_of(findings, 120), shown_on]))
    for severity in SEVERITIES:
        metrics.gauge(f"findings_{severity}", found[severity])
    critical = [str(finding) for finding in findings if finding.severity == "critical"]
    try:
        check_run(context)
    except RunError as error:
        # What a check that failed found the last time is not to be taken for news.
        critical.append(str(error))
        if len(critical) == 1:
            raise
    if critical:
        raise HealthError("\n".join(critical))
    return counts


class AirflowDags:
    """Our DAGs, as the task execution API tells of them."""

    def __init__(self, context: Context) -> None:
        self._ti: Any = context["ti"]

    def is_paused(self, dag_id: str) -> bool | None:
        """Whether a DAG is paused; None: there is no such DAG."""
        from airflow.sdk.exceptions import AirflowRuntimeError

        try:
            return bool(self._ti.get_dag(dag_id).is_paused)
        except AirflowRuntimeError as error:
            if (error.error.detail or {}).get("status_code") == 404:
                return None
            raise

    def last(self, dag_id: str, state: str) -> datetime | None:
        """When the last of its scheduled runs in a state began; None: there is none."""
        # Its methods ask for runs of their own DAG only.
        from airflow.sdk.execution_time import comms, task_runner

        message = comms.GetPreviousDagRun(dag_id=dag_id, logical_date=datetime.now(UTC), state=state)
        answer: Any = task_runner.SUPERVISOR_COMMS.send(message)
        found: datetime | None = answer.dag_run and (answer.dag_run.start_date or answer.dag_run.run_after)
        return found


def _kept(connection: Connection, findings: Findings, counts: Counts) -> Counts:
    from ses_bounces.doctor.finding import store_findings

    store_findings(connection, findings)
    counts.update(Counter(finding.severity for finding in findings.all))
    return counts
