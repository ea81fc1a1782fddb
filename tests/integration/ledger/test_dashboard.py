"""The first row of the overview and the days behind its chart."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from ses_bounces.ledger.lists.dashboard import Day, dashboard
from tests.kit.builders import bounce, complaint
from tests.kit.days import today
from tests.kit.seeding import dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

SUMMARY = {"bounces": 7, "complaints": 2, "new_addresses": 5, "lifted": 1, "blocked_addresses": 40}


def note(database: Connection, days_ago: int, made_days_ago: int) -> None:
    """A report that was made at the noon of a day."""
    database.execute(
        "INSERT INTO ses_bounces.report_day (day, timezone, ledger_position, summary, html, csv, made_at) VALUES"
        " (%s, 'UTC', 1, %s, '', '', (%s::date + time '12:00') AT TIME ZONE 'UTC')",
        [today() - timedelta(days_ago), json.dumps(SUMMARY), today() - timedelta(made_days_ago)],
    )


def test_an_address_that_is_blocked_twice_over_is_one(database: Connection) -> None:
    assert dashboard(database).blocked.number == 0
    receive(
        database,
        dated(bounce("a@example.com"), 2),
        dated(complaint("a@example.com"), 1),
        dated(bounce("b@example.com"), 1),
    )
    assert dashboard(database).blocked.number == 2


def test_days_are_those_asked_for_the_oldest_first(database: Connection) -> None:
    for days_ago, made_days_ago in ((0, 0), (1, 1), (2, 1), (30, 29)):
        note(database, days_ago, made_days_ago)
    found = dashboard(database, 30)
    assert [(today() - day.day).days for day in found.days] == [2, 1, 0]
    assert found.days[0] == Day(today() - timedelta(2), 7, 2, 5, 1, 40, is_over=True)
    # Yesterday's was made when it was not over yet, and so was today's.
    assert [day.is_over for day in found.days] == [True, False, False]
    assert found.last_over == found.days[0]
    assert [(today() - day.day).days for day in dashboard(database, 90).days] == [30, 2, 1, 0]


def test_without_a_report_there_is_no_day(database: Connection) -> None:
    assert (dashboard(database).days, dashboard(database).last_over) == ([], None)
