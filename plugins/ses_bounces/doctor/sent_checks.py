"""What SES says it sent is kept daily, for rates: of the account; of groups with Virtual Deliverability Manager.

API: Amazon SES API Reference, GetSendStatistics (15-minute points of two weeks, in any order); Amazon SES API v2
Reference, BatchGetMetricData (10 queries a call, days in UTC).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ses_bounces.base.aws.clients import Place, explained
from ses_bounces.classify.providers import VDM_NAMES
from ses_bounces.doctor.clients import Clients
from ses_bounces.doctor.finding import Findings
from ses_bounces.ledger.figures.sends import Sent, keep_sent, names_in_use

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Points of the day before that are forgotten bit by bit.
WHOLE_DAYS = 13
# VDM keeps months: late feedback still changes these.
VDM_DAYS = 14
QUERIES_AT_ONCE = 10
_METRICS = ("SEND", "DELIVERY", "PERMANENT_BOUNCE", "COMPLAINT")
_DIMENSIONS = {"provider": "ISP", "identity": "EMAIL_IDENTITY", "configuration_set": "CONFIGURATION_SET"}

_Key = tuple[str, str, date]


def keep_sends(
    findings: Findings, connection: Connection, clients: Clients, place: Place, region: str, has_vdm: bool | None
) -> None:
    """Keep what a region sent.

    :param has_vdm: whether Virtual Deliverability Manager is on; None: it could not be asked.
    """
    account = clients.account(place)
    with findings.trying("send statistics", region, needed=False):
        ses = clients.get("ses", place)
        with explained("ses:GetSendStatistics", region):
            points = ses.get_send_statistics().get("SendDataPoints", [])
        rows = _by_day(points, datetime.now(UTC).date())
        keep_sent(connection, account, region, "statistics", rows)
        sent = sum(row.sent for row in rows)
        findings.ok(
            "send statistics", region, f"{sent:,} mails in the last {WHOLE_DAYS + 1} days: what rates stand on."
        )
    if not has_vdm:
        if has_vdm is False:
            findings.ok(
                "sends by group", region,
                "Virtual Deliverability Manager is off: rates by provider stand on the deliveries that are reported.",
            )  # fmt: skip
        return
    with findings.trying("sends by group", region, needed=False):
        rows = _of_groups(connection, clients, place, region)
        keep_sent(connection, account, region, "vdm", rows)
        findings.ok("sends by group", region, "Virtual Deliverability Manager says how much was sent to whom.")


def _by_day(points: list[dict[str, Any]], today: date) -> list[Sent]:
    """Add the points up by day (UTC), without the day that SES is about to forget."""
    days: dict[date, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for point in points:
        day = point["Timestamp"].astimezone(UTC).date()
        if day >= today - timedelta(days=WHOLE_DAYS):
            for place, key in enumerate(("DeliveryAttempts", "Bounces", "Complaints", "Rejects")):
                days[day][place] += int(point.get(key, 0))
    return [
        Sent(day, sent, bounces, complaints, rejects=rejects)
        for day, (sent, bounces, complaints, rejects) in sorted(days.items())
    ]


def _of_groups(connection: Connection, clients: Clients, place: Place, region: str) -> list[Sent]:
    sesv2 = clients.get("sesv2", place)
    until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    asked = list(_asked(connection))
    found: dict[_Key, dict[str, int]] = defaultdict(dict)
    for start in range(0, len(asked), QUERIES_AT_ONCE):
        some = asked[start : start + QUERIES_AT_ONCE]
        queries = [
            {
                "Id": str(number),
                "Namespace": "VDM",
                "Metric": metric,
                "Dimensions": {_DIMENSIONS[dimension]: value},
                "StartDate": until - timedelta(days=VDM_DAYS),
                "EndDate": until,
            }
            for number, (dimension, _, value, metric) in enumerate(some)
        ]
        clients.pace.wait()
        with explained("ses:BatchGetMetricData", region):
            answer = sesv2.batch_get_metric_data(Queries=queries)
        for result in answer.get("Results", []):
            dimension, name, _, metric = some[int(result["Id"])]
            for at, value in zip(result.get("Timestamps", []), result.get("Values", []), strict=False):
                counts = found[dimension, name, at.astimezone(UTC).date()]
                counts[metric] = counts.get(metric, 0) + int(value)
    return [
        Sent(
            day, counts["SEND"], counts.get("PERMANENT_BOUNCE", 0), counts.get("COMPLAINT", 0), counts.get("DELIVERY"),
            dimension=dimension, name=name,
        )
        for (dimension, name, day), counts in found.items()
        if counts.get("SEND")
    ]  # fmt: skip


def _asked(connection: Connection) -> Iterator[tuple[str, str, str, str]]:
    """Yield dimension, our name, SES's name and metric of each query."""
    for dimension in _DIMENSIONS:
        for name in names_in_use(connection, dimension):
            value = VDM_NAMES.get(name) if dimension == "provider" else name
            if value:
                for metric in _METRICS:
                    yield dimension, name, value, metric
