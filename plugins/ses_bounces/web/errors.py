"""Pages for what goes wrong: what it is, and what to do."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from ses_bounces.base.exceptions import (
    ActionError,
    DatabaseError,
    MissingConnectionError,
    SchemaError,
    SesBouncesError,
    SettingsError,
)
from ses_bounces.web.readers import error_text
from ses_bounces.web.render import page

log = logging.getLogger(__name__)

Next = Callable[[Request], Awaitable[Response]]

TITLES = {
    400: "That can't be done as asked",
    401: "You are not logged in",
    403: "You may not do that",
    404: "There is nothing here",
    405: "That is not how this page is used",
    413: "That is too much at once",
    422: "This link can't be read",
    500: "Something went wrong",
    503: "Email Bounces can't work yet",
}
# Errors that an answer names; a list may have 10,000 of them.
ERRORS_SHOWN = 5
# Innermost frames that are logged; the outer ones belong to the framework.
FRAMES = 8
LOG_IN = "Your Airflow session has ended. Reload Airflow to log in; then open this page again."
UNKNOWN = "This page met an error that it does not know. The API server's log has it. No partial change was made."


def status_of(error: SesBouncesError) -> int:
    """Return the HTTP status for one of our errors: what was asked is wrong, or what we need is not there."""
    return 400 if isinstance(error, ActionError) else 503


def title_of(error: SesBouncesError) -> str:
    """Return a heading for one of our errors."""
    kinds = {
        ActionError: TITLES[400],
        SettingsError: "The Email Bounce Settings are missing or wrong",
        MissingConnectionError: "An Airflow connection is missing",
        SchemaError: "The database is not ready",
        DatabaseError: "The database can't be reached, or refused",
    }
    return next((title for kind, title in kinds.items() if isinstance(error, kind)), TITLES[503])


def validation_message(error: RequestValidationError) -> str:
    """Say which parameters are wrong; without their values, in which an address may stand."""
    errors = error.errors()
    wrong = "; ".join(f"{'.'.join(str(part) for part in e['loc'][1:])}: {e['msg']}" for e in errors[:ERRORS_SHOWN])
    more = f"; and {len(errors) - ERRORS_SHOWN:,} more" if len(errors) > ERRORS_SHOWN else ""
    return f"What was sent can't be read: {wrong}{more}."


def add_handlers(app: FastAPI) -> None:
    """Let an app answer with pages."""
    app.exception_handler(SesBouncesError)(_known)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_invalid)
    # Not the handler of Exception: that one answers, and then raises for the server's log, with all values in it.
    app.middleware("http")(_catch)


async def _catch(request: Request, call_next: Next) -> Response:
    try:
        return await call_next(request)
    except Exception as error:
        log_unknown(request, error)
        return _page(request, 500, TITLES[500], UNKNOWN)


def log_unknown(request: Request, error: Exception) -> None:
    """Log where an error came from: its message may hold anything."""
    trace, places = error.__traceback__, []
    while trace:
        places.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    log.error(
        "%s in %s %s at %s", type(error).__name__, request.method, request.scope["path"], " < ".join(places[::-1])
    )


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, SesBouncesError)
    text = error_text(error, getattr(request.state, "viewer", None))
    return _page(request, status_of(error), title_of(error), text)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = LOG_IN if error.status_code == 401 else str(error.detail)
    return _page(request, error.status_code, TITLES.get(error.status_code, "That did not work"), detail)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _page(request, 422, TITLES[422], validation_message(error))


def _page(request: Request, status: int, title: str, message: str) -> Response:
    viewer = getattr(request.state, "viewer", None)
    seen = viewer if viewer and viewer.may_read else None
    return page(request, seen, "error.html", status, title=title, message=message, status_code=status)
