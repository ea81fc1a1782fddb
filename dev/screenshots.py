"""Pictures of every page for the documentation, light and dark; `python -m dev.screenshots` takes them anew."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from dev.airflow import ADMIN, REPOSITORY, LocalAirflow

FOLDER = REPOSITORY / "docs" / "images"
SIZE = {"width": 1200, "height": 760}
WAIT_MILLISECONDS = 60_000

Steps = Callable[[Page, str], None]


def take(airflow: LocalAirflow, chromium: str, folder: Path = FOLDER) -> None:
    """Takes them all; the Airflow must be up, and its first run over."""
    sent = {"username": ADMIN, "password": airflow.passwords[ADMIN]}
    token = httpx.post(f"{airflow.url}/auth/token", json=sent, timeout=60, trust_env=False).json()["access_token"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for theme in ("light", "dark"):
            context = browser.new_context(viewport=SIZE, color_scheme=theme)
            context.set_default_timeout(WAIT_MILLISECONDS)
            context.add_cookies([{"name": "_token", "value": token, "url": airflow.url}])
            page = context.new_page()
            for name, steps in PICTURES.items():
                steps(page, airflow.url)
                page.wait_for_load_state("networkidle")
                page.screenshot(path=folder / f"{name}-{theme}.png")
        browser.close()


def _at(path: str) -> Steps:
    def go(page: Page, url: str) -> None:
        page.goto(f"{url}/ses-bounces/{path}")

    return go


def _overview(page: Page, url: str) -> None:
    page.goto(f"{url}/plugin/ses-bounces")
    page.frame_locator("iframe").get_by_role("heading", name="What needs you").wait_for()


def _tab(page: Page, url: str) -> None:
    page.goto(f"{url}/dags/ses_bounces/plugin/ses-bounces-dag")
    page.frame_locator("iframe").get_by_role("heading", name="What needs you").wait_for()


def _history(page: Page, url: str) -> None:
    page.goto(f"{url}/ses-bounces/blocked?reason=expired_transient")
    page.get_by_role("rowheader").get_by_role("link").first.click()


def _lift(page: Page, url: str) -> None:
    page.goto(f"{url}/ses-bounces/blocked?reason=permanent_bounce")
    for number in (0, 2, 5):
        page.locator("tbody input[name=id]").nth(number).check()
    page.get_by_role("button", name=re.compile("Lift blocks")).click()


def _stop(page: Page, url: str) -> None:
    page.goto(f"{url}/ses-bounces/stops")
    page.get_by_label("Addresses").fill("Nora Lind <nora.lind@example.com>\nten@example.org\nnot an address")
    page.get_by_role("button", name="Preview…").click()


def _settings_change(page: Page, url: str) -> None:
    page.goto(f"{url}/ses-bounces/settings")
    page.get_by_label("AWS Transient Email Grace Period").fill("7")
    page.get_by_role("button", name="Preview the change…").click()


def _report(page: Page, url: str) -> None:
    page.goto(f"{url}/ses-bounces/blocked")
    page.locator("summary").click()
    page.get_by_role("link", name=re.compile(r"^\d{4}-\d\d-\d\d$")).first.click()


PICTURES: dict[str, Steps] = {
    "overview": _overview,
    "tab": _tab,
    "bounces": _at("bounces"),
    "history": _history,
    "blocked": _at("blocked"),
    "daily-report": _report,
    "lift": _lift,
    "stop": _stop,
    "quarantine": _at("quarantine"),
    "settings": _at("settings"),
    "settings-change": _settings_change,
}


def main() -> int:
    """Starts what `make run` starts, in a directory of its own, and takes the pictures."""
    import shutil
    import tempfile

    from dev.stack import Stack

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("chromium is missing: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "run", print) as stack:
        run_id, state = stack.run_once()
        print(run_id, state)
        take(stack.airflow, chromium)
    return 0


if __name__ == "__main__":
    sys.exit(main())
