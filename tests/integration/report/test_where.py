"""Where it hurts, in the daily report: groups, rates, what servers said and suggested outages, as of the day's end."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup

from ses_bounces.actions.action import Action
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.report.days import due_days
from ses_bounces.report.making import make_report
from ses_bounces.report.notice import Notice
from tests.kit.builders import bounce, complaint
from tests.kit.days import today
from tests.kit.seeding import address_id, dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

UTC_ZONE = ZoneInfo("UTC")


def reported_day() -> date:
    return today() - timedelta(days=3)


def at(hours: float) -> float:
    """How many days ago it was, so many hours after the day began."""
    moment = datetime.combine(reported_day(), time(), UTC) + timedelta(hours=hours)
    return (datetime.now(UTC) - moment) / timedelta(days=1)


def refused(address: str, text: str, hours: float, **tags: list[str]) -> dict[str, Any]:
    event = dated(bounce(address, recipient={"diagnosticCode": text}), at(hours))
    event["mail"] |= {"source": "news@acme.example", "tags": tags}
    return event


def day_of(database: Connection) -> None:
    """A day with an outage of northwind.example, and what is usual besides."""
    outage = [
        refused(f"p{n}@northwind.example", f"smtp; 550 5.1.1 <p{n}@northwind.example> recipient rejected, q{n}", 10)
        for n in range(30)
    ]
    # One of each day of the week before, and of the day before that week.
    usual = [refused(f"u{n}@gmail.com", "smtp; 552 5.2.2 full", -24 * n - 1, campaign=["spring"]) for n in range(8)]
    own = [
        refused("v@gmail.com", "smtp; 552 5.2.2 full", 9, campaign=["spring"]),
        dated(complaint("w@gmail.com"), at(8)),
    ]
    receive(database, *outage, *usual, *own, refused("later@gmail.com", "smtp; 554 no", 25))


def where_of(database: Connection, day: date | None = None) -> dict[str, Any]:
    return make_report(database, day or reported_day(), UTC_ZONE).where


def page_of(database: Connection) -> BeautifulSoup:
    row = database.execute("SELECT html FROM ses_bounces.report_day WHERE day = %s", [reported_day()]).fetchone()
    assert row is not None
    return BeautifulSoup(gzip.decompress(row[0]).decode(), "html.parser")


def test_groups_of_the_day_and_what_is_usual(database: Connection) -> None:
    day_of(database)
    groups = where_of(database)["groups"]
    assert groups["provider"] == [
        {"name": "northwind.example", "bounces": 30, "complaints": 0, "transients": 0, "usual": 0.0},
        {"name": "gmail", "bounces": 1, "complaints": 1, "transients": 0, "usual": 1.0},
    ]
    assert [(one["name"], one["bounces"]) for one in groups["campaign"]] == [("", 30), ("spring", 1)]
    assert [one["name"] for one in groups["identity"]] == ["acme.example", "example.com"]
    assert [one["name"] for one in groups["configuration_set"]] == [""]


def test_the_page_says_what_servers_said_and_the_summary_does_not(database: Connection) -> None:
    day_of(database)
    summary = make_report(database, reported_day(), UTC_ZONE)
    text = page_of(database).get_text(" ", strip=True)
    assert "550 5.1.1 <‹address›> recipient rejected, q…" in text
    assert "without a campaign tag" in text
    # What was said on the days around it is not there.
    [table] = [table for table in page_of(database).find_all("table") if "What servers said" in table.caption.text]
    assert [[cell.text for cell in row.find_all("td")] for row in table.tbody.find_all("tr")] == [
        ["northwind.example", "30", "550 5.1.1 <‹address›> recipient rejected, q…"],
        ["gmail", "1", "552 5.2.2 full"],
    ]
    assert "So no rate is shown." in text
    assert "rejected" not in json.dumps(summary.where)
    assert "@" not in json.dumps(summary.where)


def test_an_outage_of_the_day_is_suggested(database: Connection) -> None:
    day_of(database)
    [outage] = where_of(database)["suggested_outages"]
    assert (outage["domain"], outage["addresses"]) == ("northwind.example", 30)
    assert outage["first"].startswith(f"{reported_day()}T10:00")
    assert "It refused 30 addresses in the same words" in page_of(database).get_text(" ", strip=True)
    row = database.execute("SELECT summary FROM ses_bounces.report_day WHERE day = %s", [reported_day()]).fetchone()
    assert row is not None
    lines = "\n".join(Notice(row[0]).lines())
    assert "Most bounces and complaints: northwind.example 30, gmail 2." in lines
    assert "northwind.example refused 30 addresses in the same words" in lines
    # The days around it had none.
    for days in (-1, 1):
        assert where_of(database, reported_day() + timedelta(days=days))["suggested_outages"] == []


def test_no_outage_where_it_is_as_on_any_day(database: Connection) -> None:
    for days in range(1, 8):
        receive(
            database,
            *(refused(f"d{days}n{n}@often.example", "smtp; 550 no such user", 1 - 24 * days) for n in range(5)),
        )
    # Five a day are usual: 25 would be five times as many.
    receive(database, *(refused(f"p{n}@often.example", "smtp; 550 no such user", 10) for n in range(24)))
    assert where_of(database)["suggested_outages"] == []
    receive(database, refused("last@often.example", "smtp; 550 no such user", 11))
    [outage] = where_of(database)["suggested_outages"]
    assert (outage["domain"], outage["addresses"]) == ("often.example", 25)


def test_an_outage_that_is_undone_later_stays_in_the_report_of_its_day(database: Connection) -> None:
    day_of(database)
    before = where_of(database)
    ids = [address_id(database, f"p{n}@northwind.example") for n in range(30)]
    action = Action("anna", "their outage", str(uuid4()))
    lift_blocks(database, action, {id_: ["permanent_bounce"] for id_ in ids}, ses_first=False)
    assert where_of(database) == before


def test_late_entries_revise_the_figures_of_their_day(database: Connection) -> None:
    database.execute(
        "INSERT INTO ses_bounces.queue VALUES ('q', 'q', %s, now(), now(), NULL)", [today() - timedelta(9)]
    )
    day_of(database)
    for day in due_days(database, UTC_ZONE, 45):
        make_report(database, day, UTC_ZONE)
    receive(database, refused("late@gmx.de", "smtp; 554 spam", 12))
    assert reported_day() in due_days(database, UTC_ZONE, 45)
    providers = where_of(database)["groups"]["provider"]
    assert [one["name"] for one in providers] == ["northwind.example", "gmail", "gmx"]


@pytest.mark.parametrize(("noted_hours", "rates"), [(25, [0.06, 0.0]), (20, [])])
def test_a_rate_stands_on_days_that_ses_was_asked_about_when_they_were_over(
    database: Connection, noted_hours: int, rates: list[float]
) -> None:
    day_of(database)
    noted = datetime.combine(reported_day(), time(), UTC) + timedelta(hours=noted_hours)
    database.execute(
        "INSERT INTO ses_bounces.sent_day (account, region, source, dimension, day, name, sent, bounces, complaints,"
        " noted_at) VALUES ('1', 'eu-west-1', 'statistics', 'all', %s, '', 1000, 60, 0, %s)",
        [reported_day(), noted],
    )
    found = where_of(database)["rates"]
    assert [rate["rate"] for rate in found if rate["source"] == "ses"] == rates
    if rates:
        assert "Bounce rate, as SES counts: 6.00 %" in page_of(database).get_text(" ", strip=True)


def test_a_day_without_anything(database: Connection) -> None:
    assert where_of(database) == {"groups": {}, "rates": [], "suggested_outages": []}
    assert "No bounce and no complaint was reported that day." in page_of(database).get_text(" ", strip=True)
