"""AWS's errors in words that say what to do. Neither AWS's own text nor a URL is shown: both may hold an address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ses_bounces.base.sites import current

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

_QUEUE = 'there is no such queue; correct "queue_urls" in Airflow Variable "{variable}"'
_PERMISSION = "the connection's role lacks a permission; see the policy in docs/iam.md"
_KEY = "the access key is not known to AWS; correct the Airflow connection"
_SECRET = "the secret access key is wrong; correct the Airflow connection"  # noqa: S105
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
    "KmsAccessDenied": "the role may not use the queue's KMS key; see the policy in docs/iam.md",
    "NoSuchBucket": "there is no such bucket; correct the setting",
    "LimitExceeded": "the account has as many of these as it may; delete one, or ask AWS for more",
    "LimitExceededException": "the account has as many of these as it may; delete one, or ask AWS for more",
    "BadRequestException": "AWS does not accept a value; see AWS's documentation of this operation",
    "InvalidParameterValue": "AWS does not accept a value; see AWS's documentation of this operation",
    "InvalidParameter": "AWS does not accept a value; see AWS's documentation of this operation",
    "AccountSuspendedException": "AWS has suspended the account's sending; see the SES console",
}
# These pass by themselves.
_PASSING = {
    "OverLimit": "too many messages are in flight; they come back when their visibility timeout ends",
    "QueueDeletedRecently": "a queue of this name was deleted less than a minute ago; try again in a minute",
    "ConcurrentModificationException": "somebody else changes the same thing; try again",
    "TooManyRequestsException": "AWS asks for fewer requests; the next try goes on where this stopped",
    "Throttling": "AWS asks for fewer requests; the next try goes on where this stopped",
    "ThrottlingException": "AWS asks for fewer requests; the next try goes on where this stopped",
    "RequestThrottled": "AWS asks for fewer requests; the next try goes on where this stopped",
    "SlowDown": "AWS asks for fewer requests; the next try goes on where this stopped",
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
        return type(error).__name__ in _LOCAL
    return any(name in _ADVICE for name in _names(code))


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
        host = urlsplit(str(getattr(error, "kwargs", {}).get("endpoint_url") or "")).hostname
        advice = (_LOCAL | _CONNECTION).get(name, "check the Airflow connection's region, endpoint and credentials")
        return f"{action} on {what} failed ({name}{f', {host}' if host else ''}): {advice}."
    known = _ADVICE | _PASSING
    advice = next((known[name] for name in _names(code) if name in known), "see AWS's documentation of this error")
    advice = advice.replace("{variable}", current().variable)
    return f"{action} on {what} was refused ({code}): {advice}."


def _names(code: str) -> tuple[str, str]:
    # The JSON protocol may prefix a namespace, the query protocol a service.
    return code, code.rpartition("#")[2].rpartition(".")[2]
