"""Each benchmark does its work at a tiny size: they assert what was done, and these assert the tables that they make."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
from typing import TYPE_CHECKING

import pytest

from benchmarks import (
    backlog,
    blocked_report,
    classifying,
    erased_addresses,
    flags,
    hot_address,
    hour_plans,
    landing,
    ledger,
    parsing,
    peers,
    server,
    showing,
)
from benchmarks.__main__ import benchmarks
from benchmarks.hour import Hour
from benchmarks.server import one
from dev.aws import EmulatedAws, Feed, temporary_aws
from dev.generate import bodies, deliveries
from ses_bounces.base.database.connection import connect_url
from ses_bounces.classify import classify_body
from ses_bounces.classify.rules import Rules
from ses_bounces.dags.preload import LIBRARIES
from ses_bounces.ledger.pending import classify_pending

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.table import Table

    from dev.postgres import EmbeddedPostgres

ENVIRONMENT = (
    "AIRFLOW_CONN_SES_BOUNCES_POSTGRES", "AIRFLOW_CONN_SES_BOUNCES_AWS", "AIRFLOW_VAR_SES_BOUNCES",
    "_AIRFLOW_PROCESS_CONTEXT", "AIRFLOW__LOGGING__LOGGING_LEVEL",
)  # fmt: skip
# What a process of its own would import first, for three seconds each.
IMPORTED = [
    "airflow.sdk", "benchmarks.backlog", "benchmarks.blocked_report", "benchmarks.landing", "ses_bounces.base.aws.hook",
    "ses_bounces.dags.tasks.hourly", *LIBRARIES,
]  # fmt: skip
_numbers = itertools.count()


def cells(table: Table) -> list[list[str]]:
    """The rows of a table."""
    return [list(map(str, row)) for row in zip(*(column.cells for column in table.columns), strict=True)]


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a benchmark sets for its tasks is gone after the test."""
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are forked from one that has imported all that they need."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    monkeypatch.setattr(multiprocessing, "get_context", lambda _method: context)


@pytest.fixture(autouse=True)
def one_server(monkeypatch: pytest.MonkeyPatch, postgres: EmbeddedPostgres, template: str) -> None:
    """All databases are copies on the server of the tests."""

    @contextlib.contextmanager
    def same_server(_settings: dict[str, str]) -> Iterator[EmbeddedPostgres]:
        yield postgres

    def copied(_postgres: EmbeddedPostgres, _name: str) -> str:
        name = f"{template}_{next(_numbers)}"
        assert postgres.create_database(name, template)
        return postgres.url(name)

    monkeypatch.setattr(server, "temporary_postgres", same_server)
    for module in (server, ledger, flags):
        monkeypatch.setattr(module, "new_database", copied)


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    """An AWS emulator that needs nothing from the npm registry."""
    with temporary_aws() as found:
        yield found


@pytest.fixture(autouse=True)
def one_aws(monkeypatch: pytest.MonkeyPatch, aws: EmulatedAws) -> None:
    """All queues are on it."""

    @contextlib.contextmanager
    def queue() -> Iterator[Feed]:
        yield Feed.create(aws, str(next(_numbers)))

    for module in (backlog, landing, peers):
        monkeypatch.setattr(module, "temporary_queue", queue)


def test_notifications_are_seeded() -> None:
    """The same seed gives the same mail, but for when it was sent; every one is understood."""
    kinds = [[entry.kind for entry in classify_body(text).entries] for text in bodies(200)]
    assert kinds == [[entry.kind for entry in classify_body(text).entries] for text in bodies(200)]
    assert {kind for found in kinds for kind in found} == {"permanent_bounce", "transient_bounce", "complaint"}
    assert {entry.kind for text in deliveries(50) for entry in classify_body(text).entries} == {"delivery"}


def test_classifying() -> None:
    """Each rate is there."""
    assert len(cells(classifying.table(50))) == 6


def test_peers() -> None:
    """All of the same notifications reach the peer's table and ours; django-ses needs the network to be installed."""
    rows = cells(peers.table(20, django=False))
    assert [row[0].partition(",")[0] for row in rows[::2]] == ["SqsSensor + hook.run", "SqsSensor + one connection"]


