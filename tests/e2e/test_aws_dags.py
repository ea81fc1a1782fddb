"""Setting up, SES's suppression lists and lifts on a real Airflow, with SES's list as AWS has it over HTTP."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from dev.airflow_api import AirflowApi
from dev.aws import SENDER
from dev.stack import VARIABLE
from ses_bounces.actions.action import Action
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.base.database.connection import connect_url
from tests.e2e.shared import Ledger, SharedStack, addresses_in_airflow, own_ledger
from tests.integration.feed.test_setup import account
from tests.kit.builders import bounce, iso, sns

pytestmark = pytest.mark.e2e

JOB, SETUP, SYNC, LIFT = DAGS = ("ses_bounces", "ses_bounces_setup", "ses_suppression_sync", "ses_lift_blocks")
FEED = {
    "identity": "shop.example.com",
    "topic": "shop-topic",
    "queue": "shop-queue",
    "dead_letter_queue": "shop-dead-letter-queue",
}
# As SES spells them: its management calls tell upper from lower case.
BOUNCED, REFUSED, LOST, GRUMBLER = (
    "Anna.Bounced@harbour.example",
    "Bert.Refused@harbour.example",
    "Lost.Twin@harbour.example",
    "Grumbler@harbour.example",
)


@pytest.fixture(scope="module")
def ledger(whole_stack: SharedStack) -> Iterator[Ledger]:
    """A ledger as the sample leaves it, and SES's list without an entry."""
    api, listed = whole_stack.airflow.api, whole_stack.ses.region().listed
    with own_ledger(whole_stack) as own:
        listed.clear()
        for name in DAGS:
            api.pause(name, False)
        yield own
        for name in DAGS:
            api.pause(name, name != JOB)
        listed.clear()


@pytest.fixture
def api(ledger: Ledger) -> AirflowApi:
    return ledger.api


def run(api: AirflowApi, dag_id: str, conf: dict[str, Any] | None = None) -> tuple[str, str]:
    """Trigger a run and wait for its end: its state and its id."""
    run_id = api.trigger(dag_id, conf)
    return api.wait_for_run(dag_id, run_id), run_id


def states(api: AirflowApi, dag_id: str, run_id: str) -> dict[str, str | None]:
    return {task: "/".join(map(str, found)) for task, found in api.task_states(dag_id, run_id).items()}


def value(api: AirflowApi, run_id: str, task: str) -> Any:
    [found] = [x["value"] for x in api.xcoms(SETUP, run_id) if (x["task_id"], x["key"]) == (task, "return_value")]
    return json.loads(found) if isinstance(found, str) else found


def is_blocked(ledger: Ledger, address: str) -> bool:
    with psycopg.connect(ledger.database_url) as connection:
        row = connection.execute("SELECT ses_bounces.is_blocked(%s)", [address]).fetchone()
    assert row is not None
    return bool(row[0])


def causes(ledger: Ledger, address: str) -> set[str]:
    query = "SELECT reason FROM ses_bounces.blocked_list WHERE address = %s AND unblocked_at IS NULL"
    with psycopg.connect(ledger.database_url) as connection:
        return {reason for (reason,) in connection.execute(query, [address.lower()])}


def bounces(ledger: Ledger, address: str) -> None:
    """A mail bounces: SES reports it, and puts the address on its own list, as it does in AWS."""
    now = datetime.now(UTC)
    event = bounce(address, timestamp=iso(now), feedbackId=str(uuid4()), mail_fields={"timestamp": iso(now)})
    ledger.feed.send_bodies([json.dumps(sns(event, Timestamp=iso(now)))])
    ledger.stack.ses.region().listed[address] = ("BOUNCE", now.replace(microsecond=0))


def send(ledger: Ledger, address: str) -> None:
    text = {"Subject": {"Data": "News"}, "Body": {"Text": {"Data": "Hello"}}}
    ledger.stack.ses.client("ses").send_email(Source=SENDER, Destination={"ToAddresses": [address]}, Message=text)


def ask_for_lift(ledger: Ledger, address: str) -> int:
    """What the page does, for each cause that is there; returns the id of the request."""
    with connect_url(ledger.database_url) as connection:
        query = "SELECT a.address_id FROM ses_bounces.address a WHERE a.address = %s"
        row = connection.execute(query, [address.lower()]).fetchone()
        assert row is not None
        action = Action("alice", "new mailbox", str(uuid4()))
        [result] = lift_blocks(connection, action, {row[0]: causes(ledger, address)}, ses_first=True)
        assert (result.outcome, result.message.startswith("Being lifted")) == ("done", True)
        query = (
            "SELECT r.unblock_request_id FROM ses_bounces.unblock_request r"
            " WHERE r.address_id = %s AND r.finished_at IS NULL"
        )
        row = connection.execute(query, [row[0]]).fetchone()
        assert row is not None
    return int(row[0])


