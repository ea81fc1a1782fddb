"""The brake in the hourly run: who is called, and what the run's last task says of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from ses_bounces.actions.action import Action
from ses_bounces.actions.brake import decide_domains
from ses_bounces.base.exceptions import BrakeError, RunError, SettingsError
from ses_bounces.dags.tasks import hourly
from ses_bounces.ledger.brake.decisions import Decision
from ses_bounces.ledger.brake.held import held_domains
from tests.integration.ledger.test_brake import NOON, blocked, body, put
from tests.kit.tasks import Tasks

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

AWS = '{"conn_type": "aws"}'


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


def decided(database: Connection, domain: str, decision: Decision) -> None:
    """What the page and the shell do."""
    brakes = [held.brake_id for held in held_domains(database) if held.domain == domain]
    results = decide_domains(database, Action("ops", "looked at it", str(uuid4())), brakes, decision)
    assert [result.outcome for result in results] == ["done"]


def test_the_next_run_applies_what_was_decided(database: Connection, tasks: Tasks) -> None:
    outage(database)
    outage(database, "other.example")
    classify(tasks)
    decided(database, "down.example", "confirmed")
    decided(database, "other.example", "dismissed")
    done = classify(tasks)
    assert (done["held_confirmed"], done["held_dismissed"]) == (4, 4)
    assert len(blocked(database, "down.example")) == 6
    assert len(blocked(database, "other.example")) == 2
    assert check(tasks) == {"braked_domains": 0, "held": 0}


@pytest.mark.parametrize(
    ("name", "value", "instead"),
    [
        ("confirm_held", ["down.example"], "decide on the page Quarantine"),
        ("dismiss_held", ["jane@down.example"], "decide on the page Quarantine"),
        ("held_reason", "jane@down.example asked", "decide on the page Quarantine"),
        ("transient_grace_days", 0, "change the setting of that name"),
    ],
)
def test_no_conf_of_a_run_decides_or_sets_anything(
    database: Connection, tasks: Tasks, name: str, value: Any, instead: str
) -> None:
    """Airflow lets the conf of a run have any key, and whoever may trigger a run need not have the right to more."""
    outage(database)
    classify(tasks)
    before = database.execute("SELECT * FROM ses_bounces.brake").fetchall()
    with pytest.raises(SettingsError) as raised:
        hourly.plan_drain(tasks.context("plan_drain", **{name: value}))
    assert str(raised.value).startswith(f"{name} is no Param of this DAG any more: {instead}")
    assert "jane" not in str(raised.value)
    # Were its tasks run one by one, all the same.
    put(database, body("T", "soon@fine.example"))
    classify(tasks, **{name: value})
    assert database.execute("SELECT * FROM ses_bounces.brake").fetchall() == before
    [(days,)] = database.execute(
        "SELECT extract(day FROM max(e.deadline - e.occurred_at)) FROM ses_bounces.address_event e"
    ).fetchall()
    assert days == 14


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
    decided(database, "down.example", "dismissed")
    classify(tasks)
    put(database, *(body("P", f"r{n}@down.example") for n in range(2)))
    assert classify(tasks)["outcomes"] == {"applied": 1, "held": 1}
