"""How figures are said: the same words on the page, in the daily report and in the shell."""

from __future__ import annotations

from ses_bounces.base.counted import counted
from ses_bounces.ledger.figures.reading import THRESHOLDS, Dimension, Group, Rate

DIMENSION_WORDS: dict[Dimension, str] = {
    "provider": "Recipient provider",
    "configuration_set": "Configuration set",
    "identity": "Sender identity",
    "campaign": "Campaign tag",
}
NOT_SAID: dict[Dimension, str] = {
    "provider": "not known",
    "configuration_set": "without a configuration set",
    "identity": "sender not known",
    "campaign": "without a campaign tag",
}
SOURCE_WORDS = {"ses": "as SES counts", "ours": "by our reports", "deliveries": "by reported deliveries"}
_LIKE_BEFORE = (0.8, 1.25)


def rate_name(rate: Rate) -> str:
    """Return what a rate is called."""
    return f"{rate.measure.capitalize()} rate, {SOURCE_WORDS[rate.source]}"


def percent(value: float | None) -> str:
    """Return a rate as people read it."""
    if value is None:
        return "–"
    shown = value * 100
    return f"{shown:.3f} %" if 0 < shown < 0.1 else f"{shown:.2f} %" if shown < 10 else f"{shown:.1f} %"


def stands_on(rate: Rate) -> str:
    """Say what a rate is made of."""
    if rate.denominator is None:
        return rate.why
    one, many = ("bounce", "bounces") if rate.measure == "bounce" else ("complaint", "complaints")
    of = "deliveries and bounces that are reported" if rate.source == "deliveries" else "mails sent"
    review, pause = THRESHOLDS[rate.measure]
    return (
        f"{counted(rate.numerator, one, many)}, {rate.denominator:,} {of} in {counted(rate.days, 'day')}. SES reviews "
        f"at {review * 100:g} %, and may pause at {pause * 100:g} %."
    )


def trend(group: Group) -> tuple[str, str]:
    """Return how bounces and complaints compare with the span before: in a sign, and in words."""
    times = group.trend
    if times is None:
        return ("new", "none in as many days before") if group.bounces + group.complaints else ("–", "none")
    if _LIKE_BEFORE[0] <= times <= _LIKE_BEFORE[1]:
        return "≈", "about as many as in as many days before"
    return f"{'▲' if times > 1 else '▼'} {times:,.1f} ×", f"{times:,.1f} times as many as in as many days before"
