"""The chart of the overview, and its rates against AWS's thresholds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ses_bounces.doctor.finding import Finding
from ses_bounces.ledger.lists.dashboard import Dashboard, Day
from ses_bounces.ledger.lists.engine.paging import Count
from ses_bounces.web.charts import chart
from ses_bounces.web.rates import WIDTH, Rate, rates

TODAY = date(2026, 3, 31)
NOW = datetime(2026, 3, 31, 9, tzinfo=UTC)


def day(days_ago: int, bounces: int, complaints: int = 0, new: int = 0) -> Day:
    return Day(TODAY - timedelta(days_ago), bounces, complaints, new, 0, 0, days_ago > 0)


def test_bars_stand_on_their_day_and_are_as_high_as_their_share_of_the_highest() -> None:
    drawn = chart([day(40, 900), day(29, 5), day(3, 20, complaints=2), day(0, 10)], TODAY, 30)
    assert drawn is not None
    assert (drawn.first, drawn.last, drawn.width, drawn.days_without) == (date(2026, 3, 2), TODAY, 30, 27)
    bounces, complaints, new = drawn.strips
    assert [(bar.x, bar.y, bar.height) for bar in bounces.bars] == [(0, 75, 25), (26, 0, 100), (29, 50, 50)]
    assert (bounces.total, bounces.most) == (35, 20)
    assert [(bar.day, bar.value) for bar in complaints.bars] == [(TODAY - timedelta(3), 2)]
    assert (new.bars, new.total, new.most) == ([], 0, 0)


def test_there_is_no_chart_of_no_day() -> None:
    assert chart([], TODAY, 30) is None
    assert chart([day(30, 5)], TODAY, 30) is None


def test_the_rate_of_the_worst_region_is_shown() -> None:
    def found(check: str, subject: str, text: str, severity: Any = "ok") -> Finding:
        return Finding(check, subject, severity, text, checked_at=NOW)

    findings = [
        found("bounce rate", "eu-west-1", "It is 2.50%; AWS reviews from 5.0%, may pause from 10.0%."),
        found("bounce rate", "us-east-1", "It is 6.10%; AWS reviews from 5.0%, may pause from 10.0%."),
        found("complaint rate", "eu-west-1", "CloudWatch has no figures of the last days.", "unknown"),
    ]
    bounce, complaint = rates(findings, Dashboard(Count(3), [day(1, 7, 1), day(0, 5, 2)]))
    assert (bounce.shown, bounce.region, bounce.checked_at, bounce.state) == (0.061, "us-east-1", NOW, "warn")
    assert (complaint.shown, complaint.number, complaint.path) == (None, 3, "bounces?kind=complaint")


@pytest.mark.parametrize(("rate", "state"), [(0.049, "good"), (0.05, "warn"), (0.1, "bad"), (0.5, "bad")])
def test_the_state_is_that_of_awss_thresholds(rate: float, state: str) -> None:
    shown = Rate("bounce rate", "bounces", "bounces", 1, None, 0.05, 0.1, account=rate)
    assert shown.state == state
    assert 0 < shown.place(rate) <= WIDTH


def test_ours_is_by_count_where_it_is_known_how_many_were_sent() -> None:
    shown = Rate("bounce rate", "bounces", "bounces", 12, 400, 0.05, 0.1)
    assert (shown.ours, shown.shown) == (0.03, 0.03)
    assert Rate("bounce rate", "bounces", "bounces", 12, 0, 0.05, 0.1).shown is None
