"""The pictures of the documentation are of the pages as they are. `make screenshots` takes new ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser

from dev import people, sample
from dev.aws import Feed, temporary_aws
from dev.pages_server import PagesServer, pages_server
from dev.postgres import EmbeddedPostgres
from dev.ses import FakeSes
from ses_bounces.actions.action import Action
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.settings import Settings, parse
from ses_bounces.people.sync import sync
from tests.browser.pictures import FOLDER, GRID, OUTLINES, PICTURES, SIZE, THEMES, outline
from tests.kit.tasks import Tasks

pytestmark = pytest.mark.e2e

NAME = "pictures"


@pytest.fixture(scope="module")
def sampled(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesServer]:
    """A server after an hour of the sample: what `make run` shows, without its scheduler."""
    url = postgres.url(f"pages_{NAME}")
    with temporary_aws() as aws, FakeSes(aws) as ses:
        feed = Feed.create(ses)
        sample.send(feed)
        postgres.create_database(f"pages_{NAME}")
        people.create(url)
        settings: dict[str, Any] = {"queue_urls": [feed.queue_url], "people_table": people.TABLE}
        environment = {"AIRFLOW_CONN_SES_BOUNCES_AWS": ses.connection_json()}
        folder = tmp_path_factory.mktemp(NAME)
        with pages_server(folder, postgres, NAME, environment, settings) as server:
            # One of the pages is a tab of a DAG's.
            server.airflow.run_command("dags", "reserialize")
            with pytest.MonkeyPatch.context() as patch:
                done = Tasks(patch, url, ses.connection_json(), **settings).hour(report_today=True)
            assert done["classify_bounces"]["blocked"]["permanent_bounce"] > 50
            _let_people_wait(url, parse(settings))
            yield server


def _let_people_wait(url: str, settings: Settings) -> None:
    """Touch the rows of a few people whom we switched off, and lift their blocks: a person has to decide."""
    with connect_url(url) as connection:
        changes = connection.execute(
            "SELECT address_id, person_id FROM ses_bounces.flag_change JOIN ses_bounces.blocked_list USING (address_id)"
            " WHERE reason = 'permanent_bounce' ORDER BY address_id LIMIT 4"
        ).fetchall()
        for _address, person in changes:
            connection.execute(f"UPDATE {people.TABLE} SET name = name WHERE id = %s", [int(person)])
        lifted = {address: ["permanent_bounce"] for address, _person in changes}
        lift_blocks(connection, Action("anna", "the mailboxes are back", str(uuid4())), lifted)
        assert sync(connection, settings).touched == len(changes)


@pytest.fixture(scope="module")
def recorded(request: pytest.FixtureRequest) -> Iterator[dict[str, list[str]]]:
    """The outlines that belong to the pictures; with --screenshots they are replaced, and written at the end."""
    outlines = json.loads(OUTLINES.read_text(encoding="utf-8"))
    yield outlines
    if request.config.getoption("--screenshots"):
        ordered = {name: outlines[name] for name in (*PICTURES, GRID) if name in outlines}
        OUTLINES.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_of_the_page_as_it_is(
    name: str,
    sampled: PagesServer,
    browser: Browser,
    recorded: dict[str, list[str]],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    takes = request.config.getoption("--screenshots")
    folder = FOLDER if takes else tmp_path
    for theme in THEMES:
        context = browser.new_context(viewport=SIZE, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        context.set_default_timeout(60_000)
        context.add_cookies([{"name": "_token", "value": sampled.token("anna"), "url": sampled.airflow.url}])
        page = context.new_page()
        PICTURES[name](page, sampled.airflow.url)
        page.wait_for_load_state("networkidle")
        path = folder / f"{name}-{theme}.png"
        page.screenshot(path=path)
        seen = outline(page)
        context.close()
        assert path.stat().st_size > 10_000
        if takes:
            recorded[name] = seen
        assert seen == recorded.get(name), f"{name} has changed since its picture was taken: make screenshots"
