"""What SES says it sent, kept daily, and whether it sends for each identity and configuration set; over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.ses import FakeSes
from ses_bounces.base.aws.clients import Pace, Place
from ses_bounces.base.settings import parse
from ses_bounces.doctor.clients import Clients
from ses_bounces.doctor.finding import Findings
from ses_bounces.doctor.reputation_checks import check_reputation
from ses_bounces.doctor.sent_checks import keep_sends
from ses_bounces.ledger.figures.counting import count_figures
from ses_bounces.ledger.figures.reading import groups, rates
from tests.kit.builders import bounce
from tests.kit.seeding import dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

REGION = "us-east-1"
QUEUE = "http://127.0.0.1:9/000000000000/q"


@pytest.fixture
def ses(server: FakeSes, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSes]:
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", server.connection_json(region=REGION))
    yield server
    server.refuse.clear()
    for kept in (server.region().sent, server.region().metrics, server.region().reputations):
        kept.clear()


def clients() -> Clients:
    return Clients(parse({"queue_urls": [QUEUE], "ses_regions": [REGION]}), Pace(0))


def place() -> Place:
    return Place("ses_bounces_aws", REGION)


def noon(days_ago: int) -> datetime:
    return datetime.combine(datetime.now(UTC).date() - timedelta(days=days_ago), time(12), UTC)


def keep(database: Connection, has_vdm: bool | None = False) -> list[tuple[str, str, str]]:
    findings = Findings("sending")
    keep_sends(findings, database, clients(), place(), REGION, has_vdm)
    return [(found.check, found.severity, found.found) for found in findings.all]


def kept(database: Connection) -> dict[date, tuple[int, ...]]:
    query = "SELECT s.day, s.sent, s.bounces, s.complaints, s.rejects FROM ses_bounces.sent_day s WHERE s.source = 'statistics'"
    return {day: tuple(numbers) for day, *numbers in database.execute(query)}


def test_points_are_added_up_by_day_and_stay_when_ses_forgets_them(ses: FakeSes, database: Connection) -> None:
    yesterday = noon(1)
    # In no order; the last one is of the day that is forgotten bit by bit.
    ses.region().sent += [
        (yesterday + timedelta(minutes=15), 40, 2, 1, 0), (noon(0), 7, 0, 0, 1), (yesterday, 60, 1, 0, 0),
        (noon(14), 9, 9, 9, 9),
    ]  # fmt: skip
    assert keep(database)[0] == ("send statistics", "ok", "107 mails in the last 14 days: what rates stand on.")
    expected = {yesterday.date(): (100, 3, 1, 0), noon(0).date(): (7, 0, 0, 1)}
    assert kept(database) == expected
    ses.region().sent[:] = [(yesterday, 60, 1, 0, 0), (noon(0), 9, 1, 0, 1)]
    keep(database)
    assert kept(database) == expected | {noon(0).date(): (9, 1, 0, 1)}
    receive(database, dated(bounce("a@gmail.com"), 1), dated(bounce("b@gmail.com"), 0))
    count_figures(database)
    # Today is not over.
    assert [(rate.measure, rate.source, rate.numerator, rate.denominator) for rate in rates(database, 30)] == [
        ("bounce", "ses", 3, 100), ("bounce", "ours", 1, 100), ("complaint", "ses", 1, 100), ("complaint", "ours", 0, 100),
    ]  # fmt: skip


def test_a_refusal_is_one_sentence(ses: FakeSes, database: Connection) -> None:
    ses.refuse.update(dict.fromkeys(("GetSendStatistics", "BatchGetMetricData"), ("AccessDenied", None)))
    receive(database, dated(bounce("a@gmail.com"), 0))
    count_figures(database)
    found = keep(database, has_vdm=True)
    assert [(check, severity) for check, severity, _ in found] == [
        ("send statistics", "unknown"),
        ("sends by group", "unknown"),
    ]
    assert all("lacks a permission" in words for _, _, words in found)
    assert [rate.why for rate in rates(database, 30)] != ["", ""]


def test_groups_have_rates_of_what_vdm_says(ses: FakeSes, database: Connection) -> None:
    event = dated(bounce("a@gmail.com"), 0)
    event["mail"] |= {"source": "news@acme.example", "tags": {"ses:configuration-set": ["news"]}}
    receive(database, event, dated(bounce("b@northwind.example"), 0))
    count_figures(database)
    day = noon(0).replace(hour=0)
    for dimension, name in (("ISP", "Gmail"), ("EMAIL_IDENTITY", "acme.example"), ("CONFIGURATION_SET", "news")):
        for metric, number in (("SEND", 50), ("DELIVERY", 45), ("PERMANENT_BOUNCE", 5), ("COMPLAINT", 1)):
            ses.region().metrics[metric, dimension, name] = {day: number}
    assert keep(database, has_vdm=True)[1][:2] == ("sends by group", "ok")
    gmail, northwind = groups(database, "provider", 30)
    assert (gmail.name, gmail.bounce_rate.source, gmail.bounce_rate.value) == ("gmail", "ses", 0.1)
    assert gmail.complaint_rate.value == 0.02
    assert (northwind.bounce_rate.value, bool(northwind.bounce_rate.why)) == (None, True)
    assert [(group.name, group.bounce_rate.value) for group in groups(database, "identity", 30)] == [
        ("acme.example", 0.1), ("example.com", None),
    ]  # fmt: skip
    assert groups(database, "configuration_set", 30)[1].bounce_rate.denominator == 50


def test_without_vdm_it_is_not_asked(ses: FakeSes, database: Connection) -> None:
    before = ses.calls["BatchGetMetricData"]
    assert keep(database)[1][:2] == ("sends by group", "ok")
    assert len(keep(database, has_vdm=None)) == 1
    assert ses.calls["BatchGetMetricData"] == before


@pytest.mark.parametrize(
    ("entity", "severity", "says"),
    [
        ({"SendingStatusAggregate": "ENABLED", "ReputationImpact": "LOW"}, "ok", "SES sends for it."),
        ({"SendingStatusAggregate": "REINSTATED"}, "ok", "SES sends for it."),
        (
            {"SendingStatusAggregate": "DISABLED", "AwsSesManagedStatus": {"Status": "DISABLED"}}, "critical",
            "paused by SES,",
        ),
        (
            {"SendingStatusAggregate": "DISABLED", "CustomerManagedStatus": {"Status": "DISABLED"}}, "critical",
            "paused by your account",
        ),
        ({"SendingStatusAggregate": "ENABLED", "ReputationImpact": "HIGH"}, "warning", "high impact"),
    ],
)  # fmt: skip
def test_each_identity_and_set_in_use_is_looked_at(
    ses: FakeSes, database: Connection, entity: dict[str, Any], severity: str, says: str
) -> None:
    event = dated(bounce("a@gmail.com"), 0)
    event["mail"] |= {"source": "news@acme.example", "tags": {"ses:configuration-set": ["news"]}}
    # Of example.com SES knows nothing.
    receive(database, event, dated(bounce("b@gmail.com"), 0))
    count_figures(database)
    ses.region().reputations |= {"identity/acme.example": {}, "configuration-set/news": entity}
    findings = Findings("sending")
    check_reputation(findings, database, clients(), place(), REGION)
    found = {one.subject: (one.severity, one.found) for one in findings.all}
    assert found[f"{REGION}: identity acme.example"] == ("ok", "SES sends for it.")
    told, words = found[f"{REGION}: configuration-set news"]
    assert (told, says in words) == (severity, True), words
    assert found[REGION] == ("ok", "2 identities and configuration sets in use were looked at.")
    assert len(found) == 3


def test_a_refused_look_at_reputation_is_one_finding(ses: FakeSes, database: Connection) -> None:
    ses.refuse["GetReputationEntity"] = ("AccessDeniedException", None)
    receive(database, dated(bounce("a@gmail.com"), 0), dated(bounce("b@gmail.com"), 0))
    count_figures(database)
    findings = Findings("sending")
    check_reputation(findings, database, clients(), place(), REGION)
    assert [(one.subject, one.severity) for one in findings.all] == [(REGION, "unknown")]
