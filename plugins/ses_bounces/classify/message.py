"""Unwrap the body of an SQS message and decode it into typed SES events.

A body is an SNS envelope, a bare SES message (raw delivery), an EventBridge event, or a Lambda-style ``Records[]``
of any of these. Field reference: Amazon SES Developer Guide, "Amazon SNS notification contents", "Contents of
event data that Amazon SES publishes to Amazon SNS", and "Monitoring Amazon SES events using EventBridge".

Nothing here raises on any input: what can't be understood becomes a :class:`Problem`.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from ses_bounces.classify.fitting import Addresses, fit

MAX_ENVELOPES = 6
# As many as Lambda takes from SQS at once.
MAX_RECORDS = 10_000
MAX_TIME_CHARACTERS = 40

# What SES publishes, as plain text, when an event destination is set up.
_VALIDATION_TEXT = "Successfully validated SNS topic for Amazon SES"
_SPACE_BEFORE_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")
_PAIRS = re.compile("(?:[\ud800-\udbff][\udc00-\udfff])+")
_SURROGATES = re.compile("[\ud800-\udfff]+")
_TOO_DEEP = "nested too deeply"
# Shapes that are told by something else: as the type of an event of SES they are none.
ENVELOPE_TYPES = ("SubscriptionConfirmation", "UnsubscribeConfirmation", "TopicValidated")


class Recipient(msgspec.Struct, gc=False):
    """An element of ``bouncedRecipients`` or ``complainedRecipients``."""

    emailAddress: str | None = None
    # Whatever they are: that one is there tells a failure from an auto-reply.
    action: Any = None
    status: Any = None
    diagnosticCode: Any = None


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

    recipients: Addresses | None = None
    timestamp: str | None = None


class Mail(msgspec.Struct, gc=False):
    """The ``mail`` object, as far as it is used; headers are skipped unread."""

    timestamp: str | None = None
    messageId: str | None = None
    source: str | None = None
    destination: Addresses | None = None
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
    return _unwrap_text(body if isinstance(body, str) else body.decode("utf-8", "replace"), _Envelope())


def parse_time(text: str | None) -> datetime | None:
    """Return a reported time as aware UTC, or None where it can't be read; a time without zone is taken as UTC.

    A text of more than 40 characters is no time.
    """
    if not text or len(text) > MAX_TIME_CHARACTERS:
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
    if len(text) > 2 * limit:
        # Two lone surrogates may be one character.
        text = text[: 2 * limit]
    if not text.isascii():
        text = _without_surrogates(text)
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if len(text) <= limit else text[:limit]


def _without_surrogates(text: str) -> str:
    if _is_encodable(text):
        return text
    # Runs: an error handler of a codec, called for each of a megabyte, takes a second.
    joined = _PAIRS.sub(lambda run: run[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)
    return _SURROGATES.sub(lambda run: "\ufffd" * len(run[0]), joined)


def byte_count(text: str) -> int:
    """Return the bytes of a text in UTF-8: what it costs to send and to keep, up to four times its characters."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


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
        return envelope.problem(_TOO_DEEP)
    if isinstance(node, Record):
        if node.ses is not None:
            return envelope.event("Received", node)
        for inner in (node.Sns, node.body):
            if inner is not None:
                return _unwrap_any(inner, envelope.inside())
    if node.Records:
        inside = envelope.inside()
        items = [item for record in node.Records[:MAX_RECORDS] for item in _unwrap_node(record, inside)]
        return items if len(node.Records) <= MAX_RECORDS else items + inside.problem("more than 10,000 records")
    if node.Type in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        return envelope.inside(node.TopicArn, node.Timestamp).event(node.Type, node)
    if node.Message is not None and node.Type in ("Notification", None):
        return _unwrap_any(node.Message, envelope.inside(node.TopicArn, node.Timestamp))
    if node.source == "aws.ses" and node.detail is not None:
        return _unwrap_node(node.detail, envelope.inside(timestamp=node.time))
    type_ = node.notificationType or node.eventType
    if not type_:
        return envelope.problem("not an SES event: it has no type")
    return envelope.problem("unknown event type") if type_ in ENVELOPE_TYPES else envelope.event(type_, node)


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
    except RecursionError:
        return _TOO_DEEP


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeError:
        return False
    return True


def _convert(text: str) -> Node | str:
    try:
        # No number is used, and Python refuses to read one of more than 4,300 digits.
        loaded = json.loads(text, parse_int=_no_number, parse_float=_no_number)
        return fit(loaded, Node) if isinstance(loaded, dict) else "not a JSON object"
    except ValueError:
        return "not JSON"
    except RecursionError:
        return _TOO_DEEP


def _no_number(_digits: str) -> int:
    # Something that is there, whichever number it is.
    return 1
