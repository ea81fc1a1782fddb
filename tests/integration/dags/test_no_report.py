"""A backfill that writes no report of its hours says why, in its log and in what it notes."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest

from ses_bounces.dags.tasks import hourly
from tests.kit.days import today
from tests.kit.tasks import Tasks

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

SAID = "This run writes no report of its hours. "


@pytest.fixture
def tasks(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Tasks:
    return Tasks(
        monkeypatch, database_url, '{"conn_type": "aws"}', queue_urls=["https://sqs.eu-west-1.amazonaws.com/1/q"]
    )


def backfill(tasks: Tasks, days_ago: int, caplog: pytest.LogCaptureFixture) -> tuple[list[str], str | None, list[str]]:
    """The days written, why there are none of the hour, and what was logged about it."""
    context = tasks.context("emit_blocked_report")
    begin = datetime.combine(today() - timedelta(days=days_ago), time(9), UTC)
    context["dag_run"].run_type = "backfill"
    context["dag_run"].data_interval_start, context["dag_run"].data_interval_end = begin, begin + timedelta(hours=1)
    with caplog.at_level(logging.INFO):
        caplog.clear()
        counts = hourly.emit_blocked_report(context)
    noted = [record.getMessage() for record in caplog.records if record.getMessage().startswith(SAID)]
    return counts["days"], counts.get("no_report"), [line.removeprefix(SAID) for line in noted]


def test_a_backfill_that_writes_no_report_says_why(
    database: Connection, tasks: Tasks, caplog: pytest.LogCaptureFixture
) -> None:
    said = "No queue was drained yet: the first report is that of the day on which one is."
    assert backfill(tasks, 2, caplog) == ([], said, [said])
    database.execute(
        "INSERT INTO ses_bounces.queue (queue_url, belongs_to, first_drained_at, last_drained_at, emptied_at)"
        " VALUES ('q', 'q', now() - interval '3 days', now(), now())"
    )
    first = today() - timedelta(days=3)
    said = f"{today() - timedelta(days=9)} is before {first}, when a queue was drained for the first time: days before"
    written, why, logged = backfill(tasks, 9, caplog)
    # Other finished days are written all the same.
    assert written == [(first + timedelta(days=n)).isoformat() for n in range(3)]
    assert why is not None
    assert (why[: len(said)], logged) == (said, [why])
    written, why, logged = backfill(tasks, 0, caplog)
    assert (written, logged) == ([], [why])
    assert why == f"{today()} is not over (UTC): the first run after its end makes its report."
    tasks.settings["report_days_kept"] = 2
    _, why, _ = backfill(tasks, 3, caplog)
    assert why == f"{first} is more than 2 days ago, which is how long reports are kept (report_days_kept)."


def test_one_that_writes_a_report_has_nothing_to_say(
    database: Connection, tasks: Tasks, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute(
        "INSERT INTO ses_bounces.queue (queue_url, belongs_to, first_drained_at, last_drained_at, emptied_at)"
        " VALUES ('q', 'q', now() - interval '3 days', now(), now())"
    )
    written, why, logged = backfill(tasks, 2, caplog)
    assert ((today() - timedelta(days=2)).isoformat() in written, why, logged) == (True, None, [])
