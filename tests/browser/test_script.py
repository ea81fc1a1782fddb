"""What the pages' script asks of Airflow, wherever Airflow and the pages are; no server is needed for it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Route

import ses_bounces.web
from ses_bounces.base.sites import Site

pytestmark = pytest.mark.e2e

STATIC = Path(ses_bounces.web.__file__).parent / "static"
# As base.html and outcome.html have it.
HTML = (
    '<!doctype html><title>x</title><link rel="stylesheet" href="{root}static/pages.css">'
    '<script src="{root}static/pages.js" defer></script><p data-trigger-dag="the_dag">waits</p>'
)


@pytest.mark.parametrize("base", ["http://127.0.0.1:9/", "http://127.0.0.1:9/teams/airflow/"])
@pytest.mark.parametrize("site", [Site(), Site("news")], ids=lambda site: site.name)
@pytest.mark.parametrize("path", ["lifts/done", "lifts"])
def test_a_run_is_asked_of_the_airflow_that_has_the_pages(browser: Browser, base: str, site: Site, path: str) -> None:
    asked: list[tuple[str, str]] = []
    pages = urljoin(base, f"{site.slug}/")

    def answer(route: Route) -> None:
        url = route.request.url
        if url.startswith(f"{pages}static/"):
            route.fulfill(path=STATIC / urlsplit(url).path.rpartition("/")[2])
        elif url == pages + path:
            route.fulfill(content_type="text/html", body=HTML.format(root="../" * path.count("/") or "./"))
        else:
            asked.append((route.request.method, url))
            route.fulfill(status=200, json={})

    context = browser.new_context()
    try:
        context.route("**/*", answer)
        page = context.new_page()
        page.goto(pages + path)
        page.get_by_text("A run of the DAG the_dag was triggered").wait_for()
    finally:
        context.close()
    assert [one for one in asked if "favicon" not in one[1]] == [("POST", f"{base}api/v2/dags/the_dag/dagRuns")]


def test_what_is_read_again_is_left_alone_when_the_session_has_ended(browser: Browser) -> None:
    root, statuses = "http://127.0.0.1:9/ses-bounces/", [503, 200, 401]
    asked: list[int] = []
    html = (
        f'<!doctype html><title>x</title><link rel="stylesheet" href="{root}static/pages.css">'
        f'<script src="{root}static/pages.js" defer></script>'
        '<div id="progress" data-refresh="progress">queued {number}</div>'
    )

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path.removeprefix("/ses-bounces/")
        if path.startswith("static/"):
            route.fulfill(path=STATIC / path.removeprefix("static/"))
        elif path == "progress":
            # Later ones are of a session that has ended as well.
            asked.append(statuses[min(len(asked), 2)])
            route.fulfill(status=asked[-1], content_type="text/html", body=html.replace("{number}", str(len(asked))))
        else:
            route.fulfill(content_type="text/html", body=html.replace("{number}", "0"))

    context = browser.new_context()
    try:
        context.route("**/*", answer)
        page = context.new_page()
        page.clock.install()
        page.goto(f"{root}lifts")
        for _ in range(6):
            page.clock.run_for(3_000)
            page.wait_for_load_state("networkidle")
            page.evaluate("() => fetch('other').then(() => null)")
        shown = page.locator("#progress").inner_text()
    finally:
        context.close()
    assert asked == statuses
    assert shown == "queued 2"
