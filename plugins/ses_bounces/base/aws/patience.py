"""Pauses before a request is made again: ours, since those of botocore 1.44 end within half a second.

Method: AWS Builders' Library, "Timeouts, retries, and backoff with jitter".
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from ses_bounces.base.aws.errors import is_for_good, is_throttling

# Seconds. An outage that is no longer than this fails no task; more delays a failure by as much.
PATIENCE_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
_STATUSES = (429, 500, 502, 503, 504)
_FAILING_SINCE = "ses_bounces_failing_since"


class Patience:
    """Has requests repeated that failed for a reason that passes."""

    def __init__(self, attempts: int, seconds: float = PATIENCE_SECONDS) -> None:
        """:param attempts: the fewest requests before an error is raised; 1: nothing is repeated.

        :param seconds: how long after its first failure a request is repeated.
        """
        self.attempts = attempts
        self.seconds = seconds

    def register(self, events: Any, service: str) -> None:
        """Have requests to a service wait, before botocore says how long they would.

        :param events: a client's, or those of a session whose clients are made afterwards.
        :param service: as botocore's events name it: ``sqs``.
        """
        events.register_first(f"needs-retry.{service}", self.pause)

    def pause(
        self,
        *,
        response: tuple[Any, Mapping[str, Any]] | None,
        attempts: int,
        caught_exception: BaseException | None,
        request_dict: Mapping[str, Any],
        **_: Any,
    ) -> float | None:
        """Return the seconds until a request is made again; None: botocore decides.

        :param response: HTTP response and what was parsed of it.
        :param attempts: how many requests there were.
        """
        if self.attempts <= 1 or not _passes(response, caught_exception):
            return None
        now = time.monotonic()
        since: float = request_dict["context"].setdefault(_FAILING_SINCE, now)
        if attempts >= self.attempts and now - since >= self.seconds:
            return None
        # Clients that failed together are not to come back together.
        spread = random.uniform(0.75, 1.25)  # noqa: S311
        return spread * min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, 10))


def _passes(response: tuple[Any, Mapping[str, Any]] | None, error: BaseException | None) -> bool:
    from botocore.exceptions import ConnectionError, HTTPClientError

    if response is None:
        return isinstance(error, ConnectionError | HTTPClientError) and not is_for_good(error)
    http, parsed = response
    return http.status_code in _STATUSES or is_throttling(str(parsed.get("Error", {}).get("Code")))
