"""What the DAGs have in common, and what whoever installs them may set; Airflow's SDK only, so that they parse fast."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from airflow.sdk import Asset, CronDataIntervalTimetable
from airflow.sdk.exceptions import AirflowFailException

from ses_bounces.base.exceptions import NeedsAPersonError
from ses_bounces.base.sites import Site

P = ParamSpec("P")
R = TypeVar("R")

TAGS = ("email", "ses")


@dataclass(frozen=True)
class Retries:
    """How often a task tries again, and after how long: each time later, by a factor of two."""

    times: int
    first: timedelta
    longest: timedelta


@dataclass(frozen=True)
class Shape:
    """The DAGs of one site as they are wanted; see :func:`ses_bounces.dags.build_dags`.

    ``schedules`` are by the DAG's name; ``default_args`` and ``dag_arguments`` win over ours.
    """

    site: Site
    schedules: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = TAGS
    default_args: Mapping[str, Any] = field(default_factory=dict)
    dag_arguments: Mapping[str, Any] = field(default_factory=dict)

    def arguments(
        self,
        name: str,
        *,
        title: str,
        description: str,
        runbook: str | None,
        schedule: Any,
        timeout: timedelta,
        retries: Retries,
        params: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the arguments of ``@dag`` for one of them.

        :param name: what it is called where there is one site, e.g. ``ses_lift_blocks``.
        :param schedule: cron in UTC, assets, or a timetable; None: by hand only.
        """
        site = self.site
        ours = {
            "dag_id": site.dag_id(name),
            "dag_display_name": f"{title}{site.suffix}",
            "description": description,
            "doc_md": self._doc(runbook or ""),
            "schedule": timetable(self.schedules.get(name, schedule)),
            "start_date": datetime(2026, 1, 1, tzinfo=UTC),
            "catchup": False,
            "max_active_runs": 1,
            # Whatever Airflow's configuration says: red runs, as of a weekend at the brake, must not pause the feed.
            "max_consecutive_failed_dag_runs": 0,
            "dagrun_timeout": timeout,
            "params": dict(params or {}),
            # The last one tells the pages which DAG is whose.
            "tags": [*dict.fromkeys([*self.tags, site.key])],
            "default_args": _default_args(retries) | dict(self.default_args),
        }
        return ours | dict(self.dag_arguments)

    def _doc(self, runbook: str) -> str:
        site = self.site
        if site.is_default and not site.dag_id_prefix:
            return runbook
        of_this = (
            f"> This DAG is of the site **{site.name}**: its settings are Airflow Variable `{site.variable}`, its "
            f"connections by default `{site.aws_conn_id}` and `{site.postgres_conn_id}`, its pages at "
            f"`/{site.slug}/`, and its hourly DAG is `{site.dag_id('ses_bounces')}`.\n"
        )
        return f"{of_this}\n{runbook}"


def report_asset(site: Site) -> Asset:
    """Return the asset that a site's report is: the hourly DAG's, and what the one that sends it waits for."""
    folder = "" if site.is_default else f"{site.name}/"
    return Asset(name=f"{site.key}_blocked_report", uri=f"x-ses-bounces://{folder}blocked-report")


def run_for(site: Site) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator of a task's function: it runs as this site's, and Airflow doesn't retry what a person must mend.

    :raises AirflowFailException: in place of a :class:`NeedsAPersonError`, with the same message.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def within(*args: P.args, **kwargs: P.kwargs) -> R:
            with site.current():
                try:
                    return function(*args, **kwargs)
                except NeedsAPersonError as error:
                    raise AirflowFailException(str(error)) from error

        return within

    return decorate


def timetable(schedule: Any) -> Any:
    """Return the schedule of a DAG: a cron string becomes intervals in UTC, anything else stays as it is."""
    # A bare cron string would give intervals of no length.
    return CronDataIntervalTimetable(schedule, timezone="UTC") if isinstance(schedule, str) else schedule


def _default_args(retries: Retries) -> dict[str, Any]:
    """Return owner and retries; what a person has to mend is not retried, see :func:`run_for`."""
    return {
        "owner": "email",
        "retries": retries.times,
        "retry_delay": retries.first,
        "retry_exponential_backoff": 2,
        "max_retry_delay": retries.longest,
    }
