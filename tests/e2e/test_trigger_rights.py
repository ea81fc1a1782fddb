"""Whoever may trigger a DAG does nothing by it that they may not do directly: whatever the conf of the run says.

Tasks run with Airflow's rights. So what a run reads of its conf is all that its user decides, and Airflow lets the conf
have any key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from dev.airflow import ADMIN
from dev.airflow_api import AirflowApi, ApiError
from dev.stack import METADATA_DATABASE, VARIABLE
from ses_bounces.base.settings import LOWERABLE, Settings
from ses_bounces.dags import DAG_NAMES
from ses_bounces.dags.tasks.hourly import REMOVED as REMOVED_OF_HOURLY
from ses_bounces.dags.tasks.setup import REMOVED as REMOVED_OF_SETUP
from tests.e2e.fab import fab_door
from tests.e2e.shared import Ledger, SharedStack, add_connection, own_ledger
from tests.e2e.test_aws_dags import shell
from tests.integration.feed.test_setup import account

pytestmark = pytest.mark.e2e

FEED = {
    "identity": "site.example",
    "topic": "site-topic",
    "queue": "site-queue",
    "dead_letter_queue": "site-dead-letter-queue",
}
# Users of FAB's roles, by login name.
FAB_USERS = {"uli": "User", "opa": "Op", "ada": "Admin", "vic": "Viewer"}
THEIR_QUEUE, THEIR_DATABASE = "their-queue", "their_database"
# Every Param that there is, with a value that does the most it can.
GIVEN: dict[str, dict[str, Any]] = {
    "ses_bounces": {
        "report_today": True, "reprocess": True, "dry_run": True, "reprocess_from": "2020-01-01T00:00:00+00:00",
        "reprocess_to": "2020-01-02T00:00:00+00:00", "max_seconds": 60, "max_messages": 1, "max_drainers": 1,
    },
    "ses_bounces_setup": {"apply": True, "prove": True, "only_database": False},
    "ses_bounces_doctor": {},
    "ses_suppression_sync": {"full": True, "first_day": None, "last_day": None},
    "ses_lift_blocks": {},
    "ses_send_report": {"again": "2020-01-01"},
}  # fmt: skip
# Another owner's connections and names, under each name that ever chose some, and under those of all settings.
HOSTILE: dict[str, Any] = {
    **dict.fromkeys(Settings.model_fields, "theirs"),
    "enforce": False,
    "enabled": False,
    "transient_grace_days": 0,
    "never_block": [],
    "max_new_blocks_per_domain": 1,
    **dict.fromkeys(REMOVED_OF_SETUP, True),
    "confirm_held": ["example.com"],
    "dismiss_held": ["example.com"],
    "held_reason": "because",
    "identity": "their.example",
    "region": "us-east-1",
    "topic": THEIR_QUEUE,
    "queue": THEIR_QUEUE,
    "dead_letter_queue": "their-dead-letters",
    "configuration_set": "theirs",
    "kms_key": "alias/theirs",
    "aws_conn_id": "theirs",
    "postgres_conn_id": "theirs",
    "queue_urls": [THEIR_QUEUE],
}
# What a run refuses, so that nobody thinks that it did what was asked for; all else it passes over.
REFUSED = {"ses_bounces": set(REMOVED_OF_HOURLY), "ses_bounces_setup": set(REMOVED_OF_SETUP)}


@pytest.fixture(scope="module")
def ledger(whole_stack: SharedStack) -> Iterator[Ledger]:
    """A ledger; another team's queue with a message, another team's database, and a connection that leads there."""
    stack = whole_stack
    stack.postgres.create_database(THEIR_DATABASE)
    sqs = stack.ses.client("sqs")
    url = sqs.create_queue(QueueName=THEIR_QUEUE)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="theirs")
    with own_ledger(stack) as own:
        own.set(feeds=[FEED], max_seconds=300)
        add_connection(own.api, "theirs", stack.postgres.url(THEIR_DATABASE))
        for name in DAG_NAMES:
            own.api.pause(name, False)
        # The DAGs' own work first, so that what follows has nothing left to do.
        done(own.api, {name: {"apply": True} if name == "ses_bounces_setup" else {} for name in DAG_NAMES})
        yield own
        for name in DAG_NAMES:
            own.api.pause(name, name != "ses_bounces")
        own.api.request("DELETE", "/connections/theirs")
        names = [f"--{key.replace('_', '-')}={text}" for key, text in FEED.items() if key != "identity"]
        shell(own, "setup", FEED["identity"], *names, "--teardown", "--discard-messages", "--apply")
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture(scope="module")
def door(ledger: Ledger) -> Iterator[Callable[[str], AirflowApi]]:
    """Airflow, as a user of the auth manager that it has, or of FAB's."""
    metadata_url = ledger.stack.postgres.url(METADATA_DATABASE)
    airflow = ledger.stack.airflow
    with fab_door(ledger.stack, FAB_USERS) as of_fab:
        yield (
            lambda user: (
                of_fab(user)
                if user in FAB_USERS
                else AirflowApi(airflow.url, user, airflow.passwords[user], metadata_url)
            )
        )


