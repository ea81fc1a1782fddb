"""Where it hurts on one day: what its bounces have in common, with rates, what servers said, and suggested outages.

Groups, words and outages are read from the ledger itself, so that a report made again is the same. Rates stand on what
SES says it sent, which is no part of the ledger.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.figures.outages import DOMAINS_READ, MIN_ADDRESSES, MIN_TIMES, Outage, judged
from ses_bounces.ledger.figures.reading import Rate, rates_of, read_series
from ses_bounces.ledger.figures.saying import BOUNCES_READ, said

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

GROUPS_SHOWN = 10
TEXTS_SHOWN = 10
RATE_DAYS = 30
# A usual day is the mean of this many days before the report's own.
DAYS_BEFORE = 7
_ADDRESSES_READ = 5_000


@dataclass(frozen=True)
class DayGroup:
    """What bounces of a day have in common. ``usual``: its daily mean over the seven days before."""

    dimension: str
    name: str
    bounces: int
    complaints: int
    transients: int
    usual: float


@dataclass(frozen=True)
class Where:
    """Where it hurts. ``said``: provider, text and how many of the day's last bounces; it is for who may edit."""

    groups: list[DayGroup]
    outages: list[Outage]
    said: list[tuple[str, str, int]]
    rates: list[Rate]

    def summary(self) -> dict[str, Any]:
        """Return it for the summary, which everybody may read: no server's words, and no address."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for group in self.groups:
            counts = {"bounces": group.bounces, "complaints": group.complaints, "transients": group.transients}
            groups.setdefault(group.dimension, []).append({"name": group.name, **counts, "usual": group.usual})
        return {
            "groups": groups,
            "rates": [
                {
                    "measure": rate.measure, "source": rate.source, "rate": round(rate.value, 6),
                    "numerator": rate.numerator, "denominator": rate.denominator, "days": rate.days,
                }
                for rate in self.rates
                if rate.value is not None and rate.source != "deliveries"
            ],
            "suggested_outages": [
                {
                    "domain": outage.domain, "addresses": outage.addresses,
                    "first": outage.first.isoformat(), "last": outage.last.isoformat(),
                }
                for outage in self.outages
            ],
        }  # fmt: skip


def read_where(connection: Connection, day: date, since: datetime, at: datetime) -> Where:
    """Read where it hurt; within the transaction of the report, which has made ``report_block``.

    :param day: of the report; rates are of the days in UTC up to it.
    :param since: when it began.
    :param at: the last moment that is looked at.
    """
    execute = connection.execute
    span = {"since": since, "at": at}
    rows = execute(statement("report/select_groups"), span | {"limit": GROUPS_SHOWN}).fetchall()
    words = Counter(
        (provider, text)
        for provider, diagnostic, address in execute(statement("report/select_said"), span | {"limit": BOUNCES_READ})
        if (text := said(diagnostic, address))
    )
    most = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:TEXTS_SHOWN]
    return Where(
        [
            DayGroup(dimension, name, bounces, complaints, transients, round(before / DAYS_BEFORE, 2))
            for dimension, name, bounces, complaints, transients, before in rows
        ],
        _outages(connection, since),
        [(provider, text, count) for (provider, text), count in most],
        rates_of(read_series(connection, RATE_DAYS, day)),
    )


def _outages(connection: Connection, since: datetime) -> list[Outage]:
    wanted = {"since": since, "min": MIN_ADDRESSES, "times": MIN_TIMES, "limit": DOMAINS_READ}
    found = []
    for (domain,) in connection.execute(statement("report/select_bursts"), wanted).fetchall():
        one = {"domain": domain, "since": since, "limit": _ADDRESSES_READ}
        rows = connection.execute(statement("report/select_burst"), one).fetchall()
        judgement = judged([(diagnostic or "", address) for diagnostic, address, _ in rows])
        if judgement is not None:
            words, places = judgement
            moments = [rows[place][2].astimezone(UTC) for place in places]
            found.append(Outage(domain, moments[0], moments[-1] + timedelta(microseconds=1), words, len(moments)))
    return found
