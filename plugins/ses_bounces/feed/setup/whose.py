"""Whose a thing in AWS is: what setting up makes bears a tag of ours, and one with its site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ses_bounces.base.sites import Site, current
from ses_bounces.feed.setup.plan import Step

_OURS = {"managed-by": "airflow-ses-bounces"}
_SITE = "ses-bounces:site"


def tags() -> dict[str, str]:
    """Return the tags of what the current site makes."""
    return {**_OURS, _SITE: current().key}


def listed_tags() -> list[dict[str, str]]:
    """Return the same as SNS and SES take them."""
    return [{"Key": key, "Value": value} for key, value in tags().items()]


def as_mapping(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return tags by key, as SNS and SES list them."""
    return {tag["Key"]: tag["Value"] for tag in listed}


def owner_of(found: Mapping[str, str]) -> str | None:
    """Return the key of the site that made something, by its tags; None: we did not make it."""
    if any(found.get(key) != value for key, value in _OURS.items()):
        return None
    # Versions before there were sites noted none.
    return found.get(_SITE, Site().key)


def is_ours(found: Mapping[str, str]) -> bool:
    """Tell whether the current site made something, by its tags."""
    return owner_of(found) == current().key


def refusal(kind: str, name: str, found: Mapping[str, str]) -> Step | None:
    """Return the step that keeps off what another site made; None: it made none of it.

    :param kind: what it is, as in a plan.
    """
    owner = owner_of(found)
    if owner in (None, current().key):
        return None
    why = f"The {kind} {name} is that of the site {owner}, by its tag {_SITE}: it is left alone. Name another one."
    return Step(kind, name, "blocked", [why])


def untouched(kind: str, name: str, found: Mapping[str, str]) -> Step | None:
    """Return the step of a teardown for what another site made; None: it made none of it."""
    step = refusal(kind, name, found)
    return step and Step(kind, name, "left", [f"It is that of the site {owner_of(found)}."])
