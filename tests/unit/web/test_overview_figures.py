"""The rates of the overview against AWS's thresholds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ses_bounces.doctor.finding import Finding
from ses_bounces.doctor.sending_checks import RATES
from ses_bounces.ledger.figures.reading import THRESHOLDS, Rate
from ses_bounces.web.rates import WIDTH, Shown, shown_rates

NOW = datetime(2026, 3, 31, 9, tzinfo=UTC)
NOT_KNOWN = [Rate("bounce", "deliveries", 12, None, 30, "why"), Rate("complaint", "deliveries", 3, None, 30, "why")]


def found(check: str, subject: str, text: str, severity: Any = "ok") -> Finding:
    return Finding(check, subject, severity, text, checked_at=NOW)


def test_the_rate_of_the_worst_region_is_shown() -> None:
    findings = [
        found("bounce rate", "eu-west-1", "It is 2.50%; AWS reviews from 5.0%, may pause from 10.0%."),
        found("bounce rate", "us-east-1", "It is 6.10%; AWS reviews from 5.0%, may pause from 10.0%."),
        found("complaint rate", "eu-west-1", "CloudWatch has none of the last day."),
    ]
    bounce, complaint = shown_rates(findings, NOT_KNOWN)
    assert (bounce.value, bounce.region, bounce.checked_at, bounce.state) == (0.061, "us-east-1", NOW, "warn")
    assert (complaint.value, complaint.ours.numerator, complaint.path) == (None, 3, "bounces?kind=complaint")


def test_without_cloudwatch_the_accounts_is_by_sess_own_count() -> None:
    counted = [
        Rate("bounce", "ses", 40, 1_000, 12), Rate("bounce", "ours", 30, 1_000, 12),
        Rate("complaint", "ses", 2, 1_000, 12), Rate("complaint", "ours", 1, 1_000, 12),
    ]  # fmt: skip
    bounce, complaint = shown_rates([], counted)
    assert (bounce.account, bounce.ours.value, bounce.checked_at, bounce.state) == (0.04, 0.03, None, "good")
    assert (complaint.value, complaint.state) == (0.002, "warn")


def test_ours_is_shown_where_the_accounts_is_not_known() -> None:
    delivered = [Rate("bounce", "deliveries", 12, 400, 30), Rate("complaint", "deliveries", 3, 400, 30)]
    bounce, complaint = shown_rates([], delivered)
    assert (bounce.account, bounce.value) == (None, 0.03)
    assert (complaint.value, complaint.state) == (0.0075, "bad")


@pytest.mark.parametrize(("rate", "state"), [(0.049, "good"), (0.05, "warn"), (0.1, "bad"), (0.5, "bad")])
def test_the_state_is_that_of_awss_thresholds(rate: float, state: str) -> None:
    shown = Shown("bounce rate", "bounces", "bounces", 0.05, 0.1, NOT_KNOWN[0], account=rate)
    assert shown.state == state
    assert 0 < shown.place(rate) <= WIDTH


def test_the_doctor_and_the_figures_have_the_same_thresholds() -> None:
    assert {name.removesuffix(" rate"): (review, pause) for name, _, review, pause in RATES} == THRESHOLDS
