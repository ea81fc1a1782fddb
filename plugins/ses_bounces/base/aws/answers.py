"""What SQS answers, and what comes with status 200 and is no answer of SQS: a proxy's page, a cut answer, ``null``.

Taken for one, it would be an empty queue, or messages that are deleted.

Protocol: Amazon SQS Developer Guide, "Using AWS JSON protocol with Amazon SQS"; Amazon SQS API Reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NotRequired, TypedDict

import msgspec

from ses_bounces.base.exceptions import FeedError

CONTENT_TYPE = "application/x-amz-json-1.0"

Answer = dict[str, Any]


class Received(TypedDict):
    """A message as ReceiveMessage gives it; ``Attributes``: those that were asked for, as decimal numbers."""

    MessageId: str
    ReceiptHandle: str
    Body: str
    Attributes: NotRequired[dict[str, str]]


class _Receive(TypedDict, total=False):
    Messages: list[Received] | None


class _Item(TypedDict):
    Id: str


class _Batch(TypedDict, total=False):
    Successful: list[_Item] | None
    Failed: list[_Item] | None


class _Attributes(TypedDict):
    Attributes: dict[str, str]


class _QueueUrl(TypedDict):
    QueueUrl: str


_FORMS: dict[str, Any] = {
    "ReceiveMessage": _Receive,
    "DeleteMessageBatch": _Batch,
    "ChangeMessageVisibilityBatch": _Batch,
    "GetQueueAttributes": _Attributes,
    "GetQueueUrl": _QueueUrl,
}


def read(operation: str, headers: Mapping[str, str], content: bytes) -> Answer | None:
    """Return the answer of an operation with status 200; None: this is no answer of SQS.

    :param operation: as the API names it: ``ReceiveMessage``.
    """
    if not content:
        # What an operation without a result answers; of those with one, only ReceiveMessage may have none.
        is_result_needed = operation in _FORMS and (operation != "ReceiveMessage" or not _is_of_sqs(headers))
        return None if is_result_needed else {}
    try:
        found: Answer = msgspec.json.decode(content, type=_FORMS.get(operation, dict[str, Any]))
        if operation == "ReceiveMessage" and "Messages" not in found and msgspec.json.decode(content) != {}:
            return None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return found


def refused(answer: Answer, ids: Sequence[str]) -> list[str] | None:
    """Return which of the ids of a batch were refused; None: the answer doesn't say of each what became of it."""
    failed = _ids(answer.get("Failed"))
    return failed if {*failed, *_ids(answer.get("Successful"))} == set(ids) else None


def strange(action: str, what: str, described: str) -> FeedError:
    """Return the error that says what is no answer of SQS.

    :param described: what was answered instead; never a part of it.
    """
    return FeedError(
        f"{action} on {what} was answered with status 200 by something that is not SQS ({described}). Look for a proxy "
        "or a login page on the way, and check the Airflow connection's endpoint_url and proxies."
    )


def refuse_strange_answers(client: Any) -> None:
    """Have a client of SQS raise ``FeedError`` for what is no answer of SQS; botocore reads it as an empty one."""
    if client.meta.service_model.resolved_protocol == "json":
        client.meta.events.register("before-parse", partial(_refuse_strange, client.meta.endpoint_url))


def describe(headers: Mapping[str, str], content: bytes) -> str:
    """Say what was answered, without a part of it."""
    return f"Content-Type {headers.get('Content-Type', 'missing')[:80]}, {len(content)} bytes"


def _refuse_strange(endpoint_url: str, operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    headers, content = response_dict["headers"], response_dict["body"]
    if response_dict["status_code"] == 200 and read(operation_model.name, headers, content) is None:
        raise strange(f"sqs:{operation_model.name}", endpoint_url, describe(headers, content))


def _is_of_sqs(headers: Mapping[str, str]) -> bool:
    is_json = headers.get("Content-Type", "").partition(";")[0].strip() == CONTENT_TYPE
    return is_json and bool(headers.get("x-amzn-RequestId"))


def _ids(items: Iterable[Any] | None) -> list[str]:
    return [item["Id"] for item in items or ()]
