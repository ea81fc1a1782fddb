"""Metrics: what runs emit, what the catalogue says, and what the page says are the same."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from dev.aws import Feed, temporary_aws
from dev.ses import FakeSes
from ses_bounces.actions.action import Action
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.base import metrics
from ses_bounces.base.exceptions import HealthError
from ses_bounces.base.metrics import METRICS, Metric
from ses_bounces.base.sites import Site
from ses_bounces.dags.tasks import doctor as doctor_tasks
from ses_bounces.dags.tasks import send as send_tasks
from ses_bounces.feed.setup.options import Options
from ses_bounces.feed.sqs.queue import SqsQueue
from tests.kit.builders import bounce, iso, sns
from tests.kit.mailbox import smtp_server
from tests.kit.seeding import address_id, dated
from tests.kit.tasks import Tasks

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
REGION = "us-east-1"

Emitted = dict[str, set[tuple[str, tuple[str, ...]]]]


@pytest.fixture(scope="module")
def ses() -> Iterator[FakeSes]:
    with temporary_aws() as aws, FakeSes(aws) as started:
        yield started


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> Emitted:
    """What reaches Airflow's stats: by name, whether it was counted or set, and its tags."""
    from airflow.sdk.observability.stats import Stats

    found: Emitted = {}

    def taking(kind: str) -> Any:
        def take(name: str, value: float, tags: dict[str, str] | None = None) -> None:
            found.setdefault(name, set()).add((kind, tuple(sorted(tags or {}))))

        return take

    monkeypatch.setattr(Stats, "incr", taking("counter"))
    monkeypatch.setattr(Stats, "gauge", taking("gauge"))
    return found


