"""Unwrap the body of an SQS message and decode it into typed SES events.

A body is an SNS envelope, a bare SES message (raw delivery), an EventBridge event, a record of SQS or SNS, Lambda-style
``Records[]`` or a list of any of these, or what Lambda reports of an invocation that failed.

Where a message is from, the outermost envelope says: whoever publishes writes all that is in it. Records and lists are
how AWS's services hand messages on, and say nothing of it.

Nothing here raises on any input: what can't be understood becomes a :class:`Problem`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from ses_bounces.classify.fitting import TOO_DEEP, decode_leniently, fit_each, without_surrogates
from ses_bounces.classify.rules import ADVICE, DETAIL_TYPES, SERVICE_EVENTS
from ses_bounces.classify.structs import CONTROL_TYPES, Body, Node, Record

MAX_ENVELOPES = 6
# As many as Lambda takes from SQS at once.
MAX_RECORDS = 10_000
# An event in that many envelopes has its recipients four levels further down.
MAX_LEVELS = MAX_ENVELOPES + 4
MAX_TIME_CHARACTERS = 40

_NOTHING = Body()
# What SES publishes, as plain text, when an event destination is set up.
_VALIDATION_TEXT = "Successfully validated SNS topic for Amazon SES"
_SPACE_BEFORE_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")
# Shapes that are told by something else: as the type of an event of SES they are none.
ENVELOPE_TYPES = (*CONTROL_TYPES, "TopicValidated", ADVICE, *SERVICE_EVENTS)


class Event(msgspec.Struct, frozen=True, gc=False):
    """One SES event.

    ``type`` is the value of ``notificationType`` or ``eventType``, else what EventBridge's ``detail-type`` stands for;
    the SNS control messages appear under their SNS ``Type``, events of EventBridge that are not about a mail under
    their ``detail-type``. ``topic_arn`` is that of the outermost envelope, None if that is not SNS's. ``published_at``
    (aware, UTC) comes from the outermost envelope that has it. ``way``: each envelope with a ``Message`` that it was
    in, the outermost first.
    """

    type: str
    content: Node
    topic_arn: str | None
    published_at: datetime | None
    way: tuple[Node, ...] = ()


class Problem(msgspec.Struct, frozen=True, gc=False):
    """A part of a body that could not be understood; ``reason`` holds no content of the message. Else as `Event`."""

    reason: str
    topic_arn: str | None = None
    published_at: datetime | None = None
    way: tuple[Node, ...] = ()


class _Envelope(msgspec.Struct, frozen=True, gc=False):
    topic_arn: str | None = None
    published_at: datetime | None = None
    way: tuple[Node, ...] = ()
    depth: int = 0
    # Whether an envelope was met that says where a message is from: records and lists say nothing of it.
    is_met: bool = False

    def inside(self) -> _Envelope:
        """Return what is known within a record or a list."""
        return _Envelope(self.topic_arn, self.published_at, self.way, self.depth + 1, self.is_met)

    def inside_envelope(self, node: Node) -> _Envelope:
        """Return what is known within an envelope with a ``Message``."""
        topic_arn = node.TopicArn if not self.is_met and node.is_of_sns else self.topic_arn
        return _Envelope(
            topic_arn, self.published_at or parse_time(node.Timestamp), (*self.way, node), self.depth + 1, True
        )

    def inside_event(self, node: Node) -> _Envelope:
        """Return what is known within an event of EventBridge."""
        published_at = self.published_at or parse_time(node.time)
        return _Envelope(self.topic_arn, published_at, self.way, self.depth + 1, True)

    def problem(self, reason: str) -> list[Event | Problem]:
        return [Problem(reason, self.topic_arn, self.published_at, self.way)]

    def event(self, type_: str, content: Node) -> list[Event | Problem]:
        return [Event(type_, content, self.topic_arn, self.published_at, self.way)]


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
    if not text.isascii():
        # Two lone surrogates may be one character.
        text = without_surrogates(text[: 2 * limit])
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if len(text) <= limit else text[:limit]


def byte_count(text: str) -> int:
    """Return the bytes of a text in UTF-8: what it costs to send and to keep, up to four times its characters."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _unwrap_text(text: str, envelope: _Envelope) -> list[Event | Problem]:
    stripped = text.strip().removeprefix("\ufeff")
    if stripped.startswith(_VALIDATION_TEXT):
        return envelope.event("TopicValidated", Node())
    if not stripped:
        return envelope.problem("empty message")
    try:
        node = _decode_node(stripped)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _unwrap_odd(stripped, envelope)
    # Few are records, which have more fields.
    return _unwrap_known(node, envelope) or _unwrap_odd(stripped, envelope)


