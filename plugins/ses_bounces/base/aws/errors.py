"""AWS's errors in words that say what to do. Neither AWS's own text nor a URL is shown: both may hold an address."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ses_bounces.base.sites import current

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

_QUEUE = 'there is no such queue; correct "queue_urls" in Airflow Variable "{variable}"'
_PERMISSION = "the connection's role lacks a permission; see the policy in docs/iam.md"
_KEY = "the access key is not known to AWS; correct the Airflow connection"
_SECRET = "the secret access key is wrong; correct the Airflow connection"  # noqa: S105
_KMS = "the role may not use the queue's KMS key; see the policy in docs/iam.md"
_KMS_DISABLED = "the queue's KMS key is disabled; enable it, or give the queue another one"
_KMS_STATE = "the queue's KMS key can't be used in its state, as while it awaits deletion; see it in the KMS console"
_KMS_USAGE = "the queue's KMS key is not one for encryption; give the queue a symmetric one"
_KMS_MISSING = "the queue's KMS key does not exist; give the queue another one"
_KMS_SIGN_UP = "the account has not signed up for KMS; do so, or give the queue a key of another account"
_SLOWLY = "AWS asks for fewer requests; the next try goes on where this stopped"
_EXPIRED = "the credentials have expired; renew those of the Airflow connection"

# A retry would meet the same.
_ADVICE = {
    "QueueDoesNotExist": _QUEUE,
    "NonExistentQueue": _QUEUE,
    "AccessDenied": _PERMISSION,
    "AccessDeniedException": _PERMISSION,
    "AuthorizationError": _PERMISSION,
    "AuthorizationErrorException": _PERMISSION,
    "UnauthorizedOperation": _PERMISSION,
    "InvalidClientTokenId": _KEY,
    "UnrecognizedClientException": _KEY,
    "InvalidAccessKeyId": _KEY,
    "SignatureDoesNotMatch": _SECRET,
    "InvalidSignatureException": _SECRET,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": "the clock of this machine is wrong; correct it",
    "OptInRequired": "the account has not enabled this region; enable it, or name another one",
    # botocore gives the code that SQS's former protocol had; others give the JSON protocol's.
    "KMS.AccessDeniedException": _KMS,
    "KmsAccessDenied": _KMS,
    "KMS.DisabledException": _KMS_DISABLED,
    "KmsDisabled": _KMS_DISABLED,
    "KMS.InvalidStateException": _KMS_STATE,
    "KmsInvalidState": _KMS_STATE,
    "KMS.InvalidKeyUsageException": _KMS_USAGE,
    "KmsInvalidKeyUsage": _KMS_USAGE,
    "KMS.NotFoundException": _KMS_MISSING,
    "KmsNotFound": _KMS_MISSING,
    "KMS.OptInRequired": _KMS_SIGN_UP,
    "KmsOptInRequired": _KMS_SIGN_UP,
    "NoSuchBucket": "there is no such bucket; correct the setting",
    "LimitExceeded": "the account has as many of these as it may; delete one, or ask AWS for more",
    "LimitExceededException": "the account has as many of these as it may; delete one, or ask AWS for more",
    "BadRequestException": "AWS does not accept a value; see AWS's documentation of this operation",
    "InvalidParameterValue": "AWS does not accept a value; see AWS's documentation of this operation",
    "InvalidParameter": "AWS does not accept a value; see AWS's documentation of this operation",
    "AccountSuspendedException": "AWS has suspended the account's sending; see the SES console",
}
_THROTTLING = (
    "TooManyRequestsException", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
    "RequestThrottledException", "RequestLimitExceeded", "SlowDown", "KMS.ThrottlingException", "KmsThrottled",
)  # fmt: skip
# These pass by themselves.
_PASSING = {
    "OverLimit": "too many messages are in flight; they come back when their visibility timeout ends",
    "QueueDeletedRecently": "a queue of this name was deleted less than a minute ago; try again in a minute",
    "ConcurrentModificationException": "another process changes the same thing; try again",
    **dict.fromkeys(_THROTTLING, _SLOWLY),
}
# botocore's own errors, by class.
_LOCAL = {
    "NoCredentialsError": "there are no credentials; give the Airflow connection an access key or a role",
    "PartialCredentialsError": "the credentials are incomplete; correct the Airflow connection",
    "ProfileNotFound": "the profile is not in AWS's configuration files; correct the Airflow connection",
    "NoRegionError": "no region is known; give the Airflow connection a region_name",
    "InvalidRegionError": "this is no region; correct the Airflow connection or the setting",
    "EndpointVariantError": "the region has no FIPS endpoint of this service; set use_fips_endpoint to false",
    "EndpointProviderError": (
        "there is no such endpoint; a connection with an endpoint_url can't use use_fips_endpoint"
    ),
    "ParamValidationError": "a value has the wrong form; correct the setting",
}
_NO_FIPS_HOST = (
    "there is no such host: AWS has no FIPS endpoint of this service in this region; set use_fips_endpoint to false "
    "(and in the Airflow connection, if that asks for it), or use a region that has one"
)
_NO_HOST = "there is no such host; check the Airflow connection's region_name and endpoint_url"
_NO_DNS = "the host's address can't be found out at the moment; check the DNS of this machine if it stays so"
# botocore raises these itself too; a retry may succeed.
_CONNECTION = {
    "SSLError": (
        'the server must speak TLS 1.2 or later, with a certificate of an authority that "verify" of the Airflow '
        "connection, or the variable AWS_CA_BUNDLE, names"
    ),
}


def needs_a_person(error: ClientError | BotoCoreError) -> bool:
    """Tell whether a retry would meet the same refusal."""
    code = code_of(error)
    if code is None:
        return type(error).__name__ in _LOCAL or _lookup(error) == _NO_FIPS_HOST
    return _known(code, _ADVICE) is not None


def is_throttling(code: str) -> bool:
    """Tell whether a code of AWS asks for fewer requests."""
    return any(name in _THROTTLING for name in _names(code))


def is_for_good(error: BaseException) -> bool:
    """Tell whether a failure to connect is met by every later request: a certificate, a host that is not there."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)) or _lookup(error) in (
        _NO_FIPS_HOST,
        _NO_HOST,
    )