def test_runs_emit_what_the_catalogue_says(
    database: Connection, database_url: str, ses: FakeSes, emitted: Emitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each metric is sent, in its kind and with its tags, and no other."""
    feed = Feed.create(ses)
    database.execute(
        "CREATE TABLE public.people (id serial PRIMARY KEY, email text, allow_group_email boolean DEFAULT true)"
    )
    database.execute("INSERT INTO public.people (email) VALUES ('anna@example.com')")
    tasks = Tasks(
        monkeypatch, database_url, ses.connection_json(), queue_urls=[feed.queue_url], ses_regions=[REGION],
        people_table="public.people", push_to_ses=True, lift_at_ses=False,
    )  # fmt: skip
    events = [
        dated(bounce("anna@example.com"), 2),
        dated(bounce("bo@example.com", "Transient"), 20),
        dated(bounce("dee@example.com"), 2),
    ]
    now = iso(datetime.now(UTC))
    feed.send_bodies([*(json.dumps(sns(event, Timestamp=now)) for event in events), "not JSON"])
    done = tasks.hour()
    assert done["sync_allow_group_email"]["switched_off"] == 1
    lift_blocks(
        database,
        Action("ops", "is mended", str(uuid4())),
        {address_id(database, "anna@example.com"): ["permanent_bounce"]},
    )
    # SQS may refuse to delete single messages.
    monkeypatch.setattr(SqsQueue, "delete", lambda _queue, handles: list(handles))
    feed.send_bodies(["not JSON"])
    tasks.hour("manual__2", report_today=True)

    moment = datetime.now(UTC) - timedelta(days=3)
    ses.region().listed["cy@example.com"] = ("BOUNCE", moment)
    database.execute(
        "INSERT INTO ses_bounces.unblock_request (address_id, lifts, actor, reason)"
        " VALUES (%s, '{expired_transient}', 'ops', 'x')",
        [address_id(database, "bo@example.com")],
    )
    tasks.suppression_sync()
    tasks.settings["report_email_to"] = "ops@example.com"
    with smtp_server(monkeypatch):
        send_tasks.send_report_email(tasks.context("send_report_email", again=datetime.now(UTC).date().isoformat()))
    doctor_tasks.check_ledger(tasks.context("check_ledger"))
    with contextlib.suppress(HealthError):
        doctor_tasks.report_findings(tasks.context("report_findings"))

    assert emitted == {f"ses_bounces.{name}": {(metric.kind, metric.tags)} for name, metric in METRICS.items()}


def test_the_code_names_what_the_catalogue_has() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "plugins").rglob("*.py"))
    named = set(re.findall(r'metrics\.(?:count|gauge)\(\s*"(\w+)"', source))
    # What is told apart by the name, where the name is made of two parts.
    begun = re.findall(r'metrics\.(?:count|gauge)\(\s*f"(\w+_)\{', source)
    assert named | {name for name in METRICS if name.startswith(tuple(begun))} == set(METRICS)
    assert named <= set(METRICS)


def test_the_page_has_the_catalogue() -> None:
    rows = [
        (name, kind, unit, "" if tags == "–" else tags, meaning)
        for name, kind, unit, tags, meaning in re.findall(
            r"^\| `(\w+)` \| (\w+) \| (\w+) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE
        )
    ]
    assert rows == [
        (name, metric.kind, metric.unit, ", ".join(f"`{tag}`" for tag in metric.tags), metric.meaning)
        for name, metric in METRICS.items()
    ]


def _alerts() -> list[tuple[str, str, str]]:
    """Number, condition and name without tags of each alert of the page."""
    section = PAGE.partition("## Five alerts")[2].partition("\n## ")[0]
    rows: list[tuple[str, str, str]] = re.findall(r"^\| (\d) \| (.+?) \| `(.+?)` \|", section, re.MULTILINE)
    assert [number for number, _, _ in rows] == list("12345")
    return rows


def test_five_alerts_name_metrics_that_are_there() -> None:
    for _, when, plain in _alerts():
        [name] = re.findall(r"`(\w+)`", when)
        assert name in METRICS
        assert plain == (f"{name}.{Options('example.com').queue}" if METRICS[name] in _gauges_of_queues() else name)


def _gauges_of_queues() -> list[Metric]:
    return [metric for metric in METRICS.values() if metric.kind == "gauge" and metric.tags == ("queue",)]


class StatsClient(dict[str, float]):
    """What a StatsD keeps: the last value of each gauge, the sum of each counter."""

    def gauge(self, stat: str, value: float, *_arguments: Any) -> None:
        self[stat] = value

    def incr(self, stat: str, count: int = 1, *_arguments: Any) -> None:
        self[stat] = self.get(stat, 0) + count


@pytest.fixture(params=[False, True], ids=["plain", "influxdb"])
def statsd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[bool, StatsClient]]:
    """Airflow's own sender to a StatsD, with tags or without."""
    from airflow.sdk._shared.observability.metrics.statsd_logger import get_statsd_logger
    from airflow.sdk.observability.stats import Stats

    client = StatsClient()
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED", str(request.param))
    backend = get_statsd_logger(
        stats_class=lambda *_: client,  # type: ignore[arg-type]
        influxdb_tags_enabled=request.param,
        statsd_influxdb_enabled=request.param,
    )
    # Airflow 3.2 has no functions of the module, and 3.3 no instance in the class.
    for name in ("gauge", "incr"):
        monkeypatch.setattr(Stats, name, getattr(backend, name))
    metrics._are_tags_dropped.cache_clear()
    yield request.param, client
    metrics._are_tags_dropped.cache_clear()


def test_gauges_do_not_overwrite_each_other(statsd: tuple[bool, StatsClient]) -> None:
    are_there_tags, kept = statsd
    metrics.gauge("queue_depth", 7, {"queue": "ses-bounces-queue"})
    metrics.gauge("queue_depth", 1, {"queue": "second"})
    with Site("news").current():
        metrics.gauge("queue_depth", 5, {"queue": "ses-bounces-queue"})
        metrics.gauge("held", 3)
    assert kept == (
        {
            "ses_bounces.queue_depth,queue=ses-bounces-queue": 7,
            "ses_bounces.queue_depth,queue=second": 1,
            "ses_bounces.queue_depth,queue=ses-bounces-queue,site=news": 5,
            "ses_bounces.held,site=news": 3,
        }
        if are_there_tags
        else {
            "ses_bounces.queue_depth.ses-bounces-queue": 7,
            "ses_bounces.queue_depth.second": 1,
            "ses_bounces.queue_depth.ses-bounces-queue.news": 5,
            "ses_bounces.held.news": 3,
        }
    )


@pytest.mark.parametrize("statsd", [False], indirect=True, ids=["plain"])
def test_five_alerts_work_without_tags(
    database: Connection, database_url: str, ses: FakeSes, statsd: tuple[bool, StatsClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A run with something for each alert to tell, and a StatsD that knows names only."""
    feed = Feed.create(ses)
    tasks = Tasks(monkeypatch, database_url, ses.connection_json(), queue_urls=[feed.queue_url], lift_at_ses=False)
    event = dated(bounce("anna@example.com"), 2)
    feed.send_bodies([json.dumps(sns(event, Timestamp=iso(datetime.now(UTC)))), "not JSON"])
    tasks.hour()
    database.execute(
        "INSERT INTO ses_bounces.finding (area, check_name, subject, severity, found, meaning, todo)"
        " VALUES ('feed', 'feed', '', 'critical', 'The feed is quiet.', 'x', 'y')"
    )
    with contextlib.suppress(HealthError):
        doctor_tasks.report_findings(tasks.context("report_findings"))
    _, kept = statsd
    queue = feed.queue_url.rpartition("/")[2]
    told = {n: kept[f"ses_bounces.{plain.replace(Options('x').queue, queue)}"] for n, _, plain in _alerts()}
    assert told["2"] > 0
    assert told | {"2": 0} == {"1": 2, "2": 0, "3": 1, "4": 1, "5": 1}
