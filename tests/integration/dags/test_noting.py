"""The note of what a task did: one that can't be written is seen, and hides no error of the task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from ses_bounces.base.exceptions import DatabaseError, FeedError
from ses_bounces.dags.tasks.run import recorded, settings_of
from tests.kit.tasks import Tasks

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/q"
FINISHED = "SELECT task_id, counts, finished_at IS NOT NULL FROM ses_bounces.run"


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch, database: Connection, database_url: str) -> Tasks:
    return Tasks(monkeypatch, database_url, "{}", queue_urls=[QUEUE])


def work(tasks: Tasks, error: Exception | None = None) -> None:
    context = tasks.context("plan_drain")
    with recorded(context, settings_of(context)) as (_, counts):
        counts["jobs"] = 2
        if error:
            raise error


def break_notes(database: Connection) -> None:
    database.execute("ALTER TABLE ses_bounces.run ADD CONSTRAINT none CHECK (counts IS NULL OR counts = '{}')")


def test_what_is_done_is_noted(tasks: Tasks, database: Connection) -> None:
    work(tasks)
    assert database.execute(FINISHED).fetchall() == [("plan_drain", {"jobs": 2}, True)]


def test_also_of_a_task_that_fails(tasks: Tasks, database: Connection) -> None:
    with pytest.raises(FeedError, match="gone"):
        work(tasks, FeedError("gone"))
    assert database.execute(FINISHED).fetchall() == [("plan_drain", {"jobs": 2}, True)]


def test_a_note_that_can_not_be_written_fails_the_task(tasks: Tasks, database: Connection) -> None:
    break_notes(database)
    with pytest.raises((psycopg.Error, DatabaseError)):
        work(tasks)


def test_and_hides_no_error_of_the_task(tasks: Tasks, database: Connection, caplog: pytest.LogCaptureFixture) -> None:
    break_notes(database)
    with pytest.raises(FeedError, match="gone"):
        work(tasks, FeedError("gone"))
    assert "could not be noted in ses_bounces.run (CheckViolation" in caplog.text
