"""What the overview loads about the queues: when what waits there will have been drained, at the last drain's pace."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from bs4 import BeautifulSoup
from fastapi import FastAPI

from ses_bounces.feed.sqs.queue import Depth
from ses_bounces.web.depths import Seen, queue_depths
from tests.integration.web.test_overview_alarm import client

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from ses_bounces.base.database.connection import Connection

__all__ = ["client"]

DRAINED = """
INSERT INTO ses_bounces.run (run_id, task_id, map_index, try_number, started_at, finished_at, counts)
VALUES ('r', 'drain_queue', 0, 1, now() - interval '1 minute', now(), '{"landed": 6000, "seconds": 6.0}')
"""


@pytest.mark.parametrize(("waiting", "said"), [(120_000, "in about 2 minutes."), (0, None)])
def test_it_says_how_long_what_waits_takes(
    client: TestClient,
    database: Connection,
    waiting: int,
    said: str | None,
) -> None:
    depth = Depth(waiting, 7, None, timedelta(days=14))
    assert isinstance(client.app, FastAPI)
    client.app.dependency_overrides[queue_depths] = lambda: [Seen("bounces", depth)]
    database.execute(DRAINED)
    page = BeautifulSoup(client.get("/queues").text, "html.parser")
    assert [cell.get_text() for cell in page.select("tbody tr > *")] == ["bounces", f"{waiting:,}", "7", "no queue"]
    notices = [notice.get_text() for notice in page.select("#loaded .notice")]
    start = "At the pace of the last drain (1,000 messages a second) the next run takes all that waits, "
    assert notices == ([start + said] if said else [])
