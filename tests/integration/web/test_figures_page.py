"""The page Figures, and the outage that it suggests: what editors and readers see, up to the lift."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from fastapi.testclient import TestClient

from ses_bounces.base.settings import parse
from ses_bounces.base.sites import Site
from ses_bounces.ledger.figures.counting import count_figures
from ses_bounces.ledger.figures.outages import find_outages
from ses_bounces.ledger.figures.reading import GROUPS_SHOWN
from ses_bounces.ledger.protection import mirror_settings
from ses_bounces.web.access import reader
from ses_bounces.web.app import create_app
from ses_bounces.web.dependencies import database as database_of
from ses_bounces.web.dependencies import site_settings
from ses_bounces.web.our_dags import our_dags
from tests.kit.builders import bounce, complaint, delivery
from tests.kit.our_dags import our_dags as all_run
from tests.kit.page_rights import parsed
from tests.kit.seeding import dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/queue"
REFUSED = "smtp; 550 5.1.1 <{0}@northwind.example> recipient rejected, id q{1}"


@pytest.fixture
def viewer() -> SimpleNamespace:
    """A user who may edit; a test may take that away."""
    return SimpleNamespace(may_read=True, may_edit=True, may_set_variable=False, name="edith", id="7")


@pytest.fixture
def client(database: Connection, viewer: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Airflow is not asked for the DAGs."""
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__DAG_ID_PREFIX", "")
    app = create_app(Site())
    app.dependency_overrides |= {
        reader: lambda: viewer,
        site_settings: lambda: parse({"queue_urls": [QUEUE], "lift_at_ses": False}),
        database_of: lambda: database,
        our_dags: lambda: all_run(),
    }
    with TestClient(app, base_url="http://localhost") as opened:
        yield opened


def said(address: str, text: str, days_ago: float = 0.1, **mail: Any) -> dict[str, Any]:
    event = dated(bounce(address, recipient={"diagnosticCode": text}), days_ago)
    event["mail"] |= mail
    return event


def outage(database: Connection, number: int = 38) -> None:
    """A domain that refuses everybody in the same words, on a day when others are refused as always."""
    events = [said(f"p{n}@northwind.example", REFUSED.format(f"p{n}", n)) for n in range(number)]
    tags = {"ses:configuration-set": ["news"], "campaign": ["spring"]}
    others = [said("a@gmail.com", "smtp; 552 5.2.2 full", source="News <news@acme.example>", tags=tags)]
    receive(database, *events, *others, dated(complaint("b@gmail.com"), 0.2), dated(bounce("c@gmail.com"), 40))
    count_figures(database)
    find_outages(database)


def soup(client: TestClient, path: str) -> BeautifulSoup:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html.parser")


def table(page: BeautifulSoup) -> list[list[str]]:
    rows = page.select(".where tbody tr")
    return [[cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])] for row in rows]


def filled_in(client: TestClient, path: str) -> dict[str, str]:
    """The fields of the page's form, as it comes."""
    fields = soup(client, path).select("form[action$='undo/preview'] input[name]")
    return {field["name"]: field.get("value", "") for field in fields}


def test_groups_with_rates_trend_and_what_servers_said(client: TestClient, database: Connection) -> None:
    outage(database)
    receive(database, *(dated(delivery(f"d{n}@gmail.com"), 1) for n in range(9)))
    count_figures(database)
    rows = {row[0]: row[1:] for row in table(soup(client, "/figures?days=7"))}
    assert list(rows) == ["northwind.example", "gmail"]
    assert rows["northwind.example"][0] == "38"
    assert rows["northwind.example"][1] == "–", "nothing was delivered there, nor does SES say what was sent"
    assert rows["gmail"][:4] == ["1", "10.0 % of 10", "1", "10.0 % of 10"]
    assert rows["northwind.example"][-1] == "38 × 550 5.1.1 <‹address›> recipient rejected, id q…"
    assert rows["gmail"][-1] == "1 × 552 5.2.2 full"
    # The days before have one bounce, to gmail.
    assert "2.0 times as many" in {row[0]: row for row in table(soup(client, "/figures?days=30"))}["gmail"][5]
    assert rows["northwind.example"][4].startswith("new")


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("configuration_set", ["without a configuration set", "news"]),
        ("identity", ["example.com", "acme.example"]),
        ("campaign", ["without a campaign tag", "spring"]),
    ],
)
def test_each_thing_to_group_by(client: TestClient, database: Connection, by: str, names: list[str]) -> None:
    outage(database)
    assert [row[0] for row in table(soup(client, f"/figures?days=7&by={by}"))] == names


