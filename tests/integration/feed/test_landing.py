"""What landing says of messages that it settles itself."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from ses_bounces.classify.rules import NO_EFFECT, WARNINGS, Rules
from ses_bounces.feed.landing import Landing

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


def control(type_: str) -> str:
    arn = "arn:aws:sns:eu-west-1:123456789012:ses"
    return json.dumps(
        {"Type": type_, "MessageId": "m", "TopicArn": arn, "Message": "", "Timestamp": "2026-11-24T00:00:00Z"}
    )


@pytest.mark.parametrize("type_", WARNINGS)
def test_what_a_person_must_hear_of_is_logged(
    database: Connection, caplog: pytest.LogCaptureFixture, type_: str
) -> None:
    with caplog.at_level(logging.WARNING):
        landed = Landing(database, "queue", Rules(), False).land([received(control(type_))])
    assert landed.no_effect == 1
    assert database.execute("SELECT outcome, reason FROM ses_bounces.message").fetchall() == [
        ("no_effect", NO_EFFECT[type_])
    ]
    assert [record.getMessage() for record in caplog.records] == [NO_EFFECT[type_]]


def test_other_messages_without_effect_are_no_warning(database: Connection, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert Landing(database, "queue", Rules(), False).land([received('{"eventType": "Open"}')]).no_effect == 1
    assert caplog.records == []
