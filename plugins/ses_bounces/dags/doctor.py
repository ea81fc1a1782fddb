"""
# Is the feed alive? Daily

A feed of bounces can die without an error: a notification that was switched off, a policy that lost a statement, a
paused DAG, an expired key. This DAG looks at everything that the job stands on, and says of each thing what was found,
what it means and what to do. The findings are in the log of `report_findings`, in the table `ses_bounces.finding`, on
the overview page, and in metrics (`ses_bounces.findings`). **A critical one fails the run**, so that your usual alerts
fire.

It changes nothing. Each right that the job uses is tried on something that isn't there.

- **`check_queues`** looks at rights, encryption, retention, policies and subscription of each queue, dead letters,
  age of the oldest message.
  - When it fails: the settings or the database are not good: its message says what to change. What AWS refuses is a
    finding.
- **`check_sending`** looks at rights on SES's list, pauses, sandbox, what the identities report, bounce and complaint
  rates against AWS's thresholds, mail sent without a report.
  - When it fails: as with `check_queues`.
- **`check_ledger`** looks at when the job last ran, messages that wait or are quarantined, tables for the days to
  come, a sample of the lists against the ledger.
  - When it fails: as with `check_queues`.
- **`check_dags`** looks whether our DAGs are there, paused or failing.
  - When it fails: as with `check_queues`.
- **`report_findings`** sums up all of that.
  - When it fails: something is critical. Its message names it and what to do.

*unknown* means that it could not be looked at: the role lacks a permission that the job itself doesn't need. The
policy for the doctor in docs/iam.md has them.

What is critical:

- **processing, drain**: the hourly DAG has not worked, or a queue was not drained, for two days.
- **dag**: `ses_bounces` is not there, or has failed for two days.
- **queue, region, right**: the queue is not there, the credentials are not good, or the role may not do what the job
  does.
- **oldest message**: it is older than half of the queue's retention.
- **subscription, queue policy, topic, raw delivery, allowed topics, encryption**: messages can't reach the queue, or
  all of them are quarantined.
- **notifications**: an identity that mail was sent from, or every one, reports to our topic no more.
- **account, bounce rate, complaint rate**: sending is paused or under review, or AWS may pause it.
- **feed**: mail was sent, and no report came for a day (without deliveries: three days).
- **pending messages, partitions, lists**: messages are not classified for two days, there is no table for tomorrow,
  or a list differs from the ledger.

Right after the first installation some of it is a warning (never run, never read): that passes with the first runs.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    dag,
    get_current_context,
    task,
    task_group,
)

from ses_bounces.base import sites
from ses_bounces.dags.shape import Retries, Shape, run_for
from ses_bounces.dags.tasks import doctor as doctor_tasks


def build(shape: Shape) -> DAG:
    """Return the DAG of a site."""
    site = shape.site
    arguments = shape.arguments(
        sites.DOCTOR,
        title="Email bounces: doctor",
        description="Is the feed of bounces alive, is anything stuck?",
        runbook=__doc__,
        schedule="50 6 * * *",
        timeout=timedelta(minutes=30),
        retries=Retries(2, timedelta(minutes=1), timedelta(minutes=5)),
    )

    @dag(**arguments)
    def ses_bounces_doctor() -> None:
        @task_group(prefix_group_id=False)
        def checks() -> None:
            @task(doc_md=doctor_tasks.check_queues.__doc__)
            @run_for(site)
            def check_queues() -> dict[str, Any]:
                return doctor_tasks.check_queues(get_current_context())

            @task(doc_md=doctor_tasks.check_sending.__doc__)
            @run_for(site)
            def check_sending() -> dict[str, Any]:
                return doctor_tasks.check_sending(get_current_context())

            @task(doc_md=doctor_tasks.check_ledger.__doc__)
            @run_for(site)
            def check_ledger() -> dict[str, Any]:
                return doctor_tasks.check_ledger(get_current_context())

            @task(doc_md=doctor_tasks.check_dags.__doc__)
            @run_for(site)
            def check_dags() -> dict[str, Any]:
                return doctor_tasks.check_dags(get_current_context())

            check_queues()
            check_sending()
            check_ledger()
            check_dags()

        @task(doc_md=doctor_tasks.report_findings.__doc__, trigger_rule="all_done")
        @run_for(site)
        def report_findings() -> dict[str, Any]:
            return doctor_tasks.report_findings(get_current_context())

        checks() >> report_findings()

    made: DAG = ses_bounces_doctor()
    return made