def test_days_with_what_ses_sent(client: TestClient, database: Connection) -> None:
    outage(database)
    page = soup(client, "/figures?days=90&by=day")
    rows = table(page)
    assert len(rows) == 90
    assert rows[40][1] == "1"
    assert rows[0][-1] == "–"
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    database.execute(
        "INSERT INTO ses_bounces.sent_day (account, region, source, dimension, day, name, sent, bounces, complaints)"
        " VALUES ('1', 'eu-west-1', 'statistics', 'all', %s, '', 1000, 60, 0)",
        [yesterday],
    )
    page = soup(client, "/figures?days=90&by=day")
    assert [row[-1] for row in table(page)[:2]] == ["–", "1,000"]
    cards = {card.dt.get_text(): card.dd.get_text(" ", strip=True) for card in page.select("dl.figures > div")}
    assert cards["Bounce rate, as SES counts"] == "6.00 % SES may review"
    assert cards["Complaint rate, as SES counts"] == "0.00 %"
    assert len(page.select(".day-strip.bounces rect")) >= 2


def test_without_a_denominator_no_rate_is_shown_and_why(client: TestClient, database: Connection) -> None:
    outage(database)
    page = soup(client, "/figures")
    cards = [card.get_text(" ", strip=True) for card in page.select("dl.figures > div")]
    assert len(cards) == 2
    assert all("–" in card and "ses:GetSendStatistics" in card for card in cards)
    assert "there is nothing to divide by" in page.select_one(".where caption").get_text()


@pytest.mark.parametrize("path", ["/figures?by=provider", "/figures?by=day", "/figures?by=campaign"])
def test_nothing_has_happened_yet(client: TestClient, path: str) -> None:
    assert soup(client, path).h1.get_text() == "Where it hurts"


