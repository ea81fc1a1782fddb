"""AWS's errors in words that say what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

_ADVICE = {
    "QueueDoesNotExist": 'there is no such queue; correct "queue_urls" in Airflow Variable "ses_bounces"',
    "AWS.SimpleQueueService.NonExistentQueue": (
        'there is no such queue; correct "queue_urls" in Airflow Variable "ses_bounces"'
    ),
    "AccessDenied": "the connection's role lacks a permission; see the policy in docs/iam.md",
    "AccessDeniedException": "the connection's role lacks a permission; see the policy in docs/iam.md",
    "InvalidClientTokenId": "the access key is not known to AWS; correct the Airflow connection",
    "SignatureDoesNotMatch": "the secret access key is wrong; correct the Airflow connection",
    "ExpiredToken": "the credentials have expired; renew those of the Airflow connection",
    "ExpiredTokenException": "the credentials have expired; renew those of the Airflow connection",
    "OverLimit": "too many messages are in flight; they come back when their visibility timeout ends",
    "KmsAccessDenied": "the role may not use the queue's KMS key; see the policy in docs/iam.md",
}


def needs_a_person(error: ClientError | BotoCoreError) -> bool:
    """Tell whether a retry would meet the same refusal."""
    code = _code(error)
    return code is not None and any(name in _ADVICE and name != "OverLimit" for name in _names(code))


def explain(error: ClientError | BotoCoreError, action: str, what: str) -> str:
    """Say in one sentence what AWS refused and what to do.

    :param action: the API operation, like ``sqs:ReceiveMessage``.
    :param what: the resource, like a queue's URL.
    """
    code = _code(error)
    if code is None:
        # Of botocore itself: no credentials, no route, a time-out. Its text names no message content.
        return f"{action} on {what} failed: {error}. Check the Airflow connection's region, endpoint and credentials."
    advice = next((_ADVICE[name] for name in _names(code) if name in _ADVICE), "see AWS's documentation of this error")
    return f"{action} on {what} was refused ({code}): {advice}."


def _code(error: ClientError | BotoCoreError) -> str | None:
    response = getattr(error, "response", None)
    return None if response is None else str(response.get("Error", {}).get("Code", "unknown"))


def _names(code: str) -> tuple[str, str]:
    # The JSON protocol may prefix a namespace, the query protocol a service.
    return code, code.rpartition("#")[2].rpartition(".")[2]
