"""The DAG that sets up: what it does comes from the settings alone, whatever the conf of a run says, and it writes none."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowSkipException

from dev.postgres import EmbeddedPostgres
from dev.ses import FakeSes
from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.exceptions import AwsRefusedError, SchemaError, SesBouncesError, SettingsError
from ses_bounces.base.sites import Site
from ses_bounces.dags.tasks import setup as setup_tasks
from tests.integration.feed.test_setup import ACCOUNT, account
from tests.kit.tasks import Tasks

OURS = {"feeds": ["shop.example.com"], "never_block": ["jane.doe@example.com"], "report_email_to": ["boss@example.com"]}
THEIRS = {"topic": "their-topic", "queue": "their-queue", "dead_letter_queue": "their-dead-letter-queue"}
ALL = {"apply": True, "prove": False, "only_database": False}
# Somebody else's things, as the conf of a run would name them.
HOSTILE: dict[str, Any] = {
    "identity": "their.example",
    "region": "eu-west-1",
    "write_variable": True,
    "teardown": True,
    "discard_messages": True,
    **THEIRS,
    "configuration_set": "their-set",
    "kms_key": "alias/theirs",
    "deliveries": True,
    "keep_forwarding": True,
    "aws_conn_id": "theirs",
    "postgres_conn_id": "theirs",
    "use_fips_endpoint": True,
}


@pytest.fixture
def ses(server: FakeSes) -> Iterator[FakeSes]:
    """An account with a queue of another team that holds a message."""
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=THEIRS["queue"])["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="theirs")
    yield server
    server.refuse.clear()
    server.aws.reset()
    server.region().topics.clear()
    server.region().forwarding.clear()


@pytest.fixture
def tasks(ses: FakeSes, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Tasks:
    return Tasks(monkeypatch, database_url, ses.connection_json(region="us-east-1"), **OURS)


@pytest.fixture
def their_url(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty database of another team, and the connections that lead there."""
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE their_setup")
        monkeypatch.setenv("AIRFLOW_CONN_THEIRS", postgres.url("their_setup"))
        yield postgres.url("their_setup")
        admin.execute("DROP DATABASE their_setup WITH (FORCE)")


