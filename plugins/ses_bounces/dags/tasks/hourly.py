"""What each task of the DAG ``ses_bounces`` does; the DAG file only wires them.

Every function reads the settings, opens its own connection, notes what it did in ``ses_bounces.run``, sends its
metrics and returns counts: no address enters XCom, a log or a metric.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from ses_bounces.base import metrics
from ses_bounces.base.counted import counted
from ses_bounces.base.exceptions import CertificateError, QuarantineError, SettingsError
from ses_bounces.base.pages import where
from ses_bounces.dags.tasks import run as task_run
from ses_bounces.dags.tasks.brake import carry_out_decisions
from ses_bounces.dags.tasks.brake import check_brake as check_brake
from ses_bounces.dags.tasks.changes import counts_of, in_words, report_changes
from ses_bounces.dags.tasks.figures import count_figures
from ses_bounces.dags.tasks.replay import backfilled, rebuild_window, replay_window, reprocessed
from ses_bounces.dags.tasks.run import Counts, recorded, refuse_params, settings_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_bounces.base.database.connection import Connection

log = logging.getLogger(__name__)

# Messages. If more than half of at least this many can't be read, the feed is at fault, not a message.
MOSTLY_QUARANTINED = 20
PLAN = "plan_drain"
BRAKE = "check_brake"
_DECIDED = "decide on the page Quarantine, or with `ses-bounces held` in a shell"
# Params that the form had once, and what to do instead.
REMOVED = {
    **dict.fromkeys(("confirm_held", "dismiss_held", "held_reason"), _DECIDED),
    "transient_grace_days": "change the setting of that name",
}
# The search index may lag: what it lacks is found without it.
INDEX_SECONDS = 60
# So may the figures: the next run goes on.
FIGURE_SECONDS = 120


def plan_drain(context: Context) -> list[Counts]:
    """Check the settings and the database, ask each queue its depth, and say who drains what.

    :returns: one job for each drainer: ``queue_url`` of the settings, ``url`` to drain, ``max_messages``.
    """
    from ses_bounces.base.database.partitions import drop_partitions, ensure_partitions
    from ses_bounces.feed.planning import plan_queue
    from ses_bounces.feed.queues import mirror_queues
    from ses_bounces.ledger.protection import mirror_settings
    from ses_bounces.ledger.search_index import drop_old_filters

    settings = settings_of(context)
    refuse_params(context, REMOVED)
    with recorded(context, settings) as (connection, counts):
        mirror_settings(connection, settings.enforce, settings.never_block)
        # Before anything is promoted, also where no drain comes before that.
        mirror_queues(connection, (queue.url for queue in settings.queue_urls))
        ensure_partitions(connection)
        counts["partitions_dropped"] = drop_partitions(connection, settings.raw_retention_days)
        counts["filters_dropped"] = drop_old_filters(connection)
        if context["dag_run"].run_type == "backfill":
            log.info("A backfill drains nothing: what is in the queues belongs to no hour")
            return []
        jobs = [job for queue in settings.queue_urls for job in plan_queue(settings, queue, connection)]
        counts["drainers"] = len(jobs)
    return jobs


def drain_queue(context: Context, job: Mapping[str, Any]) -> Counts:
    """Land what a queue holds; see :func:`ses_bounces.feed.drain.drain`."""
    from ses_bounces.base.database.connection import connect
    from ses_bounces.feed.drain import THREADS, drain
    from ses_bounces.feed.pace import pace_of, when_done
    from ses_bounces.feed.sqs.queue import SqsQueue, open_queue

    settings = settings_of(context)
    queue = next((queue for queue in settings.queue_urls if queue.url == job["queue_url"]), None)
    if queue is None:
        raise SettingsError(f"{job['queue_url']} is no longer in queue_urls. Clear {PLAN}, or trigger a new run.")
    with recorded(context, settings) as (_, counts):
        opened = open_queue(settings, queue, THREADS)
        drained = drain(
            opened if job["url"] == queue.url else SqsQueue(opened.client, job["url"], opened.direct),
            queue.url,
            partial(connect, settings.postgres_conn_id),
            settings.rules,
            keep_no_effect_bodies=settings.keep_no_effect_bodies,
            max_seconds=settings.max_seconds,
            max_messages=job["max_messages"],
        )
        counts.update(
            asdict(drained), seconds=round(drained.seconds, 3), max_lag_seconds=round(drained.max_lag_seconds),
            behind_seconds=round(drained.behind_seconds),
        )  # fmt: skip
    log.info(
        "Landed %s in %.1f s (without effect: %d); the queue %s",
        counted(drained.landed, "message"),
        drained.seconds,
        drained.no_effect,
        "is empty" if drained.emptied else "holds more: the next run goes on",
    )
    if drained.left:
        pace = pace_of(drained.landed, drained.seconds)
        log.warning(
            "Still waiting: about %s, the oldest for %.1f hours. %s",
            counted(drained.left, "message"), drained.behind_seconds / 3600,
            when_done(drained.left, pace, settings.max_seconds, datetime.now(UTC)) if pace else "",
        )  # fmt: skip
    tags = {"queue": opened.url.rpartition("/")[2]}
    metrics.count("landed", drained.landed, tags)
    metrics.count("not_deleted", drained.not_deleted, tags)
    metrics.gauge("lag_seconds", drained.max_lag_seconds, tags)
    return counts


def classify_bounces(context: Context) -> Counts:
    """Classify every pending message; see :func:`ses_bounces.ledger.pending.classify_pending`.

    Before that, what was decided about held messages is carried out; see :mod:`ses_bounces.ledger.brake.decisions`.

    A backfill also brings the lists up to date for what happened in its hour. With the Param ``reprocess``, messages
    of a window are read again; see :mod:`ses_bounces.ledger.replay`.

    :raises CertificateError: signatures could not be checked; everything else is classified.
    :raises QuarantineError: when more than half of at least 20 messages were not understood.
    """
    from ses_bounces.base.aws.certificates import Certificates
    from ses_bounces.ledger.pending import classify_pending

    settings = settings_of(context)
    verify = Certificates.of(settings).fault_of if settings.verify_signatures else None
    with recorded(context, settings) as (connection, counts):
        counts.update(carry_out_decisions(connection, settings))
        done = classify_pending(
            connection, settings.rules, settings.keep_no_effect_bodies, settings.max_seconds,
            settings.max_new_blocks_per_domain, verify,
        )  # fmt: skip
        counts.update(outcomes=dict(done.outcomes), reasons=dict(done.reasons), **counts_of(done.changes))
        if window := backfilled(context):
            counts["rebuilt"] = rebuild_window(connection, window, settings.max_seconds)
        if window := reprocessed(context):
            is_dry = bool(context["params"].get("dry_run", True))
            counts.update(replay_window(connection, settings, window, verify, is_dry=is_dry))
        counts["figures"] = count_figures(connection, FIGURE_SECONDS)
    log.info("Classified %s: %s", counted(done.messages, "message"), in_words(done.outcomes))
    if done.reasons:
        log.warning("Quarantined: %s. See %s", in_words(done.reasons), where("quarantine", "Quarantine"))
    metrics.count("classified", done.messages)
    metrics.count("quarantined", done.outcomes["quarantined"])
    report_changes(done.changes)
    if done.left:
        raise CertificateError(f"{counted(len(done.left), 'message')} can't be checked. {done.why_left}")
    quarantined = done.outcomes["quarantined"]
    if done.messages >= MOSTLY_QUARANTINED and quarantined * 2 > done.messages:
        raise QuarantineError(
            f"{quarantined} of {done.messages} messages were not understood ({in_words(done.reasons)}). They are kept in "
            'ses_bounces.message with outcome "quarantined". Check allowed_topic_arns, and what feeds the queue.'
        )
    return counts


def promote_expired_transients(context: Context) -> Counts:
    """Turn transient problems older than the grace period into permanent ones."""
    from ses_bounces.ledger.promotion import promote_expired

    settings = settings_of(context)
    with recorded(context, settings) as (connection, counts):
        changes = promote_expired(connection, settings.max_seconds)
        counts.update(counts_of(changes))
    log.info("Promoted %s to permanent", counted(changes.promoted, "transient problem"))
    report_changes(changes)
    return counts


def sync_allow_group_email(context: Context) -> Counts:
    """Switch Allow Group Email off for the people at blocked addresses, and on again for those that are free."""
    from ses_bounces.people.sync import sync

    settings = settings_of(context)
    with recorded(context, settings) as (connection, counts):
        synced = sync(connection, settings, settings.max_seconds)
        counts.update(asdict(synced))
    if settings.people_table is None:
        log.info("people_table is not set: nobody's Allow Group Email is touched")
    elif settings.enforce:
        log.info("Switched off for %s, on for %d", _people(synced.switched_off), synced.switched_on)
    else:
        log.info("Observe mode (enforce is false): would be switched off for %s", _people(synced.would_switch_off))
    if synced.touched:
        log.warning(
            "Rows of %s were touched since we switched them off: an administrator decides. See %s",
            _people(synced.touched), where("people", "People to decide about"),
        )  # fmt: skip
    if synced.locked_addresses:
        log.warning(
            "Another session holds the people at %s: the next run tries again",
            counted(synced.locked_addresses, "address", "addresses"),
        )
    if synced.refused:
        log.error(
            "A constraint or a trigger of %s refuses to change %d people (ids %s%s): they are due until it lets them "
            "through. Everybody else is served", settings.people_table, synced.refused,
            ", ".join(synced.refused_ids[:20]), ", …" if synced.refused > 20 else "",
        )  # fmt: skip
    metrics.count("switched_off", synced.switched_off)
    metrics.count("switched_on", synced.switched_on)
    return counts


def emit_blocked_report(context: Context) -> Counts:
    """Write the reports of finished days that have none or a stale one, and of those that a backfill covers.

    Then brings the search index of the pages up to date, which nothing waits for.

    :returns: counts; ``days`` names the days written, ``no_report`` says why a backfill wrote none of its hours.
    """
    from ses_bounces.ledger.search_index import index_addresses
    from ses_bounces.report.days import covered_days, due_days, why_none_covered
    from ses_bounces.report.files import drop_old_files, drop_old_reports, publish_reports
    from ses_bounces.report.making import make_report

    settings = settings_of(context)
    with recorded(context, settings) as (connection, counts):
        zone = settings.report_zone
        days = due_days(connection, zone, settings.report_days_kept)
        if window := backfilled(context):
            covered = covered_days(connection, zone, settings.report_days_kept, window)
            days = sorted({*days, *covered})
            if not covered:
                counts["no_report"] = why_none_covered(connection, zone, settings.report_days_kept, window)
                log.info("This run writes no report of its hours. %s", counts["no_report"])
        if context["params"].get("report_today"):
            days.append(_today(connection, zone))
        counts.update(days=[], published=0)
        for day in days:
            summary = make_report(connection, day, zone)
            counts["days"].append(day.isoformat())
            counts["blocked_addresses"] = summary.blocked_addresses
            blocked = counted(summary.blocked_addresses, "blocked address", "blocked addresses")
            report = where(f"reports/{day}", "Email Blocked Report")
            log.info("Wrote the report of %s: %s. See %s", day, blocked, report)
        if settings.report_url:
            counts["published"] = publish_reports(connection, settings.report_url, settings.report_conn_id)
        if settings.report_url and counts["published"]:
            # Once a day is enough, and listing a bucket costs.
            counts["files_dropped"] = drop_old_files(
                settings.report_url, settings.report_conn_id, _today(connection, zone), settings.report_retention_days
            )
        counts["dropped"] = drop_old_reports(connection, settings.report_days_kept)
        counts["addresses_indexed"] = index_addresses(connection, INDEX_SECONDS)
    return counts


def check_run(context: Context) -> None:
    """Fail the run if anything before this failed; what the brake holds, ``check_brake`` says.

    :raises RunError: naming the tasks that failed.
    """
    task_run.check_run(context, besides=(BRAKE,))


def _today(connection: Connection, zone: Any) -> Any:
    row = connection.execute("SELECT now()").fetchone()
    assert row is not None
    return row[0].astimezone(zone).date()


def _people(number: int) -> str:
    return counted(number, "person", "people")
