"""The Airflow plugin: each site's pages, mounted under ``/ses-bounces/``, and where the UI shows them.

Every task process imports this module: what it needs is imported when the API server asks for it.
"""

from __future__ import annotations

from functools import cached_property
from types import ModuleType
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from ses_bounces.base.sites import Site, declared

NAME = "ses_bounces"


def views(site: Site) -> list[dict[str, Any]]:
    """Return a site's entry in Airflow's menu, and its tab on a DAG's page."""
    # Relative: the UI resolves it against its base path. Without the slash at its end the UI itself would answer.
    href = f"{site.slug}/"
    shown = {
        "name": site.title,
        "href": href,
        "icon": f"{href}static/icon.svg",
        "icon_dark_mode": f"{href}static/icon-dark.svg",
    }
    return [
        {**shown, "name": site.entry, "url_route": site.slug, "destination": "nav", "nav_top_level": True},
        {**shown, "url_route": f"{site.slug}-dag", "destination": "dag"},
    ]


class SesBouncesPlugin(AirflowPlugin):
    """One entry in Airflow's menu and one tab on a DAG's page for each site."""

    name = NAME

    @cached_property
    def external_views(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The entries and the tabs."""
        return [view for site in declared() for view in views(site)]

    @cached_property
    def listeners(self) -> list[ModuleType]:  # type: ignore[override]
        """What is done when the scheduler starts."""
        from ses_bounces.dags import preload

        return [preload]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The pages; made in the API server only, which alone asks for them."""
        from ses_bounces.web.app import create_app

        return [{"app": create_app(site), "url_prefix": f"/{site.slug}", "name": site.title} for site in declared()]
