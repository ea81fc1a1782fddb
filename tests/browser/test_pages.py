"""What administrators do on the pages, done in a browser, and what it leads to in the database."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from dev.pages_server import SETTINGS, PagesServer
from ses_bounces.actions.people import follow_flags
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.settings import parse
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger.brake.decisions import settle
from ses_bounces.ledger.pending import classify_pending
from tests.browser.menu import menu_entry
from tests.kit.builders import bounce, complaint
from tests.kit.page_rights import hold
from tests.kit.seeding import add_people, address_id, dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.e2e

GONE = "gone@example.com"
FULL = "full@example.net"
ANGRY = "angry@example.org"
NASTY = '"<b>x</b>"@example.com'
DIAGNOSTIC = "smtp; 550 5.1.1 <script>alert(1)</script> no such user"


@pytest.fixture
def data(server: PagesServer) -> Iterator[Connection]:
    """Our database with a permanent bounce, a transient one, a complaint, and a person at each."""
    with connect_url(server.database_url) as connection:
        empty(connection)
        add_people(connection, p1=GONE, p2=FULL, p3=ANGRY)
        receive(
            connection,
            dated(bounce(GONE, recipient={"diagnosticCode": DIAGNOSTIC}), 3),
            dated(bounce(FULL, "Transient", "MailboxFull"), 2),
            dated(complaint(ANGRY, complaintFeedbackType="abuse"), 1),
            dated(bounce(ANGRY), 1),
            dated(bounce(NASTY, "Transient", "General"), 4),
            "this is no message of SES",
        )
        ids = [address_id(connection, address) for address in (GONE, ANGRY)]
        assert follow_flags(connection, parse(SETTINGS), ids).switched_off == 2
        yield connection


def empty(connection: Connection) -> None:
    tables = connection.execute(
        "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables"
        " WHERE schemaname = 'ses_bounces' AND tablename NOT IN ('alembic_version', 'codepoint', 'provider', 'setting')"
        " AND tablename !~ '^message_2'"
    ).fetchone()
    assert tables is not None
    connection.execute(f"TRUNCATE {tables[0]}, public.people RESTART IDENTITY CASCADE")
    connection.execute("INSERT INTO ses_bounces.figure_position DEFAULT VALUES")


def causes(connection: Connection, address: str) -> set[str]:
    query = "SELECT reason FROM ses_bounces.blocked_list WHERE address = %s AND unblocked_at IS NULL"
    return {reason for (reason,) in connection.execute(query, [address])}


def flags(connection: Connection) -> dict[str, bool]:
    return dict(connection.execute("SELECT email, allow_group_email FROM public.people").fetchall())


def last_entry(connection: Connection, address: str) -> tuple[Any, ...]:
    row = connection.execute(
        "SELECT e.kind, e.actor, e.reason FROM ses_bounces.address_event e JOIN ses_bounces.address a"
        " USING (address_id) WHERE a.address = %s ORDER BY e.event_id DESC LIMIT 1",
        [address],
    ).fetchone()
    assert row is not None
    return row


def tick(page: Page | FrameLocator, *addresses: str) -> None:
    for address in addresses:
        page.get_by_label(f"Tick {address}", exact=True).check()


def confirm(page: Page, button: str, reason: str) -> None:
    page.get_by_label("Reason", exact=True).fill(reason)
    page.get_by_role("button", name=re.compile(rf"^{button}( \(\d+\))?$")).click()


def test_an_address_is_found_from_the_menu_of_airflow(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    page = open_page(server, f"{server.airflow.url}/")
    menu_entry(page).click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Email Bounce List").click()
    frame.get_by_label("Part of an address, or @domain").fill("ON@EXAMPLE")
    frame.get_by_role("button", name="Filter").click()
    expect(frame.get_by_role("status")).to_have_text("0 addresses")
    frame.get_by_label("Part of an address, or @domain").fill("ONE@EXAMPLE")
    frame.get_by_role("button", name="Filter").click()
    expect(frame.get_by_role("status")).to_have_text("1 address")
    page.wait_for_url(re.compile(r"/plugin/ses-bounces/.*filter="))
    assert "example" not in page.url

    frame.get_by_role("link", name=GONE).click()
    expect(frame.get_by_role("heading", name=GONE)).to_be_visible()
    entry = frame.get_by_role("listitem").filter(has_text="Permanent bounce")
    expect(entry).to_contain_text("blocked: Permanent bounce")
    expect(entry).to_contain_text("a bounce Permanent/General is a permanent bounce")
    expect(entry).to_contain_text(DIAGNOSTIC)
    expect(frame.get_by_text("Person 1: Allow Group Email is off, we switched it off")).to_be_visible()
    frame.get_by_role("link", name=re.compile("Raw message")).click()
    body = frame.get_by_role("region", name="Body of the message")
    # What is JSON within JSON is decoded.
    assert json.loads(body.inner_text())["Message"]["bounce"]["bouncedRecipients"][0]["emailAddress"] == GONE
    # The address bar has what a reload needs, a moment later.
    page.wait_for_url(re.compile("/messages/"))
    page.reload()
    heading = page.frame_locator("iframe").get_by_role("heading", name=re.compile("Raw message"))
    expect(heading).to_be_visible(timeout=45_000)


def test_a_transient_record_is_deleted_and_then_there_is_nothing_to_delete(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    page, other = open_page(server, "bounces?kind=transient"), open_page(server, "bounces", "otto")
    button = page.get_by_role("button", name="Delete transient records…")
    expect(button).to_be_disabled()
    for opened in (page, other):
        tick(opened, FULL)
        opened.get_by_role("button", name="Delete transient records…").click()
        expect(opened.get_by_role("rowheader", name=FULL)).to_be_visible()
    confirm(page, "Delete", "the mailbox was emptied")
    expect(page.get_by_role("status")).to_contain_text("1 done")
    confirm(other, "Delete", "me too")
    expect(other.get_by_role("row").filter(has_text=FULL)).to_contain_text("anna deleted it")

    assert last_entry(data, FULL) == ("transient_deleted", "anna", "the mailbox was emptied")
    rows = data.execute("SELECT close_reason FROM ses_bounces.bounce_list WHERE address = %s", [FULL]).fetchall()
    assert rows == [("deleted",)]
    entries = server.audit_log("ses_bounces.delete_transients")[-2:]
    assert [owner for owner, _ in entries] == ["anna", "otto"]
    assert json.loads(entries[0][1])["ids"] == {"done": [address_id(data, FULL)]}


def test_a_deadline_is_extended(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    page = open_page(server, f"addresses/{address_id(data, FULL)}")
    page.get_by_role("button", name="Extend…").click()
    page.get_by_label("Days from now").fill("30")
    confirm(page, "Extend", "the provider has an outage")
    expect(page.get_by_role("status")).to_contain_text("1 done")
    row = data.execute(
        "SELECT transient_fix_deadline - now() BETWEEN '29 days 23:59' AND '30 days' FROM ses_bounces.bounce_list"
        " WHERE address = %s",
        [FULL],
    ).fetchone()
    assert row == (True,)


def test_a_block_is_lifted_and_the_person_gets_mail_again(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    page = open_page(server, "blocked")
    tick(page, GONE)
    page.get_by_role("button", name="Lift blocks…").click()
    expect(page.get_by_role("checkbox", name="Permanent bounce")).to_be_checked()
    confirm(page, "Lift", "a typo, corrected at the provider")
    expect(page.get_by_role("row").filter(has_text=GONE)).to_contain_text("Lifted: permanent bounce.")
    expect(page.get_by_text("Allow Group Email switched on for 1 person.")).to_be_visible()
    assert causes(data, GONE) == set()
    assert flags(data) == {GONE: True, FULL: True, ANGRY: False}


def test_a_wish_is_lifted_only_where_it_is_ticked(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    page = open_page(server, "lifts")
    page.get_by_label("Addresses to lift").fill(f"{ANGRY}\nnobody@example.com\nnonsense\n{GONE}\n{GONE}")
    page.get_by_role("button", name="Preview…").click()
    expect(page.get_by_text("2 addresses are blocked, 1 is not, 1 line repeats one.")).to_be_visible()
    expect(page.get_by_text("Line 3: not an e-mail address")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Complaint")).not_to_be_checked()
    confirm(page, "Lift", "list cleaned")
    expect(page.get_by_role("row").filter(has_text=ANGRY)).to_contain_text("Still blocked by complaint")
    assert (causes(data, ANGRY), causes(data, GONE)) == ({"complaint"}, set())

    page.get_by_role("link", name=ANGRY).click()
    page.get_by_role("button", name="Lift block…").click()
    page.get_by_role("checkbox", name="Complaint").check()
    confirm(page, "Lift", "she asked for mail again")
    assert causes(data, ANGRY) == set()
    assert flags(data)[ANGRY] is True


def test_a_person_whose_row_was_touched_is_switched_on_only_by_hand(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    data.execute("UPDATE public.people SET email = email WHERE id = 1")
    page = open_page(server, f"addresses/{address_id(data, GONE)}")
    page.get_by_role("button", name="Lift block…").click()
    confirm(page, "Lift", "mended")
    box = page.get_by_role("checkbox", name=re.compile("Person 1"))
    expect(box).not_to_be_checked()
    assert flags(data)[GONE] is False
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("link", name="Decide", exact=True).click()
    page.get_by_label("Tick person 1").check()
    confirm(page, "Switch on", "he confirmed it")
    expect(page.get_by_role("status")).to_contain_text("1 done")
    assert flags(data)[GONE] is True


def test_the_blocks_of_an_outage_are_lifted_and_the_lift_is_taken_back(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    page = open_page(server, "blocked")
    page.get_by_role("link", name="Undo an outage…").click()
    page.get_by_label("from").fill(f"{datetime.now(UTC) - timedelta(days=4):%Y-%m-%dT%H:%M}")
    page.get_by_label("Text in the reported diagnostic").fill("NO SUCH USER")
    page.get_by_role("button", name="Preview…").click()
    expect(page.get_by_text("1 address is blocked.")).to_be_visible()
    confirm(page, "Lift", "their directory was empty")
    expect(page.get_by_role("row").filter(has_text=GONE)).to_be_visible()
    page.get_by_text("Take this lift back").click()
    page.get_by_label("Reason").last.fill("it was not")
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("row").filter(has_text=GONE)).to_contain_text("taken back")
    assert causes(data, GONE) == {"permanent_bounce"}
    assert [owner for owner, _ in server.audit_log("ses_bounces.retract_lift")] == ["anna"]


@pytest.mark.parametrize("by", ["paste", "file"])
def test_stop_requests(server: PagesServer, data: Connection, open_page: OpenPage, tmp_path: Path, by: str) -> None:
    page = open_page(server, "stops")
    if by == "paste":
        page.get_by_label("Addresses").fill(f"Full <{FULL}>, new@example.com\nnonsense\n")
    else:
        file = tmp_path / "stops.csv"
        file.write_text(f"Name;E-Mail\nFull;{FULL}\nNew;new@example.com\nNobody;nonsense\n")
        page.get_by_label("Or a CSV file").set_input_files(file)
    page.get_by_role("button", name="Preview…").click()
    expect(page.get_by_text("2 addresses would be blocked.")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Line \d: not an e-mail address"))).to_be_visible()
    confirm(page, "Block", "asked by letter")
    expect(page.get_by_role("status")).to_contain_text("2 done")
    assert causes(data, FULL) == causes(data, "new@example.com") == {"stop_request"}
    assert last_entry(data, "new@example.com") == ("stop_request", "anna", "asked by letter")
    assert flags(data)[FULL] is False

    page.goto(f"{server.root}stops")
    page.get_by_label("Addresses").fill(FULL)
    page.get_by_role("button", name="Preview…").click()
    expect(page.get_by_text("0 addresses would be blocked; 1 has a stop request already.")).to_be_visible()


def test_a_quarantined_message_is_retried_or_dismissed(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    page = open_page(server, "quarantine")
    box = page.get_by_role("checkbox", name=re.compile(r"Tick message \d"))
    expect(box).to_have_count(1)
    page.get_by_role("link", name=re.compile(r"^\d+$")).click()
    expect(page.get_by_role("region", name="Body of the message")).to_have_text("this is no message of SES")
    expect(page.get_by_role("definition").first).to_have_text("not JSON")
    page.get_by_role("button", name="Dismiss…").click()
    expect(page.get_by_role("row").filter(has_text="not JSON")).to_have_count(1)
    page.get_by_role("link", name="Cancel").click()
    box.check()
    page.get_by_role("button", name=re.compile("^Retry…")).click()
    confirm(page, "Retry", "rules were mended")
    expect(page.get_by_text("Pending again")).to_be_visible()
    pending = data.execute("SELECT count(*) FROM ses_bounces.message WHERE outcome = 'pending'").fetchone()
    assert pending == (1,)

    data.execute("UPDATE ses_bounces.message SET outcome = 'quarantined', reason = 'why' WHERE outcome = 'pending'")
    page.goto(f"{server.root}quarantine")
    page.get_by_role("button", name="Dismiss all…").click()
    confirm(page, "Dismiss", "another sender's test")
    expect(page.get_by_role("status")).to_contain_text("1 done")
    rows = data.execute("SELECT action, actor, reason FROM ses_bounces.message_action ORDER BY 1").fetchall()
    assert rows == [("dismiss", "anna", "another sender's test"), ("retry", "anna", "rules were mended")]


def test_held_bounces_are_confirmed_or_dismissed(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    for domain, addresses in (("down.example", 3), ("gone.example", 2), ("slow.example", 2)):
        hold(data, domain, addresses)
    page = open_page(server)
    notice = page.get_by_role("region", name="What needs you").get_by_role("listitem").first
    expect(notice).to_contain_text("Critical The brake holds down.example, gone.example, slow.example: 7 bounces are")
    # What SQS says is loaded apart; left too early, the browser complains.
    page.wait_for_load_state("networkidle")
    notice.get_by_role("link", name="Decide").click()
    expect(page.get_by_role("region", name="Domains over their limit", exact=True)).to_contain_text(
        "3 × smtp; 550 5.1.1 user unknown"
    )
    tick(page, "down.example")
    page.get_by_role("button", name=re.compile("^Dismiss all of a domain…")).click()
    expect(page.get_by_role("region", name="Domains over their limit", exact=True)).to_contain_text("down.example")
    confirm(page, "Dismiss", "an outage")
    expect(page.get_by_role("status")).to_contain_text("1 done")
    page.goto(f"{server.root}quarantine")
    expect(page.get_by_text("dismissed by anna: the next run carries it out")).to_be_visible()
    tick(page, "gone.example")
    page.get_by_role("button", name=re.compile("^Confirm all of a domain…")).click()
    confirm(page, "Confirm", "they are gone")
    expect(page.get_by_text("the next hourly run applies what is held")).to_be_visible()
    settle(data)
    done = classify_pending(data, Rules(), max_new_blocks=1)
    assert done.outcomes == {"applied": 2}
    assert causes(data, "user0@gone.example") == {"permanent_bounce"}

    # Messages one by one: the last one releases the domain.
    page.goto(f"{server.root}quarantine")
    page.get_by_role("link", name="slow.example is over its limit of new blocks").click()
    boxes = page.get_by_role("checkbox", name=re.compile(r"Tick message \d"))
    expect(boxes).to_have_count(2)
    boxes.first.check()
    page.get_by_role("button", name=re.compile("^Confirm…")).click()
    confirm(page, "Confirm", "this one is")
    expect(page.get_by_text("Confirmed: the next hourly run applies it.")).to_be_visible()
    page.goto(f"{server.root}quarantine")
    page.get_by_role("link", name="slow.example is over its limit of new blocks").click()
    page.get_by_role("checkbox", name=re.compile(r"Tick message \d")).check()
    page.get_by_role("button", name=re.compile("^Dismiss…")).click()
    confirm(page, "Dismiss", "this one is not")
    expect(page.get_by_text("Dismissed.")).to_be_visible()
    rows = data.execute("SELECT domain, decision, actor, reason FROM ses_bounces.brake ORDER BY 1").fetchall()
    assert rows == [
        ("down.example", "dismissed", "anna", "an outage"),
        ("gone.example", "confirmed", "anna", "they are gone"),
        ("slow.example", "dismissed", "anna", "this one is not"),
    ]
    page.goto(server.root)
    expect(page.get_by_text("The brake holds")).to_have_count(0)


def test_who_only_reads_sees_the_brake_and_no_diagnostic(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    hold(data, "down.example", 2)
    page = open_page(server, "quarantine", user="vera")
    region = page.get_by_role("region", name="Domains over their limit", exact=True)
    expect(region).to_contain_text("down.example")
    expect(region).not_to_contain_text("user unknown")
    expect(page.get_by_role("button", name=re.compile("domain…"))).to_have_count(0)


def test_the_grace_period_is_changed(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    before = json.loads(server.airflow.api.variable("ses_bounces") or "")
    page = open_page(server, "settings")
    page.get_by_label("AWS Transient Email Grace Period").fill("45")
    page.get_by_role("button", name="Preview the change…").click()
    expect(page.get_by_role("alert")).to_contain_text(
        "transient_grace_days is 45; it must be a whole number from 0 to 30."
    )
    page.get_by_label("AWS Transient Email Grace Period").fill("3")
    page.get_by_label("Never block never_block").fill("@example.com")
    page.get_by_role("button", name="Preview the change…").click()
    expect(page.get_by_text("if they had been given 3 days, 1 of them would be due now")).to_be_visible()
    expect(page.get_by_text("1 new entries of never_block: 1 addresses that are blocked now are freed")).to_be_visible()
    confirm(page, "Save", "the mailing is shorter now")
    expect(page.get_by_role("status")).to_contain_text("transient_grace_days, never_block")
    after = json.loads(server.airflow.api.variable("ses_bounces") or "")
    assert after == before | {"transient_grace_days": 3, "never_block": ["@example.com"]}
    page.get_by_role("link", name="Email Bounce Settings").first.click()
    expect(
        page.get_by_text("anna changed never_block, transient_grace_days (the mailing is shorter now)")
    ).to_be_visible()
    server.airflow.api.set_variable("ses_bounces", json.dumps(before))


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("bounces?kind=transient", "SELECT address FROM ses_bounces.bounce_list WHERE is_open AND kind = 'transient'"),
        ("blocked", "SELECT address FROM ses_bounces.blocked_list WHERE is_open"),
    ],
)
def test_the_download_is_what_the_database_has(
    server: PagesServer, data: Connection, open_page: OpenPage, path: str, query: str
) -> None:
    page = open_page(server, path)
    with page.expect_download() as waited:
        page.get_by_role("link", name="Download CSV").click()
    rows = list(csv.DictReader(Path(waited.value.path()).read_text().splitlines()))
    assert sorted(row["address"] for row in rows) == sorted(address for (address,) in data.execute(query))


def test_a_viewer_sees_addresses_masked_and_no_buttons(
    server: PagesServer, data: Connection, open_page: OpenPage
) -> None:
    page = open_page(server, "bounces", "vera")
    expect(page.get_by_role("rowheader")).to_have_text(
        ["a•••@example.org", "f•••@example.net", "g•••@example.com", '"•••@example.com'], use_inner_text=True
    )
    expect(page.get_by_role("checkbox")).to_have_count(0)
    expect(page.get_by_role("button")).to_have_text(["Check", "Filter"])
    page.get_by_role("rowheader").nth(2).get_by_role("link").click()
    expect(page.get_by_text("not shown without edit access").first).to_be_visible()
    expect(page.get_by_text("550 5.1.1")).to_have_count(0)


def test_markup_in_an_address_is_text(server: PagesServer, data: Connection, open_page: OpenPage) -> None:
    page = open_page(server, "bounces")
    expect(page.get_by_role("link", name=NASTY)).to_be_visible()
    assert page.locator("b", has_text="x").count() == 0
