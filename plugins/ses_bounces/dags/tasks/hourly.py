"""What each task of the DAG ``ses_bounces`` does; the DAG file only wires them.

Every function reads the settings anew, opens its own connection, notes what it did in ``ses_bounces.run``, sends its
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
from ses_bounces.dags.tasks import run as task_run
from ses_bounces.dags.tasks.brake import check_brake as check_brake
from ses_bounces.dags.tasks.brake import decide_held
from ses_bounces.dags.tasks.run import recorded, settings_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings
    from ses_bounces.classify.signature import Verify

log = logging.getLogger(__name__)

Counts = dict[str, Any]
Window = tuple[datetime, datetime]

# More than half of at least so many: something is wrong with the feed, not with a message.
MOSTLY_QUARANTINED = 20
PLAN = "plan_drain"
BRAKE = "check_brake"
# The search index may lag: what it lacks is found without it.
INDEX_SECONDS = 60


def plan_drain(context: Context) -> list[Counts]:
    """Check the settings and the database, ask each queue its depth, and say who drains what.

    :returns: one job for each drainer: ``queue_url`` of the settings, ``url`` to drain, ``max_messages``.
    """
    from ses_bounces.base.database.partitions import drop_partitions, ensure_partitions
    from ses_bounces.base.database.statements import statement
    from ses_bounces.feed.planning import plan_queue
    from ses_bounces.ledger.search_index import drop_old_filters
    from ses_bounces.ledger.writing import mirror_settings

    settings = settings_of(context)
    with recorded(context, settings) as (connection, counts):
        mirror_settings(connection, settings.enforce, settings.never_block)
        # Before anything is promoted, also where no drain comes before that.
        queues = {"queue_urls": [queue.url for queue in settings.queue_urls]}
        connection.execute(statement("feed/mirror_queues"), queues)
        connection.execute(statement("feed/forget_queues"), queues)
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

    Before that, what was decided about held messages is carried out; see :mod:`ses_bounces.ledger.brake.held`.

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
        counts.update(decide_held(context, connection, settings))
        done = classify_pending(
            connection, settings.rules, settings.keep_no_effect_bodies, settings.max_seconds,
            settings.max_new_blocks_per_domain, verify,
        )  # fmt: skip
        counts.update(outcomes=dict(done.outcomes), reasons=dict(done.reasons), **_changes(done.changes))
        if window := backfilled(context):
            counts["rebuilt"] = _rebuild(connection, window, settings.max_seconds)
        if window := reprocessed(context):
            is_dry = bool(context["params"].get("dry_run", True))
            counts.update(_replay(connection, settings, window, verify, is_dry=is_dry))
    log.info("Classified %s: %s", counted(done.messages, "message"), _words(done.outcomes))
    if done.reasons:
        log.warning("Quarantined: %s", _words(done.reasons))
    metrics.count("classified", done.messages)
    metrics.count("quarantined", done.outcomes["quarantined"])
    _report_changes(done.changes)
    if done.left:
        raise CertificateError(f"{counted(len(done.left), 'message')} can't be checked. {done.why_left}")
    quarantined = done.outcomes["quarantined"]
    if done.messages >= MOSTLY_QUARANTINED and quarantined * 2 > done.messages:
        raise QuarantineError(
            f"{quarantined} of {done.messages} messages were not understood ({_words(done.reasons)}). They are kept in "
            'ses_bounces.message with outcome "quarantined". Check allowed_topic_arns, and what feeds the queue.'
        )
    return counts


def backfilled(context: Context) -> Window | None:
    """Return the hours that a backfill covers; None: the run is no backfill."""
    run = context["dag_run"]
    # By the type: a backfill of hours that ran before keeps their run ids.
    if run.run_type != "backfill" or run.data_interval_start is None or run.data_interval_end is None:
        return None
    return run.data_interval_start, run.data_interval_end


def reprocessed(context: Context) -> Window | None:
    """Return the send times of the messages to be read again; None: none are.

    :raises SettingsError: a run by hand that names no window, or half of one.
    """
    params = context["params"]
    if not params.get("reprocess"):
        return None
    if window := backfilled(context):
        return window
    ends = [params.get(name) for name in ("reprocess_from", "reprocess_to")]
    if not all(ends):
        raise SettingsError(
            "reprocess is set, and reprocess_from or reprocess_to is missing; a run by hand needs both. Change it in "
            "the run's Params."
        )
    first, last = (datetime.fromisoformat(str(end)) for end in ends)
    return first if first.tzinfo else first.replace(tzinfo=UTC), last if last.tzinfo else last.replace(tzinfo=UTC)


def _replay(
    connection: Connection, settings: Settings, window: Window, verify: Verify | None, *, is_dry: bool
) -> Counts:
    from ses_bounces.ledger.replay import replay, try_replay

    done = (try_replay if is_dry else replay)(connection, settings.rules, window, verify)
    verb = "would change" if is_dry else "changed"
    read = counted(done.messages, "message")
    log.info("Read again, %s to %s: %s. This %s:\n%s", *window, read, verb, "\n".join(done.lines()))
    if not is_dry:
        _report_changes(done.changes)
    return {
        "replayed_messages": done.messages,
        "replay_tried": is_dry,
        "replay_changes": {name: count for name, (count, _) in done.found.items()},
        "superseded": done.superseded,
    }


def _rebuild(connection: Connection, window: Window, seconds: float) -> Counts:
    from ses_bounces.ledger.rebuild import rebuild

    compared = rebuild(connection, window=window, seconds=seconds)
    log.info(
        "%s of %s to %s compared with the ledger; %d differed in the blocked list and %d in the bounce list, "
        "and were repaired",
        counted(compared.addresses, "address", "addresses"), *window, compared.blocks, compared.bounces,
    )  # fmt: skip
    return {"addresses": compared.addresses, "blocks": compared.blocks, "bounces": compared.bounces}


def promote_expired_transients(context: Context) -> Counts:
    """Turn transient problems older than the grace period into permanent ones."""
    from ses_bounces.ledger.writing import promote_expired

    settings = settings_of(context)
    with recorded(context, settings) as (connection, counts):
        changes = promote_expired(connection, settings.max_seconds)
        counts.update(_changes(changes))
    log.info("Promoted %s to permanent", counted(changes.promoted, "transient problem"))
    _report_changes(changes)
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
            "Rows of %s were touched since we switched them off: an administrator decides", _people(synced.touched)
        )
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

    :returns: counts; ``days`` names the days written.
    """
    from ses_bounces.ledger.search_index import index_addresses
    from ses_bounces.report.files import drop_old_files
    from ses_bounces.report.making import covered_days, drop_old_reports, due_days, make_report, publish_reports

    settings = settings_of(context)
    with recorded(context, settings) as (connection, counts):
        zone = settings.report_zone
        days = due_days(connection, zone, settings.report_days_kept)
        if window := backfilled(context):
            days = sorted({*days, *covered_days(connection, zone, settings.report_days_kept, window)})
        if context["params"].get("report_today"):
            days.append(_today(connection, zone))
        counts.update(days=[], published=0)
        for day in days:
            summary = make_report(connection, day, zone)
            counts["days"].append(day.isoformat())
            counts["blocked_addresses"] = summary.blocked_addresses
            blocked = counted(summary.blocked_addresses, "blocked address", "blocked addresses")
            log.info("Wrote the report of %s: %s", day, blocked)
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


def _changes(changes: Any) -> Counts:
    return {
        "entries": dict(changes.entries),
        "blocked": dict(changes.blocked),
        "unblocked": dict(changes.unblocked),
        "promoted": changes.promoted,
    }


def _report_changes(changes: Any) -> None:
    if changes.blocked or changes.unblocked:
        log.info("Blocks: new %s; lifted %s", _words(changes.blocked), _words(changes.unblocked))
    for reason, count in changes.blocked.items():
        metrics.count("blocked", count, {"reason": reason})
    for reason, count in changes.unblocked.items():
        metrics.count("unblocked", count, {"reason": reason})
    # One that comes late, after its deadline, is promoted as it is classified.
    metrics.count("promoted", changes.promoted)


def _people(number: int) -> str:
    return counted(number, "person", "people")


def _words(counter: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items())) or "none"
