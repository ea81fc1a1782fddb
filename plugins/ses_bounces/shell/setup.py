"""``ses-bounces setup``: the same plan as the DAG ``ses_bounces_setup`` makes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ses_bounces.base.exceptions import ActionError, SesBouncesError, SettingsError
from ses_bounces.base.sites import current
from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.context import database, save_variable, variable
from ses_bounces.shell.output import say, say_json

if TYPE_CHECKING:
    from ses_bounces.feed.setup.in_use import Use
    from ses_bounces.feed.setup.options import Target
    from ses_bounces.feed.setup.plan import Plan, Step


def run(options: argparse.Namespace) -> int:
    """Show the plan, or print it as a template.

    With ``--apply`` do it, bring the schema up to date, and show the settings that go with it.
    """
    from ses_bounces.feed.setup.options import open_target
    from ses_bounces.feed.setup.provision import plan_setup, plan_teardown

    if options.write_settings and (options.teardown or not options.apply):
        raise ActionError("--write-settings goes with --apply, and not with --teardown. Nothing was changed.")
    if options.print and (options.apply or options.teardown or options.prove or options.json):
        raise ActionError("--print goes without --apply, --teardown, --prove and --json. Nothing was changed.")
    if options.even_in_use and not options.teardown:
        raise ActionError("--even-in-use goes with --teardown. Nothing was changed.")
    target = open_target(options_of(options))
    plan = plan_teardown(target, _use(options)) if options.teardown else plan_setup(target)
    if options.print:
        say(_template(options.print, plan, target))
        return DONE
    told: dict[str, Any] = plan.as_json()
    words = not options.json
    if words:
        say(*plan.lines())
    if options.apply:
        told |= _apply(options, plan, target, words=words)
    elif words:
        say("Nothing was changed; --apply does it." if plan.to_do else "There is nothing to do.")
    if options.json:
        say_json(told)
    in_the_way = any(step.verdict == "blocked" for step in plan.steps)
    return LOOK if in_the_way else DONE


def _template(language: str, plan: Plan, target: Target) -> str:
    """Return the plan as a template."""
    from ses_bounces.feed.setup.cloudformation import cloudformation
    from ses_bounces.feed.setup.terraform import terraform

    return {"cloudformation": cloudformation, "terraform": terraform}[language](plan, target)


def _apply(options: argparse.Namespace, plan: Plan, target: Any, *, words: bool) -> dict[str, Any]:
    from ses_bounces.feed.setup.plan import apply
    from ses_bounces.feed.setup.provision import prove

    def each(step: Step) -> None:
        if words:
            details = step.details if step.kind == "identity" else []
            say(f"Done: {step.verdict} {step.kind} {step.name}", *(f"    {detail}" for detail in details))

    told: dict[str, Any] = {"done": apply(plan, each)}
    if not options.teardown:
        told |= _finish(options, target, words=words)
        if options.prove:
            told["proved_by"] = prove(target)
            if words:
                say(f"The delivery of mail {told['proved_by']} arrived: the feed works.")
    return told


def _use(options: argparse.Namespace) -> Use:
    """Return who sends, by the ledger; where it can't be asked, that says why."""
    from ses_bounces.base.database import schema
    from ses_bounces.feed.senders import lately
    from ses_bounces.feed.setup.in_use import Use

    try:
        with database(options, check=False) as connection:
            if schema.revision(connection) is None:
                return Use({})
            schema.check(connection)
            return Use(lately(connection))
    except SesBouncesError as error:
        return Use({}, unknown=" ".join(str(error).split()))


def options_of(options: argparse.Namespace) -> Any:
    """Return what the arguments say."""
    from ses_bounces.feed.setup.options import Options

    site = current()
    names = ["configuration_set", "kms_key", "region"]
    names += ["keep_forwarding", "discard_messages", "even_in_use", "use_fips_endpoint"]
    given = {name: getattr(options, name) for name in names}
    for name in ("topic", "queue", "dead_letter_queue"):
        given[name] = getattr(options, name) or f"{site.slug}-{name.replace('_', '-')}"
    return Options(
        identity=options.identity,
        aws_conn_id=site.aws_conn_id if options.aws_conn_id is None else options.aws_conn_id or None,
        deliveries=not options.no_deliveries,
        **given,
    )


def _finish(options: argparse.Namespace, target: Any, *, words: bool) -> dict[str, Any]:
    """Bring the database up to date, and tell the settings."""
    from ses_bounces.base.database import schema
    from ses_bounces.feed.setup.topology import queue_url
    from ses_bounces.feed.setup.variable import offer, with_feed

    told: dict[str, Any] = {}
    if not options.no_database:
        with database(options, check=False) as connection:
            told["revision"] = schema.upgrade(connection)
        if words:
            say(f"Schema ses_bounces is at revision {told['revision']}.")
    url = queue_url(target, target.options.queue)
    assert url is not None
    try:
        before = variable()
    except SettingsError:
        if options.write_settings:
            raise
        # A machine without Airflow's database: the text to write is the same.
        before = None
    text = with_feed(before, url, target.topic_arn, target.options.aws_conn_id)
    told["variable"] = text
    name = current().variable
    if text == before:
        lines = [f"Airflow Variable {name} has this feed already."]
    elif options.write_settings:
        save_variable(text, before)
        lines = [f"Wrote Airflow Variable {name}."]
    else:
        lines = [f"Set Airflow Variable {name} to:", text]
    if words:
        say(*lines, *offer(text, target.topic_arn))
    return told
