"""What each task of the DAG ``ses_bounces_setup`` does; see hourly.py.

What is set up, and with which connections, is said by the settings and by Airflow's configuration alone: a run has
Airflow's rights, and whoever may trigger it need not have them.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ses_bounces.base.sites import current
from ses_bounces.dags.tasks.run import refuse_params

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_bounces.base.feeds import Feed
    from ses_bounces.base.settings import Settings
    from ses_bounces.feed.setup.options import Options, Target

log = logging.getLogger(__name__)

Counts = dict[str, Any]

_BY_SHELL = "take a feed down with `ses-bounces setup example.com --teardown` in a shell"
_BY_FEEDS = 'name it in "feeds" of the settings, or in airflow.cfg; see docs/setup.md'
# Params that the form had once, and what to do instead.
REMOVED = {
    "write_variable": "add what show_settings logs on the page Email Bounce Settings, or use "
    "`ses-bounces setup example.com --apply --write-settings` in a shell",
    **dict.fromkeys(("teardown", "discard_messages"), _BY_SHELL),
    **dict.fromkeys(("identity", "region", "topic", "queue", "dead_letter_queue"), _BY_FEEDS),
    **dict.fromkeys(("configuration_set", "kms_key", "deliveries", "keep_forwarding"), _BY_FEEDS),
    **dict.fromkeys(("aws_conn_id", "postgres_conn_id", "use_fips_endpoint"), "set it in the settings"),
}


def show_plan(context: Context) -> Counts:
    """Look at everything that the feeds need, and log what is there and what to do. Nothing is changed.

    Skipped where the form says *Only the database*.

    :returns: ``to_do``: how many steps change something; ``blocked``: how many are in the way.
    """
    from ses_bounces.feed.setup.provision import plan_setup

    refuse_params(context, REMOVED)
    _not_only_the_database(context)
    counts = {"to_do": 0, "blocked": 0}
    for feed, target in _targets():
        with _hidden(feed):
            plan = plan_setup(target)
        for line in plan.lines():
            log.info("%s", _without(feed, line))
        counts["to_do"] += len(plan.to_do)
        counts["blocked"] += sum(1 for step in plan.steps if step.verdict == "blocked")
    return counts


def apply_plan(context: Context) -> Counts:
    """Do what the plan says, each feed wholly or not at all; skipped unless the form says *Apply*."""
    from ses_bounces.feed.setup.plan import Step, apply
    from ses_bounces.feed.setup.provision import plan_setup

    _only_if(context, "apply", "Apply was not ticked: nothing was changed. The plan is in the log of show_plan.")
    done = 0
    for feed, target in _targets():

        def each(step: Step, feed: Feed = feed) -> None:
            log.info("Done: %s %s: %s", step.verdict, step.kind, _without(feed, step.name))
            for detail in step.details if step.kind == "identity" else ():
                log.info("    %s", _without(feed, detail))

        with _hidden(feed):
            done += apply(plan_setup(target), each)
    return {"done": done}


def upgrade_database(context: Context) -> Counts:
    """Create the schema ``ses_bounces``, or bring it up to date, unless it is another site's.

    Skipped unless the form says *Apply* or *Only the database*.
    """
    from airflow.sdk.exceptions import AirflowSkipException

    from ses_bounces.base.database import schema
    from ses_bounces.base.database.connection import connect
    from ses_bounces.base.settings import load_for_setup

    if not (context["params"]["apply"] or context["params"]["only_database"]):
        raise AirflowSkipException("Neither Apply nor Only the database was ticked: nothing was changed.")
    refuse_params(context, REMOVED)
    with connect(load_for_setup().postgres_conn_id) as connection:
        return {"revision": schema.upgrade(connection)}


def show_settings(context: Context) -> Counts:
    """Log what to add to Airflow Variable ``ses_bounces``; nothing is written.

    :returns: ``lines``: how many values to add.
    """
    from airflow.sdk import Variable

    from ses_bounces.base.exceptions import SetupError
    from ses_bounces.feed.setup.topology import queue_url
    from ses_bounces.feed.setup.variable import lines_to_add, offer, with_feed

    _only_if_set_up(context)
    variable = current().variable
    before = Variable.get(variable, default=None)
    after, advice = before, dict[str, None]()
    for feed, target in _targets():
        with _hidden(feed):
            url = queue_url(target, target.options.queue)
            if url is None:
                raise SetupError(f"There is no queue {target.options.queue}: clear apply_plan.")
            after = with_feed(after, url, target.topic_arn, target.options.aws_conn_id)
            advice |= dict.fromkeys(offer(after, target.topic_arn))
    assert after is not None
    for line in advice:
        log.info("%s", line)
    lines = lines_to_add(before, after)
    if not lines:
        log.info("Airflow Variable %s has what was set up already", variable)
        return {"lines": 0}
    log.info(
        "Add to Airflow Variable %s, on the page Email Bounce Settings or under Admin > Variables (a list of one value "
        "where there is none yet):\n%s", variable, "\n".join(lines),
    )  # fmt: skip
    return {"lines": len(lines)}


def prove_feed(context: Context) -> Counts:
    """Send a mail to SES's mailbox simulator and wait for its delivery; skipped unless the form says *Prove*."""
    from ses_bounces.feed.setup.provision import prove

    _only_if_set_up(context)
    _only_if(context, "prove", "Prove was not ticked: no mail was sent.")
    proved = 0
    for feed, target in _targets():
        with _hidden(feed):
            message_id = prove(target)
        log.info("The delivery of mail %s arrived: the feed works", message_id)
        proved += 1
    return {"proved": proved}


