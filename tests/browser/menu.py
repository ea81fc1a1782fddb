"""Our entry in Airflow's menu."""

from __future__ import annotations

from playwright.sync_api import Locator, Page


def menu_entry(page: Page) -> Locator:
    """What leads from any page of Airflow's to ours."""
    return page.get_by_role("link", name="Bounces").or_(page.get_by_role("button", name="Bounces")).first