def code_of(error: ClientError | BotoCoreError) -> str | None:
    """Return AWS's error code; None where the error is botocore's own."""
    response = getattr(error, "response", None)
    return None if response is None else str(response.get("Error", {}).get("Code", "unknown"))


def explain(error: ClientError | BotoCoreError, action: str, what: str) -> str:
    """Say in one sentence what AWS refused and what to do.

    :param action: the API operation, like ``sqs:ReceiveMessage``.
    :param what: the resource, like a queue's URL; never an address.
    """
    code = code_of(error)
    if code is None:
        # botocore raised it, not AWS: no credentials, no route, a time-out.
        name = type(error).__name__
        host = _host(error)
        advice = _lookup(error) or (_LOCAL | _CONNECTION).get(
            name, "check the Airflow connection's region, endpoint and credentials"
        )
        return f"{action} on {what} failed ({name}{f', {host}' if host else ''}): {advice}."
    advice = _known(code, _ADVICE | _PASSING) or "see AWS's documentation of this error"
    advice = advice.replace("{variable}", current().variable)
    return f"{action} on {what} was refused ({code}): {advice}."


def _known(code: str, advice: dict[str, str]) -> str | None:
    # "KMS.ThrottlingException" is none of SQS's own; a name that says more counts before the part of it.
    known = _ADVICE | _PASSING
    first = next((name for name in _names(code) if name in known), None)
    return advice.get(first) if first else None


def _names(code: str) -> tuple[str, str, str]:
    # The JSON protocol may prefix a namespace, the query protocol a service.
    name = code.rpartition("#")[2]
    return code, name, name.rpartition(".")[2]


def _host(error: BaseException) -> str | None:
    return urlsplit(str(getattr(error, "kwargs", {}).get("endpoint_url") or "")).hostname


def _lookup(error: BaseException) -> str | None:
    """Say what to do where a host's name could not be looked up; None: that is not what failed."""
    failed = next((cause for cause in _causes(error) if isinstance(cause, socket.gaierror)), None)
    if failed is None:
        return None
    if failed.errno not in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
        return _NO_DNS
    return _NO_FIPS_HOST if "-fips." in f"{_host(error)}." else _NO_HOST


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that led to it."""
    seen: list[BaseException | None] = [None]
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop()
        if cause is None or any(cause is one for one in seen):
            continue
        seen.append(cause)
        yield cause
        # botocore keeps urllib3's as a value, urllib3 the system's as one or in "reason".
        kept = [getattr(cause, "kwargs", {}).get("error"), getattr(cause, "reason", None), *cause.args]
        waiting += [cause.__cause__, cause.__context__, *(one for one in kept if isinstance(one, BaseException))]
