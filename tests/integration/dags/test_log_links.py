"""Logs of tasks lead to the page that shows what they speak of, and their sentences agree with each other."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from dev.pages_server import PEOPLE
from ses_bounces.base.exceptions import BrakeError
from ses_bounces.base.pages import page_url, where
from ses_bounces.base.sites import Site
from ses_bounces.dags.tasks import hourly, lift
from tests.kit.builders import bounce
from tests.kit.days import today
from tests.kit.page_rights import hold
from tests.kit.seeding import add_people, dated, receive
from tests.kit.tasks import Tasks

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

BASE = "https://airflow.example.com/deep"


@pytest.fixture
def tasks(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Tasks:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", f"{BASE}/")
    return Tasks(
        monkeypatch, database_url, '{"conn_type": "aws", "login": "none", "password": "none"}',
        queue_urls=["https://sqs.eu-west-1.amazonaws.com/123456789012/q"], people_table="public.people",
        max_new_blocks_per_domain=1_000,
    )  # fmt: skip


def test_a_page_is_a_link_where_airflow_knows_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", f"{BASE}/")
    with Site("news").current():
        assert where("quarantine", "Quarantine") == f"{BASE}/ses-bounces-news/quarantine"
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "")
    assert (page_url("quarantine"), where("quarantine", "Quarantine")) == (None, "the page Quarantine")


def test_what_is_quarantined_and_reported_is_linked(
    database: Connection, tasks: Tasks, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute(
        "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome)"
        " VALUES ('a', 'q', 'no message of SES', now(), 'pending')"
    )
    database.execute("INSERT INTO ses_bounces.queue VALUES ('q', 'q', now() - interval '2 days', now(), now(), NULL)")
    with caplog.at_level(logging.INFO):
        hourly.classify_bounces(tasks.context("classify_bounces"))
        hourly.emit_blocked_report(tasks.context("emit_blocked_report"))
    assert f"See {BASE}/ses-bounces/quarantine" in caplog.text
    assert f"See {BASE}/ses-bounces/reports/{today() - timedelta(days=1)}" in caplog.text


def test_what_the_brake_holds_is_linked(database: Connection, tasks: Tasks) -> None:
    hold(database, "down.example", 2)
    with pytest.raises(BrakeError, match=f"Look at them on {re.escape(BASE)}/ses-bounces/quarantine#held-title, or"):
        hourly.check_brake(tasks.context("check_brake"))


def test_the_comparison_of_everybody_agrees_with_what_was_switched_off(
    database: Connection, tasks: Tasks, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute(PEOPLE)
    addresses = [f"p{number}@example.com" for number in range(3)]
    add_people(database, **{f"p{number}": address for number, address in enumerate(addresses)})
    receive(database, *(dated(bounce(address), 1) for address in addresses))
    sync = hourly.sync_allow_group_email
    with caplog.at_level(logging.INFO):
        assert sync(tasks.context("sync_allow_group_email"))["switched_off"] == 3
        assert "with the blocked list: no blocked address was overlooked" in caplog.text
        assert "Switched off for 3 people, on for 0" in caplog.text
        # Somebody new has the address of one that was blocked long ago.
        caplog.clear()
        database.execute("INSERT INTO public.people (id, email) VALUES (77, %s)", [addresses[0]])
        database.execute("DELETE FROM ses_bounces.flag_due")
        database.execute("UPDATE ses_bounces.setting SET people_compared_at = %s", [datetime.now(UTC) - timedelta(2)])
        sync(tasks.context("sync_allow_group_email"))
    assert "1 blocked address had been overlooked, and will now be followed up" in caplog.text


def test_lifts_are_linked(
    database: Connection, tasks: Tasks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        lift.lift_blocks(tasks.context("lift_blocks"))
        assert "Nobody waits for a lift" in caplog.text
        receive(database, dated(bounce("anna@example.com"), 1))
        database.execute(
            "INSERT INTO ses_bounces.unblock_request (address_id, lifts, actor, reason)"
            " SELECT a.address_id, '{permanent_bounce}', 'ann', 'moved house' FROM ses_bounces.address a"
        )
        monkeypatch.setattr("ses_bounces.suppression.lifting.open_lists", lambda _settings: [])
        lift.lift_blocks(tasks.context("lift_blocks"))
    assert f"Lifted 0; refused 0; left: 1, in import jobs: 0 of them. See {BASE}/ses-bounces/lifts" in caplog.text
