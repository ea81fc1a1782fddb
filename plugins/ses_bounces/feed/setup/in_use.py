"""Whether mail is sent with what a teardown would delete, and which SES then refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ses_bounces.base.counted import counted
from ses_bounces.feed.senders import Sender, identity_of
from ses_bounces.feed.setup.plan import Step

_SECOND_WORD = "--even-in-use"


@dataclass(frozen=True)
class Use:
    """Who sent what was reported lately, and when they last did.

    ``unknown``: why that could not be read; None: it was.
    """

    senders: Mapping[Sender, datetime]
    unknown: str | None = None

    def of_identity(self, identity: str) -> list[str]:
        """Say what mail is sent from an identity, or from below it; empty: none that was reported lately.

        An address or a subdomain may be verified by itself as well: its mail counts all the same.
        """
        ours = {identity.lower()}
        return self._said(lambda sender: identity_of(sender.address, ours) is not None, "was sent from it")

    def of_configuration_set(self, name: str) -> list[str]:
        """Say what mail named a configuration set; empty: none that was reported lately."""
        return self._said(lambda sender: sender.configuration_set == name, "named it")

    def _said(self, counts: Callable[[Sender], bool], what: str) -> list[str]:
        if self.unknown is not None:
            return [f"Whether mail {what} can't be told: {self.unknown}"]
        found = {sender: last for sender, last in self.senders.items() if counts(sender)}
        if not found:
            return []
        addresses = counted(len({sender.address for sender in found}), "FROM address", "FROM addresses")
        last = max(found.values()).astimezone(UTC)
        return [
            f"Mail of {addresses} {what}, the last on {last:%Y-%m-%d} at {last:%H:%M} UTC: SES then refuses such mail."
        ]


def guarded(step: Step, why: list[str], *, even: bool) -> Step:
    """Return a step that is blocked where it deletes what is in use.

    :param why: what says that it is in use; empty: nothing does.
    :param even: do it all the same.
    """
    if step.verdict != "delete" or not why:
        return step
    if even:
        return replace(step, details=[*step.details, *why])
    way_out = f"Have it sent otherwise first, or add {_SECOND_WORD}."
    return Step(step.kind, step.name, "blocked", [" ".join([*why, way_out])])
