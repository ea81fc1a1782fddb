"""What the figures say: rates, the days of a chart, what bounces have in common. It reads the small daily rows only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.lists.engine.query import reading

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

Measure = Literal["bounce", "complaint"]
# ses: SES's own count of its sends, bounces and complaints. ours: reports that we have, by what SES says it sent.
# deliveries: by the deliveries that were reported to us.
Source = Literal["ses", "ours", "deliveries"]
Dimension = Literal["provider", "configuration_set", "identity", "campaign"]

GROUPS_SHOWN = 50
TEXTS_SHOWN = 3
MAX_DAYS = 1_100
# Where AWS begins a review, and may pause sending: Amazon SES Developer Guide, sending review process FAQ.
THRESHOLDS: dict[Measure, tuple[float, float]] = {"bounce": (0.05, 0.10), "complaint": (0.001, 0.005)}

NO_SENDS = (
    "Nothing says how much was sent: SES's send statistics are not kept yet (the doctor needs ses:GetSendStatistics), "
    "and no deliveries are reported."
)


@dataclass(frozen=True)
class Rate:
    """A rate of a span of days, and what it is made of.

    ``numerator``: bounces or complaints. ``denominator``: mails sent or delivered in the same days; None: not known,
    and ``why`` says so. ``days``: how many days of the span it stands on.
    """

    measure: Measure
    source: Source
    numerator: int
    denominator: int | None
    days: int
    why: str = ""

    @property
    def value(self) -> float | None:
        """The rate, from 0 to 1; None: there is none."""
        return min(1.0, self.numerator / self.denominator) if self.denominator else None

    @property
    def level(self) -> Literal["ok", "review", "pause", "unknown"]:
        """How it compares with SES's thresholds for an account."""
        if self.value is None:
            return "unknown"
        review, pause = THRESHOLDS[self.measure]
        return "pause" if self.value >= pause else "review" if self.value >= review else "ok"


@dataclass(frozen=True)
class Day:
    """A day in UTC. ``bounces``: permanent ones, with those in ``lifted`` that a person has lifted since.

    ``not_sent``: mails that SES held back as the address was on its list. ``deliveries``: reported ones. ``sent``,
    ``ses_bounces``, ``ses_complaints``: of the account, as SES counts them; None: not kept. ``is_whole``: SES was asked
    after the day's end.
    """

    day: date
    bounces: int
    lifted: int
    transients: int
    complaints: int
    not_sent: int
    deliveries: int
    sent: int | None
    ses_bounces: int | None
    ses_complaints: int | None
    is_whole: bool


@dataclass(frozen=True)
class Group:
    """What bounces of a span have in common; ``name``: empty where the reports don't say.

    ``bounces``, ``complaints`` and ``…_before`` are those that stand: of this span, and of the one before it.
    ``lifted``: bounces besides, which a person has lifted since. ``sent``: of VDM, None: not known.
    """

    name: str
    bounces: int
    lifted: int
    transients: int
    complaints: int
    not_sent: int
    bounces_before: int
    complaints_before: int
    deliveries: int
    bounce_rate: Rate
    complaint_rate: Rate

    @property
    def trend(self) -> float | None:
        """How many times as many bounces and complaints stand as in the span before; None: there were none then."""
        before = self.bounces_before + self.complaints_before
        return (self.bounces + self.complaints) / before if before else None


def series(connection: Connection, days: int) -> list[Day]:
    """Return the last days, today (UTC) as the last one; also those on which nothing happened.

    :param days: how many, 1 to 1,100.
    :raises DatabaseError: also when it takes over five seconds.
    """
    with reading(connection):
        return read_series(connection, days)


def read_series(connection: Connection, days: int, last: date | None = None) -> list[Day]:
    """Return the same within a transaction of the caller's.

    :param last: the last day; None: today.
    """
    wanted = {"days": _held(days), "last": last}
    return [Day(*row) for row in connection.execute(statement("ledger/figures/select_days"), wanted).fetchall()]


def rates(connection: Connection, days: int) -> list[Rate]:
    """Return the rates of bounces and of complaints in the last days: first SES's own figure, then ours by count.

    SES's (``ses``) and ours by SES's sends (``ours``) stand on the days whose send statistics are kept. Where there are
    none, ours stand on the deliveries that are reported (``deliveries``), and SES's are left out.

    :param days: how many, up to today (UTC).
    :raises DatabaseError: also when it takes over five seconds.
    """
    return rates_of(series(connection, days))


