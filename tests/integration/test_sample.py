"""The sample of `make run`: what the job makes of it, and what is told of it when people have changed something."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from dev import people, results, sample
from dev.aws import Feed, temporary_aws
from dev.item import Expected
from ses_bounces.actions.action import Action
from ses_bounces.actions.erase import erase
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.actions.people import leave_off
from ses_bounces.actions.quarantine import dismiss_messages, retry_messages
from ses_bounces.actions.stops import request_stops
from ses_bounces.actions.transients import delete_transients
from ses_bounces.base.erasure_secret import CONN_ID
from ses_bounces.base.settings import parse
from tests.kit.seeding import address_id
from tests.kit.tasks import Tasks

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

LIFTED = [f"bounce+{name}@simulator.amazonses.com" for name in ("ann", "bo", "cy", "dora")]
ERASED = "complaint+eva@simulator.amazonses.com"
DELETED = "mailboxfull@oakfield.example"
# People at no address of the sample.
STRANGER = people.people()[-1].email.lower()
FLAG = "complaint+finn@simulator.amazonses.com"


class Demo:
    """The job after its first run on the sample."""

    def __init__(self, tasks: Tasks, url: str, expected: Expected) -> None:
        self.tasks, self.url, self.expected = tasks, url, expected

    @property
    def differences(self) -> list[str]:
        """What `make run` lists."""
        return results.differences(self.url, self.expected)

    @property
    def changes(self) -> int:
        """How many changes by hand `make run` tells of."""
        return results.by_hand(self.url, self.expected).changes


@pytest.fixture
def demo(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    people.create(database_url)
    with temporary_aws() as aws:
        feed = Feed.create(aws)
        sent_at = sample.send(feed)
        tasks = Tasks(
            monkeypatch, database_url, aws.connection_json(),
            queue_urls=[feed.queue_url], people_table=people.TABLE, lift_at_ses=False,
        )  # fmt: skip
        tasks.hour()
        yield Demo(tasks, database_url, sample.expected(sent_at, feed.topic_arn, datetime.now(UTC)))


def _act() -> Action:
    return Action("vera", "asked on the phone", str(uuid4()))


def test_the_lists_are_what_the_sample_must_lead_to(demo: Demo, database: Connection) -> None:
    assert (demo.differences, demo.changes) == ([], 0)
    sample.note_earlier_drains(demo.url)
    demo.tasks.hour("scheduled__1")
    assert (demo.differences, demo.changes) == ([], 0)
    reported = [day for (day,) in database.execute("SELECT day FROM ses_bounces.report_day ORDER BY day")]
    today = datetime.now(UTC).date()
    assert reported == [today - timedelta(days=days) for days in range(sample.REPORTED_DAYS, 0, -1)]
    blocked = dict(database.execute("SELECT day, summary -> 'blocked_addresses' FROM ses_bounces.report_day"))
    # Each is of its own day.
    assert sorted(blocked.values()) == [blocked[day] for day in reported]
    assert 0 < blocked[reported[0]] < blocked[reported[-1]]
    assert isinstance(reported[0], date)


def test_what_people_change_is_no_difference_and_all_else_is(
    demo: Demo, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = json.dumps({"conn_type": "generic", "password": "a secret of this test, long enough"})
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", secret)
    ids = {address_id(database, address): {"permanent_bounce"} for address in LIFTED}
    assert {one.outcome for one in lift_blocks(database, _act(), ids, ses_first=False)} == {"done"}
    assert [one.outcome for one in request_stops(database, _act(), [STRANGER])] == ["done"]
    assert [one.outcome for one in delete_transients(database, _act(), [address_id(database, DELETED)])]
    query = "SELECT message_id FROM ses_bounces.message WHERE outcome = 'quarantined' ORDER BY 1 LIMIT 2"
    retried, dismissed = (number for (number,) in database.execute(query))
    assert retry_messages(database, _act(), [retried])[0].outcome == "done"
    assert dismiss_messages(database, _act(), [dismissed])[0].outcome == "done"
    query = "SELECT flag_change_id FROM ses_bounces.flag_change WHERE address_id = %s"
    [(change,)] = database.execute(query, [address_id(database, FLAG)])
    settings = parse(demo.tasks.settings)
    demo.tasks.hour("manual__2")
    assert [one.outcome for one in leave_off(database, settings, _act(), [change])] == ["done"]
    assert [one.outcome for one in erase(database, _act(), [ERASED]).results] == ["done"]
    demo.tasks.hour("manual__3")
    assert (demo.differences, demo.changes) == ([], len(LIFTED) + len((STRANGER, DELETED, ERASED, FLAG)) + 2)

    person = next(one for one in people.people() if one.email.lower() == "noemail@harbour.example")
    database.execute("UPDATE public.people SET allow_group_email = true WHERE id = %s", [person.id])
    database.execute("DELETE FROM ses_bounces.bounce_list WHERE address = 'general@oakfield.example'")
    one = "SELECT min(message_id) FROM ses_bounces.message WHERE outcome = 'no_effect'"
    database.execute(f"UPDATE ses_bounces.message SET outcome = 'held' WHERE message_id = ({one})")
    database.execute("UPDATE ses_bounces.blocked_list SET reason = 'complaint' WHERE address = 'raw@harbour.example'")
    wanted = demo.expected.outcomes["no_effect"]
    assert demo.differences == [
        "messages held: 1 instead of 0",
        f"messages no_effect: {wanted - 1} instead of {wanted}",
        "blocked: raw@harbour.example (permanent_bounce) is missing",
        "blocked: raw@harbour.example (complaint) should not be there",
        "on the bounce list as transient: general@oakfield.example is missing",
        f"person without group email: {person.id} is missing",
    ]