def request(ledger: Ledger, request_id: int) -> tuple[str | None, bool]:
    query = "SELECT result, finished_at IS NOT NULL FROM ses_bounces.unblock_request WHERE unblock_request_id = %s"
    with psycopg.connect(ledger.database_url) as connection:
        row = connection.execute(query, [request_id]).fetchone()
    assert row is not None
    return row[0], row[1]


def shell(ledger: Ledger, *arguments: str) -> str:
    """What the command answers on the Airflow's machine."""
    command = [sys.executable, "-m", "ses_bounces", *arguments]
    done = subprocess.run(
        command, env=ledger.stack.airflow.environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_feed_is_planned_made_proved_and_taken_down(ledger: Ledger, api: AirflowApi) -> None:
    before = account(ledger.stack.ses)
    ledger.set(feeds=[FEED], never_block=["vip@harbour.example"])
    kept = api.variable(VARIABLE)
    assert kept is not None
    state, run_id = run(api, SETUP)
    assert state == "success"
    assert set(states(api, SETUP, run_id).values()) == {"success", "skipped"}
    assert value(api, run_id, "show_plan") == {"to_do": 9, "blocked": 0}
    log = api.task_log(SETUP, run_id, "show_plan")
    for line in ("+ topic arn:aws:sns:us-east-1:000000000000:shop-topic: create", "MessageRetentionPeriod: 1209600"):
        assert line in log
    assert account(ledger.stack.ses) == before

    # The database alone: AWS is not asked.
    state, run_id = run(api, SETUP, {"only_database": True})
    assert state == "success"
    assert {task for task, found in states(api, SETUP, run_id).items() if found == "success"} == {"upgrade_database"}
    assert account(ledger.stack.ses) == before

    # What goes with it is shown, without the rest of the Variable, and written by nobody.
    state, run_id = run(api, SETUP, {"apply": True, "prove": True})
    assert (state, set(states(api, SETUP, run_id).values())) == ("success", {"success"})
    assert "arrived: the feed works" in api.task_log(SETUP, run_id, "prove_feed")
    shown = api.task_log(SETUP, run_id, "show_settings")
    assert "Add to Airflow Variable ses_bounces" in shown
    assert "/shop-queue" in shown
    assert "vip" not in shown
    assert "never_block" not in shown
    assert api.variable(VARIABLE) == kept

    names = [f"--{key.replace('_', '-')}={text}" for key, text in FEED.items() if key != "identity"]
    try:
        said = shell(ledger, "setup", FEED["identity"], *names, "--apply", "--write-settings")
        assert said.splitlines()[-2] == "Wrote Airflow Variable ses_bounces."
        # The sample's settings name no topic.
        assert said.splitlines()[-1].startswith('"allowed_topic_arns" is empty')
        written = json.loads(api.variable(VARIABLE) or "")
        assert [url.rpartition("/")[2] for url in written["queue_urls"]] == ["ses-bounces-queue", "shop-queue"]
        assert written == json.loads(kept) | {"queue_urls": written["queue_urls"]}
        state, run_id = run(api, SETUP, {"apply": True})
        assert value(api, run_id, "show_plan") == {"to_do": 0, "blocked": 0}
        assert "has what was set up already" in api.task_log(SETUP, run_id, "show_settings")
    finally:
        api.set_variable(VARIABLE, kept)
        # What the proof sent is still in the queue.
        shell(ledger, "setup", FEED["identity"], *names, "--teardown", "--discard-messages", "--apply")
        ledger.set()
    assert account(ledger.stack.ses) == before


def test_what_is_in_the_way_fails_the_run_before_anything_is_done(ledger: Ledger, api: AirflowApi) -> None:
    before = account(ledger.stack.ses)
    sns_client = ledger.stack.ses.client("sns")
    other = sns_client.create_topic(Name="other")["TopicArn"]
    queue_arn = "arn:aws:sqs:us-east-1:000000000000:ses-bounces-dead-letter-queue"
    sns_client.subscribe(TopicArn=other, Protocol="sqs", Endpoint=queue_arn)
    try:
        made = account(ledger.stack.ses)
        ledger.set(feeds=[FEED | {"queue": "ses-bounces-dead-letter-queue"}])
        state, run_id = run(api, SETUP, {"apply": True})
        assert state == "failed"
        log = api.task_log(SETUP, run_id, "apply_plan")
        assert f"Queue ses-bounces-dead-letter-queue is subscribed to {other} already: it is not ours alone." in log
        assert "Nothing was changed." in log
        assert account(ledger.stack.ses) == made
    finally:
        ledger.set()
        sns_client.delete_topic(TopicArn=other)
    assert account(ledger.stack.ses)["topics"] == before["topics"]


def test_a_lifted_block_really_lifts(ledger: Ledger, api: AirflowApi) -> None:
    bounces(ledger, BOUNCED)
    assert run(api, JOB)[0] == "success"
    assert causes(ledger, BOUNCED) == {"permanent_bounce"}
    # SES refuses a mail of before the lift; its report comes after the lift.
    send(ledger, BOUNCED)
    request_id = ask_for_lift(ledger, BOUNCED)
    assert is_blocked(ledger, BOUNCED)

    state, run_id = run(api, LIFT)
    assert state == "success", api.task_log(LIFT, run_id, "lift_blocks")
    assert BOUNCED not in ledger.stack.ses.region().listed
    assert request(ledger, request_id) == ("lifted", True)
    assert not is_blocked(ledger, BOUNCED)

    send(ledger, BOUNCED)
    assert run(api, JOB)[0] == "success"
    assert run(api, SYNC, {"full": True})[0] == "success"
    assert not is_blocked(ledger, BOUNCED)
    with psycopg.connect(ledger.database_url) as connection:
        delivered = connection.execute(
            "SELECT count(*) FROM ses_bounces.last_delivery d JOIN ses_bounces.address a USING (address_id)"
            " WHERE a.address = %s",
            [BOUNCED.lower()],
        ).fetchone()
    assert delivered == (1,)


def test_a_removal_that_ses_refuses_leaves_the_block(ledger: Ledger, api: AirflowApi) -> None:
    bounces(ledger, REFUSED)
    assert run(api, JOB)[0] == run(api, SYNC)[0] == "success"
    assert causes(ledger, REFUSED) == {"permanent_bounce", "ses_suppression"}
    request_id = ask_for_lift(ledger, REFUSED)
    ledger.stack.ses.refuse["DeleteSuppressedDestination"] = ("AccessDeniedException", None)
    try:
        state, run_id = run(api, LIFT)
    finally:
        ledger.stack.ses.refuse.clear()
    why = (
        "ses:DeleteSuppressedDestination on us-east-1 was refused (AccessDeniedException): the connection's role lacks "
        "a permission; see the policy in docs/iam.md."
    )
    assert (state, states(api, LIFT, run_id)) == ("failed", {"lift_blocks": "failed"})
    assert why in api.task_log(LIFT, run_id, "lift_blocks")
    assert request(ledger, request_id) == (why, False)
    assert is_blocked(ledger, REFUSED)
    assert REFUSED in ledger.stack.ses.region().listed

    # Nobody has to ask again.
    assert run(api, LIFT)[0] == "success"
    assert request(ledger, request_id) == ("lifted", True)
    assert not is_blocked(ledger, REFUSED)
    assert REFUSED not in ledger.stack.ses.region().listed


def test_lost_bounces_come_back_by_a_date_range(ledger: Ledger, api: AirflowApi) -> None:
    assert run(api, SYNC, {"full": True})[0] == "success"
    bounces(ledger, LOST)
    lost = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
    ledger.stack.ses.region().listed[LOST] = ("BOUNCE", lost)
    # The queue's retention is over.
    ledger.feed.purge()
    assert run(api, JOB)[0] == run(api, SYNC)[0] == "success"
    # The daily reading asks for what is new.
    assert not is_blocked(ledger, LOST)
    # What SES lists otherwise than we do shows as well.
    bounces(ledger, GRUMBLER)
    ledger.stack.ses.region().listed[GRUMBLER] = ("COMPLAINT", datetime.now(UTC) - timedelta(minutes=5))
    assert run(api, JOB, {"report_today": True})[0] == "success"

    days = {"first_day": f"{lost - timedelta(days=1):%Y-%m-%d}", "last_day": f"{datetime.now(UTC):%Y-%m-%d}"}
    state, run_id = run(api, SYNC, days)
    assert state == "success"
    assert causes(ledger, LOST) == {"ses_suppression"}
    with psycopg.connect(ledger.database_url) as connection:
        query = "SELECT since FROM ses_bounces.do_not_email WHERE address = %s"
        assert connection.execute(query, [LOST.lower()]).fetchone() == (lost,)

    folder = ledger.reports / f"{datetime.now(UTC):%Y-%m-%d}"
    assert {"blocked_report.csv", "suppression_drift.csv"} <= {path.name for path in folder.iterdir()}
    with (folder / "suppression_drift.csv").open(newline="") as file:
        drift = {row["address"]: row["drift"] for row in csv.DictReader(file)}
    assert drift[LOST.lower()] == "theirs_only"
    assert drift[GRUMBLER.lower()] == "reasons_differ"
    log = api.task_log(SYNC, run_id, "report_suppression_drift")
    counts = {name: list(drift.values()).count(name) for name in ("theirs_only", "ours_only", "reasons_differ")}
    assert counts["ours_only"] > 100
    for name, count in counts.items():
        assert re.search(rf"\b{name} +{count:,}\b", log), log


def test_dates_the_wrong_way_round_are_refused(api: AirflowApi) -> None:
    state, run_id = run(api, SYNC, {"first_day": "2026-03-02", "last_day": "2026-03-01"})
    assert state == "failed"
    assert "last_day is 2026-03-01; it must not be before first_day" in api.task_log(SYNC, run_id, "plan_sync")


def test_no_address_anywhere_in_airflow(ledger: Ledger) -> None:
    """Asked once more when the Airflow ends: after all runs that succeeded and that failed."""
    assert addresses_in_airflow(ledger.stack) == []
