"""Unwrap the body of an SQS message and decode it into typed SES events.

A body is an SNS envelope, a bare SES message (raw delivery), an EventBridge event, or a Lambda-style ``Records[]``
of any of these. Field reference: Amazon SES Developer Guide, "Amazon SNS notification contents", "Contents of
event data that Amazon SES publishes to Amazon SNS", and "Monitoring Amazon SES events using EventBridge".

Nothing here raises on any input: what can't be understood becomes a :class:`Problem`.
"""

from __future__ import annotations

import functools
import json
import re
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args

import msgspec

MAX_ENVELOPES = 6

_S = TypeVar("_S", bound=msgspec.Struct)

# What SES publishes, as plain text, when an event destination is set up.
_VALIDATION_TEXT = "Successfully validated SNS topic for Amazon SES"
_SPACE_BEFORE_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")


class Recipient(msgspec.Struct, gc=False):
    """An element of ``bouncedRecipients`` or ``complainedRecipients``."""

    emailAddress: str | None = None
    status: str | None = None
    diagnosticCode: str | None = None


class Bounce(msgspec.Struct, gc=False):
    """The ``bounce`` object."""

    bounceType: str | None = None
    bounceSubType: str | None = None
    bouncedRecipients: list[Recipient] | None = None
    timestamp: str | None = None
    feedbackId: str | None = None


class Complaint(msgspec.Struct, gc=False):
    """The ``complaint`` object."""

    complainedRecipients: list[Recipient] | None = None
    complaintFeedbackType: str | None = None
    complaintSubType: str | None = None
    timestamp: str | None = None
    feedbackId: str | None = None


class Delivery(msgspec.Struct, gc=False):
    """The ``delivery`` object."""

    recipients: list[str] | None = None
    timestamp: str | None = None


class Mail(msgspec.Struct, gc=False):
    """The ``mail`` object, as far as it is used; headers are skipped unread."""

    timestamp: str | None = None
    messageId: str | None = None
    source: str | None = None
    destination: list[str] | None = None
    tags: dict[str, list[str]] | None = None


class Node(msgspec.Struct, gc=False):
    """Any JSON object on the way to an event: each field belongs to one of the shapes named above."""

    Type: str | None = None
    TopicArn: str | None = None
    Message: str | Node | None = None
    Timestamp: str | None = None
    source: str | None = None
    time: str | None = None
    detail: Node | None = None
    Records: list[Record] | None = None
    notificationType: str | None = None
    eventType: str | None = None
    mail: Mail | None = None
    bounce: Bounce | None = None
    complaint: Complaint | None = None
    delivery: Delivery | None = None


class Record(Node, gc=False):
    """An element of ``Records[]``: of a Lambda event from SNS, from SQS, from an SES receipt rule, or a bare shape."""

    Sns: Node | None = None
    body: str | Node | None = None
    ses: dict[str, Any] | None = None


class Event(msgspec.Struct, frozen=True, gc=False):
    """One SES event.

    ``type`` is the value of ``notificationType`` or ``eventType``; the SNS control messages appear under their SNS
    ``Type``. ``topic_arn`` and ``published_at`` (aware, UTC) come from the innermost envelope that has them.
    """

    type: str
    content: Node
    topic_arn: str | None
    published_at: datetime | None


class Problem(msgspec.Struct, frozen=True, gc=False):
    """A part of a body that could not be understood; ``reason`` holds no content of the message."""

    reason: str
    topic_arn: str | None = None
    published_at: datetime | None = None


class _Envelope(msgspec.Struct, frozen=True, gc=False):
    topic_arn: str | None = None
    published_at: datetime | None = None
    depth: int = 0

    def inside(self, topic_arn: str | None = None, timestamp: str | None = None) -> _Envelope:
        return _Envelope(topic_arn or self.topic_arn, parse_time(timestamp) or self.published_at, self.depth + 1)

    def problem(self, reason: str) -> list[Event | Problem]:
        return [Problem(reason, self.topic_arn, self.published_at)]

    def event(self, type_: str, content: Node) -> list[Event | Problem]:
        return [Event(type_, content, self.topic_arn, self.published_at)]


_decode_node = msgspec.json.Decoder(Node).decode