def options_of(feed: Feed, settings: Settings) -> Options:
    """Return what to set up for a feed of the settings."""
    from ses_bounces.feed.setup.options import Options

    slug = current().slug
    return Options(
        identity=feed.identity,
        region=feed.region,
        aws_conn_id=feed.aws_conn_id or settings.aws_conn_id,
        configuration_set=feed.configuration_set,
        kms_key=feed.kms_key,
        deliveries=feed.deliveries,
        keep_forwarding=feed.keep_forwarding,
        use_fips_endpoint=settings.use_fips_endpoint,
        topic=feed.topic or f"{slug}-topic",
        queue=feed.queue or f"{slug}-queue",
        dead_letter_queue=feed.dead_letter_queue or f"{slug}-dead-letter-queue",
    )


def _targets() -> Iterator[tuple[Feed, Target]]:
    """Yield each feed of the settings, with the account that it belongs in.

    :raises SettingsError: the settings are not good, or name no feed.
    """
    from ses_bounces.base.exceptions import SettingsError
    from ses_bounces.base.settings import load_for_setup
    from ses_bounces.feed.setup.options import open_target

    settings = load_for_setup()
    if not settings.feeds:
        raise SettingsError(
            f'"feeds" is empty: nothing says what to set up. Put the domains that you send from there, like '
            f'{{"feeds": ["example.com"]}}, in Airflow Variable "{current().variable}", or as [{current().key}] feeds '
            "in airflow.cfg; see docs/setup.md. For the schema alone, trigger with Only the database."
        )
    for feed in settings.feeds:
        with _hidden(feed):
            target = open_target(options_of(feed, settings))
        yield feed, target


def _without(feed: Feed, text: str) -> str:
    """Return a text of the log without the address that the identity may be."""
    name, at, domain = feed.identity.rpartition("@")
    return text.replace(feed.identity, f"{name[:1]}•••@{domain}") if at else text


@contextlib.contextmanager
def _hidden(feed: Feed) -> Iterator[None]:
    """Keep the address that the identity may be out of errors, which are logged."""
    from ses_bounces.base.exceptions import SesBouncesError

    try:
        yield
    except SesBouncesError as error:
        raise type(error)(_without(feed, str(error))) from None


def _not_only_the_database(context: Context) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    if context["params"]["only_database"]:
        raise AirflowSkipException("Only the database was ticked: AWS is neither asked nor changed.")


def _only_if_set_up(context: Context) -> None:
    _not_only_the_database(context)
    _only_if(context, "apply", "Apply was not ticked: nothing was changed.")


def _only_if(context: Context, param: str, otherwise: str) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    if not context["params"][param]:
        raise AirflowSkipException(otherwise)