def _unwrap_odd(text: str, envelope: _Envelope) -> list[Event | Problem]:
    """Unwrap what is a record, a list, or not as it should be."""
    found = decode_leniently(text, Body, MAX_LEVELS)
    if isinstance(found, str):
        return envelope.problem(found)
    if isinstance(found, Body):
        return _unwrap_node(found, envelope)
    nodes = fit_each(found[:MAX_RECORDS], Body, MAX_LEVELS)
    if all(node == _NOTHING for node in nodes):
        return envelope.problem("not a JSON object")
    return _unwrap_nodes(nodes, len(found), envelope)


def _unwrap_node(node: Node, envelope: _Envelope) -> list[Event | Problem]:
    return _unwrap_known(node, envelope) or envelope.problem("not an SES event: it has no type")


def _unwrap_known(node: Node, envelope: _Envelope) -> list[Event | Problem] | None:
    """Return what is in an object, at least one; None: nothing says what it is."""
    if envelope.depth > MAX_ENVELOPES:
        return envelope.problem(TOO_DEEP)
    if isinstance(node, Record) and (found := _unwrap_record(node, envelope)):
        return found
    if node.Records:
        return _unwrap_records(node.Records, envelope)
    if node.Type in CONTROL_TYPES:
        return envelope.inside_envelope(node).event(node.Type, node)
    if node.Message is not None and node.Type in ("Notification", None):
        return _unwrap_any(node.Message, envelope.inside_envelope(node))
    if node.source == "aws.ses" and (found := _unwrap_eventbridge(node, envelope.inside_event(node))):
        return found
    type_ = node.notificationType or node.eventType
    if not type_:
        return None
    return envelope.problem("unknown event type") if type_ in ENVELOPE_TYPES else envelope.event(type_, node)


def _unwrap_record(node: Record, envelope: _Envelope) -> list[Event | Problem] | None:
    """Return what a record of SQS, SNS or SES carries, or a failed invocation; None: it is none of these."""
    if isinstance(node, Body):
        if isinstance(node.requestPayload, Body):
            return _unwrap_node(node.requestPayload, envelope.inside())
        if node.requestPayload:
            return _unwrap_records(node.requestPayload, envelope)
        if node.Sns is None and node.eventSource != "aws:sqs" and node.receiptHandle is None:
            # Any other object with a body, like a request of HTTP.
            return None
    elif node.ses is not None:
        return envelope.event("Received", node)
    inner = node.body if node.Sns is None else node.Sns
    return None if inner is None else _unwrap_any(inner, envelope.inside())


def _unwrap_records(records: Sequence[msgspec.Raw], envelope: _Envelope) -> list[Event | Problem]:
    return _unwrap_nodes(fit_each(records[:MAX_RECORDS], Record, MAX_LEVELS), len(records), envelope)


def _unwrap_nodes(nodes: Sequence[Node], count: int, envelope: _Envelope) -> list[Event | Problem]:
    inside = envelope.inside()
    items = [item for node in nodes for item in _unwrap_node(node, inside)]
    return items if count <= MAX_RECORDS else items + inside.problem("more than 10,000 records")


def _unwrap_eventbridge(node: Node, inside: _Envelope) -> list[Event | Problem] | None:
    type_ = node.detail_type or ""
    if type_ in SERVICE_EVENTS:
        return inside.event(type_, node)
    if type_.startswith(ADVICE):
        return inside.event(ADVICE, node)
    if node.detail is None:
        return None
    if found := _unwrap_known(node.detail, inside):
        return found
    mail_type = DETAIL_TYPES.get(type_)
    return inside.event(mail_type, node.detail) if mail_type else None


def _unwrap_any(inner: str | Node, envelope: _Envelope) -> list[Event | Problem]:
    return _unwrap_text(inner, envelope) if isinstance(inner, str) else _unwrap_node(inner, envelope)
