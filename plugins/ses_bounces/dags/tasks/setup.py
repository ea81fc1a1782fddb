"""What each task of the DAG ``ses_bounces_setup`` does; see hourly.py."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ses_bounces.base.sites import current

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_bounces.feed.setup.options import Options, Target
    from ses_bounces.feed.setup.plan import Plan

log = logging.getLogger(__name__)

Counts = dict[str, Any]


def show_plan(context: Context) -> Counts:
    """Look at everything that the feed needs, and log what is there and what is to be done. Nothing is changed.

    :returns: ``to_do``: how many steps change something; ``blocked``: how many are in the way.
    """
    plan = _plan(context, _target(context))
    for line in plan.lines():
        log.info("%s", line)
    blocked = sum(1 for step in plan.steps if step.verdict == "blocked")
    return {"to_do": len(plan.to_do), "blocked": blocked}


def apply_plan(context: Context) -> Counts:
    """Do what the plan says, wholly or not at all; skipped unless the form says *Apply*."""
    from ses_bounces.feed.setup.plan import Step, apply

    _only_if(context, "apply", "Apply was not ticked: nothing was changed. The plan is in the log of show_plan.")

    def each(step: Step) -> None:
        log.info("Done: %s %s: %s", step.verdict, step.kind, step.name)
        for detail in step.details if step.kind == "identity" else ():
            log.info("    %s", detail)

    return {"done": apply(_plan(context, _target(context)), each)}


def upgrade_database(context: Context) -> Counts:
    """Create the schema ``ses_bounces``, or bring it up to date."""
    from ses_bounces.base.database import schema
    from ses_bounces.base.database.connection import connect

    _only_if_set_up(context)
    with connect(context["params"]["postgres_conn_id"]) as connection:
        return {"revision": schema.upgrade(connection)}


def write_settings(context: Context) -> Counts:
    """Write the feed into Airflow Variable ``ses_bounces``; or log what is to be written, where that is not ticked."""
    from airflow.sdk import Variable

    from ses_bounces.base.exceptions import SetupError
    from ses_bounces.feed.setup.topology import queue_url
    from ses_bounces.feed.setup.variable import with_feed

    _only_if_set_up(context)
    target = _target(context)
    url = queue_url(target, target.options.queue)
    if url is None:
        raise SetupError(f"There is no queue {target.options.queue}: clear apply_plan.")
    variable = current().variable
    before = Variable.get(variable, default=None)
    text = with_feed(before, url, target.topic_arn, target.options.aws_conn_id)
    if text == before:
        log.info("Airflow Variable %s has this feed already", variable)
    elif context["params"]["write_variable"]:
        Variable.set(variable, text)
        log.info("Wrote Airflow Variable %s", variable)
    else:
        log.info("Put this into Airflow Variable %s (Admin > Variables):\n%s", variable, text)
    return {"changed": text != before}


def prove_feed(context: Context) -> Counts:
    """Send a mail to SES's mailbox simulator and wait for its delivery; skipped unless the form says *Prove*."""
    from ses_bounces.feed.setup.provision import prove

    _only_if_set_up(context)
    _only_if(context, "prove", "Prove was not ticked: no mail was sent.")
    message_id = prove(_target(context))
    log.info("The delivery of mail %s arrived: the feed works", message_id)
    return {"proved": True}


def options_of(params: Any) -> Options:
    """Return what the form says."""
    from ses_bounces.feed.setup.options import Options

    optional: dict[str, Any] = {
        name: params[name] or None for name in ("region", "aws_conn_id", "configuration_set", "kms_key")
    }
    names = ("topic", "queue", "dead_letter_queue", "deliveries", "keep_forwarding", "discard_messages")
    given: dict[str, Any] = {name: params[name] for name in (*names, "use_fips_endpoint")}
    return Options(identity=params["identity"] or "", **optional, **given)


def _target(context: Context) -> Target:
    from ses_bounces.feed.setup.options import open_target

    return open_target(options_of(context["params"]))


def _plan(context: Context, target: Target) -> Plan:
    from ses_bounces.feed.setup.provision import plan_setup, plan_teardown

    return (plan_teardown if context["params"]["teardown"] else plan_setup)(target)


def _only_if_set_up(context: Context) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    _only_if(context, "apply", "Apply was not ticked: nothing was changed.")
    if context["params"]["teardown"]:
        raise AirflowSkipException("This run takes the feed down.")


def _only_if(context: Context, param: str, otherwise: str) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    if not context["params"][param]:
        raise AirflowSkipException(otherwise)
