"""How large a request's body may be: counted while it is read, before anything parses it.

Who sends it is asked first: what is too large for its route is refused before its first byte is read if it says its
length, and as soon as it is over the limit if it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from ses_bounces.actions.tables import MAX_BYTES
from ses_bounces.ledger.lists.lookup import MAX_ADDRESSES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# 10,000 ids with their names, a reason and a token: 300 kB.
MOST = 512 * 1024
# A form spells most characters with three, and has more than the list in it.
MOST_OF_A_LIST_FORM = 3 * MAX_BYTES + 64 * 1024
# By path below the root of the pages, or of the API; of all others it is MOST.
LIST_FORMS = dict.fromkeys(
    ("/stops/preview", "/stops/done", "/lifts/preview", "/check", "/check.csv"), MOST_OF_A_LIST_FORM
)
LIST_CALLS = dict.fromkeys(("/check", "/block"), MAX_BYTES)


class BoundedBody:
    """ASGI middleware that lets no route read more of a body than the route's limit.

    It has to be the innermost one: what it raises is answered by the app's handlers of errors.
    """

    def __init__(self, app: ASGIApp, limits: dict[str, int], beside: str | None = None) -> None:
        """
        :param limits: bytes by path; :data:`MOST` for all others.
        :param beside: a path below which another app counts for itself.
        """
        self._app = app
        self._limits = limits
        self._beside = beside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] != "http" or (self._beside and path.startswith(f"{self._beside}/")):
            await self._app(scope, receive, send)
            return
        await self._app(scope, _counting(scope, receive, self._limits.get(path, MOST)), send)


def _counting(scope: Scope, receive: Receive, most: int) -> Receive:
    """Return what receives a body, up to a number of bytes."""
    said = Headers(scope=scope).get("content-length", "")
    size = 0

    async def receive_some() -> Message:
        nonlocal size
        # A server reads no more than was said.
        if said.isdecimal() and int(said[:20]) > most:
            raise too_large(most)
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise too_large(most)
        return message

    return receive_some


def too_large(most: int) -> HTTPException:
    """Return the answer to a body that is over a limit."""
    return HTTPException(
        413,
        f"What was sent is larger than {most:,} bytes, the most that is taken here. Send it in parts: of addresses, "
        f"{MAX_ADDRESSES:,} at most at a time.",
    )
