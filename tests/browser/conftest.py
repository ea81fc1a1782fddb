"""A real Chromium before a real API server with the pages."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from dev import browser as browsers
from dev import tools
from dev.pages_server import PagesServer, pages_server
from dev.postgres import EmbeddedPostgres

OpenPage = Callable[..., Page]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium, started; not longer than it is needed: Playwright leaves an event loop running in the thread."""
    executable = tools.path("browser")
    os.environ.update(browsers.environment())
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=browsers.ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, postgres: EmbeddedPostgres) -> Iterator[PagesServer]:
    """An API server at the root of its host."""
    with pages_server(tmp_path_factory.mktemp("airflow"), postgres, "browser") as started:
        yield started


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser of these tests."""
    # Two cores may be busy with an Airflow that starts.
    expect.set_options(timeout=20_000)
    with chromium() as started:
        yield started


def _told(message: ConsoleMessage) -> str:
    return f"{message.text} at {message.location['url']}"


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[OpenPage]:
    """Opens a page of a server as a user who is logged in; nothing may be wrong in the browser's console."""
    contexts, errors = [], []

    def opened(server: PagesServer, path: str = "", user: str = "anna", width: int = 1300, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True, **options)
        contexts.append(context)
        context.add_cookies([{"name": "_token", "value": server.token(user), "url": server.airflow.url}])
        context.set_default_timeout(45_000)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(_told(message)) if message.type == "error" else None)
        page.goto(path if path.startswith("http") else server.root + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    # Pages that the test wants to be refused are an error to the console as well.
    assert [error for error in errors if "status of 4" not in error] == []
