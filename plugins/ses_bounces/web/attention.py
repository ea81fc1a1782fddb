"""What needs a person, in words, the worst first: an alert for each problem, looked up now but for the doctor's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ses_bounces.base.counted import counted
from ses_bounces.base.settings import Settings
from ses_bounces.base.sites import DOCTOR, HOURLY, LIFT_BLOCKS, SEND_REPORT, SUPPRESSION_SYNC
from ses_bounces.doctor.finding import Finding
from ses_bounces.ledger.brake.held import HeldDomain
from ses_bounces.ledger.figures.outages import Outage
from ses_bounces.ledger.lists.engine.paging import Count
from ses_bounces.ledger.lists.overview import Overview
from ses_bounces.web.our_dags import AirflowRun, OurDag, OurDags

# The DAG runs hourly: three runs that did not come are no accident.
SILENT = timedelta(hours=3)
LATE = timedelta(hours=2)
# A day is alarming from this many times the usual number on; fewer addresses than the second are never alarming.
TIMES_THE_MEDIAN = 3
FEW = 20
DOMAINS_NAMED = 5
# What the doctor looks at and the page looks up now: what was found in the morning may be mended by noon.
_LOOKED_UP = ("dag", "processing", "drain", "pending messages", "quarantine", "brake")
# What is left undone while a DAG stands still; the hourly DAG and the lifts have alerts of their own.
UNDONE = {
    DOCTOR: "Nobody looks whether the feed is alive.",
    SUPPRESSION_SYNC: "What SES suppresses itself is not brought into our lists.",
    SEND_REPORT: "The daily report is sent to nobody.",
}
DUE_SOON = "bounces?kind=transient&days_left_min=0&days_left_max=2&sort=deadline&direction=ascending"

Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True)
class Alert:
    """A sentence, how bad it is, and what helps.

    ``path``, ``link``: the page that helps, below the root of the pages, and its words. ``unpause``: the DAG to
    unpause. ``run``: the run that failed. ``checked_at``: when the doctor looked; None: it was looked up now.
    """

    severity: Severity
    text: str
    path: str | None = None
    link: str | None = None
    unpause: OurDag | None = None
    run: AirflowRun | None = None
    checked_at: datetime | None = None


def notices(
    seen: Overview,
    settings: Settings,
    findings: Sequence[Finding],
    braked: Sequence[HeldDomain],
    ours: OurDags,
    suggested: Sequence[Outage] = (),
) -> list[Alert]:
    """Return what an administrator should know first; a run that failed comes before everything else.

    :param findings: what the doctor found and nothing here looks up; see :func:`doctors_own`.
    :param braked: domains of which anything waits for a decision.
    :param suggested: what may be outages of providers, for those who may undo them.
    """
    found = [
        *_braked(braked),
        *_feed(seen, settings, ours),
        *_standing(settings, ours),
        *_lifts(seen, ours),
        *_outages(suggested),
        *_warnings(seen, ours),
        *_to_decide(seen, braked),
        *_doctor(findings),
    ]
    order = {"critical": 0, "warning": 1, "info": 2}
    return [*_red_runs(ours, braked, findings), *sorted(found, key=lambda notice: order[notice.severity])]


def doctors_own(findings: Sequence[Finding], seen: Overview, ours: OurDags) -> list[Finding]:
    """Return the findings that are not in order and that only the doctor can look at: the rest is looked up now."""
    # Why lifts wait is looked up only as far as Airflow knows it.
    known = [*_LOOKED_UP, *(["lifts"] if not seen.lifts_open.found or ours.stands(LIFT_BLOCKS) else [])]
    return [finding for finding in findings if finding.severity != "ok" and finding.check not in known]


def _red_runs(ours: OurDags, braked: Sequence[HeldDomain], findings: Sequence[Finding]) -> Iterator[Alert]:
    """Yield the DAGs whose last run failed, unless it failed to say what is said by itself."""
    said = set()
    if braked:
        said.add("check_brake")
    if any(finding.severity == "critical" for finding in findings):
        said.add("report_findings")
    for name in ours.dags:
        run = ours.last_ended(name)
        if run is None or run.state != "failed":
            continue
        failed = [task for task in run.failed if task not in said and task != "check_run"]
        if run.failed and not failed:
            continue
        where = f" at {', '.join(failed)}" if failed else ""
        # Which task it was, whoever may not see the run need not know.
        yield Alert(
            "critical", f"The last run of {run.dag_id} failed{where if run.may_open else ''}, {_time(run.began_at)}.",
            run=run,
        )  # fmt: skip


def _braked(braked: Sequence[HeldDomain]) -> Iterator[Alert]:
    if braked:
        names = ", ".join(held.domain for held in braked[:DOMAINS_NAMED])
        more = f" and {len(braked) - DOMAINS_NAMED:,} more" if len(braked) > DOMAINS_NAMED else ""
        total = sum(held.bounces for held in braked)
        are = "bounce is" if total == 1 else "bounces are"
        yield Alert(
            "critical",
            f"The brake holds {names}{more}: {total:,} {are} beyond the limit of new blocks a day, since "
            f"{_time(min(held.braked_at for held in braked))}. Confirm or dismiss; until then they block nobody.",
            "quarantine#held-title", "Decide",
        )  # fmt: skip


def _outages(suggested: Sequence[Outage]) -> Iterator[Alert]:
    for outage in suggested:
        addresses = counted(outage.addresses, "address", "addresses")
        yield Alert(
            "warning", f"{addresses} at {outage.domain} since {_time(outage.first)}, refused in the same words. "
            "Perhaps an outage of theirs.", f"undo?outage={outage.outage_id}", "Undo this outage…",
        )  # fmt: skip


def _feed(seen: Overview, settings: Settings, ours: OurDags) -> Iterator[Alert]:
    """Yield the one thing that keeps the feed from being drained, if anything does."""
    dag = ours.dags[HOURLY]
    began = last_drain(seen)
    if not settings.enabled:
        yield Alert("critical", "Processing is switched off (enabled is false): the queue fills, nobody is blocked.",
                     "settings", "Email Bounce Settings")  # fmt: skip
    elif not dag.is_there:
        yield Alert("critical", f"Airflow has no DAG {dag.dag_id}: nothing is drained. Its import errors, on Airflow's "
                     "home page, say why.")  # fmt: skip
    elif dag.is_paused:
        yield Alert("critical", f"The DAG {dag.dag_id} is paused: nothing is drained, and the queue keeps messages for "
                     "a limited time.", unpause=dag)  # fmt: skip
    elif began is None:
        yield Alert("critical", f"No run has drained a queue yet. The DAG {dag.dag_id} runs at each full hour; trigger "
                     "it if you can't wait.")  # fmt: skip
    elif seen.now - began > SILENT:
        hours = (seen.now - began) // timedelta(hours=1)
        yield Alert("critical", f"The last run of {dag.dag_id} began {hours:,} hours ago, though it is not paused. "
                     "Does Airflow's scheduler run?")  # fmt: skip
    elif late := [queue for queue in seen.queues if seen.now - queue.last_drained_at > SILENT]:
        names = ", ".join(sorted(queue.queue_url.rpartition("/")[2] for queue in late))
        yield Alert("critical", f"Runs come, but they did not drain for three hours: {names}. See the drain's log.")


def last_drain(seen: Overview) -> datetime | None:
    """Return when the hourly DAG last began to work; None: never. Runs of other DAGs drain nothing."""
    tasks = (task for run in seen.runs for task in run.tasks)
    return max((task.started_at for task in tasks if task.task_id in ("plan_drain", "drain_queue")), default=None)


def _standing(settings: Settings, ours: OurDags) -> Iterator[Alert]:
    wanted = [DOCTOR, SUPPRESSION_SYNC]
    if settings.report_email_to or settings.report_chat_conn_id:
        wanted.append(SEND_REPORT)
    for name in wanted:
        dag = ours.dags[name]
        if dag.is_there and dag.is_paused:
            yield Alert("warning", f"The DAG {dag.dag_id} is paused. {UNDONE[name]}", unpause=dag)
        elif not dag.is_there:
            yield Alert("warning", f"Airflow has no DAG {dag.dag_id}. {UNDONE[name]}")


def _lifts(seen: Overview, ours: OurDags) -> Iterator[Alert]:
    dag = ours.dags[LIFT_BLOCKS]
    if not seen.lifts_open.found:
        return
    waiting = _how_many(seen.lifts_open, "lift waits", "lifts wait")
    stays = "the address stays" if seen.lifts_open.found == 1 else "the addresses stay"
    if not dag.is_there:
        yield Alert("warning", f"{waiting} for the DAG {dag.dag_id}, which Airflow does not have: {stays} blocked.",
                     "lifts", "Lifts")  # fmt: skip
    elif dag.is_paused:
        yield Alert("warning", f"{waiting} for the DAG {dag.dag_id}, which is paused: {stays} blocked.",
                     "lifts", "Lifts", unpause=dag)  # fmt: skip


def _warnings(seen: Overview, ours: OurDags) -> Iterator[Alert]:
    # Where the hourly DAG stands, that is the problem, and said.
    if seen.lag_seconds > LATE.total_seconds() and not ours.stands(HOURLY):
        hours = int(seen.lag_seconds // 3600)
        yield Alert("warning", f"The feed is behind: the oldest message that waits was sent {hours:,} hours ago.")
    if seen.blocked_median is not None and seen.blocked_today.found > max(FEW, TIMES_THE_MEDIAN * seen.blocked_median):
        usual = f"{seen.blocked_median:,.0f}"
        text = f"{seen.blocked_today} addresses were blocked today; {usual} are usual. A bad list, or an outage at a"
        yield Alert("warning", f"{text} mailbox provider?", "blocked", "Email Blocked List")
    if seen.lifts_failed.found:
        refused = _how_many(seen.lifts_failed, "lift", "lifts")
        still = "the address is" if seen.lifts_failed.found == 1 else "the addresses are"
        yield Alert("warning", f"SES refused {refused} in the last 30 days: {still} still blocked.", "lifts", "Lifts")


def _to_decide(seen: Overview, braked: Sequence[HeldDomain]) -> Iterator[Alert]:
    if seen.quarantined.found:
        what = _how_many(seen.quarantined, "message was", "messages were")
        yield Alert("warning", f"{what} not understood.", "quarantine", "Quarantine")
    # What the brake holds is said above.
    if seen.held.found and not braked:
        yield Alert("warning", f"{_how_many(seen.held, 'message is', 'messages are')} held.", "quarantine",
                     "Quarantine")  # fmt: skip
    if seen.people_waiting.found:
        what = _how_many(seen.people_waiting, "person waits", "people wait")
        yield Alert("info", f"{what} for a decision: we switched Allow Group Email off, the block is gone, and "
                     "the row has changed since.", "people", "Decide")  # fmt: skip
    if seen.due_soon.found:
        what = _how_many(seen.due_soon, "transient becomes", "transients become")
        yield Alert("info", f"{what} permanent within 48 hours.", DUE_SOON, "Look at them")


def _doctor(findings: Sequence[Finding]) -> Iterator[Alert]:
    for finding in findings:
        if finding.severity in ("critical", "warning"):
            severity: Severity = "critical" if finding.severity == "critical" else "warning"
            where = f" ({finding.subject})" if finding.subject else ""
            yield Alert(
                severity, f"{finding.check[:1].upper()}{finding.check[1:]}{where}: {finding.found}", "#findings",
                "What to do", checked_at=finding.checked_at,
            )  # fmt: skip


def _how_many(count: Count, one: str, many: str) -> str:
    return f"{count} {one if count.found == 1 else many}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
