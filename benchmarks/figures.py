"""What do figures cost beside classifying? CPU of both, in pairs that alternate, each on a database of its own."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING
from unittest.mock import patch

from rich.table import Table

from benchmarks.classifying import SETTINGS, land
from benchmarks.measure import Stopwatch
from benchmarks.server import migrated, one
from dev.generate import bodies, deliveries
from ses_bounces.base.database.connection import connect_url
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger.figures.counting import count_figures
from ses_bounces.ledger.figures.outages import find_outages
from ses_bounces.ledger.pending import classify_pending

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

AIM = "≤ 5 %"


def table(messages: int, pairs: int) -> Table:
    """Measure and return the medians; the share is that of each pair, the median of them.

    :param messages: of each run.
    :param pairs: how many of each kind.
    """
    shown = Table(
        title=f"Figures beside classifying: {messages} messages, {pairs} alternating pairs, CPU of both sides"
    )
    for column in ("", "without, CPU s", "with, CPU s", "share", "least and most", "aim"):
        shown.add_column(column, justify="left" if not column else "right")
    for what, texts in (("bounces and complaints", list(bodies(messages))), ("deliveries", list(deliveries(messages)))):
        both = [_pair(texts, number) for number in range(pairs)]
        shares = [with_ / without - 1 for without, with_ in both]
        shown.add_row(
            what,
            f"{median(without for without, _ in both):.2f}",
            f"{median(with_ for _, with_ in both):.2f}",
            f"{median(shares):.1%}",
            f"{min(shares):.1%}, {max(shares):.1%}",
            AIM,
        )
    return shown


def _pair(texts: list[str], number: int) -> tuple[float, float]:
    """Return the CPU seconds without and with figures; every second pair begins with the latter."""
    if number % 2:
        with_ = _cpu(texts, has_figures=True)
        return _cpu(texts, has_figures=False), with_
    return _cpu(texts, has_figures=False), _cpu(texts, has_figures=True)


def _cpu(texts: list[str], *, has_figures: bool) -> float:
    with migrated("figures", SETTINGS) as (_, url), connect_url(url) as connection:
        pid = one(connection, "SELECT pg_backend_pid()")
        land(connection, texts)
        watch = Stopwatch(pid)
        if has_figures:
            classify_pending(connection, Rules())
            count_figures(connection)
            find_outages(connection)
        else:
            _classify_alone(connection)
        cost = watch.cost()
    return cost.own_cpu + cost.backend_cpu


def _classify_alone(connection: Connection) -> None:
    """As before there were figures: nothing is noted of a delivery's mail, and none is counted."""
    with (
        patch("ses_bounces.classify.body.stream", lambda *_: None),
        patch("ses_bounces.ledger.writing.count_deliveries", lambda *_, **__: None),
    ):
        classify_pending(connection, Rules())
