"""The page of a raw message leads to the run that drained it, whatever characters the run's id has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bs4 import BeautifulSoup

from tests.integration.web.test_figures_page import client, viewer
from tests.kit.page_rights import quarantine

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from ses_bounces.base.database.connection import Connection

__all__ = ["client", "viewer"]

DRAINED = """
INSERT INTO ses_bounces.run (run_id, task_id, map_index, try_number, started_at, finished_at)
VALUES ('manual__2026-03-01T09:12:00+00:00', 'drain_queue', 0, 1, now() - interval '1 minute', now() + interval '1 day')
"""


def test_the_run_that_drained_a_message_is_linked(
    client: TestClient, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The Audit Log is Airflow's, which is not there.
    monkeypatch.setattr("ses_bounces.web.routes.addresses.audit", lambda *_args, **_details: None)
    database.execute(DRAINED)
    message_id = quarantine(database, "this is no JSON")
    row = database.execute("SELECT now()").fetchone()
    assert row is not None
    answer = client.get(f"/messages/{message_id}", params={"near": row[0].isoformat()})
    assert answer.status_code == 200, answer.text
    page = BeautifulSoup(answer.text, "html.parser")
    assert [(link["href"], link.get_text()) for link in page.select("a[data-airflow]")] == [
        (
            "../../dags/ses_bounces/runs/manual__2026-03-01T09%3A12%3A00%2B00%3A00",
            "manual__2026-03-01T09:12:00+00:00",
        )
    ]
    assert page.select_one("pre.body").get_text() == "this is no JSON"  # type: ignore[union-attr]
