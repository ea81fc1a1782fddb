"""What landing says of messages that it settles itself."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ses_bounces.classify.rules import NO_EFFECT, SENDING_DISABLED, SENDING_ENABLED, WARNINGS, Rules
from ses_bounces.doctor.feed_checks import told_by_events
from ses_bounces.doctor.finding import Finding, Findings, open_findings, store_findings
from ses_bounces.feed.landing import Landing
from ses_bounces.ledger.pending import classify_pending
from tests.kit.builders import bounce, eventbridge, iso, sns

if TYPE_CHECKING:
    from ses_bounces.base.aws.answers import Received
    from ses_bounces.base.database.connection import Connection


def received(body: str) -> Received:
    return {
        "MessageId": "id",
        "ReceiptHandle": "handle",
        "Body": body,
        "Attributes": {"SentTimestamp": "1764000000000"},
    }


def warning(type_: str) -> str:
    if type_ == SENDING_DISABLED:
        return json.dumps(eventbridge({}) | {"detail-type": type_})
    arn = "arn:aws:sns:eu-west-1:123456789012:ses"
    return json.dumps(
        {"Type": type_, "MessageId": "m", "TopicArn": arn, "Message": "", "Timestamp": "2026-11-24T00:00:00Z"}
    )


@pytest.mark.parametrize("type_", WARNINGS)
def test_what_a_person_must_hear_of_is_logged(
    database: Connection, caplog: pytest.LogCaptureFixture, type_: str
) -> None:
    with caplog.at_level(logging.WARNING):
        landed = Landing(database, "queue", Rules(), False).land([received(warning(type_))])
    assert landed.no_effect == 1
    assert database.execute("SELECT outcome, reason FROM ses_bounces.message").fetchall() == [
        ("no_effect", NO_EFFECT[type_])
    ]
    assert [record.getMessage() for record in caplog.records] == [NO_EFFECT[type_]]


def test_other_messages_without_effect_are_no_warning(database: Connection, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert Landing(database, "queue", Rules(), False).land([received('{"eventType": "Open"}')]).no_effect == 1
    assert caplog.records == []


SENT = datetime(2025, 11, 24, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("claimed", "kept"),
    [
        ([SENT - timedelta(hours=2)], SENT - timedelta(hours=2)),
        ([SENT + timedelta(hours=2)], SENT),
        ([SENT + timedelta(days=3_000)], SENT),
        ([SENT - timedelta(hours=2), SENT - timedelta(hours=1)], SENT - timedelta(hours=1)),
        ([SENT - timedelta(hours=2), SENT + timedelta(hours=1)], SENT),
        ([], SENT),
    ],
)
def test_a_message_was_sent_no_later_than_sqs_got_it(
    database: Connection, claimed: list[datetime], kept: datetime
) -> None:
    envelopes = [sns(bounce(f"a{n}@example.com"), Timestamp=iso(moment)) for n, moment in enumerate(claimed)]
    body = envelopes[0] if len(envelopes) == 1 else {"Records": [{"Sns": envelope} for envelope in envelopes]}
    Landing(database, "queue", Rules(), False).land([received(json.dumps(body))])
    assert database.execute("SELECT sent_at FROM ses_bounces.message").fetchone() == (kept,)


def test_what_must_be_verified_is_not_settled_by_landing(database: Connection) -> None:
    body = json.dumps(sns({"eventType": "Open"}))
    for rules, outcome in ((Rules(), "no_effect"), (Rules(verify_signatures=True), "pending")):
        Landing(database, "queue", rules, False).land([received(body)])
        query = "SELECT outcome, body IS NULL FROM ses_bounces.message ORDER BY message_id DESC LIMIT 1"
        assert database.execute(query).fetchone() == (outcome, outcome == "no_effect")


NEWS = "arn:aws:ses:eu-west-1:123456789012:configuration-set/news"
NOW = datetime.now(UTC).replace(microsecond=0)


def status(type_: str, hours_ago: float, resource: str = NEWS, region: str = "eu-west-1") -> str:
    moment = iso(NOW - timedelta(hours=hours_ago))
    event = eventbridge({}, resources=[resource], region=region, time=moment)
    return json.dumps(event | {"detail-type": type_})


def land(database: Connection, *bodies: str, at: datetime = NOW) -> None:
    attributes = {"SentTimestamp": str(int(at.timestamp() * 1_000))}
    Landing(database, "queue", Rules(), False).land(
        [received(body) | {"Attributes": attributes} for body in bodies]  # type: ignore[misc]
    )


def alarms(database: Connection) -> dict[str, Finding]:
    return {found.subject: found for found in open_findings(database)}


@pytest.mark.parametrize("in_one_batch", [True, False])
@pytest.mark.parametrize(
    ("words", "is_alarm"),
    [
        ([(SENDING_DISABLED, 2)], True),
        ([(SENDING_DISABLED, 2), (SENDING_ENABLED, 1)], False),
        ([(SENDING_ENABLED, 1), (SENDING_DISABLED, 2)], False),
        ([(SENDING_DISABLED, 1), (SENDING_ENABLED, 2)], True),
        ([(SENDING_DISABLED, 3), (SENDING_ENABLED, 2), (SENDING_DISABLED, 1)], True),
        ([(SENDING_DISABLED, 1), (SENDING_DISABLED, 3), (SENDING_ENABLED, 2)], True),
        ([(SENDING_ENABLED, 1)], False),
        ([(SENDING_DISABLED, 24 * 15)], False),
        ([(SENDING_DISABLED, 24 * 13)], True),
    ],
)
def test_sending_that_ses_stopped_is_an_alarm_until_it_says_otherwise(
    database: Connection, words: list[tuple[str, float]], is_alarm: bool, in_one_batch: bool
) -> None:
    bodies = [status(*word) for word in words]
    for batch in [bodies] if in_one_batch else [[body] for body in bodies]:
        land(database, *batch)
    # The doctor's own findings leave it.
    store_findings(database, Findings("ledger"))
    assert (set(alarms(database)) == {"eu-west-1, configuration-set/news"}) is is_alarm
    for found in told_by_events(database):
        assert (found.check, found.severity) == ("sending status", "critical" if is_alarm else "ok")
    if is_alarm:
        [found] = alarms(database).values()
        first = min(hours for type_, hours in words if type_ == SENDING_DISABLED)
        assert found.since == NOW - timedelta(hours=first)


def test_each_part_of_an_account_is_told_by_itself_and_no_address(database: Connection) -> None:
    arn = "arn:aws:ses:eu-west-1:123456789012:"
    land(
        database,
        status(SENDING_DISABLED, 1, f"{arn}identity/anna@example.com"),
        status(SENDING_DISABLED, 1, f"{arn}identity/example.com"),
        status(SENDING_ENABLED, 1, f"{arn}tenant/shop/tn-1"),
        status(SENDING_DISABLED, 1, f"{arn}<b>", region="<b>"),
    )
    assert set(alarms(database)) == {"eu-west-1", "eu-west-1, identity/example.com", "a region that is not named"}


def test_a_status_that_only_classification_reads_is_one_as_well(database: Connection) -> None:
    body = json.dumps(sns(json.loads(status(SENDING_DISABLED, 1)), Timestamp=iso(NOW)))
    # With a second event beside it, landing doesn't settle it.
    land(database, json.dumps([json.loads(body), sns(bounce())]))
    assert alarms(database) == {}
    assert classify_pending(database, Rules()).outcomes == {"applied": 1}
    assert set(alarms(database)) == {"eu-west-1, configuration-set/news"}


def test_one_that_does_not_count_is_none(database: Connection) -> None:
    rules = Rules(allowed_topic_arns=["arn:other"])
    Landing(database, "queue", rules, False).land([received(status(SENDING_DISABLED, 1))])
    assert classify_pending(database, rules).outcomes == {"quarantined": 1}
    assert alarms(database) == {}
