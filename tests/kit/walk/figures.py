"""Figures in a walk: whenever they are counted, they say what the ledger must say by then, whatever moved it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date
from random import Random
from typing import TYPE_CHECKING, Any

from ses_bounces.classify.providers import provider
from ses_bounces.ledger.figures.counting import count_figures

if TYPE_CHECKING:
    from tests.kit.walk.world import World

_MEASURES = {
    "permanent_bounce": "bounces",
    "transient_bounce": "transients",
    "complaint": "complaints",
    "ses_suppression": "not_sent",
    "unsubscribed": "not_sent",
}
_COUNTED = """
SELECT f.dimension, f.day, f.name, f.bounces, f.lifted, f.transients, f.complaints, f.not_sent
FROM ses_bounces.figure_day f WHERE f.dimension IN ('all', 'provider')
"""


def count(world: World, _r: Random) -> None:
    """What the hourly run counts after classifying."""
    count_figures(world.connection)
    check_figures(world)


def count_killed(world: World, r: Random) -> None:
    """Killed in it: the next one goes on."""
    with world.doomed(r, "count", 15) as connection:
        count_figures(connection)


def check_figures(world: World) -> None:
    """Figures that were counted to the end, against the model."""
    assert count_figures(world.connection).is_whole
    wanted = _wanted(world)
    found: Counter[Any] = Counter()
    for dimension, day, name, *counts in world.connection.execute(_COUNTED):
        for measure, number in zip(("bounces", "lifted", "transients", "complaints", "not_sent"), counts, strict=True):
            found[dimension, day, name, measure] += number
    found, wanted = +found, +wanted
    assert found == wanted, f"figures have {found - wanted} and lack {wanted - found}"
    _check_deliveries(world)


def _wanted(world: World) -> Counter[tuple[str, date, str, str]]:
    wanted: Counter[tuple[str, date, str, str]] = Counter()
    lifts = [one for one in world.persons.values() if one.entry.kind == "unblocked"]
    for one in world.live.values():
        entry = one.entry
        measures = [_MEASURES[entry.kind]] if entry.kind in _MEASURES else []
        if entry.kind == "permanent_bounce" and any(
            lift.address == one.address
            and "permanent_bounce" in lift.entry.lifts
            and lift.entry.occurred_at >= entry.occurred_at
            for lift in lifts
        ):
            measures.append("lifted")
        day = entry.occurred_at.astimezone(UTC).date()
        for measure in measures:
            wanted["all", day, "", measure] += 1
            wanted["provider", day, provider(one.address.rpartition("@")[2]), measure] += 1
    return wanted


def _check_deliveries(world: World) -> None:
    """No delivery counts twice; each counts while no more of its address are known than are kept beside it."""
    from tests.kit.walk.world import DELIVERIES_KEPT

    row = world.row("SELECT coalesce(sum(d.deliveries), 0) FROM ses_bounces.delivery_day d WHERE d.dimension = 'all'")
    mails = {(one.address, one.entry.ses_message_id) for one in world.deliveries.values()}
    # One mail may be reported more than once, and each report takes a place among the latest.
    reports = Counter(one.address for one in world.deliveries.values())
    sure = sum(reports[address] <= DELIVERIES_KEPT for address, _ in mails)
    assert sure <= row[0] <= len(mails), f"{row[0]} deliveries are counted of {len(mails)}, {sure} of which are sure"