def unwrap(body: str | bytes) -> list[Event | Problem]:
    """Return the SES events of one SQS message body, at least one event or problem.

    :param body: the body as SQS gave it.
    :raises: nothing.
    """
    try:
        return _unwrap_text(body if isinstance(body, str) else body.decode("utf-8", "replace"), _Envelope())
    except RecursionError:
        return [Problem("nested too deeply")]


def parse_time(text: str | None) -> datetime | None:
    """Return a reported time as aware UTC, or None where it can't be read; a time without zone is taken as UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(_SPACE_BEFORE_OFFSET.sub("", text.strip()))
        except ValueError:
            return None
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None


def clean(text: str | None, limit: int) -> str | None:
    """Make a text fit for Postgres: NUL and lone surrogates become U+FFFD, at most ``limit`` characters stay."""
    if text is None:
        return None
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if len(text) <= limit else text[:limit]


def _unwrap_text(text: str, envelope: _Envelope) -> list[Event | Problem]:
    stripped = text.strip().removeprefix("\ufeff")
    if stripped.startswith(_VALIDATION_TEXT):
        return envelope.event("TopicValidated", Node())
    if not stripped:
        return envelope.problem("empty message")
    node = _decode(stripped)
    return envelope.problem(node) if isinstance(node, str) else _unwrap_node(node, envelope)


def _unwrap_node(node: Node, envelope: _Envelope) -> list[Event | Problem]:
    if envelope.depth > MAX_ENVELOPES:
        return envelope.problem("nested too deeply")
    if isinstance(node, Record):
        if node.ses is not None:
            return envelope.event("Received", node)
        for inner in (node.Sns, node.body):
            if inner is not None:
                return _unwrap_any(inner, envelope.inside())
    if node.Records:
        inside = envelope.inside()
        return [item for record in node.Records for item in _unwrap_node(record, inside)]
    if node.Type in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        return envelope.inside(node.TopicArn, node.Timestamp).event(node.Type, node)
    if node.Message is not None and node.Type in ("Notification", None):
        return _unwrap_any(node.Message, envelope.inside(node.TopicArn, node.Timestamp))
    if node.source == "aws.ses" and node.detail is not None:
        return _unwrap_node(node.detail, envelope.inside(timestamp=node.time))
    type_ = node.notificationType or node.eventType
    return envelope.event(type_, node) if type_ else envelope.problem("not an SES event: it has no type")


def _unwrap_any(inner: str | Node, envelope: _Envelope) -> list[Event | Problem]:
    return _unwrap_text(inner, envelope) if isinstance(inner, str) else _unwrap_node(inner, envelope)


def _decode(text: str) -> Node | str:
    """Return the decoded object, or the reason why there is none."""
    try:
        return _decode_node(text)
    except msgspec.ValidationError:
        # A field of an unexpected type must not hide the others: decode again, leaving out what doesn't fit.
        return _convert(text)
    except (msgspec.DecodeError, UnicodeError):
        return _convert(text) if "\\ud" in text.lower() or not _is_encodable(text) else "not JSON"


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeError:
        return False
    return True


def _convert(text: str) -> Node | str:
    try:
        loaded = json.loads(text)
    except ValueError:
        return "not JSON"
    return _fit(loaded, Node) if isinstance(loaded, dict) else "not a JSON object"


@functools.cache
def _fields(struct: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.type) for field in msgspec.structs.fields(struct))


def _fit(loaded: dict[str, Any], struct: type[_S]) -> _S:
    """Build ``struct`` from what of a decoded object has the right type; the rest stays None."""
    return struct(**{name: _fit_value(loaded[name], type_) for name, type_ in _fields(struct) if name in loaded})


def _fit_value(value: Any, type_: Any) -> Any:
    for option in get_args(type_) or (type_,):
        if isinstance(value, dict) and isinstance(option, type) and issubclass(option, msgspec.Struct):
            return _fit(value, option)
        element = get_args(option)
        if isinstance(value, list) and element and issubclass(element[0], msgspec.Struct):
            # An element that is no object keeps its place: one of many recipients that can't be read is a problem.
            return [_fit(item if isinstance(item, dict) else {}, element[0]) for item in value]
        try:
            return msgspec.convert(value, option)
        except msgspec.ValidationError:
            continue
    return None