def theirs(ledger: Ledger) -> dict[str, Any]:
    """What belongs to another owner, and what only some may change."""
    stack = ledger.stack
    found = account(stack.ses)
    with psycopg.connect(stack.postgres.url(THEIR_DATABASE)) as database:
        schemas = database.execute("SELECT n.nspname::text FROM pg_namespace n ORDER BY 1").fetchall()
    with psycopg.connect(stack.postgres.url(METADATA_DATABASE)) as metadata:
        variables = metadata.execute("SELECT v::text FROM variable v ORDER BY id").fetchall()
        connections = metadata.execute("SELECT c::text FROM connection c ORDER BY id").fetchall()
    with psycopg.connect(ledger.database_url) as own:
        mirrored = own.execute("SELECT s.enforce, s.site FROM ses_bounces.setting s").fetchall()
        decided = own.execute("SELECT count(*) FROM ses_bounces.brake b WHERE b.decision IS NOT NULL").fetchall()
        switched = own.execute("SELECT p::text FROM public.people p ORDER BY p::text").fetchall()
    return {
        "queues": {url: kept for url, kept in found["queues"].items() if THEIR_QUEUE in url},
        "names": [name for kind in ("topics", "identities", "sets") for name in found[kind] if "their" in name],
        "schemas": schemas, "variables": variables, "connections": connections, "mirrored": mirrored,
        "decided": decided, "switched": switched,
    }  # fmt: skip


def done(api: AirflowApi, asked: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Trigger DAGs, each with its conf, and wait for the ends of all runs; their states."""
    runs = {name: api.trigger(name, conf) for name, conf in asked.items()}
    return {name: api.wait_for_run(name, run_id) for name, run_id in runs.items()}


def test_every_param_is_tried() -> None:
    from ses_bounces.dags import build_dags

    assert {name: set(dag.params) for name, dag in build_dags().items()} == {
        name: set(params) for name, params in GIVEN.items()
    }


@pytest.mark.parametrize("user", ["uma", "otto", ADMIN, "uli", "opa", "ada"])
def test_no_run_does_more_than_its_dag_is_for(ledger: Ledger, door: Callable[[str], AirflowApi], user: str) -> None:
    api = door(user)
    before = theirs(ledger)
    assert len(before["queues"]) == 1
    asked = {}
    for name in DAG_NAMES:
        passed_over = {key: value for key, value in HOSTILE.items() if key not in REFUSED.get(name, ())}
        asked[name] = {**passed_over, **dict.fromkeys(LOWERABLE), **GIVEN[name]}
    states = done(api, asked)
    assert theirs(ledger) == before
    # It was done all the same, of the site's own.
    assert states["ses_bounces"] == states["ses_bounces_setup"] == states["ses_suppression_sync"] == "success"
    for name, keys in REFUSED.items():
        run_id = api.trigger(name, {**HOSTILE, **dict.fromkeys(LOWERABLE), **GIVEN[name]})
        assert ledger.api.wait_for_run(name, run_id) == "failed"
        first = "plan_drain" if name == "ses_bounces" else "show_plan"
        log = ledger.api.task_log(name, run_id, first)
        for key in keys:
            assert f"{key} is no Param of this DAG any more: " in log
    assert theirs(ledger) == before
    api.close()


@pytest.mark.parametrize("user", ["vera", "vic"])
def test_who_only_reads_triggers_nothing(door: Callable[[str], AirflowApi], user: str) -> None:
    api = door(user)
    for name in DAG_NAMES:
        with pytest.raises(ApiError) as raised:
            api.trigger(name)
        assert raised.value.status == 403
    api.close()


@pytest.mark.parametrize("user", ["uma", "uli"])
def test_a_run_may_not_raise_its_limits(ledger: Ledger, door: Callable[[str], AirflowApi], user: str) -> None:
    api = door(user)
    run_id = api.trigger("ses_bounces", {"max_seconds": 2_700})
    assert ledger.api.wait_for_run("ses_bounces", run_id) == "failed"
    assert "max_seconds is 2700; a run may only lower it, and it is 300 in the settings" in ledger.api.task_log(
        "ses_bounces", run_id, "plan_drain"
    )
    # Nor does a user without the right to the Variable change it otherwise.
    with pytest.raises(ApiError) as raised:
        api.set_variable(VARIABLE, json.dumps({"queue_urls": [THEIR_QUEUE]}))
    assert raised.value.status == 403
    api.close()
