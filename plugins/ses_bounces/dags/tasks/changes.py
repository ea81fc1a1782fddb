"""What transactions changed, as the counts of a task, in its log and in metrics."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ses_bounces.base import metrics
from ses_bounces.dags.tasks.run import Counts

if TYPE_CHECKING:
    from ses_bounces.ledger.writing import Changes

log = logging.getLogger(__name__)


def counts_of(changes: Changes) -> Counts:
    """Return the changes as counts of a task."""
    return {
        "entries": dict(changes.entries),
        "blocked": dict(changes.blocked),
        "unblocked": dict(changes.unblocked),
        "promoted": changes.promoted,
    }


def report_changes(changes: Changes) -> None:
    """Log the changes, and add them to the metrics."""
    if changes.blocked or changes.unblocked:
        log.info("Blocks: new %s; lifted %s", in_words(changes.blocked), in_words(changes.unblocked))
    for reason, count in changes.blocked.items():
        metrics.count("blocked", count, {"reason": reason})
    for reason, count in changes.unblocked.items():
        metrics.count("unblocked", count, {"reason": reason})
    # One that comes late, after its deadline, is promoted as it is classified.
    metrics.count("promoted", changes.promoted)


def in_words(counter: Mapping[str, int]) -> str:
    """Return numbers by name in one line."""
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items())) or "none"