def schemas(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        query = "SELECT n.nspname::text FROM pg_namespace n WHERE n.nspname !~ '^pg_' ORDER BY 1"
        return [name for (name,) in connection.execute(query)]


def run(tasks: Tasks, **params: Any) -> dict[str, Any]:
    """Run the tasks one after the other, each though one before it failed; what each returned or raised."""
    done: dict[str, Any] = {}
    for task in (
        setup_tasks.show_plan,
        setup_tasks.apply_plan,
        setup_tasks.upgrade_database,
        setup_tasks.show_settings,
        setup_tasks.prove_feed,
    ):
        try:
            done[task.__name__] = task(tasks.context(task.__name__, **{**ALL, **params}))
        except (SesBouncesError, AirflowSkipException) as error:
            done[task.__name__] = error
    return done


def test_it_makes_the_feeds_of_the_settings(tasks: Tasks, ses: FakeSes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    looked = run(tasks, apply=False)
    assert looked["show_plan"] == {"to_do": 9, "blocked": 0}
    assert {type(looked[task]) for task in looked if task != "show_plan"} == {AirflowSkipException}
    assert list(account(ses)["queues"]) == [f"{ses.aws.endpoint_url}/{ACCOUNT}/{THEIRS['queue']}"]
    done = run(tasks, prove=True)
    assert (done["apply_plan"], done["upgrade_database"]) == ({"done": 9}, {"revision": schema.LAST_REVISION})
    assert done["prove_feed"] == {"proved": 1}
    assert done["show_settings"] == {"lines": 2}
    queue_url = next(url for url in account(ses)["queues"] if url.endswith("/ses-bounces-queue"))
    arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:ses-bounces-topic"
    assert f'    "queue_urls": "{queue_url}"\n    "allowed_topic_arns": "{arn}"' in caplog.text
    # What is there besides is not shown: it holds addresses.
    for text in ("jane", "boss", "never_block", "report_email_to"):
        assert text not in caplog.text
    tasks.settings.update(queue_urls=[queue_url], allowed_topic_arns=[arn])
    again = run(tasks)
    assert (again["show_plan"], again["show_settings"]) == ({"to_do": 0, "blocked": 0}, {"lines": 0})


def test_feeds_may_be_several_with_names_of_their_own(tasks: Tasks, ses: FakeSes) -> None:
    tasks.settings["feeds"] = ["a.example.com", {"identity": "b.example.com", "topic": "b", "queue": "b"}]
    assert run(tasks)["apply_plan"] == {"done": 17}
    queues = {url.rpartition("/")[2] for url in account(ses)["queues"]}
    assert queues == {THEIRS["queue"], "ses-bounces-queue", "b", "ses-bounces-dead-letter-queue"}
    assert sorted(account(ses)["identities"]) == ["a.example.com", "b.example.com"]


def test_a_from_address_is_in_no_log_and_no_error(tasks: Tasks, ses: FakeSes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    tasks.settings["feeds"] = ["news@shop.example.com"]
    assert run(tasks, prove=True)["prove_feed"] == {"proved": 1}
    assert "+ identity n•••@shop.example.com: create" in caplog.text
    ses.refuse["GetEmailIdentity"] = ("AccessDenied", None)
    refused = run(tasks)["show_plan"]
    assert isinstance(refused, AwsRefusedError)
    assert "n•••@shop.example.com" in str(refused)
    tasks.settings["feeds"] = ["not an identity@shop.example.com"]
    texts = [caplog.text, str(refused), *map(str, run(tasks).values())]
    assert not any("news@" in text or "identity@shop" in text for text in texts)


def test_only_the_database_needs_no_feed_and_no_aws(
    their_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.delenv("AIRFLOW_CONN_SES_BOUNCES_AWS", raising=False)
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_POSTGRES", their_url)
    tasks = Tasks(monkeypatch, their_url, "{}")
    monkeypatch.delenv("AIRFLOW_CONN_SES_BOUNCES_AWS")
    done = run(tasks, apply=False, only_database=True)
    assert done.pop("upgrade_database") == {"revision": schema.LAST_REVISION}
    assert done.pop("apply_plan").args[0].startswith("Apply was not ticked")
    assert {str(skipped) for skipped in done.values()} == {
        "Only the database was ticked: AWS is neither asked nor changed."
    }
    assert schemas(their_url) == ["information_schema", "public", "ses_bounces"]


def test_without_feeds_it_says_where_they_go(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks.settings["feeds"] = []
    refused = run(tasks)["show_plan"]
    assert isinstance(refused, SettingsError)
    assert str(refused).startswith('"feeds" is empty')
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__FEEDS", "shop.example.com")
    del tasks.settings["feeds"]
    assert run(tasks)["show_plan"] == {"to_do": 9, "blocked": 0}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_conf_of_a_run_reaches_what_is_somebody_elses(
    tasks: Tasks, ses: FakeSes, their_url: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Airflow lets the conf of a run have any key; tasks run with its rights, whoever triggers them."""
    before = account(ses)
    done = run(tasks, **{name: HOSTILE[name]})
    assert isinstance(done["show_plan"], SettingsError)
    assert str(done["show_plan"]).startswith(f"{name} is no Param of this DAG any more: ")
    assert "their" not in str(done["show_plan"])
    # Were its tasks run one by one, all the same.
    after = account(ses)
    theirs = f"{ses.aws.endpoint_url}/{ACCOUNT}/{THEIRS['queue']}"
    assert after["queues"][theirs] == before["queues"][theirs]
    assert schemas(their_url) == ["information_schema", "public"]
    assert [identity for identity in after["identities"] if "their" in identity] == []
    assert [arn for arn in after["topics"] if "their" in arn] == []


def test_a_database_of_another_site_is_left_as_it_is(tasks: Tasks, database_url: str) -> None:
    with Site("news").current(), connect_url(database_url) as connection:
        connection.execute("UPDATE ses_bounces.setting SET site = 'news'")
        connection.execute("UPDATE ses_bounces.alembic_version SET version_num = '0001'")
    try:
        refused = run(tasks, apply=False, only_database=True)["upgrade_database"]
        assert isinstance(refused, SchemaError)
        with connect_url(database_url) as connection:
            assert schema.revision(connection) == 1
    finally:
        with connect_url(database_url) as connection:
            connection.execute("UPDATE ses_bounces.alembic_version SET version_num = '0002'")
            connection.execute("UPDATE ses_bounces.setting SET site = 'default'")
