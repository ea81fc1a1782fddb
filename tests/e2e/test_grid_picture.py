"""The picture of finished runs in Airflow's grid is of the DAG as it is. `make screenshots` takes a new one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dev.stack import DAG_ID
from tests.browser.conftest import chromium
from tests.browser.pictures import FOLDER, GRID, OUTLINES, SIZE, THEMES
from tests.e2e.shared import SharedStack

pytestmark = pytest.mark.e2e


def test_the_picture_of_the_grid_has_the_tasks_of_the_dag(
    feed_stack: SharedStack, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    takes = request.config.getoption("--screenshots")
    airflow = feed_stack.airflow
    states = airflow.api.task_states(DAG_ID, feed_stack.first_run)
    assert {state for of_task in states.values() for state in of_task} == {"success"}
    with chromium() as browser:
        for theme in THEMES:
            context = browser.new_context(viewport=SIZE, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            context.set_default_timeout(60_000)
            context.add_cookies([{"name": "_token", "value": airflow.api.token(), "url": airflow.url}])
            page = context.new_page()
            page.goto(f"{airflow.url}/dags/{DAG_ID}")
            for task_id in states:
                page.get_by_text(task_id).first.wait_for()
            page.get_by_text(re.compile(r"Last \d+ Dag Runs")).wait_for()
            page.wait_for_load_state("networkidle")
            path = (FOLDER if takes else tmp_path) / f"{GRID}-{theme}.png"
            page.screenshot(path=path)
            assert path.stat().st_size > 10_000
    outlines = json.loads(OUTLINES.read_text(encoding="utf-8"))
    if takes:
        outlines[GRID] = sorted(states)
        OUTLINES.write_text(json.dumps(outlines, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert sorted(states) == outlines[GRID], "the DAG has changed since its picture was taken: make screenshots"
