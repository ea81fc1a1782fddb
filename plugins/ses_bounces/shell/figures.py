"""``ses-bounces figures``: where bounces and complaints come from, as the page Figures says it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.context import database, settings_if_any
from ses_bounces.shell.output import answer

if TYPE_CHECKING:
    from ses_bounces.ledger.figures.outages import Outage
    from ses_bounces.ledger.figures.reading import Day, Group, Rate

DAY = "day"


def run(options: argparse.Namespace) -> int:
    """Show rates, what bounces have in common, and suggested outages; with one of those a person should look."""
    from ses_bounces.ledger.figures.outages import outages
    from ses_bounces.ledger.figures.reading import counted_at, groups, rates_of, series, texts

    with database(options, settings_if_any(options)) as connection:
        days = series(connection, options.days)
        found = [] if options.by == DAY else groups(connection, options.by, options.days, options.limit)
        said = texts(connection, [one.name for one in found], options.days) if options.by == "provider" else {}
        suggested = outages(connection)
        counted = counted_at(connection)
    rates = rates_of(days)
    value = {
        "days": options.days,
        "counted_at": counted,
        "rates": [_rate(rate) for rate in rates],
        "by": options.by,
        "figures": [_day(day) for day in days] if options.by == DAY else [_group(one, said) for one in found],
        "suggested_outages": [_outage(one) for one in suggested],
    }
    answer(options, value, *_in_words(options, days, found, said, rates, suggested))
    return LOOK if suggested else DONE


def _in_words(
    options: argparse.Namespace,
    days: list[Day],
    found: list[Group],
    said: dict[str, list[tuple[str, int]]],
    rates: list[Rate],
    suggested: list[Outage],
) -> list[str]:
    from ses_bounces.base.counted import counted
    from ses_bounces.ledger.figures.words import percent, rate_name, stands_on

    lines = [
        f"Perhaps an outage: {one.domain} refused {counted(one.addresses, 'address', 'addresses')} in the same words "
        f"since {one.first.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {one.said}"
        for one in suggested
    ]
    known = [rate for rate in rates if rate.value is not None]
    lines += [f"{rate_name(rate)}: {percent(rate.value)}. {stands_on(rate)}" for rate in known]
    lines += [] if known else [rates[0].why]
    if options.by == DAY:
        return [*lines, *_day_table(days)]
    return [
        *lines,
        *(_group_table(options.by, found, said) if found else ["No bounce and no complaint in these days."]),
    ]


def _day_table(days: list[Day]) -> list[str]:
    heads = ("Day", "Bounces", "Lifted", "Complaints", "Transients", "Not sent", "Deliveries", "Sent")
    rows = [
        (str(one.day), *(f"{number:,}" for number in (one.bounces, one.lifted, one.complaints, one.transients,
         one.not_sent, one.deliveries)), "–" if one.sent is None else f"{one.sent:,}")
        for one in reversed(days)
    ]  # fmt: skip
    return _table(heads, rows)


def _group_table(by: Any, found: list[Group], said: dict[str, list[tuple[str, int]]]) -> list[str]:
    from ses_bounces.ledger.figures.words import DIMENSION_WORDS, NOT_SAID, percent, trend

    heads = (DIMENSION_WORDS[by], "Bounces", "Lifted", "Bounce rate", "Complaints", "Complaint rate", "Transients",
             "Not sent", "Trend")  # fmt: skip
    rows = [
        (
            one.name or NOT_SAID[by], f"{one.bounces:,}", f"{one.lifted:,}", percent(one.bounce_rate.value),
            f"{one.complaints:,}", percent(one.complaint_rate.value), f"{one.transients:,}", f"{one.not_sent:,}",
            trend(one)[0],
        )
        for one in found
    ]  # fmt: skip
    lines = _table(heads, rows)
    for one in found:
        lines += [f"{one.name}: {count:,} × {text}" for text, count in said.get(one.name, [])]
    why = next((one.bounce_rate.why for one in found if one.bounce_rate.why), "")
    return [*lines, *([why] if why else [])]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with columns below each other, the first to the left, numbers to the right."""
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, *rows)
    ]


def _rate(rate: Rate) -> dict[str, Any]:
    return {
        "measure": rate.measure, "source": rate.source, "rate": rate.value, "numerator": rate.numerator,
        "denominator": rate.denominator, "days": rate.days, "level": rate.level, "why": rate.why,
    }  # fmt: skip


def _day(day: Day) -> dict[str, Any]:
    return {
        "day": day.day, "bounces": day.bounces, "lifted": day.lifted, "complaints": day.complaints,
        "transients": day.transients, "not_sent": day.not_sent, "deliveries": day.deliveries, "sent": day.sent,
    }  # fmt: skip


def _group(one: Group, said: dict[str, list[tuple[str, int]]]) -> dict[str, Any]:
    return {
        "name": one.name, "bounces": one.bounces, "lifted": one.lifted, "complaints": one.complaints,
        "transients": one.transients, "not_sent": one.not_sent, "deliveries": one.deliveries,
        "bounces_before": one.bounces_before, "complaints_before": one.complaints_before,
        "bounce_rate": _rate(one.bounce_rate), "complaint_rate": _rate(one.complaint_rate),
        "said": [{"text": text, "bounces": count} for text, count in said.get(one.name, [])],
    }  # fmt: skip


def _outage(one: Outage) -> dict[str, Any]:
    return {
        "domain": one.domain, "first": one.first, "last": one.last, "said": one.said, "addresses": one.addresses,
    }  # fmt: skip
