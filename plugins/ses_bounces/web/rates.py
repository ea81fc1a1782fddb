"""Bounce and complaint rate, the account's and ours by count, against those at which AWS reviews and may pause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ses_bounces.doctor.finding import Finding
from ses_bounces.doctor.sending_checks import RATES, rate_found
from ses_bounces.ledger.figures.reading import Measure, Rate

# The bar ends a little above the rate at which AWS may pause.
_ROOM = 1.2
WIDTH = 100
_MEASURES: dict[str, tuple[Measure, str, str]] = {
    "bounce rate": ("bounce", "bounces", "bounces"),
    "complaint rate": ("complaint", "complaints", "bounces?kind=complaint"),
}


@dataclass(frozen=True)
class Shown:
    """A rate as the first row of the overview shows it; rates are from 0 to 1.

    ``account``: of the account, None: not known; what CloudWatch says of the worst of its regions (``region``), when
    the doctor looked (``checked_at``), else SES's own count of these days. ``ours``: by count, of these days.
    ``path``: the rows.
    """

    name: str
    what: str
    path: str
    review: float
    pause: float
    ours: Rate
    account: float | None = None
    region: str = ""
    checked_at: datetime | None = None

    @property
    def value(self) -> float | None:
        """The account's figure where it is known, else ours; None: there is neither."""
        return self.account if self.account is not None else self.ours.value

    @property
    def state(self) -> Literal["bad", "warn", "good"]:
        """How it stands against AWS's thresholds."""
        value = self.value or 0
        return "bad" if value >= self.pause else "warn" if value >= self.review else "good"

    def place(self, rate: float) -> float:
        """Return where a rate is on a bar of ``WIDTH``."""
        return min(rate / (self.pause * _ROOM), 1.0) * WIDTH


def shown_rates(findings: Sequence[Finding], counted: Sequence[Rate]) -> list[Shown]:
    """Return both rates.

    :param findings: what the doctor found, also what is in order.
    :param counted: of the days shown; see :func:`ses_bounces.ledger.figures.reading.rates_of`.
    """
    return [_shown(name, review, pause, findings, counted) for name, _, review, pause in RATES]


def _shown(name: str, review: float, pause: float, findings: Sequence[Finding], counted: Sequence[Rate]) -> Shown:
    measure, what, path = _MEASURES[name]
    of_ses = next((rate.value for rate in counted if rate.measure == measure and rate.source == "ses"), None)
    ours = next(rate for rate in counted if rate.measure == measure and rate.source != "ses")
    known = [(rate, finding) for finding in findings if (rate := rate_found(finding, name)) is not None]
    if not known:
        return Shown(name, what, path, review, pause, ours, of_ses)
    worst, finding = max(known, key=lambda pair: pair[0])
    return Shown(name, what, path, review, pause, ours, worst, finding.subject, finding.checked_at)
