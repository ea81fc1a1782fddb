"""What Postgres tells: is everything landed, understood, acted upon, and are the lists what the ledger says?"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.partitions import DAYS_AHEAD, partitions
from ses_bounces.base.database.statements import statement
from ses_bounces.base.erasure_secret import load_secret
from ses_bounces.base.exceptions import MissingConnectionError, SettingsError
from ses_bounces.base.settings import Settings
from ses_bounces.base.sites import HOURLY, LIFT_BLOCKS, SEND_REPORT, SUPPRESSION_SYNC, dag_id
from ses_bounces.doctor.feed_checks import check_read_queues
from ses_bounces.doctor.finding import Findings, Severity
from ses_bounces.doctor.health import LATE_HOURS, LONG_HOURS, Health, ago
from ses_bounces.doctor.people_checks import check_people
from ses_bounces.doctor.size_checks import check_size
from ses_bounces.ledger.brake.held import undecided
from ses_bounces.ledger.erased.guard import refuse, stored_checks
from ses_bounces.ledger.lists.overview import Overview, overview
from ses_bounces.ledger.moment import moment_of
from ses_bounces.ledger.rebuild import address_page, differing

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

SAMPLE = 1_000
_RUNS = "Look at the last runs of"


def check_ledger(connection: Connection, settings: Settings) -> Findings:
    """Look at the ledger, its lists and its partitions.

    :param connection: autocommit.
    """
    findings = Findings("ledger")
    health = Health.of(connection)
    numbers = overview(connection, settings.report_timezone)
    _check_processing(findings, health, settings)
    _check_drains(findings, numbers, settings)
    _check_messages(findings, health, numbers)
    _check_brake(findings, connection)
    _check_waiting(findings, health, numbers, settings)
    with quiet():
        check_read_queues(findings, connection)
        _check_erasure(findings, connection)
        _check_partitions(findings, connection)
        check_size(findings, connection, settings)
        _check_lists(findings, connection)
        _check_reports(findings, connection, settings)
        check_people(findings, connection, settings)
    return findings


def _check_processing(findings: Findings, health: Health, settings: Settings) -> None:
    hours = health.planned
    severity: Severity = "critical" if hours is not None and hours > LONG_HOURS else "warning"
    if settings.enabled and hours is not None and hours <= LATE_HOURS:
        findings.ok("processing", "", f"The DAG {dag_id(HOURLY)} last began to work {ago(hours)}.")
    elif settings.enabled:
        findings.add(
            "processing", "", severity, f"Last run of the DAG {dag_id(HOURLY)}: {ago(hours)}.",
            "It is paused, or its scheduler is not running; the queue keeps messages for a limited time.",
            f"Unpause the DAG {dag_id(HOURLY)}. {_RUNS} plan_drain.",
        )  # fmt: skip
    elif hours is not None and hours <= LATE_HOURS:
        findings.ok("processing", "", f"It is switched off (enabled is false); the last run was {ago(hours)}.")
    else:
        findings.add(
            "processing", "", severity, f"It is switched off (enabled is false); last run: {ago(hours)}.",
            "The queue keeps messages for a limited time, 14 days at most; then they are lost.",
            "Set enabled to true.",
        )  # fmt: skip


def _check_drains(findings: Findings, numbers: Overview, settings: Settings) -> None:
    drained = {queue.queue_url: queue.last_drained_at for queue in numbers.queues}
    for queue in settings.queue_urls:
        at = drained.get(queue.url)
        hours = None if at is None else (numbers.now - at).total_seconds() / 3_600
        if hours is not None and hours <= LATE_HOURS:
            findings.ok("drain", queue.name, f"It was last drained {ago(hours)}.")
        else:
            findings.add(
                "drain", queue.name, "critical" if hours is not None and hours > LONG_HOURS else "warning",
                f"Last drained: {ago(hours)}.", "Its reports wait; SQS keeps them for a limited time.",
                f"{_RUNS} drain_queue.",
            )  # fmt: skip


def _check_messages(findings: Findings, health: Health, numbers: Overview) -> None:
    if health.pending is not None and health.pending > LATE_HOURS:
        findings.add(
            "pending messages", "", "critical" if health.pending > LONG_HOURS else "warning",
            f"{numbers.pending} messages wait to be classified, the oldest was landed {ago(health.pending)}.",
            "Addresses that should be blocked are not.", f"{_RUNS} classify_bounces.",
        )  # fmt: skip
    else:
        findings.ok("pending messages", "", f"{numbers.pending} messages wait to be classified.")
    if numbers.quarantined.found or numbers.held.found:
        findings.add(
            "quarantine", "", "warning", f"{numbers.quarantined} messages are quarantined, {numbers.held} held.",
            "They were not understood, or wait for a decision; they change nothing until then.",
            "Look at their reasons, and retry or dismiss them; see Quarantine in docs/operations.md.",
        )  # fmt: skip
    else:
        findings.ok("quarantine", "", "No message is quarantined or held.")


def _check_brake(findings: Findings, connection: Connection) -> None:
    held = undecided(connection)
    for one in held:
        findings.add(
            "brake", one.domain, "warning", one.sentences(), "They block nobody until an administrator decides.",
            "Confirm them if the addresses are gone, dismiss them if the provider answered wrongly; see The brake in "
            "docs/operations.md.",
        )  # fmt: skip
    if not held:
        findings.ok("brake", "", "No domain is over its limit of new blocks.")


def _check_waiting(findings: Findings, health: Health, numbers: Overview, settings: Settings) -> None:
    """Look at what each of the other tasks has to do, and for how long it has waited."""
    flags = health.flag if settings.people_table and settings.enforce else None
    for check, hours, found, meaning, task in (
        ("promotion", health.due, "Transient problems whose deadline has passed are not permanent yet.",
         "Addresses that should be blocked are not.", "promote_expired_transients"),
        ("flags", flags, "Allow Group Email of some people is not brought up to date.",
         "They are mailed, or not mailed, against what the lists say.", "sync_allow_group_email"),
        ("lifts", health.lift, f"{numbers.lifts_open} blocks wait to be lifted.",
         "SES's own list has to let the address go first.", f"{dag_id(LIFT_BLOCKS)}; the requests say why"),
    ):  # fmt: skip
        if hours is not None and hours > LATE_HOURS:
            words = f"{found} The oldest is due since {hours:.0f} hours."
            findings.add(check, "", "warning", words, meaning, f"{_RUNS} {task}.")
        else:
            findings.ok(check, "", "Nothing waits for long.")
    if health.listed is None or health.listed > LONG_HOURS:
        found = (
            "SES's lists were never read." if health.listed is None else f"SES's lists were read {ago(health.listed)}."
        )
        findings.add(
            "suppression lists", "", "warning", found,
            "What SES refuses to send, and bounces that were lost in an outage, are not on record.",
            f"Unpause the DAG {dag_id(SUPPRESSION_SYNC)}, and look at its last runs.",
        )  # fmt: skip
    else:
        findings.ok("suppression lists", "", f"SES's lists were read {ago(health.listed)}.")


def _check_erasure(findings: Findings, connection: Connection) -> None:
    """Look whether the secret is there that recognises erased addresses; see docs/operations.md."""
    checks = stored_checks(connection)
    if not checks:
        findings.ok("erasure secret", "", "Nobody was erased; no secret is needed.")
        return
    try:
        # Not what this process may know of before.
        if [load_secret().check] != checks:
            refuse()
    except (MissingConnectionError, SettingsError) as error:
        findings.add(
            "erasure secret", "", "critical", str(error),
            "Erased addresses can't be recognised: until then no message is classified, and no flag switched off.",
            "Put the secret back as it was, and clear the tasks that failed; see Erase a person in docs/operations.md.",
        )  # fmt: skip
    else:
        findings.ok("erasure secret", "", "It is the one that addresses were erased with.")


def _check_partitions(findings: Findings, connection: Connection) -> None:
    row = connection.execute("SELECT (now() AT TIME ZONE 'UTC')::date").fetchone()
    assert row is not None
    days = partitions(connection)
    ahead = 0
    while row[0] + timedelta(days=ahead + 1) in days:
        ahead += 1
    if row[0] not in days:
        found = "There is no table for today's messages."
    else:
        found = f"There are tables for the messages of the next {ahead} days."
    if row[0] not in days or ahead < DAYS_AHEAD // 2:
        findings.add(
            "partitions", "", "critical" if row[0] not in days or not ahead else "warning", found,
            "Without a table for the day nothing can be landed; the messages stay in the queue.",
            f"{_RUNS} plan_drain, which makes them; `ses-bounces db upgrade` makes them too.",
        )  # fmt: skip
    else:
        findings.ok("partitions", "", found)


def _check_lists(findings: Findings, connection: Connection) -> None:
    compared = blocks = bounces = 0
    # One snapshot: what is written meanwhile is in both, or in neither.
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = connection.execute("SELECT coalesce(max(a.address_id), 0) FROM ses_bounces.address a").fetchone()
        assert row is not None
        moment = moment_of(connection)
        # The newest, and a stretch of the others; another one tomorrow.
        newest = max(0, row[0] - SAMPLE)
        for after in {newest, random.randint(0, newest)}:  # noqa: S311
            ids = address_page(connection, after, SAMPLE)
            found = differing(connection, ids, moment)
            compared += len(ids)
            blocks += sum(in_blocks for _, in_blocks, _ in found)
            bounces += sum(in_bounces for _, _, in_bounces in found)
    if blocks or bounces:
        findings.add(
            "lists", "", "critical",
            f"Of {compared} sampled addresses {blocks} are otherwise in the Email Blocked List than the ledger says, "
            f"{bounces} in the Email Bounce List.",
            "A list is out of date, or was changed by hand.",
            "Run `ses-bounces rebuild`, which brings the lists up to date; then report this.",
        )  # fmt: skip
    else:
        findings.ok("lists", "", f"{compared} sampled addresses are what the ledger says.")


def _check_reports(findings: Findings, connection: Connection, settings: Settings) -> None:
    wanted = {"email": bool(settings.report_email_to), "chat": settings.report_chat_conn_id is not None}
    for channel in (channel for channel, is_wanted in wanted.items() if is_wanted):
        row = connection.execute(statement("doctor/select_unsent_reports"), {"channel": channel}).fetchone()
        assert row is not None
        if row[0]:
            findings.add(
                "report", channel, "warning", f"{row[0]} reports of finished days were not sent.",
                "They are made and kept; who waits for them does not get them.",
                f"Unpause the DAG {dag_id(SEND_REPORT)}. Look at its last runs.",
            )  # fmt: skip
        else:
            findings.ok("report", channel, "Each finished day's report was sent.")
