"""Whose pages they are: each request of a mounted app is about the app's own site, and knows the ids of its DAGs."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from anyio import to_thread

from ses_bounces.base import sites
from ses_bounces.base.sites import Site

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)

# How long what Airflow was asked about the DAGs is taken to hold.
KEPT_SECONDS = 30

_lock = threading.Lock()
# By site: when Airflow was asked, and the prefix of the DAG ids.
_found: dict[str, tuple[float, str]] = {}


class OfSite:
    """ASGI middleware that sets the current site."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        site = known(self._site)
        if site is None:
            site = await to_thread.run_sync(with_prefix, self._site)
        with site.current():
            await self._app(scope, receive, send)


def known(site: Site) -> Site | None:
    """Return the site with the prefix of its DAG ids; None: Airflow has to be asked."""
    if sites.configured_prefix() is not None:
        return site
    with _lock:
        asked_at, prefix = _found.get(site.name, (float("-inf"), ""))
    return replace(site, dag_id_prefix=prefix) if time.monotonic() - asked_at < KEPT_SECONDS else None


def with_prefix(site: Site) -> Site:
    """Ask Airflow for the prefix: the hourly DAG bears the site's tag, and its id ends as we know.

    The DAG whose id has none comes first; where several others could be it, none of them is taken: rights to one DAG
    must not open the pages of another one.
    """
    from airflow.models.dag import DagModel, DagTag
    from airflow.utils.session import create_session
    from sqlalchemy import select

    ending = replace(site, dag_id_prefix="").dag_id(sites.HOURLY)
    query = (
        select(DagModel.dag_id)
        .join(DagTag, DagTag.dag_id == DagModel.dag_id)
        .where(DagTag.name == site.key, DagModel.is_stale.is_(False), DagModel.dag_id.endswith(ending, autoescape=True))
    )
    with create_session() as session:
        found = sorted(session.scalars(query))
    prefix = ""
    if ending not in found and len(found) == 1:
        prefix = found[0].removesuffix(ending)
    elif ending not in found and found:
        log.error(
            "%s could each be the hourly DAG of the pages at /%s/: set [ses_bounces] dag_id_prefix",
            " and ".join(found),
            site.slug,
        )
    with _lock:
        _found[site.name] = (time.monotonic(), prefix)
    return replace(site, dag_id_prefix=prefix)
