"""The web app that Airflow mounts under ``/ses-bounces``, one for each site."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles

from ses_bounces.base.sites import Site
from ses_bounces.web.access import reader
from ses_bounces.web.api.app import create_api
from ses_bounces.web.bodies import LIST_FORMS, BoundedBody
from ses_bounces.web.current_site import OfSite
from ses_bounces.web.errors import add_handlers
from ses_bounces.web.routes import ROUTERS

STATIC = Path(__file__).parent / "static"
# No script but our file, nothing from elsewhere, and no page of another site round it.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def create_app(site: Site) -> FastAPI:
    """Return the app of a site. Every route but the static files asks for a user who may read."""
    # The documentation that FastAPI makes by itself asks for nobody, nor does its redirect to a path with a slash.
    app = FastAPI(title=site.title, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    for router in ROUTERS:
        app.include_router(router, dependencies=[Depends(reader)])
    app.mount("/api", create_api(site), name="api")
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    # The innermost.
    app.add_middleware(BoundedBody, limits=LIST_FORMS, beside="/api")
    add_handlers(app)
    app.middleware("http")(_add_headers)
    # The outermost: everything else is about this site.
    app.add_middleware(OfSite, site=site)
    return app


async def _add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    # The mount of the static files changes what the scope says of it.
    request.state.root_path = request.scope.get("root_path", "")
    response = await call_next(request)
    is_static = request.scope["path"].removeprefix(request.scope.get("root_path", "")).startswith("/static/")
    for name, value in HEADERS.items():
        if not (is_static and name == "Cache-Control"):
            response.headers.setdefault(name, value)
    return response
