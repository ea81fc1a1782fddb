"""
# Email bounces, hourly

Drains the SQS queue that collects Amazon SES's bounce and complaint reports, decides what each one means for its
address, blocks bad addresses, switches off *Allow Group Email* for the people who have them, turns transient problems
older than the grace period into permanent ones, and writes the daily Email Blocked Report.

**Everything may be repeated.** Retry, clear or trigger any task or run, in any order: the state comes out the same. A
message leaves SQS only after it is committed in Postgres. What a failed run left undone, the next one does.

- **`plan_drain`** reads Airflow Variable `ses_bounces`, checks the database, asks each queue its depth.
  - When it fails: its message names the setting, the connection or the command that mends it. Nothing was drained; all
    other tasks are skipped.
- **`drain_queue`** receives, commits, and only then deletes; one task for each drainer.
  - When it fails: queue missing, permission missing, Postgres or AWS not reachable: the message says which. The
    messages are still in the queue. The other queues went on.
- **`classify_bounces`** turns landed messages into ledger entries and brings both lists up to date.
  - When it fails: *Most messages were not understood*: something else is in the queue, or `allowed_topic_arns` is
    wrong. Correct it; the messages are kept in quarantine. *A certificate can't be had*: let the workers reach the host
    that it names; the messages stay pending.
- **`promote_expired_transients`** makes transient problems permanent whose deadline has passed.
  - When it fails: clear it. A late promotion is dated at its deadline.
- **`sync_allow_group_email`** switches the flag off for people at blocked addresses, on for those whose block was
  lifted.
  - When it fails: check the `people_…` settings and the role's grant on that column. Addresses stay due until it
    succeeds.
- **`emit_blocked_report`** writes the report of each finished day that has none, or that later entries reached into.
  - When it fails: check `report_url` and `report_conn_id`. Days not written are written by the next run.
- **`check_brake`** looks whether bounces of a domain over its limit are held.
  - When it fails: Decide: its message says what is held, and how. Everything else went on, and goes on.
- **`check_run`** makes the run fail if anything else failed.
  - When it fails: look at the tasks that it names.

**By hand**: trigger it when you can't wait for the hour. The form can lower the limits of a run, or ask for a report of
the day so far. It can't do what needs another right than to trigger: settings are changed on their page, and what is
held is decided about on the page *Quarantine*.

**Backfill**: drains nothing (what is in the queue belongs to no hour); it brings the lists up to date for what
happened in its hours, and writes the reports of its days again. As many active runs as you like.

**Replay**: with *Read messages again*, a backfill classifies the messages of its hours again with today's rules and
settings; a run by hand those sent in the times that it names. Try it first (*Dry run*): `classify_bounces` logs what
would change. Then run the same once more without that. What today's rules no longer make is superseded, not deleted.

**The brake** (setting `max_new_blocks_per_domain`): bounces of a domain beyond that many new blocks a day are held, and
`check_brake` fails in every run until an administrator confirms or dismisses them, on the page *Quarantine* or with
`ses-bounces held`.

**To stop everything**: set `"enabled": false` in the Variable; each task is then skipped. The queue keeps messages for
at most 14 days.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    AssetAlias,
    Context,
    Param,
    dag,
    get_current_context,
    task,
)

from ses_bounces.base import sites
from ses_bounces.dags.shape import Retries, Shape, report_asset, run_for
from ses_bounces.dags.tasks import hourly
from ses_bounces.dags.tasks.run import require_plan

_PARAMS = {
    "report_today": Param(
        False,
        type="boolean",
        title="Report of today",
        description="Also write an Email Blocked Report of the day so far.",
    ),
    "reprocess": Param(
        False,
        type="boolean",
        title="Read messages again",
        description="Classify the messages of a window again, with today's rules: a backfill those of its hours, a run "
        "by hand those sent in the times below. Try it first.",
        section="Replay",
    ),
    "dry_run": Param(
        True,
        type="boolean",
        title="Dry run",
        description="Say in the log of classify_bounces what reading again would change, and change nothing. A window "
        "that was not tried is refused.",
        section="Replay",
    ),
    "reprocess_from": Param(
        None,
        type=["null", "string"],
        format="date-time",
        title="Messages sent from",
        description="Manual runs only.",
        section="Replay",
    ),
    "reprocess_to": Param(None, type=["null", "string"], format="date-time", title="Sent before", section="Replay"),
    "max_seconds": Param(
        None,
        type=["null", "integer"],
        minimum=10,
        maximum=2_700,
        title="Longest time of a task (seconds)",
        description="At most what the settings say. What is left by then is done by the next run. Empty: as there.",
        section="Limits of this run",
    ),
    "max_messages": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        title="Most messages of a queue",
        description="At most what the settings say. Empty: as there.",
        section="Limits of this run",
    ),
    "max_drainers": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        maximum=64,
        title="Most drainers of a queue",
        description="At most what the settings say. Empty: as there.",
        section="Limits of this run",
    ),
}


def _context() -> Context:
    """Return the task's context, unless the plan failed or processing is switched off."""
    context = get_current_context()
    require_plan(context, hourly.PLAN)
    return context


