"""Signatures of like requests, of which only time and body differ: botocore's, with what is the same in all kept.

Method: AWS Identity and Access Management User Guide, "Create a signed AWS API request" (Signature Version 4).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

# Access key, secret key and session token; None: there are none.
Credentials = tuple[str, str, str | None] | None


@dataclass(frozen=True, repr=False)
class _Kept:
    """What the requests of one operation have in common, on one day (UTC) and with the same credentials."""

    credentials: Credentials
    day: str
    # botocore's canonical request in two pieces: the time comes between them, the hash of the body after them.
    canonical: tuple[str, str]
    scope: str
    key: bytes
    headers: dict[str, str]
    # The header Authorization up to the signature.
    authorization: str

    def sign(self, at: str, data: bytes) -> dict[str, str]:
        before, after = self.canonical
        canonical = f"{before}{at}{after}{hashlib.sha256(data).hexdigest()}"
        text = f"AWS4-HMAC-SHA256\n{at}\n{self.scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self.key, text.encode(), "sha256").hex()
        return {**self.headers, "X-Amz-Date": at, "Authorization": f"{self.authorization}{signature}"}


class Signer:
    """Signs POST requests to one URL; safe to use from several threads."""

    def __init__(self, new_auth: Callable[[], Any], url: str) -> None:
        """:param new_auth: gives botocore's ``SigV4Auth`` with the credentials of the moment."""
        self._new_auth = new_auth
        self._url = url
        self._kept: dict[str, _Kept] = {}
        self._agrees = True

    def sign(self, operation: str, headers: dict[str, str], data: bytes) -> dict[str, str]:
        """Return the headers of a request, signed.

        :param operation: what ``headers`` depend on, and nothing else.
        :raises BotoCoreError: there are no credentials, or they can't be refreshed.
        """
        # Asks the credentials each time: they refresh themselves.
        auth = self._new_auth()
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        kept = self._kept.get(operation)
        if kept is not None and kept.day == at[:8] and kept.credentials == _credentials(auth):
            return kept.sign(at, data)
        signed, canonical = self._by_botocore(auth, headers, data)
        if self._agrees:
            self._keep(operation, auth, signed, canonical, data)
        return signed

    def _by_botocore(self, auth: Any, headers: dict[str, str], data: bytes) -> tuple[dict[str, str], str]:
        from botocore.awsrequest import AWSRequest

        request = AWSRequest("POST", self._url, headers, data)
        auth.add_auth(request)
        signed = dict(request.headers.items())
        del request.headers["Authorization"]
        return signed, auth.canonical_request(request)

    def _keep(self, operation: str, auth: Any, signed: dict[str, str], canonical: str, data: bytes) -> None:
        at, digest = signed["X-Amz-Date"], hashlib.sha256(data).hexdigest()
        before, _, after = canonical.removesuffix(digest).partition(at)
        authorization = signed["Authorization"].rpartition("Signature=")[0]
        # "AWS4-HMAC-SHA256 Credential=KEY/day/region/service/aws4_request, SignedHeaders=…"
        scope = authorization.partition(",")[0].partition("/")[2]
        key = f"AWS4{auth.credentials.secret_key}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        same = {name: value for name, value in signed.items() if name not in ("X-Amz-Date", "Authorization")}
        kept = _Kept(_credentials(auth), at[:8], (before, after), scope, key, same, f"{authorization}Signature=")
        if kept.sign(at, data) == signed:
            self._kept[operation] = kept
            return
        self._agrees = False
        log.warning("botocore signs in another way than is known here: each direct request is signed by it")


def _credentials(auth: Any) -> Credentials:
    found = auth.credentials
    return None if found is None else (found.access_key, found.secret_key, found.token)
