"""Requests to SQS without what botocore does around each: they cost half the CPU time.

The client's own connections (with its proxies, certificates and time-outs), credentials and signer are used; what is
left out is validation, serialisation by the service's model, events, parsing, and what is the same in every signature.
One attempt only: whatever is not the answer that it should be is asked for again through the client, which repeats,
waits, gives up and explains as ever. ``direct_requests`` of Airflow's configuration switches it off.

Protocol: Amazon SQS Developer Guide, "Using AWS JSON protocol with Amazon SQS".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ses_bounces.base.aws.answers import CONTENT_TYPE, Answer, read
from ses_bounces.feed.sqs.signing import Signer

log = logging.getLogger(__name__)

# Failures in a row after which botocore's own requests are used: something between us and SQS wants those.
MAX_FAILURES = 3


class DirectCalls:
    """Calls of one client's operations; safe to use from several threads."""

    def __init__(self, client: Any) -> None:
        """:raises AttributeError: this botocore's clients are built differently."""
        from urllib3.util import Retry

        meta = client.meta
        # As botocore asks for it: an endpoint with a path is left as it is.
        self._url = meta.endpoint_url if urlsplit(meta.endpoint_url).path else f"{meta.endpoint_url}/"
        self._prefix = meta.service_model.metadata["targetPrefix"]
        self._agent = meta.config.user_agent or "botocore"
        new_auth = partial(client._request_signer.get_auth_instance, meta.service_model.signing_name, meta.region_name)
        self._signer = Signer(new_auth, self._url)
        # The same connections, proxy, certificates and time-outs as the client's own.
        session = client._endpoint.http_session
        proxy = session._proxy_config.proxy_url_for(self._url)
        self._pool = session._get_connection_manager(self._url, proxy).connection_from_url(self._url)
        session._setup_ssl_cert(self._pool, self._url, session._verify)
        self._target = session._get_request_target(self._url, proxy)
        self._once = Retry(False)
        self._failures = 0

    @classmethod
    def of(cls, client: Any) -> DirectCalls | None:
        """Return the calls for a client; None: it signs, or speaks, in a way that is only its own."""
        try:
            meta = client.meta
            is_plain = meta.config.signature_version == "v4" and meta.service_model.metadata["jsonVersion"] == "1.0"
            return cls(client) if is_plain else None
        except (AttributeError, KeyError):
            return None

    def call(self, operation: str, request: dict[str, Any], is_whole: Callable[[Answer], bool]) -> Answer | None:
        """Send one request.

        :param operation: as the API names it: ``ReceiveMessage``.
        :param request: its parameters.
        :param is_whole: tells whether an answer says all that was asked.
        :returns: the answer; None: ask the client.
        """
        if self._failures >= MAX_FAILURES:
            return None
        try:
            status, headers, content = self._exchange(operation, msgspec.json.encode(request))
            found = read(operation, headers, content) if status == 200 else None
            if found is not None and is_whole(found):
                self._failures = 0
                return found
            problem = f"status {status}"
        except Exception as error:
            # Whatever it is, the client says it in its own words. Its text may have a part of a body.
            problem = type(error).__name__
        self._failures += 1
        log.info("A direct request %s failed (%s); it is made again with boto3's client", operation, problem)
        if self._failures >= MAX_FAILURES:
            log.warning("Direct requests failed %d times: from here on boto3's client makes them", MAX_FAILURES)
        return None

    def _exchange(self, operation: str, data: bytes) -> tuple[int, Mapping[str, str], bytes]:
        headers = {
            "Content-Type": CONTENT_TYPE,
            "X-Amz-Target": f"{self._prefix}.{operation}",
            "User-Agent": self._agent,
        }
        signed = self._signer.sign(operation, headers, data)
        answer = self._pool.urlopen(
            "POST", self._target, data, signed, self._once, redirect=False, assert_same_host=False
        )
        return answer.status, answer.headers, answer.data
