"""Metrics, all named ``ses_bounces.…``, through the Task SDK's stats; a no-op where Airflow sends none.

:data:`METRICS` has every one; a test compares it with what runs emit and with docs/metrics.md.
"""

from __future__ import annotations

import functools
import re
from typing import Literal, NamedTuple

from ses_bounces.base.sites import current

_NO_PART = re.compile(r"[^A-Za-z0-9_-]")


class Metric(NamedTuple):
    """A counter is sent only when it grows; a gauge also when it is 0. ``tags``: what each value is told apart by."""

    kind: Literal["counter", "gauge"]
    unit: str
    tags: tuple[str, ...]
    meaning: str


METRICS = {
    "queue_depth": Metric("gauge", "messages", ("queue",), "waited in the queue when the run began"),
    "dead_letter_depth": Metric("gauge", "messages", ("queue",), "waited in the dead-letter queue when the run began"),
    "landed": Metric("counter", "messages", ("queue",), "received and committed in Postgres"),
    "not_deleted": Metric("counter", "messages", ("queue",), "committed, but not deleted by SQS: they will come again"),
    "lag_seconds": Metric("gauge", "seconds", ("queue",), "age of the oldest message that was landed"),
    "classified": Metric("counter", "messages", (), "classified, whatever they led to"),
    "quarantined": Metric("counter", "messages", (), "not understood, and kept with the reason"),
    "held": Metric("gauge", "messages", (), "held by the brake until an administrator decides"),
    "braked_domains": Metric("gauge", "domains", (), "over their limit of new blocks, undecided"),
    "blocked": Metric("counter", "blocks", ("reason",), "made: one for each address and cause"),
    "unblocked": Metric("counter", "blocks", ("reason",), "lifted"),
    "promoted": Metric("counter", "addresses", (), "whose transient problem became permanent"),
    "switched_off": Metric("counter", "people", (), "whose Allow Group Email was switched off"),
    "switched_on": Metric("counter", "people", (), "whose Allow Group Email was switched on again"),
    "suppressions_recorded": Metric("counter", "addresses", ("region",), "of SES's suppression list, new to us"),
    "suppressions_pushed": Metric("counter", "addresses", ("region",), "that we put on SES's suppression list"),
    "suppression_drift_theirs_only": Metric("gauge", "addresses", (), "that only SES has a reason to suppress"),
    "suppression_drift_ours_only": Metric("gauge", "addresses", (), "that we block, and SES does not"),
    "suppression_drift_reasons_differ": Metric("gauge", "addresses", (), "that we and SES block for different reasons"),
    "lifted": Metric("counter", "requests", (), "to lift a block that were done"),
    "reports_sent": Metric("counter", "reports", ("channel",), "that were sent by e-mail or to a chat"),
    "findings_critical": Metric("gauge", "findings", (), "of the doctor that are critical"),
    "findings_warning": Metric("gauge", "findings", (), "of the doctor that are warnings"),
    "findings_unknown": Metric("gauge", "findings", (), "of the doctor: what it could not look at"),
    "findings_ok": Metric("gauge", "findings", (), "of the doctor: what it found in order"),
}  # fmt: skip


def count(name: str, number: int, tags: dict[str, str] | None = None) -> None:
    """Add to a counter; nothing is sent for 0."""
    from airflow.sdk.observability.stats import Stats

    if number:
        Stats.incr(f"ses_bounces.{name}", number, tags=_with_site(tags))


def gauge(name: str, value: float, tags: dict[str, str] | None = None) -> None:
    """Set a gauge.

    Where no tag gets through, what it is of follows its name: else the gauges of one name would overwrite each other.
    """
    from airflow.sdk.observability.stats import Stats

    tagged = _with_site(tags)
    if tagged and _are_tags_dropped():
        # A dot would begin another part of the name.
        name, tagged = ".".join([name, *(_NO_PART.sub("_", value) for value in tagged.values())]), None
    Stats.gauge(f"ses_bounces.{name}", value, tags=tagged)


@functools.cache
def _are_tags_dropped() -> bool:
    """Tell whether Airflow sends to a StatsD that knows no tags."""
    from airflow.sdk.configuration import conf

    def is_on(option: str) -> bool:
        return bool(conf.getboolean("metrics", option, fallback=False))

    return is_on("statsd_on") and not is_on("statsd_influxdb_enabled") and not is_on("statsd_datadog_enabled")


def _with_site(tags: dict[str, str] | None) -> dict[str, str] | None:
    """Add which site it is of, where that has a name."""
    site = current()
    return tags if site.is_default else {**(tags or {}), "site": site.name}
