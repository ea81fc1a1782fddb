"""
# Setting up the feed, by hand

Makes the way that a bounce takes in AWS: SES identity ▶ SNS topic ▶ SQS queue with its dead-letter queue, and the
database schema. **Trigger it without *Apply* first**: the log of `show_plan` then has a line for everything that is
needed:

- `+` create
- `~` change
- `=` already right
- `.` not ours, left alone
- `!` in the way: nothing is done before that is out of it

What is looked at, and with which connections, is in the settings: `feeds` of Airflow Variable `ses_bounces`, or of the
section `[ses_bounces]` in `airflow.cfg`; see docs/setup.md. The form can't name anything.

Hand that list to whoever may create things in AWS, or trigger again with *Apply*. It does all of a feed or nothing: a
step that AWS refuses undoes those before it. A run that was killed is finished by the next one; a second run finds
nothing to do. What it makes bears the tags `managed-by: airflow-ses-bounces` and `ses-bounces:site`; what others made
gets one statement in its policy and is left alone otherwise; what another site made is in the way.

*Only the database* makes or upgrades the schema and nothing else: for an upgrade, or where another team makes the feed.

To take a feed down, use `ses-bounces setup example.com --teardown` in a shell. The settings are changed on their page, or by the
shell.

- **`show_plan`** looks at everything, changes nothing.
  - When it fails: `feeds` is empty, a name is wrong, credentials are wrong or expired, or the role may not look at
    something: the last line of the log says which.
- **`apply_plan`** does what the plan says; only with *Apply*.
  - When it fails: something is in the way, or AWS refused a step: the message names it. Correct that, and trigger
    again.
- **`upgrade_database`** makes or upgrades the schema `ses_bounces`; only with *Apply* or *Only the database*.
  - When it fails: the connection is missing, its role may not create a schema (see docs/reference.md), or the schema
    is another site's: it is left as it is.
- **`show_settings`** logs the lines to add to Airflow Variable `ses_bounces`.
  - When it fails: the Variable that is there is not valid: its message names the key.
- **`prove_feed`** sends a mail to `success@simulator.amazonses.com` and waits for its delivery; only with *Prove*.
  - When it fails: the identity is not verified yet (the log shows what its owner has to do), or the report did not
    arrive in a minute.

The role needs the permissions *To set up* of docs/iam.md; take them away again afterwards.
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
from ses_bounces.dags.tasks import setup as setup_tasks


def _flag(title: str, description: str) -> Param:
    return Param(False, type="boolean", title=title, description=description)


# Flags only: names and connections come from the settings, which not everybody who may trigger a run may change.
_PARAMS = {
    "apply": _flag("Apply", "Do what the plan says. Without it nothing is changed."),
    "prove": _flag("Prove", "Then send a mail to SES's mailbox simulator and wait for its delivery."),
    "only_database": _flag("Only the database", "Make or upgrade the schema. AWS is neither asked nor changed."),
}


def build(shape: Shape) -> DAG:
    """Return the DAG of a site."""
    site = shape.site
    arguments = shape.arguments(
        sites.SETUP,
        title="Email bounces: set up",
        description="Makes SES report bounces to a queue: plan first, then apply",
        runbook=__doc__,
        schedule=None,
        timeout=timedelta(minutes=30),
        retries=Retries(1, timedelta(seconds=30), timedelta(seconds=30)),
        params=_PARAMS,
    )

    @dag(**arguments)
    def ses_bounces_setup() -> None:
        @task(doc_md=setup_tasks.show_plan.__doc__)
        @run_for(site)
        def show_plan() -> dict[str, Any]:
            return setup_tasks.show_plan(get_current_context())

        @task(doc_md=setup_tasks.apply_plan.__doc__)
        @run_for(site)
        def apply_plan() -> dict[str, Any]:
            return setup_tasks.apply_plan(get_current_context())

        # With only the database, what is before it is skipped.
        @task(doc_md=setup_tasks.upgrade_database.__doc__, trigger_rule="none_failed")
        @run_for(site)
        def upgrade_database() -> dict[str, Any]:
            return setup_tasks.upgrade_database(get_current_context())

        @task(doc_md=setup_tasks.show_settings.__doc__)
        @run_for(site)
        def show_settings() -> dict[str, Any]:
            return setup_tasks.show_settings(get_current_context())

        @task(doc_md=setup_tasks.prove_feed.__doc__)
        @run_for(site)
        def prove_feed() -> dict[str, Any]:
            return setup_tasks.prove_feed(get_current_context())

        show_plan() >> apply_plan() >> upgrade_database() >> show_settings() >> prove_feed()

    made: DAG = ses_bounces_setup()
    return made