@pytest.mark.parametrize("path", ["/figures?days=0", "/figures?days=1101", "/figures?by=address", "/undo?outage=x"])
def test_what_there_is_no_figure_of(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 422


def test_who_only_reads_sees_no_diagnostics_and_no_strangers_words(
    client: TestClient, database: Connection, viewer: SimpleNamespace
) -> None:
    outage(database)
    tags = {"ses:configuration-set": ["news"], "campaign": ["dear <anna>"]}
    receive(database, said("x@gmail.com", "smtp; 550 Anna has left", tags=tags))
    count_figures(database)
    viewer.may_edit = False
    page = soup(client, "/figures?days=7")
    assert "rejected" not in page.get_text()
    assert not page.select(".said, .notice.warning")
    assert [row[0] for row in table(page)] == ["northwind.example", "gmail"]
    names = [row[0] for row in table(soup(client, "/figures?days=7&by=campaign"))]
    assert "not shown without edit access" in names
    assert "anna" not in "".join(names)


def test_who_only_reads_is_not_told_whom_never_block_guards(
    client: TestClient, database: Connection, viewer: SimpleNamespace
) -> None:
    guarded = ["boss@one.example", "@two.example", "boss@gmail.com"]
    receive(database, *(dated(bounce(f"boss@{name}"), 1) for name in ("one.example", "two.example", "gmail.com")))
    mirror_settings(database, enforce=True, never_block=guarded)
    count_figures(database)
    assert {row[0] for row in table(soup(client, "/figures"))} == {"one.example", "two.example", "gmail"}
    viewer.may_edit = False
    assert {row[0] for row in table(soup(client, "/figures"))} == {"gmail"}


def test_a_suggested_outage_opens_the_form_filled_in_and_is_undone(client: TestClient, database: Connection) -> None:
    outage(database)
    page = soup(client, "/figures")
    notice = page.select_one(".notice.warning")
    assert re.match(
        r"38 addresses at northwind.example since \d{4}-\d\d-\d\d \d\d:\d\d", notice.get_text(" ", strip=True)
    )
    href = notice.a["href"]
    # What a stranger wrote is in no URL.
    assert re.fullmatch(r"\./undo\?outage=\d+", href)
    form = filled_in(client, f"/{href.removeprefix('./')}")
    assert (form["domain"], form["text"]) == ("northwind.example", "recipient rejected, id q")
    answer = client.post("/undo/preview", data=form)
    assert answer.status_code == 200, answer.text
    preview = BeautifulSoup(answer.text, "html.parser")
    boxes = preview.select("tbody input[type=checkbox][name=id][checked]")
    assert len(boxes) == 38
    assert "recipient rejected, id q7" in preview.get_text()
    # One is unticked: it stays blocked.
    chosen = [box["value"] for box in boxes[1:]]
    fields = {"token": parsed(answer.text).fields["token"], "id": chosen, "cause": "permanent_bounce"}
    done = client.post("/lifts/done", data=fields | {"reason": "their outage"})
    assert done.status_code == 200, done.text
    query = (
        "SELECT l.address_id FROM ses_bounces.blocked_list l WHERE l.is_open AND l.address LIKE '%northwind.example'"
    )
    assert database.execute(query).fetchall() == [(int(boxes[0]["value"]),)]
    count_figures(database)
    rows = {row[0]: row[1:] for row in table(soup(client, "/figures?days=7"))}
    assert rows["northwind.example"][0] == "1 + 37 lifted"


def test_an_outage_that_is_over_leaves_the_form_empty(client: TestClient, database: Connection) -> None:
    outage(database)
    href = soup(client, "/figures").select_one(".notice.warning a")["href"].removeprefix("./")
    database.execute("DELETE FROM ses_bounces.suggested_outage")
    page = soup(client, f"/{href}")
    assert "is over, or its blocks are lifted" in page.get_text()
    assert not page.select_one("#domain").get("value")
    assert not page.select_one("#first").get("value")


def test_more_than_are_shown_are_lifted_as_well(client: TestClient, database: Connection) -> None:
    outage(database, 230)
    since = datetime.now(UTC) - timedelta(days=1)
    form = filled_in(client, "/undo")
    form |= {"first": f"{since:%Y-%m-%dT%H:%M}", "domain": "northwind.example"}
    preview = BeautifulSoup(client.post("/undo/preview", data=form).text, "html.parser")
    assert len(preview.select("tbody input[name=id]")) == 200
    assert len(preview.select("input[type=hidden][name=id]")) == 30


@pytest.mark.parametrize("first", ["", "yesterday", "9999-12-31T23:59-14:00", "0001-01-01T00:00+14:00"])
def test_a_window_without_a_beginning_is_refused(client: TestClient, first: str) -> None:
    answer = client.post("/undo/preview", data=filled_in(client, "/undo") | {"first": first})
    assert (answer.status_code, "The beginning of the window is missing, or is no time." in answer.text) == (400, True)


def test_a_table_of_groups_says_when_it_is_not_the_whole(client: TestClient, database: Connection) -> None:
    def caption() -> str:
        return soup(client, "/figures").select_one("#groups caption").get_text()  # type: ignore[union-attr]

    def bounced(*domains: str) -> None:
        receive(database, *(dated(bounce(f"a@{domain}"), 1) for domain in domains))
        count_figures(database)

    bounced(*(f"d{n}.example" for n in range(GROUPS_SHOWN - 1)))
    assert "the first" not in caption()
    bounced("one-more.example", "and-one-more.example")
    assert f"The most first, the first {GROUPS_SHOWN};" in caption()
