"""Where the pages are, for what is read outside of them: logs, messages, reports."""

from __future__ import annotations

from ses_bounces.base import sites


def page_url(path: str = "") -> str | None:
    """Return the URL of a page of the current site; None: Airflow's configuration does not say where it is.

    :param path: below the root of the pages; no address is in it.
    """
    from airflow.sdk.configuration import conf

    base: str | None = conf.get("api", "base_url", fallback=None)
    return f"{base.rstrip('/')}/{sites.current().slug}/{path}" if base else None


def where(path: str, name: str) -> str:
    """Return where a page is, for the end of a sentence: its URL, which Airflow's log makes a link, else its name."""
    return page_url(path) or f"the page {name}"
