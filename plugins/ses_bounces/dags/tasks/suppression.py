"""What each task of the DAGs ``ses_suppression_sync`` and ``ses_lift_blocks`` does; see hourly.py."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ses_bounces.base import metrics
from ses_bounces.base.counted import counted
from ses_bounces.base.exceptions import SettingsError
from ses_bounces.dags.tasks.run import Counts, recorded, require_plan, settings_of
from ses_bounces.dags.tasks.run import check_run as check_run

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_bounces.base.aws.clients import Place
    from ses_bounces.base.settings import Settings
    from ses_bounces.suppression.reading import Bounds

log = logging.getLogger(__name__)

PLAN = "plan_sync"


def plan_sync(context: Context) -> list[Counts]:
    """Check the settings and the database, and say which of SES's lists there are to read.

    :returns: one job for each account and region: ``aws_conn_id``, ``region``; None: the connection's.
    """
    from ses_bounces.base.aws.clients import places

    settings = settings_of(context)
    bounds(context)
    with recorded(context, settings) as (_, counts):
        jobs = [asdict(place) for place in places(settings)]
        counts["lists"] = len(jobs)
    return jobs


def read_suppression_list(context: Context, job: Mapping[str, Any]) -> Counts:
    """Record what one of SES's lists holds; see :func:`ses_bounces.suppression.reading.read_list`."""
    from ses_bounces.suppression.reading import read_list
    from ses_bounces.suppression.ses_list import open_list

    settings = settings_of(context)
    with recorded(context, settings) as (connection, counts):
        listing = open_list(settings, _place(settings, job))
        limit = settings.max_new_blocks_per_domain
        reading = read_list(connection, listing, bounds(context), settings.max_seconds, limit)
        numbers = {name: value for name, value in asdict(reading).items() if name != "changes"}
        counts.update(numbers, region=listing.region, blocked=dict(reading.changes.blocked))
    log.info(
        "%s: %s read (%s), %d of them new, %d gone; %s",
        listing.region,
        _entries(reading.listed),
        "all of them" if reading.full else "what changed",
        reading.recorded,
        reading.gone,
        "done" if reading.finished else "the time is up: the next run goes on",
    )
    if reading.held:
        held = _entries(reading.held)
        log.warning("%s: %s held, or dismissed before: see the brake", listing.region, held)
    if reading.not_addresses:
        left_out = _entries(reading.not_addresses)
        log.warning("%s: %s without an address left out", listing.region, left_out)
    metrics.count("suppressions_recorded", reading.recorded, {"region": listing.region})
    return counts


def report_suppression_drift(context: Context) -> Counts:
    """Compare our blocked list with SES's lists, and publish where they differ."""
    from ses_bounces.suppression.drift import publish_drift, report_drift, table_of

    require_plan(context, PLAN)
    settings = settings_of(context)
    with recorded(context, settings) as (connection, counts):
        drift = report_drift(connection, settings.report_days_kept)
        counts.update(drift.counts)
        if settings.report_url:
            today = datetime.now(settings.report_zone).date()
            publish_drift(connection, drift, settings.report_url, settings.report_conn_id, today)
    log.info("Where our blocked list and SES's lists differ:\n%s", "\n".join(table_of(drift.counts)))
    for name, count in drift.counts.items():
        metrics.gauge(f"suppression_drift_{name}", count)
    return counts


def push_blocked_addresses(context: Context) -> Counts:
    """Put what we block on SES's lists too, where ``push_to_ses`` says so; one address a second."""
    from airflow.sdk.exceptions import AirflowSkipException

    from ses_bounces.base.aws.clients import places
    from ses_bounces.suppression.pushing import push_blocked
    from ses_bounces.suppression.ses_list import open_list

    require_plan(context, PLAN)
    settings = settings_of(context)
    if not settings.push_to_ses:
        raise AirflowSkipException("push_to_ses is false: SES's lists are left as they are")
    with recorded(context, settings) as (connection, counts):
        for place in places(settings):
            listing = open_list(settings, place)
            pushed, finished = push_blocked(connection, listing, settings.max_seconds)
            counts[listing.region] = pushed
            rest = "done" if finished else "the time is up: the next run goes on"
            log.info("%s: %s put on SES's list; %s", listing.region, counted(pushed, "address", "addresses"), rest)
            metrics.count("suppressions_pushed", pushed, {"region": listing.region})
    return counts


def bounds(context: Context) -> Bounds | None:
    """Return what a person asked for in the form; None: the usual.

    :raises SettingsError: the dates are the wrong way round.
    """
    from ses_bounces.suppression.reading import Bounds

    params = context["params"]
    first, last = (params.get(name) for name in ("first_day", "last_day"))
    if params.get("full"):
        return Bounds(full=True)
    if not first and not last:
        return None
    since = datetime.combine(date.fromisoformat(first), datetime.min.time(), UTC) if first else None
    until = datetime.combine(date.fromisoformat(last), datetime.min.time(), UTC) + timedelta(days=1) if last else None
    if since and until and since >= until:
        raise SettingsError(f"last_day is {last}; it must not be before first_day ({first}). Change it in the Params.")
    return Bounds(since, until)


def _place(settings: Settings, job: Mapping[str, Any]) -> Place:
    from ses_bounces.base.aws.clients import Place, places

    place = Place(job["aws_conn_id"], job["region"])
    if place not in places(settings):
        raise SettingsError(f"The list of {place.region} is no longer in the settings. Trigger a new run.")
    return place


def _entries(number: int) -> str:
    return counted(number, "entry", "entries")
