"""What SES says of sending is the first thing on the overview, as soon as it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from bs4 import BeautifulSoup
from fastapi.testclient import TestClient

from ses_bounces.base.settings import parse
from ses_bounces.base.sites import Site
from ses_bounces.classify.rules import SENDING_DISABLED, SENDING_ENABLED, Rules
from ses_bounces.feed.landing import Landing
from ses_bounces.web.access import reader
from ses_bounces.web.app import create_app
from ses_bounces.web.dependencies import database as database_of
from ses_bounces.web.dependencies import site_settings
from ses_bounces.web.our_dags import our_dags
from tests.kit.builders import eventbridge, iso
from tests.kit.our_dags import our_dags as all_run

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

NOW = datetime.now(UTC)
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/queue"


@pytest.fixture
def client(database: Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A user who may only read; Airflow is not asked for the DAGs."""
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__DAG_ID_PREFIX", "")
    app = create_app(Site())
    viewer = SimpleNamespace(may_read=True, may_edit=False, may_set_variable=False, name="vic", id="7")
    app.dependency_overrides |= {
        reader: lambda: viewer,
        our_dags: lambda: all_run(),
        site_settings: lambda: parse({"queue_urls": [QUEUE]}),
        database_of: lambda: database,
    }
    with TestClient(app) as opened:
        yield opened


def say(database: Connection, type_: str, minutes_ago: int) -> None:
    moment = NOW - timedelta(minutes=minutes_ago)
    body = eventbridge({}, resources=["arn:aws:ses:eu-west-1:123456789012:tenant/shop/tn-1"], time=iso(moment))
    Landing(database, "queue", Rules(), False).land(
        [
            {
                "MessageId": "id",
                "ReceiptHandle": "handle",
                "Body": json.dumps(body | {"detail-type": type_}),
                "Attributes": {"SentTimestamp": str(int(NOW.timestamp() * 1_000))},
            }
        ]
    )


def critical(client: TestClient) -> list[str]:
    page = BeautifulSoup(client.get("/").text, "html.parser")
    return [notice.get_text(" ", strip=True) for notice in page.select("li.notice.critical")]


def test_it_is_an_alarm_until_ses_says_that_it_sends(client: TestClient, database: Connection) -> None:
    assert not any("sending status" in notice.lower() for notice in critical(client))
    say(database, SENDING_DISABLED, 5)
    [alarm] = [notice for notice in critical(client) if "sending status" in notice.lower()]
    assert "Sending status (eu-west-1, tenant/shop/tn-1): SES said that it has stopped sending" in alarm
    page = BeautifulSoup(client.get("/").text, "html.parser")
    assert "See the SES console" in page.find(attrs={"aria-labelledby": "findings"}).get_text()  # type: ignore[union-attr]
    say(database, SENDING_ENABLED, 1)
    assert not any("sending status" in notice.lower() for notice in critical(client))
