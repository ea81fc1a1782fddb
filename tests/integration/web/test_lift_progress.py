"""The pages of lifts tell the truth: what is queued, what it waits for, and what SES said of its own list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from fastapi.testclient import TestClient

from dev.ses import FakeSes
from ses_bounces.base.sites import LIFT_BLOCKS, Site
from ses_bounces.suppression.lifting import lift_open
from ses_bounces.web.access import reader
from ses_bounces.web.app import create_app
from ses_bounces.web.dependencies import database as database_of
from ses_bounces.web.dependencies import site_settings
from ses_bounces.web.our_dags import our_dags
from tests.integration.suppression.test_lifting import listed, listing, settings_for
from tests.kit.builders import bounce
from tests.kit.our_dags import airflow_run
from tests.kit.our_dags import our_dags as all_run
from tests.kit.seeding import address_id, dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

GONE = [f"user{n}@example.com" for n in range(7)]


@pytest.fixture
def ses(server: FakeSes, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSes]:
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", server.connection_json(region=None))
    yield server
    server.region("us-east-1").listed.clear()
    server.refuse.clear()


@pytest.fixture
def world() -> SimpleNamespace:
    """What Airflow says, and who asks."""
    return SimpleNamespace(ours=all_run(), may_edit=True)


@pytest.fixture
def client(
    database: Connection, ses: FakeSes, world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__DAG_ID_PREFIX", "")
    # The Audit Log is Airflow's, which is not there.
    monkeypatch.setattr("ses_bounces.web.routes.outcome.audit", lambda *_args, **_details: None)
    app = create_app(Site())
    app.dependency_overrides |= {
        reader: lambda: SimpleNamespace(
            may_read=True, may_edit=world.may_edit, may_set_variable=False, name="anna", id="7"
        ),
        our_dags: lambda: world.ours,
        site_settings: lambda: settings_for("us-east-1"),
        database_of: lambda: database,
    }
    with TestClient(app) as opened:
        yield opened


def lift(client: TestClient, database: Connection, addresses: list[str], cause: str) -> BeautifulSoup:
    """Lift a cause of some addresses by the form; the page that follows."""
    token = re.search(r'name="token" value="([^"]+)"', client.get("/lifts").text)
    assert token is not None
    ids = [address_id(database, address) for address in addresses]
    form: dict[str, Any] = {"token": token[1], "id": ids, "cause": cause, "reason": "mended"}
    answer = client.post("/lifts/done", data=form)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html.parser")


def progress(page: BeautifulSoup) -> str:
    return page.select_one("#progress").get_text(" ", strip=True)  # type: ignore[union-attr]


def again(client: TestClient, page: BeautifulSoup) -> BeautifulSoup:
    """What the page reads again by itself."""
    path = str(page.select_one("#progress")["data-refresh"])  # type: ignore[index]
    assert path.startswith("../lifts/progress")
    return BeautifulSoup(client.get(path.removeprefix("..")).text, "html.parser")


def test_queued_lifts_are_counted_until_they_are_lifted(
    client: TestClient, database: Connection, ses: FakeSes, world: SimpleNamespace
) -> None:
    listed(database, ses, *GONE)
    page = lift(client, database, GONE, "ses_suppression")
    assert progress(page).startswith("7 queued, 0 lifted so far.")
    assert f"They wait for the next run of the DAG {LIFT_BLOCKS}." in progress(page)
    assert [badge.get_text() for badge in page.select("tbody .badge")] == ["Queued"] * 7
    assert page.select_one("p.lead") is None
    assert [place["data-trigger-dag"] for place in page.select("[data-trigger-dag]")] == [LIFT_BLOCKS]

    lift_open(database, [listing(ses)], request_ids=[1, 2])
    later = again(client, page)
    assert progress(later).startswith("5 queued, 2 lifted so far.")
    # Read again, it must not trigger a run again.
    assert later.select("[data-trigger-dag]") == []
    # Somebody took some off by hand meanwhile: SES says that they were not there.
    for address in GONE[3:5]:
        del ses.region("us-east-1").listed[address]
    lift_open(database, [listing(ses)])
    last = again(client, later)
    assert progress(last) == (
        "7 lifted. SES says that it had 5 of them on its own list and took them off. 2 were not on SES's own list."
    )
    assert last.select("[data-refresh]") == []


def test_what_they_wait_for_is_said(
    client: TestClient, database: Connection, ses: FakeSes, world: SimpleNamespace
) -> None:
    listed(database, ses, *GONE)
    world.ours = all_run(paused=[LIFT_BLOCKS])
    page = lift(client, database, GONE, "ses_suppression")
    assert f"They wait for the DAG {LIFT_BLOCKS}, which is paused." in progress(page)
    # A run of a paused DAG would stand.
    assert page.select("[data-trigger-dag]") == []
    assert [button["data-unpause"] for button in page.select("#progress button")] == [LIFT_BLOCKS]
    world.ours = all_run(paused=[LIFT_BLOCKS], may_edit=False)
    shown = again(client, page)
    assert shown.select("#progress button") == []
    assert f"Anyone who may edit {LIFT_BLOCKS} can unpause it" in progress(shown)
    world.ours = all_run(missing=[LIFT_BLOCKS])
    assert "which Airflow does not have" in progress(again(client, page))
    row = database.execute("SELECT now()").fetchone()
    assert row is not None
    world.ours = all_run(airflow_run(row[0], LIFT_BLOCKS, "running"))
    assert f"A run of the DAG {LIFT_BLOCKS} works on them now." in progress(again(client, page))

    ses.refuse["DeleteSuppressedDestination"] = ("AccessDeniedException", None)
    lift_open(database, [listing(ses)])
    assert "ses:DeleteSuppressedDestination" in progress(again(client, page))
    assert progress(BeautifulSoup(client.get("/lifts").text, "html.parser")).startswith("7 queued, 0 lifted so far.")
    world.may_edit = False
    assert "ses:DeleteSuppressedDestination" not in progress(again(client, page))


def test_one_lift_at_once_has_one_status(client: TestClient, database: Connection, ses: FakeSes) -> None:
    listed(database, ses, GONE[0])
    page = lift(client, database, GONE[:1], "ses_suppression")
    assert progress(page) == "1 lifted. SES says that it had 1 of them on its own list and took it off."
    [row] = page.select("tbody tr")
    assert [cell.get_text() for cell in row.select("td")] == ["Done", "Lifted: ses suppression."]


def test_what_was_not_on_the_list_was_not_taken_off(client: TestClient, database: Connection, ses: FakeSes) -> None:
    receive(database, dated(bounce(GONE[0]), 1))
    page = lift(client, database, GONE[:1], "permanent_bounce")
    assert progress(page) == "1 lifted. 1 was not on SES's own list."


def test_the_list_of_a_tenant_is_named(client: TestClient, database: Connection, ses: FakeSes) -> None:
    receive(
        database,
        dated(bounce(GONE[0], "Permanent", "OnTenantSuppressionList"), 1),
        dated(bounce(GONE[1], "Permanent", "OnAccountSuppressionList"), 1),
    )
    page = lift(client, database, GONE[:2], "ses_suppression")
    notes = [note.get_text(" ", strip=True) for note in page.select(".notice.warning")]
    assert len(notes) == 1
    assert "SES refuses mail to 1 of these for the suppression list of a tenant ." in notes[0]
    said = {row.th.get_text(): row.select("td")[1].get_text() for row in page.select("tbody tr")}  # type: ignore[union-attr]
    assert said == {
        GONE[0]: "Lifted: ses suppression. A tenant's list at SES still has it.",
        GONE[1]: "Lifted: ses suppression.",
    }