def test_flags() -> None:
    """As many people are switched off by ours as by the bare statement."""
    assert len(cells(flags.table(10_000, 400))) == 7


def test_landing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way empties the queue, in one process and in two; none needs more than a request for ten messages."""
    monkeypatch.setattr(landing, "ROUNDS", 1)
    monkeypatch.setattr(landing, "PROCESSES", (2,))
    rows = cells(landing.table(60))
    assert [row[0].partition(":")[0] for row in rows] == [
        "landed", "receive and delete", "landed", "landed, 2 processes", "bare boto3 loop, 2 processes",
        "requests per 1,000 messages, beside 200",
    ]  # fmt: skip
    # Six of each; and the empty answers that the drain waits for at its end.
    assert 12 <= float(rows[-1][1]) * 60 / 1_000 <= 12 + 2 * landing.THREADS


def test_report() -> None:
    """The report has every blocked address."""
    assert [row[0] for row in cells(blocked_report.table(50))][-1] == "memory of the process"


def test_hot_address() -> None:
    """Chunks with the address and without it are classified."""
    assert len(cells(hot_address.table(100, 20))) == 4


def test_ledger() -> None:
    """The hour runs on both databases."""
    rows = cells(ledger.table(400, 20))
    assert [row[0].strip().partition(":")[0] for row in rows[2:7]] == ["land", *ledger.TASKS]
    assert len(rows) == 14


def test_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it is classified, and all that the queue is filled with is landed."""
    monkeypatch.setattr(backlog, "FILL", 20)
    assert len(cells(backlog.table(60, 40))) == 4


def test_rates_of_a_backlog() -> None:
    """First and last part by when each chunk began: 10 a second at first, 5 a second at last."""
    assert backlog.rates([(0.0, 0), (1.0, 10), (2.0, 20), (4.0, 30)], 6.0, 40, 10) == (10.0, 5.0)


def test_erased_addresses() -> None:
    rows = cells(erased_addresses.table((1_024, 4_096), 1))
    assert [row[0] for row in rows][:3] == [
        "bounce of 500 recipients", "plain characters, 4 KiB", "plain characters, 4 KiB",
    ]  # fmt: skip
    assert len(rows) == 9


def test_parsing() -> None:
    """The DAG file is read."""
    assert [row[0] for row in cells(parsing.table(1, "ses_bounces.py"))] == ["ses_bounces.py"]


def test_a_missed_aim_is_told() -> None:
    """On either side of the limit."""
    assert [showing.reached(ratio, "≤ 1.5") == "yes" for ratio in (1.5, 1.51)] == [True, False]
    assert [showing.reached(ratio, "≥ 10") == "yes" for ratio in (10.0, 9.9)] == [True, False]


def test_results_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Markdown, with the machine, and without what is for the terminal."""
    monkeypatch.setattr(showing, "RESULTS", tmp_path / "results")
    shown = showing.comparison("Work", "bare")
    showing.add(shown, "seconds", 3.0, 1.0, "≤ 2")
    text = showing.keep([shown], 120).read_text()
    assert "| seconds | 3.00 | 1.00 | 3.00 | ≤ 2 | no |" in text
    assert showing.machine() in text


def test_every_benchmark_is_named() -> None:
    """At both sizes."""
    assert list(benchmarks(1, is_big=False)) == list(benchmarks(1, is_big=True))


def test_plans_of_an_hour(database_url: str) -> None:
    """Each statement is explained and then run: the plans are of the product's own calls."""
    Hour(database_url).land(bodies(20))
    with connect_url(database_url) as connection:
        explaining = hour_plans.ExplainingAll(connection)
        assert classify_pending(explaining, Rules()).messages == 20  # type: ignore[arg-type]
        assert one(connection, "SELECT count(*) FROM ses_bounces.address_event") == 20
    assert explaining.ran["ledger/open_bounces"].times == 1
    assert "Insert on bounce_list" in explaining.ran["ledger/open_bounces"].slowest[1]
