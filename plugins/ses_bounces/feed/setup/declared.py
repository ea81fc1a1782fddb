"""What a template declares of a plan: the resources of its steps, and what is left to people, in words.

A template declares what must be created, and what the current site created already: it stays the same once it is
applied. What others made is not in it.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ses_bounces.base.exceptions import SetupError
from ses_bounces.feed.setup.options import Target
from ses_bounces.feed.setup.plan import WORDS, Plan, Resource, Step

# Kinds without tags of their own: they are ours where the topic or the queue is.
_UNTAGGED = ("subscription", "notification", "forwarding", "event destination")


def declared(plan: Plan, kinds: Collection[str]) -> list[tuple[str, Resource]]:
    """Return the kind and the resource of each step that a template declares, in the order of the plan.

    :param kinds: the kinds that the template's language has.
    :raises SetupError: something is in the way, or there is nothing to declare.
    """
    if blocked := [detail for step in plan.steps if step.verdict == "blocked" for detail in step.details]:
        raise SetupError("\n".join([*blocked, "No template was printed."]))
    found = [(s.kind, s.resource) for s in _ours(plan) if s.resource and s.kind in kinds]
    if not found:
        raise SetupError(
            "There is nothing for a template to make: what it could declare is there, and others made it. "
            "See the plan with ses-bounces setup without --print."
        )
    return found


def remarks(plan: Plan, target: Target, kinds: Collection[str]) -> list[str]:
    """Return what a template has to say in a comment: where it belongs, what it doesn't make, and what to do then.

    :param kinds: the kinds that the template's language has.
    """
    ours = _ours(plan)
    lines = [f"Apply this in region {target.region} of account {target.account}."]
    for step in plan.steps:
        if step in ours and step.kind in kinds:
            continue
        if step in ours and step.resource:
            lines.append(f"This does not set {step.kind} {step.name}. Run: {_command(step, target)}")
            continue
        lines.append(f"This does not declare {step.kind} {step.name}: {_WHY.get(step.verdict, WORDS[step.verdict])}.")
        lines += step.details
    lines += [detail for step in ours if step.kind == "identity" for detail in step.details]
    return [*lines, *plan.notes]


def linked(value: Any, links: Mapping[str, Any]) -> Any:
    """Return a value with references in place of the ARNs of what the template itself declares."""
    if isinstance(value, dict):
        return {key: linked(item, links) for key, item in value.items()}
    if isinstance(value, list):
        return [linked(item, links) for item in value]
    return links.get(value, value) if isinstance(value, str) else value


_WHY = {"change": "it is there and others made it, so change it by hand", "right": "it is there and others made it"}


def _ours(plan: Plan) -> list[Step]:
    return list(_iterate(plan))


def _iterate(plan: Plan) -> Iterator[Step]:
    feed_is_ours = any(step.resource for step in plan.steps if step.kind in ("topic", "queue"))
    for step in plan.steps:
        if step.resource and (step.verdict == "create" or step.kind not in _UNTAGGED or feed_is_ours):
            yield step


def _command(step: Step, target: Target) -> str:
    """Return the command of AWS's own shell that does a step which a template can't."""
    assert step.resource is not None
    given = step.resource.attributes
    where = ["--region", target.region, "--identity", given["Identity"]]
    if step.kind == "forwarding":
        # SES takes it once bounces and complaints are reported otherwise: the plan has it last.
        return shlex.join(["aws", "ses", "set-identity-feedback-forwarding-enabled", *where, "--no-forwarding-enabled"])
    what = ["--notification-type", given["NotificationType"], "--sns-topic", given["SnsTopic"]]
    return shlex.join(["aws", "ses", "set-identity-notification-topic", *where, *what])
