"""What a run did, in one line: "178 drained · 109 blocked · 5 quarantined"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ses_bounces.base.counted import counted
from ses_bounces.base.sites import DOCTOR, HOURLY, LIFT_BLOCKS, SEND_REPORT, SUPPRESSION_SYNC
from ses_bounces.ledger.lists.overview import TaskDone
from ses_bounces.web.our_dags import AirflowRun

SHOWN = 12
NOTHING = "nothing to do"
# Two DAGs may have a run of one id: whose a task is, its own id says.
TASKS = {
    HOURLY: ("plan_drain", "drain_queue", "classify_bounces", "promote_expired_transients", "sync_allow_group_email",
             "emit_blocked_report", "check_brake"),
    LIFT_BLOCKS: ("lift_blocks",),
    SUPPRESSION_SYNC: ("plan_sync", "read_suppression_list", "report_suppression_drift", "push_blocked_addresses"),
    SEND_REPORT: ("send_report_email", "send_report_to_chat"),
    DOCTOR: ("check_queues", "check_sending", "check_ledger", "check_dags", "report_findings"),
}  # fmt: skip
# Each count of a task, by its words; one that is zero is not said.
_SIMPLE = {
    "lift_blocks": (("lifted", "lifted"), ("refused", "refused"), ("left", "still to lift")),
    "read_suppression_list": (("listed", "read from SES's list"),),
    "sync_allow_group_email": (("switched_off", "switched off"), ("switched_on", "switched on")),
    "promote_expired_transients": (("promoted", "became permanent"),),
    "check_brake": (("braked_domains", "at the brake"),),
    "report_findings": (("critical", "critical"), ("warning", "to look at"), ("ok", "in order")),
}


@dataclass(frozen=True)
class RunLine:
    """A run as the overview shows it: ``did`` in words, ``reason`` why it made no report, if it says so."""

    run: AirflowRun
    did: str
    reason: str | None = None


def run_lines(runs: Sequence[AirflowRun], tasks: Iterable[tuple[str, TaskDone]]) -> list[RunLine]:
    """Return the last runs that who asks may see in Airflow, with what their tasks noted.

    :param runs: the newest first.
    :param tasks: run id and task, as :mod:`ses_bounces.ledger.lists.overview` reads them.
    """
    owner = {task: name for name, ids in TASKS.items() for task in ids}
    by_run: dict[tuple[str, str], list[TaskDone]] = {}
    for run_id, task in tasks:
        if task.task_id in owner:
            by_run.setdefault((owner[task.task_id], run_id), []).append(task)
    shown = [run for run in runs if run.may_open][:SHOWN]
    return [_line(run, by_run.get((run.name, run.run_id), [])) for run in shown]


def _line(run: AirflowRun, tasks: Sequence[TaskDone]) -> RunLine:
    last = {(task.task_id, task.map_index): task.counts for task in sorted(tasks, key=lambda task: task.try_number)}
    reasons = [counts["no_report"] for counts in last.values() if counts.get("no_report")]
    did = words(last)
    # A run that has not ended may still find something to do.
    return RunLine(run, "" if did == NOTHING and run.ended_at is None else did, reasons[0] if reasons else None)


def words(counts: Mapping[tuple[str, int], Mapping[str, Any]]) -> str:
    """Return what tasks did.

    :param counts: of the last try of each task, by task id and map index.
    """
    total: Counter[str] = Counter()
    for (task_id, _), noted in counts.items():
        total.update(_of_task(task_id, noted))
    said = [f"{number:,} {what}" for what, number in total.items() if number]
    days = [day for noted in counts.values() for day in noted.get("days") or ()]
    if days:
        said.append(counted(len(days), "report"))
    return " · ".join(said) or (NOTHING if counts else "")


def _of_task(task_id: str, noted: Mapping[str, Any]) -> dict[str, int]:
    if task_id == "drain_queue":
        return {"drained": noted.get("landed", 0)}
    if task_id == "classify_bounces":
        outcomes = noted.get("outcomes", {})
        replayed = 0 if noted.get("replay_tried") else noted.get("replayed_messages", 0)
        return {
            "blocked": sum(noted.get("blocked", {}).values()),
            "lifted": sum(noted.get("unblocked", {}).values()),
            "quarantined": outcomes.get("quarantined", 0),
            "held": outcomes.get("held", 0),
            "read again": replayed,
            "tried to be read again": noted.get("replayed_messages", 0) - replayed,
            "repaired": sum(noted.get("rebuilt", {}).get(name, 0) for name in ("blocks", "bounces")),
        }
    return {what: noted.get(name, 0) for name, what in _SIMPLE.get(task_id, ())}
