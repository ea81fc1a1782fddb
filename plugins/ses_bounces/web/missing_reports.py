"""Why a day has no report, and what gives it one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ses_bounces.base.settings import Settings
from ses_bounces.base.sites import HOURLY
from ses_bounces.report.days import why_no_report
from ses_bounces.web.our_dags import AirflowRun, OurDag, OurDags

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

_TASK = "emit_blocked_report"


@dataclass(frozen=True)
class MissingReport:
    """Sentences, and what helps: the DAG to be unpaused, the run that failed, or the DAG that may be run now."""

    text: str
    unpause: OurDag | None = None
    failed: AirflowRun | None = None
    run_now: OurDag | None = None


def missing(connection: Connection, settings: Settings, ours: OurDags, day: date) -> MissingReport:
    """Return why there is no report of a day.

    :param connection: autocommit.
    """
    if why := why_no_report(connection, settings.report_zone, settings.report_days_kept, day):
        return MissingReport(why)
    dag, last = ours.dags[HOURLY], ours.last_ended(HOURLY)
    if not settings.enabled:
        return MissingReport("Processing is switched off (enabled is false), and reports are made by its runs.")
    if not dag.is_there:
        return MissingReport(f"Airflow has no DAG {dag.dag_id}, whose runs make reports: its import errors say why.")
    if dag.is_paused:
        return MissingReport(f"The DAG {dag.dag_id}, whose runs make reports, is paused.", unpause=dag)
    if last is not None and _TASK in last.failed:
        return MissingReport(f"The last run of {dag.dag_id} could not make it: {_TASK} failed.", failed=last)
    return MissingReport(f"The next run of {dag.dag_id} makes it, at the latest after the full hour.", run_now=dag)
