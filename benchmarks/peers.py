"""The same notifications on the same Postgres: ours against django-ses's webhook view, and a DAG of SqsSensor.

Ours, with and without SQS: receive, land, delete (``drain``), and ``classify_bounces``: raw log, ledger, both lists.
django-ses answers one request for each notification, as it is installed, and kinder: see ``benchmarks.peers_django``.
The DAG: ``SqsSensor.poke`` of the Amazon provider (receive 10, delete, an XCom), then for each message one upsert of
address and reason with ``PostgresHook.run``, which opens a connection for each. Kinder, it does all upserts on one
connection, each committed. What Airflow itself takes to start a run for each batch is counted for nobody.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from benchmarks.external import REPOSITORY, environment, uv
from benchmarks.hour import Hour
from benchmarks.measure import Cost
from benchmarks.server import ServerWatch, migrated, one
from benchmarks.showing import add_rates, comparison
from benchmarks.sqs import temporary_queue
from dev.generate import bodies
from ses_bounces.base.database.connection import connect_url

if TYPE_CHECKING:
    from rich.table import Table

    from dev.aws import Feed
    from dev.postgres import EmbeddedPostgres

AIM = "≥ 10"
_TABLE = "CREATE TABLE bounce (email text PRIMARY KEY, reason text NOT NULL, bounced_at timestamptz NOT NULL)"
_UPSERT = (
    "INSERT INTO bounce (email, reason, bounced_at) VALUES (%s, %s, %s) ON CONFLICT (email)"
    " DO UPDATE SET reason = excluded.reason, bounced_at = excluded.bounced_at"
)


def table(messages: int, django: bool = True) -> Table:
    """Measure and return the rates.

    :param django: also measure django-ses, which uv installs into an environment of its own.
    """
    shown = comparison(f"Peers: {messages:,} notifications, same Postgres", "peer")
    with migrated() as (postgres, url), temporary_queue() as feed:
        hour = Hour(url, feed.aws.connection_json(), queue_urls=[feed.queue_url])
        if django:
            ours = _from_memory(hour, postgres, messages)
            add_rates(shown, "django-ses", messages, ours, _django(postgres, messages, "installed"), AIM)
            add_rates(shown, "its view alone", messages, ours, _django(postgres, messages, "view"))
            _empty(url)
        with _fed(feed, messages):
            ours = _through_sqs(hour, postgres, messages)
        for what, is_kind in (("SqsSensor + hook.run", False), ("SqsSensor + one connection", True)):
            with _fed(feed, messages):
                theirs = _sensor(postgres, url, feed.queue_url, messages, is_kind=is_kind)
            add_rates(shown, f"{what}, emulated SQS", messages, ours, theirs, "" if is_kind else AIM)
    shown.caption = (
        "One process each. The emulator of SQS, Postgres and the process share the machine; ours waits for two empty "
        "answers, of a second each, at its end. Airflow's own time for a run of each batch of the sensor is left out."
    )
    return shown


def _from_memory(hour: Hour, postgres: EmbeddedPostgres, messages: int) -> Cost:
    # What a task imports, it imports once.
    hour.run("classify_bounces")
    texts = list(bodies(messages))
    watch = ServerWatch(postgres)
    hour.land(texts)
    counts = hour.run("classify_bounces")
    cost = watch.cost()
    assert counts["outcomes"] == {"applied": messages}
    return cost


def _through_sqs(hour: Hour, postgres: EmbeddedPostgres, messages: int) -> Cost:
    jobs = hour.run("plan_drain")
    watch = ServerWatch(postgres)
    landed = sum(hour.run("drain_queue", job)["landed"] for job in jobs)
    counts = hour.run("classify_bounces")
    cost = watch.cost()
    assert landed == messages
    assert counts["outcomes"] == {"applied": messages}
    return cost


def _empty(url: str) -> None:
    names = ("address", "address_event", "bounce_list", "blocked_list", "flag_due", "last_delivery", "message")
    with connect_url(url) as connection:
        connection.execute(f"TRUNCATE {', '.join(f'ses_bounces.{name}' for name in names)} CASCADE")


@contextlib.contextmanager
def _fed(feed: Feed, messages: int) -> Iterator[None]:
    feed.send_bodies(list(bodies(messages)))
    yield
    assert feed.depth() == 0


def _django(postgres: EmbeddedPostgres, messages: int, way: str) -> Cost:
    postgres.create_database(f"peer_{way}")
    command = [
        uv(), "run", "--quiet", "--no-project", "--isolated", "--python", sys.executable,
        "--with-requirements", str(REPOSITORY / "benchmarks" / "peers_django.txt"),
        "python", "-m", "benchmarks.peers_django", way, postgres.url(f"peer_{way}"), str(messages),
    ]  # fmt: skip
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("benchmarks.peers_django failed: it says why above")
        watch = ServerWatch(postgres)
        process.stdin.write("begin\n")
        process.stdin.flush()
        found = json.loads(process.stdout.readline())
        server = watch.cost().backend_cpu
    assert 0 < found["rows"] <= messages
    return Cost(found["wall"], found["own_cpu"], server)


def _sensor(postgres: EmbeddedPostgres, url: str, queue_url: str, messages: int, *, is_kind: bool) -> Cost:
    """Do the work of a DAG of SqsSensor and one upsert per message."""
    from airflow.providers.amazon.aws.sensors.sqs import SqsSensor
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    with connect_url(url) as connection:
        connection.execute(f"DROP TABLE IF EXISTS bounce; {_TABLE}")
    hook = PostgresHook("ses_bounces_postgres", log_sql=False)
    sensor = SqsSensor(task_id="wait", sqs_queue=queue_url, max_messages=10, aws_conn_id="ses_bounces_aws")
    pushed: list[Any] = []
    context: Any = {"ti": SimpleNamespace(xcom_push=lambda key, value: pushed.append(json.dumps(value)))}
    watch = ServerWatch(postgres)
    with contextlib.closing(hook.get_conn()) as connection:
        connection.autocommit = True  # type: ignore[attr-defined]
        while sensor.poke(context):
            for message in json.loads(pushed.pop()):
                event = json.loads(json.loads(message["Body"])["Message"])
                for row in _rows(event):
                    if is_kind:
                        connection.execute(_UPSERT, row)  # type: ignore[attr-defined]
                    else:
                        hook.run(_UPSERT, parameters=row)
    cost = watch.cost()
    with connect_url(url) as connection:
        assert one(connection, "SELECT count(*) FROM bounce") == messages
    return cost


def _rows(event: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    if event["notificationType"] == "Bounce":
        for recipient in event["bounce"]["bouncedRecipients"]:
            yield recipient["emailAddress"].lower(), event["bounce"]["bounceType"], event["bounce"]["timestamp"]
    elif event["notificationType"] == "Complaint":
        for recipient in event["complaint"]["complainedRecipients"]:
            yield recipient["emailAddress"].lower(), "Complaint", event["complaint"]["timestamp"]
