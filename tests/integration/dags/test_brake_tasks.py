"""The brake in the hourly run: the form's decisions, who is called, and what the run's last task says of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ses_bounces.base.exceptions import BrakeError, RunError, SettingsError
from ses_bounces.dags.tasks import hourly
from tests.integration.ledger.test_brake import NOON, blocked, body, outcomes, put
from tests.kit.tasks import Tasks

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

AWS = '{"conn_type": "aws"}'
REASON = {"held_reason": "looked at it"}


@pytest.fixture
def tasks(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Tasks:
    queues = ["https://sqs.eu-west-1.amazonaws.com/123456789012/q"]
    return Tasks(monkeypatch, database_url, AWS, queue_urls=queues, max_new_blocks_per_domain=2)


def classify(tasks: Tasks, **params: Any) -> dict[str, Any]:
    return hourly.classify_bounces(tasks.context("classify_bounces", **params))


def check(tasks: Tasks) -> Any:
    return hourly.check_brake(tasks.context("check_brake"))


def outage(database: Connection, domain: str = "down.example", count: int = 6) -> None:
    put(database, *(body("P", f"p{n}@{domain}", NOON + timedelta(minutes=n)) for n in range(count)))


def test_somebody_is_called_until_a_decision_and_nothing_else_fails(database: Connection, tasks: Tasks) -> None:
    classify(tasks)
    assert check(tasks) == {"braked_domains": 0, "held": 0}
    outage(database)
    put(database, body("P", "fine@fine.example"))
    assert classify(tasks)["outcomes"] == {"applied": 3, "held": 4}
    for _ in range(2):
        with pytest.raises(BrakeError) as raised:
            check(tasks)
        text = str(raised.value)
        assert "down.example: 4 bounces are held (4 messages" in text
        assert (
            f"{NOON + timedelta(minutes=2):%Y-%m-%d %H:%M} UTC to {NOON + timedelta(minutes=5):%Y-%m-%d %H:%M}" in text
        )
        assert "4 times “smtp; 550 5.1.1 user unknown”" in text
        assert "its limit of 2 new blocks a day" in text
        assert "fine.example" not in text
        assert "@" not in text
        # The next run finds nothing to do, and is red all the same.
        classify(tasks)
    # What the run's own check counts is not this.
    tasks.states = {"check_brake": "failed", "classify_bounces": "success"}
    hourly.check_run(tasks.context("check_run"))
    tasks.states["classify_bounces"] = "failed"
    with pytest.raises(RunError, match=r"^Failed: classify_bounces\."):
        hourly.check_run(tasks.context("check_run"))


def test_a_backfill_is_not_red_for_it(database: Connection, tasks: Tasks) -> None:
    outage(database)
    classify(tasks)
    context = tasks.context("check_brake")
    context["dag_run"].run_type = "backfill"
    assert hourly.check_brake(context) == {"braked_domains": 1, "held": 4}


def test_the_form_decides_and_the_same_run_applies(database: Connection, tasks: Tasks) -> None:
    outage(database)
    outage(database, "other.example")
    classify(tasks)
    done = classify(tasks, confirm_held=["@Down.example"], dismiss_held=["other.example"], **REASON)
    assert (done["domains_confirmed"], done["domains_dismissed"]) == (1, 1)
    assert (done["held_confirmed"], done["held_dismissed"]) == (4, 4)
    assert len(blocked(database, "down.example")) == 6
    assert len(blocked(database, "other.example")) == 2
    assert check(tasks) == {"braked_domains": 0, "held": 0}
    rows = database.execute("SELECT domain, decision, actor, reason FROM ses_bounces.brake ORDER BY 1").fetchall()
    assert rows == [
        ("down.example", "confirmed", "ops", "looked at it"),
        ("other.example", "dismissed", "ops", "looked at it"),
    ]


def test_a_run_that_is_cleared_decides_nothing_that_came_after_it(database: Connection, tasks: Tasks) -> None:
    outage(database)
    context = tasks.context("classify_bounces", confirm_held=["down.example"], **REASON)
    classify(tasks)
    done = hourly.classify_bounces(context)
    assert done["domains_confirmed"] == 0
    assert len(blocked(database)) == 2


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"confirm_held": ["down.example"]}, "held_reason is missing"),
        (
            {"confirm_held": ["down.example"], "dismiss_held": ["down.example"], **REASON},
            "down.example: confirm_held and dismiss_held both name it",
        ),
    ],
)
def test_what_the_form_must_say(database: Connection, tasks: Tasks, params: dict[str, Any], message: str) -> None:
    outage(database)
    classify(tasks)
    with pytest.raises(SettingsError, match=re.escape(message)):
        classify(tasks, **params)
    assert outcomes(database) == {"applied": 2, "held": 4}


def test_without_the_setting_nothing_further_is_held_and_what_waits_stays_red(
    database: Connection, tasks: Tasks
) -> None:
    outage(database)
    classify(tasks)
    tasks.settings["max_new_blocks_per_domain"] = None
    put(database, *(body("P", f"q{n}@down.example") for n in range(5)))
    assert classify(tasks)["outcomes"] == {"applied": 5}
    with pytest.raises(BrakeError):
        check(tasks)
    # Set again, the day is counted from the list.
    tasks.settings["max_new_blocks_per_domain"] = 8
    classify(tasks, dismiss_held=["down.example"], **REASON)
    put(database, *(body("P", f"r{n}@down.example") for n in range(2)))
    assert classify(tasks)["outcomes"] == {"applied": 1, "held": 1}
