"""
# SES's suppression lists, daily

Amazon SES keeps a suppression list of its own for each account and region, and refuses mail to the addresses on it.
This DAG reads those lists into the ledger, so that an address that SES refuses is on our blocked list as well, and
reports where the two differ.

**After an outage longer than the queue's retention (14 days at most) this is how lost bounces come back**: SES put the
addresses on its list when they bounced, with the date. Trigger this DAG with *Read everything*, or with the days of
the outage; each address is recorded with the date that SES gives. (Transient bounces are not on that list. They come
back with the next mail that bounces.) SES lists bounces and complaints only where the account's suppression is
switched on, which is AWS's default.

**Everything may be repeated.** An entry counts once. A reading that was killed goes on with the page that it had
reached. Each day what changed is read; once a week everything.

- **`plan_sync`** reads Airflow Variable `ses_bounces`, checks the database, and lists the accounts and regions.
  - When it fails: its message names the setting or the command that mends it.
- **`read_suppression_list`** reads one list, one request a second; one task for each list.
  - When it fails: a permission is missing (`ses:ListSuppressedDestinations`, see docs/iam.md), or AWS can't be reached.
    What was read is kept; clear the task, and it goes on. The other lists went on.
- **`report_suppression_drift`** compares the lists; `suppression_drift.csv` beside the daily report, numbers in the
  log.
  - When it fails: check `report_url` and `report_conn_id`.
- **`push_blocked_addresses`** puts what we block on SES's lists too; only with `push_to_ses`.
  - When it fails: a permission is missing (`ses:PutSuppressedDestination`), or the account is in the sandbox, where AWS
    does not allow it.
- **`check_run`** makes the run fail if anything before it failed.
  - When it fails: look at the tasks that it names.

**The drift report**: `theirs_only`: SES refuses the address, and we know of no other reason than that. `ours_only`: we
block it and SES does not, for instance because its owner asked us, or because SES's list was cleared.
`reasons_differ`: SES has a complaint where we have a bounce, or the other way round. None of this needs an answer; a
number that jumps does.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    Param,
    dag,
    get_current_context,
    task,
)

from ses_bounces.base import sites
from ses_bounces.dags.shape import Retries, Shape, run_for
from ses_bounces.dags.tasks import suppression as suppression_tasks


def _day(title: str, description: str) -> Param:
    return Param(None, type=["null", "string"], format="date", title=title, description=description)


_PARAMS = {
    "full": Param(False, type="boolean", title="Read everything", description="Not only what changed."),
    "first_day": _day("First day", "Entries that SES made or changed from this day on (UTC). Empty: as usual."),
    "last_day": _day("Last day", "Up to the end of this day (UTC). Empty: up to now."),
}


def build(shape: Shape) -> DAG:
    """Return the DAG of a site."""
    site = shape.site
    arguments = shape.arguments(
        sites.SUPPRESSION_SYNC,
        title="Email bounces: SES's suppression lists",
        description="SES's account suppression lists into the blocked list, and where they differ",
        runbook=__doc__,
        schedule="20 3 * * *",
        timeout=timedelta(hours=6),
        retries=Retries(3, timedelta(minutes=1), timedelta(minutes=15)),
        params=_PARAMS,
    )

    @dag(**arguments)
    def ses_suppression_sync() -> None:
        @task(doc_md=suppression_tasks.plan_sync.__doc__)
        @run_for(site)
        def plan_sync() -> list[dict[str, Any]]:
            return suppression_tasks.plan_sync(get_current_context())

        @task(doc_md=suppression_tasks.read_suppression_list.__doc__, map_index_template="{{ place }}")
        @run_for(site)
        def read_suppression_list(job: dict[str, Any]) -> dict[str, Any]:
            context = get_current_context()
            context["place"] = job["region"] or job["aws_conn_id"]  # type: ignore[typeddict-unknown-key]
            return suppression_tasks.read_suppression_list(context, job)

        # A list that can't be read must not stop the comparison of the others.
        @task(trigger_rule="all_done", doc_md=suppression_tasks.report_suppression_drift.__doc__)
        @run_for(site)
        def report_suppression_drift() -> dict[str, Any]:
            return suppression_tasks.report_suppression_drift(get_current_context())

        @task(trigger_rule="all_done", doc_md=suppression_tasks.push_blocked_addresses.__doc__)
        @run_for(site)
        def push_blocked_addresses() -> dict[str, Any]:
            return suppression_tasks.push_blocked_addresses(get_current_context())

        @task(trigger_rule="all_done", retries=0, doc_md=suppression_tasks.check_run.__doc__)
        @run_for(site)
        def check_run() -> None:
            suppression_tasks.check_run(get_current_context())

        (
            read_suppression_list.expand(job=plan_sync())
            >> report_suppression_drift()
            >> push_blocked_addresses()
            >> check_run()
        )

    made: DAG = ses_suppression_sync()
    return made
