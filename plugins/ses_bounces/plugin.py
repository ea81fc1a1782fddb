"""The Airflow plugin: the administrators' pages, mounted under ``/ses-bounces/``, and where the UI shows them.

Every task process imports this module: what it needs is imported when the API server asks for it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

NAME = "ses_bounces"
URL_PREFIX = "/ses-bounces"
# Relative: the UI resolves it against its base path. Without the slash at its end the UI itself would answer.
HREF = "ses-bounces/"


class SesBouncesPlugin(AirflowPlugin):
    """One entry in Airflow's menu, one tab on a DAG's page."""

    name = NAME
    external_views = [  # noqa: RUF012  # an attribute that Airflow reads
        {
            "name": "Email Bounces",
            "href": HREF,
            "url_route": "ses-bounces",
            "destination": "nav",
            "nav_top_level": True,
            "icon": f"{HREF}static/icon.svg",
            "icon_dark_mode": f"{HREF}static/icon-dark.svg",
        },
        {
            "name": "Email Bounces",
            "href": HREF,
            "url_route": "ses-bounces-dag",
            "destination": "dag",
            "icon": f"{HREF}static/icon.svg",
            "icon_dark_mode": f"{HREF}static/icon-dark.svg",
        },
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The pages; made in the API server only, which alone asks for them."""
        from ses_bounces.web.app import create_app

        return [{"app": create_app(), "url_prefix": URL_PREFIX, "name": "Email Bounces"}]
