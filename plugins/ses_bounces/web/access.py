"""Who asks, and what they may do: asked of Airflow's auth manager at every request. Nothing is let through otherwise.

Reading needs read access to the site's hourly DAG (``ses_bounces``). Whole addresses, what mail said about them, and
every change need edit access to it. Airflow does not authenticate what plugins mount; see its documentation on plugins.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails, VariableDetails
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import Depends, HTTPException, Request
from fastapi.dependencies.models import Dependant
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from ses_bounces.base import sites
from ses_bounces.web.own_threads import OwnThreads

NOT_THIS_NAME = (
    "Everybody is an administrator of this Airflow (simple_auth_manager_all_admins), so it answers to localhost, to an "
    "IP address and to the host of [api] base_url only. Open one of these, or let people log in."
)
NOT_READ = 'You need read access to the DAG "{dag_id}" to see this. Ask an Airflow administrator for it.'
NOT_EDIT = 'You need edit access to the DAG "{dag_id}" for this. Ask an Airflow administrator for it.'


@dataclass(frozen=True)
class Viewer:
    """The Airflow user of a request."""

    user: Any

    @property
    def id(self) -> str:
        """Airflow's id of the user."""
        return str(self.user.get_id())

    @property
    def name(self) -> str:
        """The login name: the actor of what the user does."""
        return str(self.user.get_name())

    @cached_property
    def may_read(self) -> bool:
        """Whether the user sees the pages at all."""
        return self._may("GET")

    @cached_property
    def may_edit(self) -> bool:
        """Whether the user sees whole addresses and changes things."""
        return self._may("PUT")

    @cached_property
    def may_set_variable(self) -> bool:
        """Whether the user may save the settings: the Variable is Airflow's, and so is the right to it."""
        # POST makes one that is missing, PUT changes one.
        methods: tuple[Literal["POST", "PUT"], ...] = ("POST", "PUT")
        details = VariableDetails(key=sites.current().variable)
        manager = get_auth_manager()
        return all(manager.is_authorized_variable(method=m, details=details, user=self.user) is True for m in methods)

    def _may(self, method: Literal["GET", "PUT"]) -> bool:
        dag_id = sites.dag_id(sites.HOURLY)
        details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
        return get_auth_manager().is_authorized_dag(method=method, details=details, user=self.user) is True


def reader(request: Request, user: Annotated[Any, Depends(get_user)]) -> Viewer:
    """Return who asks.

    :raises HTTPException: 401: nobody is logged in; 403: no read access.
    """
    viewer = Viewer(user)
    refuse_other_names(request)
    # The error pages have a navigation as well.
    request.state.viewer = viewer
    if not viewer.may_read:
        raise HTTPException(403, NOT_READ.format(dag_id=sites.dag_id(sites.HOURLY)))
    return viewer


ReaderDep = Annotated[Viewer, Depends(reader)]


def editor(viewer: ReaderDep) -> Viewer:
    """Return who asks, if they may see and change everything.

    :raises HTTPException: 401: nobody is logged in; 403: no edit access.
    """
    if not viewer.may_edit:
        raise HTTPException(403, NOT_EDIT.format(dag_id=sites.dag_id(sites.HOURLY)))
    return viewer


EditorDep = Annotated[Viewer, Depends(editor)]


class RightsFirst(OwnThreads):
    """A route of JSON that asks who sent a request, and may they, before it reads a body: FastAPI reads one first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler; 401, 403 and 415 are as those of what the route depends on, which is asked as well."""
        handler = super().get_route_handler()
        is_for_editors = _depends_on(self.dependant, editor)

        def ask(request: Request, user: Any) -> None:
            viewer = reader(request, user)
            if is_for_editors:
                editor(viewer)
            json_only(request)

        async def handle(request: Request) -> Response:
            user = await get_user(request, None, await bearer_scheme(request))
            await run_in_threadpool(ask, request, user)
            return await handler(request)

        return handle


def _depends_on(dependant: Dependant, call: Callable[..., Any]) -> bool:
    return dependant.call is call or any(_depends_on(below, call) for below in dependant.dependencies)


def json_only(request: Request) -> None:
    """Refuse what a plain form of another site could send.

    :raises HTTPException: 403: it comes from another site; 415: the body is no JSON.
    """
    if request.method == "GET":
        return
    refuse_other_sites(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "Send the body as application/json.")


def refuse_other_names(request: Request) -> None:
    """Refuse a name that is not this server's where nobody logs in: whoever owns the name may let it lead here.

    A page from there would be of the same site as ours to the browser ("DNS rebinding"). Where people log in, their
    cookie is another name's. An address can't be made to lead elsewhere.

    :raises HTTPException: 403.
    """
    if not conf.getboolean("core", "simple_auth_manager_all_admins", fallback=False):
        return
    name = (request.url.hostname or "").rstrip(".").lower()
    if name == "localhost" or name == urlsplit(conf.get("api", "base_url", fallback="")).hostname:
        return
    try:
        ip_address(name)
    except ValueError:
        raise HTTPException(403, NOT_THIS_NAME) from None


def refuse_other_sites(request: Request) -> None:
    """Refuse a change that a page of another site sends with the user's cookie.

    :raises HTTPException: 403.
    """
    # Browsers set it, and no script can; https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "This was sent by a page of another site. Nothing was changed.")
