"""The certificates that SNS signs messages with: fetched once, and what can't be had is not asked for again.

An object is for one run. It asks over the connections of an AWS client, with the proxies and the authorities that the
Airflow connection names, and without credentials.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ses_bounces.base.aws.clients import Place, open_client
from ses_bounces.base.exceptions import CertificateError
from ses_bounces.base.settings import Settings
from ses_bounces.classify.signature import fault_of, host_of, public_key
from ses_bounces.classify.structs import Node

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

log = logging.getLogger(__name__)

READ_SECONDS = 10
PAUSES = (1.0, 2.0)
# All that is spent in a run on what can't be had.
MAX_SECONDS = 60
MAX_BYTES = 64 * 1024
# There is none, says the host.
_ABSENT = (403, 404, 410)

# Status and body of the answer to GET; raises OSError.
Fetch = Callable[[str], tuple[int, bytes]]


class Certificates:
    """Public keys by URL; use it from one thread at a time, and never within a transaction."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._keys: dict[str, RSAPublicKey] = {}
        self._absent: dict[str, int] = {}
        # By host, or by URL: what stood in the way.
        self._failed: dict[str, str] = {}
        self._hosts: set[str] = set()
        self._spent = 0.0

    @classmethod
    def of(cls, settings: Settings) -> Certificates:
        """Return those that are fetched as the settings' connection says."""
        return cls(_Fetcher(settings))

    def fault_of(self, node: Node) -> str | None:
        """Say what is wrong with the signature of an envelope; None: it is right.

        :raises CertificateError: its certificate can't be had.
        """
        return fault_of(node, self._key_of)

    def _key_of(self, url: str) -> RSAPublicKey | None:
        host = host_of(url) or ""
        if url not in self._keys and url not in self._absent:
            problem = self._failed.get(host) or self._failed.get(url) or self._ask(url, host)
            if problem is not None:
                raise _not_to_be_had(url, host, problem)
        if url in self._keys:
            return self._keys[url]
        if host in self._hosts:
            # It gave others: nothing is in the way, and whoever named this one made it up.
            return None
        raise _not_to_be_had(url, host, f"status {self._absent[url]}")

    def _ask(self, url: str, host: str) -> str | None:
        """Fetch a certificate; return what stood in the way, if anything did."""
        if self._spent > MAX_SECONDS:
            return f"others took {MAX_SECONDS} seconds"
        began = time.monotonic()
        try:
            status, content = self._fetched(url)
        except OSError as error:
            self._spent += time.monotonic() - began
            self._failed[host] = str(error)
            return str(error)
        if status in _ABSENT:
            self._absent[url] = status
            return None
        key = public_key(content) if status == 200 else None
        if key is None:
            self._spent += time.monotonic() - began
            self._failed[url] = f"status {status}" if status != 200 else "what was answered is no certificate"
            return self._failed[url]
        self._keys[url] = key
        self._hosts.add(host)
        return None

    def _fetched(self, url: str) -> tuple[int, bytes]:
        for pause in PAUSES:
            try:
                status, content = self._fetch(url)
                if status < 500:
                    return status, content
            except OSError as error:
                log.info("%s can't be fetched (%s); it is tried again", url, error)
            time.sleep(pause)
        return self._fetch(url)


def _not_to_be_had(url: str, host: str, problem: str) -> CertificateError:
    return CertificateError(
        f"A certificate can't be had: {url} ({problem}). Let the workers reach {host} on port 443, directly or "
        "through the proxies of the Airflow connection (or HTTPS_PROXY), or set verify_signatures to false. What was "
        "signed with it stays pending; the next run goes on."
    )


class _Fetcher:
    """Fetches with the HTTP session of a client: its proxies, authorities, time-outs and TLS."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _session(self) -> Any:
        queue = self._settings.queue_urls[0]
        place = Place(self._settings.queue_connection(queue), queue.region)
        return open_client("sns", place, read_seconds=READ_SECONDS, attempts=1)._endpoint.http_session

    def __call__(self, url: str) -> tuple[int, bytes]:
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        request = AWSRequest("GET", url, {"User-Agent": "airflow-ses-bounces"}, stream_output=True).prepare()
        try:
            # It follows no redirection.
            answer = self._session.send(request)
            try:
                return answer.status_code, answer.raw.read(MAX_BYTES)
            finally:
                answer.raw.close()
        except (BotoCoreError, HTTPError) as error:
            # Their texts may name a proxy's password.
            raise OSError(type(error).__name__) from None
