"""Keys that rules of before took for addresses: their blocks stay, and the pages say what they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from bs4 import BeautifulSoup
from fastapi.testclient import TestClient

from ses_bounces.base.settings import parse
from ses_bounces.base.sites import Site
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.writing import writing
from ses_bounces.web.access import reader
from ses_bounces.web.app import create_app
from ses_bounces.web.dependencies import database as database_of
from ses_bounces.web.dependencies import site_settings
from tests.kit.seeding import address_id

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

FORMER = "ann@example.com,bo@example.com"
TODAYS = "cy@example.com"


@pytest.fixture
def client(database: Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__DAG_ID_PREFIX", "")
    app = create_app(Site())
    viewer = SimpleNamespace(may_read=True, may_edit=True, may_set_variable=False, name="vic", id="7")
    settings = parse({"queue_urls": "http://127.0.0.1/000000000000/queue"})
    app.dependency_overrides |= {
        reader: lambda: viewer,
        site_settings: lambda: settings,
        database_of: lambda: database,
    }
    for number, address in enumerate((FORMER, TODAYS)):
        entry = Entry("permanent_bounce", address, address, datetime.now(UTC), bytes([number]) * 16)
        with writing(database) as writer:
            writer.append([(entry, None)])
    with TestClient(app) as opened:
        yield opened


def notes(client: TestClient, path: str) -> dict[str, bool]:
    """Whether each address that a page shows is said to be none."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    cells = BeautifulSoup(answer.text, "html.parser").select(".address")
    texts = [cell.get_text(" ", strip=True) for cell in cells]
    return {text.removesuffix(" not an address"): text.endswith("not an address") for text in texts}


def test_a_former_key_keeps_its_block_and_is_said_to_be_none(client: TestClient, database: Connection) -> None:
    rows = database.execute("SELECT address, reason FROM ses_bounces.blocked_list WHERE unblocked_at IS NULL")
    assert dict(rows.fetchall()) == {FORMER: "permanent_bounce", TODAYS: "permanent_bounce"}
    for path in ("/bounces", "/blocked"):
        assert notes(client, path) == {FORMER: True, TODAYS: False}
    assert notes(client, f"/addresses/{address_id(database, FORMER)}") == {FORMER: True}
    assert notes(client, f"/addresses/{address_id(database, TODAYS)}") == {TODAYS: False}
