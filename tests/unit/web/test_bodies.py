"""Bodies are counted while they are read, and rights come before the first byte."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response

from ses_bounces.actions.pasted import MAX_BYTES
from ses_bounces.base.sites import Site
from ses_bounces.web.app import create_app
from ses_bounces.web.bodies import LIST_CALLS, LIST_FORMS, MOST, BoundedBody
from ses_bounces.web.forms import MAX_FIELDS
from tests.kit.page_rights import routes

LIMIT = 1_000


def app_with(read: Callable[[Request], Awaitable[object]], **options: Any) -> FastAPI:
    app = FastAPI()

    @app.post("/some")
    async def take(request: Request) -> dict[str, int]:
        await read(request)
        return {"bytes": len(await request.body())}

    @app.post("/unread")
    async def leave() -> dict[str, int]:
        return {"bytes": 0}

    app.add_middleware(BoundedBody, limits={"/some": LIMIT, "/unread": LIMIT}, **options)

    # As our own apps have: it makes groups of what is raised within.
    @app.middleware("http")
    async def outer(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        return await call_next(request)

    return app


def ask(
    app: FastAPI, chunks: Iterator[bytes], path: str = "/some", headers: tuple[tuple[bytes, bytes], ...] = ()
) -> tuple[int, bytes, int]:
    """Return the status, the answer, and how many chunks were taken."""
    sent: list[Any] = []
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        chunk = next(chunks, None)
        taken += chunk is not None
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"",
        "headers": [*headers], "http_version": "1.1", "scheme": "http", "server": ("test", 80), "client": ("test", 1),
        "asgi": {"version": "3.0"},
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]), taken


READERS = [Request.body, Request.form]


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_a_body_without_a_length_is_read_up_to_the_limit(read: Any) -> None:
    # More than could be read in a lifetime.
    endless = iter(lambda: b"x" * 100, None)
    kind = (b"content-type", b"application/x-www-form-urlencoded")
    status, answer, taken = ask(app_with(read), endless, headers=(kind,))
    assert status == 413
    assert b"larger than 1,000 bytes, the most that is taken here. Send it in parts" in answer
    assert taken == LIMIT // 100 + 1


def test_a_body_that_says_that_it_is_too_long_is_not_read() -> None:
    app = app_with(Request.body)
    said = ((b"content-length", str(LIMIT + 1).encode()),)
    assert ask(app, iter([b"x"]), headers=said)[::2] == (413, 0)
    # Whoever does not read it is not kept from answering.
    assert ask(app, iter([b"x"]), "/unread", said)[0] == 200


@pytest.mark.parametrize("said", [b"", b"-1", b"1e9", "\u0663".encode("latin-1", "replace"), b"9" * 5_000])
def test_a_length_that_is_none_lets_nothing_through(said: bytes) -> None:
    status, _, taken = ask(app_with(Request.body), iter(lambda: b"x" * 100, None), headers=((b"content-length", said),))
    assert (status, taken <= LIMIT // 100 + 1) == (413, True)


def test_a_body_of_just_the_limit_is_taken() -> None:
    for chunks in ([b"x" * LIMIT], [b"x" * 10] * (LIMIT // 10), [b""] * 50 + [b"x" * LIMIT]):
        assert ask(app_with(Request.body), iter(chunks))[:2] == (200, b'{"bytes":1000}')


def test_what_another_app_counts_is_left_to_it() -> None:
    app, inner = app_with(Request.body, beside="/api"), app_with(Request.body)
    app.mount("/api", inner)
    assert ask(app, iter([b"x" * (LIMIT + 1)]), "/api/some")[0] == 413
    assert ask(app, iter([b"x" * LIMIT]), "/api/some")[0] == 200


def test_each_list_has_a_route_and_each_limit_is_wide_enough() -> None:
    known = {path for method, path in routes(create_app(Site())) if method == "POST"}
    assert {*LIST_FORMS, *(f"/api{path}" for path in LIST_CALLS)} <= known
    # The longest form of ticked rows, and a list that is as long as can be, each of its characters escaped.
    assert MAX_FIELDS * len("&id=9223372036854775807") + 3 * 500 < MOST
    assert LIST_FORMS["/stops/done"] > 3 * MAX_BYTES