def _step(site: sites.Site, name: str) -> Any:
    """Return a task that runs the function of its name once those before it have ended, whether they failed or not.

    A broken queue must not stop blocking, nor one broken step the next.
    """

    @task(task_id=name, trigger_rule="all_done", doc_md=getattr(hourly, name).__doc__)
    @run_for(site)
    def step() -> dict[str, Any]:
        counts: dict[str, Any] = getattr(hourly, name)(_context())
        return counts

    return step


def build(shape: Shape) -> DAG:
    """Return the DAG of a site."""
    site = shape.site
    report = report_asset(site)
    report_alias = AssetAlias(name=report.name)
    arguments = shape.arguments(
        sites.HOURLY,
        title="Email bounces",
        description="Amazon SES bounces and complaints into a blocked list",
        runbook=__doc__,
        schedule="0 * * * *",
        timeout=timedelta(minutes=55),
        retries=Retries(2, timedelta(seconds=30), timedelta(minutes=5)),
        params=_PARAMS,
    )

    @dag(**arguments)
    def ses_bounces() -> None:
        @task(doc_md=hourly.plan_drain.__doc__)
        @run_for(site)
        def plan_drain() -> list[dict[str, Any]]:
            return hourly.plan_drain(get_current_context())

        @task(doc_md=hourly.drain_queue.__doc__, map_index_template="{{ queue_name }}")
        @run_for(site)
        def drain_queue(job: dict[str, Any]) -> dict[str, Any]:
            context = get_current_context()
            context["queue_name"] = job["url"].rpartition("/")[2]  # type: ignore[typeddict-unknown-key]
            return hourly.drain_queue(context, job)

        @task(trigger_rule="all_done", doc_md=hourly.emit_blocked_report.__doc__, outlets=[report_alias])
        @run_for(site)
        def emit_blocked_report(*, outlet_events: Any) -> dict[str, Any]:
            counts = hourly.emit_blocked_report(_context())
            if counts["days"]:
                outlet_events[report_alias].add(report, extra=counts)
            return counts

        @task(trigger_rule="all_done", retries=0, doc_md=hourly.check_run.__doc__)
        @run_for(site)
        def check_run() -> None:
            hourly.check_run(get_current_context())

        classified = _step(site, "classify_bounces")()
        # A leaf of its own: the run is red, and no other task of it failed or waited.
        classified >> _step(site, "check_brake")()
        (
            drain_queue.expand(job=plan_drain())
            >> classified
            >> _step(site, "promote_expired_transients")()
            >> _step(site, "sync_allow_group_email")()
            >> emit_blocked_report()  # type: ignore[call-arg]
            >> check_run()
        )

    made: DAG = ses_bounces()
    return made
