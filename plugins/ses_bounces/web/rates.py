"""Bounce and complaint rate, the account's and ours by count, against those at which AWS reviews and may pause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from ses_bounces.doctor.finding import Finding
from ses_bounces.doctor.sending_checks import RATES, rate_found
from ses_bounces.ledger.lists.dashboard import Dashboard

# The bar ends a little above the rate at which AWS may pause.
_ROOM = 1.2
WIDTH = 100
_ROWS = {"bounce rate": ("bounces", "bounces"), "complaint rate": ("complaints", "bounces?kind=complaint")}


@dataclass(frozen=True)
class Rate:
    """A rate as the first row of the overview shows it; rates are from 0 to 1.

    ``account``: what CloudWatch says of the account, in the worst of its regions (``region``), when the doctor looked
    (``checked_at``); None: it may not be asked, or knows nothing. ``number``: reports in the days of the chart, by the
    ledger; ``sent``: mails sent in those days, None: it is not known. ``path``: the rows.
    """

    name: str
    what: str
    path: str
    number: int
    sent: int | None
    review: float
    pause: float
    account: float | None = None
    region: str = ""
    checked_at: datetime | None = None

    @property
    def ours(self) -> float | None:
        """Our own rate; None: how many were sent is not known."""
        return self.number / self.sent if self.sent else None

    @property
    def shown(self) -> float | None:
        """The account's figure where it is known, else ours."""
        return self.account if self.account is not None else self.ours

    @property
    def state(self) -> Literal["bad", "warn", "good"]:
        """How it stands against AWS's thresholds."""
        value = self.shown or 0
        return "bad" if value >= self.pause else "warn" if value >= self.review else "good"

    def place(self, rate: float) -> float:
        """Return where a rate is on a bar of ``WIDTH``."""
        return min(rate / (self.pause * _ROOM), 1.0) * WIDTH


def rates(findings: Sequence[Finding], numbers: Dashboard) -> list[Rate]:
    """Return both rates.

    :param findings: what the doctor found, also what is in order.
    """
    made = []
    for name, _, review, pause in RATES:
        field, path = _ROWS[name]
        known = [(rate, finding) for finding in findings if (rate := rate_found(finding, name)) is not None]
        worst = max(known, key=lambda pair: pair[0], default=None)
        number = sum(getattr(day, field) for day in numbers.days)
        shown = Rate(name, field, path, number, None, review, pause)
        if worst is not None:
            shown = replace(shown, account=worst[0], region=worst[1].subject, checked_at=worst[1].checked_at)
        made.append(shown)
    return made
