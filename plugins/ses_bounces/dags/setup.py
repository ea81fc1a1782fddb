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

Hand that list to whoever may create things in AWS, or trigger again with *Apply*. It does all of it or nothing: a step
that AWS refuses undoes those before it. A run that was killed is finished by the next one; a second run finds nothing
to do. What it makes bears the tag `managed-by: airflow-ses-bounces`; what others made gets one statement in its policy
and is left alone otherwise.

*Teardown* takes away what it made, and that only; with *Apply* it does so. The ledger in Postgres and the settings stay.

| task | what it does | when it fails |
|---|---|---|
| `show_plan` | looks at everything, changes nothing | A name is wrong, credentials are wrong or expired, or the role may not look at something: the last line of the log says which. |
| `apply_plan` | does what the plan says; only with *Apply* | Something is in the way, or AWS refused a step: the message names it. Correct that, and trigger again. |
| `upgrade_database` | makes the schema `ses_bounces` | The connection is missing, or its role may not create a schema: see docs/operations.md. |
| `write_settings` | adds the queue to Airflow Variable `ses_bounces`, or logs what to add | The Variable that is there is not valid: its message names the key. |
| `prove_feed` | sends a mail to `success@simulator.amazonses.com` and waits for its delivery; only with *Prove* | The identity is not verified yet (the log shows what its owner has to do), or the report did not arrive in a minute. |

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
from ses_bounces.base.sites import Site
from ses_bounces.dags.shape import Retries, Shape
from ses_bounces.dags.tasks import setup as setup_tasks


def _text(default: str | None, title: str, description: str, section: str | None = None) -> Param:
    return Param(default, type=["null", "string"], title=title, description=description, section=section)


def _flag(title: str, description: str, default: bool = False, section: str | None = None) -> Param:
    return Param(default, type="boolean", title=title, description=description, section=section)


_NAMES, _REPORTS, _WAYS = "Names", "What SES reports", "Connections"


def _params(site: Site) -> dict[str, Param]:
    return {
        "identity": _text(None, "Identity", "The domain that you send from, or a FROM address."),
        "region": _text(None, "Region", "Where SES sends, like eu-west-1. Empty: the connection's."),
        "apply": _flag("Apply", "Do what the plan says. Without it nothing is changed."),
        "prove": _flag("Prove", "Then send a mail to SES's mailbox simulator and wait for its delivery."),
        "write_variable": _flag(
            "Write the settings", f"Add the queue to Airflow Variable {site.variable}. Else it is logged."
        ),
        "teardown": _flag("Teardown", "Take away what an earlier run made."),
        "discard_messages": _flag("Discard messages", "With teardown: also delete a queue that still holds messages."),
        "topic": _text(f"{site.slug}-topic", "Topic", "A name, or the ARN of one that is there.", _NAMES),
        "queue": _text(f"{site.slug}-queue", "Queue", "A name.", _NAMES),
        "dead_letter_queue": _text(f"{site.slug}-dead-letter-queue", "Dead-letter queue", "A name.", _NAMES),
        "configuration_set": _text(
            None, "Configuration set", "Report mail sent with this set, instead of all mail of the identity.", _NAMES
        ),
        "kms_key": _text(None, "KMS key", "Id or ARN of a key of yours. Empty: SQS's own encryption.", _NAMES),
        "deliveries": _flag("Deliveries", "Also report deliveries: they end transient problems.", True, _REPORTS),
        "keep_forwarding": _flag("Keep e-mails", "Leave SES's forwarding of feedback by e-mail on.", False, _REPORTS),
        "aws_conn_id": _text(site.aws_conn_id, "AWS connection", "Empty: boto3's default credentials.", _WAYS),
        "postgres_conn_id": _text(site.postgres_conn_id, "Postgres connection", "Of the ledger.", _WAYS),
        "use_fips_endpoint": _flag("FIPS endpoints", "Use AWS's FIPS endpoints.", False, _WAYS),
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
        params=_params(site),
    )

    @dag(**arguments)
    def ses_bounces_setup() -> None:
        @task(doc_md=setup_tasks.show_plan.__doc__)
        @site.bound
        def show_plan() -> dict[str, Any]:
            return setup_tasks.show_plan(get_current_context())

        @task(doc_md=setup_tasks.apply_plan.__doc__)
        @site.bound
        def apply_plan() -> dict[str, Any]:
            return setup_tasks.apply_plan(get_current_context())

        @task(doc_md=setup_tasks.upgrade_database.__doc__)
        @site.bound
        def upgrade_database() -> dict[str, Any]:
            return setup_tasks.upgrade_database(get_current_context())

        @task(doc_md=setup_tasks.write_settings.__doc__)
        @site.bound
        def write_settings() -> dict[str, Any]:
            return setup_tasks.write_settings(get_current_context())

        @task(doc_md=setup_tasks.prove_feed.__doc__)
        @site.bound
        def prove_feed() -> dict[str, Any]:
            return setup_tasks.prove_feed(get_current_context())

        show_plan() >> apply_plan() >> upgrade_database() >> write_settings() >> prove_feed()

    made: DAG = ses_bounces_setup()
    return made