def rates_of(days: list[Day]) -> list[Rate]:
    """Return the rates of these days; see :func:`rates`.

    A day whose sends SES was asked for before its end is left out: its bounces would be divided by too little.
    """
    known = [day for day in days if day.sent is not None and day.is_whole]
    sent = sum(day.sent or 0 for day in known)
    if sent:
        found: list[Rate] = []
        counted: list[tuple[Measure, int, int]] = [
            ("bounce", sum(day.ses_bounces or 0 for day in known), sum(day.bounces for day in known)),
            ("complaint", sum(day.ses_complaints or 0 for day in known), sum(day.complaints for day in known)),
        ]
        for measure, of_ses, ours in counted:
            found.append(Rate(measure, "ses", of_ses, sent, len(known)))
            found.append(Rate(measure, "ours", ours, sent, len(known)))
        return found
    bounces, complaints = sum(day.bounces for day in days), sum(day.complaints for day in days)
    delivered = sum(day.deliveries for day in days)
    tried = delivered + bounces if delivered else None
    why = "" if tried else NO_SENDS
    return [
        Rate("bounce", "deliveries", bounces, tried, len(days), why),
        Rate("complaint", "deliveries", complaints, tried, len(days), why),
    ]


def groups(connection: Connection, dimension: Dimension, days: int, limit: int = GROUPS_SHOWN) -> list[Group]:
    """Return what the bounces and complaints of the last days have in common, the most first.

    A group's rate stands on VDM's sends where the doctor keeps them, else on the deliveries that are reported; where
    there are neither, it has none, and the rate says why.

    :param dimension: by what to group.
    :param days: how many, up to today (UTC); ``…_before`` is of as many days before those.
    :param limit: the most groups.
    :raises DatabaseError: also when it takes over five seconds.
    """
    wanted = {"dimension": dimension, "days": _held(days), "limit": limit}
    with reading(connection):
        rows = connection.execute(statement("ledger/figures/select_groups"), wanted).fetchall()
    return [_group(row, days) for row in rows]


_NO_GROUP_SENDS = (
    "Where no rate is shown, no deliveries are reported, and Virtual Deliverability Manager says nothing of what was "
    "sent: there is nothing to divide by."
)


def _group(row: tuple[str | int | None, ...], days: int) -> Group:
    name = str(row[0])
    bounces, lifted, transients, complaints, not_sent, bounces_before, complaints_before, deliveries = (
        int(value or 0) for value in row[1:9]
    )
    sent, of_ses, complained = (None if value is None else int(value) for value in row[9:12])
    stand = bounces - lifted
    if sent:
        bounce_rate = Rate("bounce", "ses", of_ses or 0, sent, days)
        complaint_rate = Rate("complaint", "ses", complained or 0, sent, days)
    else:
        tried = deliveries + bounces if deliveries else None
        why = "" if tried else _NO_GROUP_SENDS
        bounce_rate = Rate("bounce", "deliveries", stand, tried, days, why)
        complaint_rate = Rate("complaint", "deliveries", complaints, tried, days, why)
    return Group(
        name, stand, lifted, transients, complaints, not_sent, bounces_before, complaints_before, deliveries,
        bounce_rate, complaint_rate,
    )  # fmt: skip


def texts(connection: Connection, providers: Sequence[str], days: int) -> dict[str, list[tuple[str, int]]]:
    """Return what the servers of each provider said most in the last days, and to how many of the bounces read.

    Read are the last bounces of each day; texts of over 90 days ago are forgotten. For whoever may edit: an address is
    in none, but what else a stranger wrote is.
    """
    wanted = {"providers": list(providers), "days": _held(days), "limit": TEXTS_SHOWN}
    found: dict[str, list[tuple[str, int]]] = {}
    with reading(connection):
        for provider, said, bounces in connection.execute(statement("ledger/figures/select_texts"), wanted):
            found.setdefault(provider, []).append((said, bounces))
    return found


def counted_at(connection: Connection) -> datetime | None:
    """Return up to when the ledger is counted (aware); None: it was not counted yet."""
    row = connection.execute("SELECT p.counted_at FROM ses_bounces.figure_position p").fetchone()
    return row[0] if row else None


def _held(days: int) -> int:
    return max(1, min(days, MAX_DAYS))
