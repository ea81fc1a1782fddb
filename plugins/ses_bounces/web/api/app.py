"""The JSON API as an app of its own within the pages: its errors are problem details, its documentation is its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from ses_bounces.base.exceptions import SesBouncesError
from ses_bounces.base.sites import HOURLY, Site
from ses_bounces.web.access import json_only, reader
from ses_bounces.web.api.models import PROBLEMS
from ses_bounces.web.api.routes import router
from ses_bounces.web.bodies import LIST_CALLS, BoundedBody
from ses_bounces.web.errors import TITLES, log_unknown, status_of, title_of, validation_message
from ses_bounces.web.readers import error_text

DESCRIPTION = """
Look addresses up, list and change what blocks them: the same as the pages do, with the same rights. Reading needs read
access to the DAG `ses_bounces`, and shows addresses masked; whole addresses and changes need edit access to it.

Log in as for Airflow's own API: `POST /auth/token`, then `Authorization: Bearer …`. Bodies are `application/json`.
Errors are problem details (RFC 9457). No address is ever part of a URL.
"""


def create_api(site: Site) -> FastAPI:
    """Return the API. Every route asks for a user who may read; its documentation too."""
    api = FastAPI(
        title=site.title,
        version="1",
        description=DESCRIPTION.replace("`ses_bounces`", f"`{site.dag_id(HOURLY)}`"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        responses=PROBLEMS,
    )
    api.include_router(router, dependencies=[Depends(reader), Depends(json_only)])
    # The innermost.
    api.add_middleware(BoundedBody, limits=LIST_CALLS)
    api.exception_handler(SesBouncesError)(_known)
    api.exception_handler(StarletteHTTPException)(_http)
    api.exception_handler(RequestValidationError)(_invalid)
    api.middleware("http")(_catch)
    return api


def problem(status: int, title: str, detail: str, headers: Any = None) -> JSONResponse:
    """Return problem details."""
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(content, status, headers, media_type="application/problem+json")


async def _catch(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    try:
        return await call_next(request)
    except Exception as error:
        log_unknown(request, error)
        return problem(500, TITLES[500], "An unknown error; the API server's log has it.")


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, SesBouncesError)
    text = error_text(error, getattr(request.state, "viewer", None))
    return problem(status_of(error), title_of(error), text)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    title = TITLES.get(error.status_code, "That did not work")
    return problem(error.status_code, title, str(error.detail), error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(422, "The request is not as described", validation_message(error))
