"""From an SES event to ledger entries: what each message does to an address, as a table.

Pure: neither the clock nor a database is asked, and nothing raises on any input. docs/semantics.md says the same
in prose. Whoever changes what a message means raises ``RULES_VERSION``.

Field reference: Amazon SES Developer Guide, "Amazon SNS notification contents" and "Bounce types".
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from ses_bounces.address import address_key
from ses_bounces.message import Bounce, Event, Mail, Problem, Recipient, clean, parse_time, unwrap

RULES_VERSION = 1

Outcome = Literal["applied", "no_effect", "quarantined"]
Policy = Literal["age", "age_and_rebounce", "expire"]

MAX_DIAGNOSTIC_CHARACTERS = 2_000
MAX_ID_CHARACTERS = 200
MAX_TAGS = 20

# A bounce is dated by a remote clock; so far from the mail it can be, and no further.
BEFORE_MAIL = timedelta(days=1)
BEFORE_PUBLICATION = timedelta(days=30)

BOUNCE_KINDS: dict[tuple[str, str | None], str] = {
    ("Permanent", "OnAccountSuppressionList"): "ses_suppression",
    ("Permanent", "OnTenantSuppressionList"): "ses_suppression",
    ("Permanent", "UnsubscribedRecipient"): "unsubscribed",
    # Any other subtype, also one that SES has not invented yet.
    ("Permanent", None): "permanent_bounce",
    ("Transient", None): "transient_bounce",
    ("Undetermined", None): "transient_bounce",
}
COMPLAINT_KINDS: dict[str | None, str] = {
    "not-spam": "not_spam",
    "auth-failure": "auth_failure",
    # abuse, fraud, virus, other, unknown or absent.
    None: "complaint",
}
SUPPRESSION_SUBTYPES = ("OnAccountSuppressionList", "OnTenantSuppressionList")
NO_EFFECT: dict[str, str] = {
    "DeliveryDelay": "a delay is not a bounce",
    "Reject": "SES did not send the mail",
    "Rendering Failure": "SES did not send the mail",
    "RenderingFailure": "SES did not send the mail",
    "Send": "not feedback",
    "Open": "not feedback",
    "Click": "not feedback",
    "Subscription": "not feedback",
    "Received": "inbound mail",
    "AmazonSnsSubscriptionSucceeded": "set-up message",
    "TopicValidated": "set-up message",
    "SubscriptionConfirmation": "SubscriptionConfirmation: a subscription waits for its confirmation",
    "UnsubscribeConfirmation": "UnsubscribeConfirmation: the subscription was removed, the feed is about to end",
}
# No-effect events that a person must hear of.
WARNINGS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")


class Rules(msgspec.Struct, frozen=True):
    """What the settings say about classification."""

    grace: timedelta = timedelta(days=14)
    promotion: Policy = "age"
    promotion_excludes: Collection[str] = ()
    allowed_topic_arns: Collection[str] = ()
    allow_raw: bool = False


class Entry(msgspec.Struct):
    """One entry for the ledger; times are aware UTC, ``dedup_key`` has 16 bytes. Columns of ``address_event``."""

    kind: str
    address: str
    address_as_reported: str
    occurred_at: datetime
    dedup_key: bytes
    reason: str | None = None
    deadline: datetime | None = None
    policy: Policy | None = None
    mail_sent_at: datetime | None = None
    feedback_id: str | None = None
    ses_message_id: str | None = None
    bounce_type: str | None = None
    bounce_sub_type: str | None = None
    feedback_type: str | None = None
    status: str | None = None
    diagnostic_code: str | None = None
    source: str | None = None
    configuration_set: str | None = None
    tags: dict[str, list[str]] | None = None


class Classification(msgspec.Struct):
    """What one message body means.

    ``outcome``: ``quarantined`` if any part was not understood (``entries`` then holds the rest), ``applied`` if
    there are entries, else ``no_effect``. ``reason`` names why for the first and the last; it never holds content of
    the message. ``event_type`` is that of its first event, ``published_at`` the envelope's time.
    """

    outcome: Outcome
    reason: str | None
    entries: list[Entry]
    event_type: str | None = None
    published_at: datetime | None = None


_DEFAULT_RULES = Rules()
_EMPTY_DELIVERY = "a delivery without recipients"
_BAD_RECIPIENT = "a recipient is not an address"
_UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def classify_body(body: str | bytes, rules: Rules = _DEFAULT_RULES, sent_at: datetime | None = None) -> Classification:
    """Say what one SQS message body does to which address.

    :param body: the body as SQS gave it: an SNS envelope, a bare SES message, EventBridge, or ``Records[]``.
    :param rules: what the settings say.
    :param sent_at: when SQS got it (``SentTimestamp``, aware): the publication time of a body that has none.
    :raises: nothing.
    """
    return classify(unwrap(body), rules, sent_at)


def classify(items: list[Event | Problem], rules: Rules, sent_at: datetime | None) -> Classification:
    """Classify what :func:`ses_bounces.message.unwrap` returned."""
    entries: list[Entry] = []
    problems: list[str] = []
    notes: list[str] = []
    for item in items:
        refusal = _refusal(item, rules)
        if refusal is not None:
            problems.append(refusal)
        elif isinstance(item, Event) and item.type in NO_EFFECT:
            notes.append(NO_EFFECT[item.type])
        elif isinstance(item, Event):
            problem = _read(item, rules, sent_at, entries)
            if problem is not None:
                (notes if problem == _EMPTY_DELIVERY else problems).append(problem)
    event_type = next((clean(item.type, MAX_ID_CHARACTERS) for item in items if isinstance(item, Event)), None)
    published_at = next((item.published_at for item in items if item.published_at), None)
    if problems:
        return Classification("quarantined", problems[0], entries, event_type, published_at)
    if entries:
        return Classification("applied", None, entries, event_type, published_at)
    return Classification("no_effect", notes[0] if notes else "nothing in it", entries, event_type, published_at)


def has_no_effect(items: list[Event | Problem], rules: Rules) -> bool:
    """Tell whether a message can be settled without looking further: all its events are of types without effect."""
    return all(isinstance(item, Event) and item.type in NO_EFFECT and not _refusal(item, rules) for item in items)


def _refusal(item: Event | Problem, rules: Rules) -> str | None:
    if rules.allowed_topic_arns:
        if item.topic_arn is None and not rules.allow_raw:
            return "no TopicArn, and allow_raw is false"
        if item.topic_arn is not None and item.topic_arn not in rules.allowed_topic_arns:
            return "TopicArn is not in allowed_topic_arns"
    return item.reason if isinstance(item, Problem) else None


def _read(event: Event, rules: Rules, sent_at: datetime | None, entries: list[Entry]) -> str | None:
    """Append the entries of one event; return what is wrong with it, if anything is."""
    origin = _Origin(event, sent_at)
    if event.type == "Bounce":
        return _read_bounce(origin, rules, entries)
    if event.type == "Complaint":
        return _read_complaint(origin, entries)
    if event.type == "Delivery":
        return _read_delivery(origin, entries)
    return "unknown event type"


def _read_bounce(origin: _Origin, rules: Rules, entries: list[Entry]) -> str | None:
    bounce = origin.event.content.bounce
    if bounce is None:
        return "a bounce without its bounce object"
    type_ = clean(bounce.bounceType, MAX_ID_CHARACTERS) or ""
    sub_type = clean(bounce.bounceSubType, MAX_ID_CHARACTERS)
    kind = BOUNCE_KINDS.get((type_, sub_type)) or BOUNCE_KINDS.get((type_, None))
    if kind is None:
        return "unknown bounceType"
    occurred_at, note = origin.hold(bounce.timestamp)
    deadline = None if sub_type in rules.promotion_excludes else _shifted(occurred_at, rules.grace)
    named, problem = _named(bounce.bouncedRecipients)
    destinations = origin.destinations
    made: dict[str, Entry] = {}
    for key, reported, recipient in named:
        # A destination that can't be read names nobody: what the bounce names is then not known to be ours.
        foreign = bool(origin.mail.destination) and key not in destinations
        made[key] = origin.entry("foreign_bounce" if foreign else kind, key, reported, bounce, recipient)
    foreigners = [entry for entry in made.values() if entry.kind == "foreign_bounce"]
    if foreigners and origin.only_destination and origin.only_destination[0] not in made:
        key, reported = origin.only_destination
        entry = origin.entry("transient_bounce", key, reported, bounce, None)
        entry.status, entry.diagnostic_code = foreigners[0].status, foreigners[0].diagnostic_code
        entry.reason = "the bounce names an address that the mail was not sent to"
        made[key] = entry
    for entry in made.values():
        entry.occurred_at = occurred_at
        entry.reason = _join(entry.reason, note)
        entry.bounce_type, entry.bounce_sub_type = type_, sub_type
        if entry.kind == "transient_bounce":
            entry.deadline, entry.policy = deadline, rules.promotion
        entries.append(entry)
    return problem


def _read_complaint(origin: _Origin, entries: list[Entry]) -> str | None:
    complaint = origin.event.content.complaint
    if complaint is None:
        return "a complaint without its complaint object"
    feedback_type = clean(complaint.complaintFeedbackType, MAX_ID_CHARACTERS)
    kind = COMPLAINT_KINDS.get(feedback_type) or COMPLAINT_KINDS[None]
    if complaint.complaintSubType in SUPPRESSION_SUBTYPES:
        kind = "ses_suppression"
    occurred_at, note = origin.hold(complaint.timestamp)
    named, problem = _named(complaint.complainedRecipients)
    several = f"one of {len(named)} possible complainers" if len(named) > 1 else None
    for key, reported, recipient in named:
        entry = origin.entry(kind, key, reported, complaint, recipient)
        entry.occurred_at, entry.feedback_type = occurred_at, feedback_type
        entry.reason = _join(several, note)
        entries.append(entry)
    return problem


def _read_delivery(origin: _Origin, entries: list[Entry]) -> str | None:
    delivery = origin.event.content.delivery
    if delivery is None or not delivery.recipients:
        return _EMPTY_DELIVERY
    occurred_at, note = origin.hold(delivery.timestamp)
    seen: set[str] = set()
    problem = None
    for reported in delivery.recipients:
        key = _key(reported)
        if key is None:
            problem = _BAD_RECIPIENT
        elif key not in seen:
            seen.add(key)
            digest = _digest("Delivery", None, origin.ses_message_id, key, delivery.timestamp)
            entry = Entry("delivery", key, clean(reported, MAX_DIAGNOSTIC_CHARACTERS) or "", occurred_at, digest)
            entry.ses_message_id, entry.mail_sent_at, entry.reason = origin.ses_message_id, origin.mail_sent_at, note
            entries.append(entry)
    return problem


class _Origin:
    """What all entries of one event share."""

    def __init__(self, event: Event, sent_at: datetime | None) -> None:
        mail = event.content.mail or Mail()
        self.event = event
        self.mail = mail
        self.published_at = event.published_at or sent_at
        self.mail_sent_at = parse_time(mail.timestamp)
        self.ses_message_id = clean(mail.messageId, MAX_ID_CHARACTERS)
        self.source = clean(mail.source, MAX_DIAGNOSTIC_CHARACTERS)
        self.configuration_set, self.tags = _tags(mail)

    @functools.cached_property
    def destinations(self) -> set[str]:
        return {key for address in self.mail.destination or () if (key := _key(address))}

    @property
    def only_destination(self) -> tuple[str, str] | None:
        if len(self.mail.destination or ()) != 1 or len(self.destinations) != 1:
            return None
        return next(iter(self.destinations)), clean(self.mail.destination[0], MAX_DIAGNOSTIC_CHARACTERS) or ""  # type: ignore[index]

    def hold(self, timestamp: str | None) -> tuple[datetime, str | None]:
        """Return the reported time held between the mail and the publication, and what was done to it."""
        reported = parse_time(timestamp)
        upper = self.published_at or reported or self.mail_sent_at or _UNKNOWN_TIME
        if reported is None:
            return upper, "without a readable time: the time of publication is taken"
        if self.mail_sent_at is not None:
            lower = _shifted(self.mail_sent_at, -BEFORE_MAIL)
        else:
            lower = _shifted(upper, -BEFORE_PUBLICATION)
        held = min(max(reported, lower), upper)
        if held == reported:
            return held, None
        return held, f"reported for {reported:%Y-%m-%d %H:%M:%S} UTC, which can't be: moved"

    def entry(
        self, kind: str, key: str, reported: str, feedback: Bounce | object, recipient: Recipient | None
    ) -> Entry:
        feedback_id = getattr(feedback, "feedbackId", None)
        digest = _digest(self.event.type, feedback_id, self.ses_message_id, key, getattr(feedback, "timestamp", None))
        return Entry(
            kind,
            key,
            reported,
            _UNKNOWN_TIME,
            digest,
            mail_sent_at=self.mail_sent_at,
            feedback_id=clean(feedback_id, MAX_ID_CHARACTERS),
            ses_message_id=self.ses_message_id,
            status=clean(recipient.status, MAX_ID_CHARACTERS) if recipient else None,
            diagnostic_code=clean(recipient.diagnosticCode, MAX_DIAGNOSTIC_CHARACTERS) if recipient else None,
            source=self.source,
            configuration_set=self.configuration_set,
            tags=self.tags,
        )


def _key(reported: str) -> str | None:
    return address_key(clean(reported, len(reported)) or "")


def _named(recipients: Iterable[Recipient] | None) -> tuple[list[tuple[str, str, Recipient]], str | None]:
    """Return key, spelling and record of each recipient once, and what is wrong with the others."""
    named: dict[str, tuple[str, str, Recipient]] = {}
    problem = None if recipients else "no recipients"
    for recipient in recipients or ():
        reported = recipient.emailAddress or ""
        key = _key(reported)
        if key is None:
            problem = _BAD_RECIPIENT
        else:
            named.setdefault(key, (key, clean(reported, MAX_DIAGNOSTIC_CHARACTERS) or "", recipient))
    return list(named.values()), problem


def _digest(event_type: str, feedback_id: str | None, ses_message_id: str | None, key: str, time: str | None) -> bytes:
    parts = (
        ("feedback", event_type, feedback_id, key) if feedback_id else ("mail", event_type, ses_message_id, key, time)
    )
    # Lengths make the parts unambiguous, whatever characters they hold.
    text = "".join(f"{len(part)}:{part}" for part in (part or "" for part in parts))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _tags(mail: Mail) -> tuple[str | None, dict[str, list[str]] | None]:
    """Return the configuration set, and the sender's own tags (SES's begin with ``ses:``)."""
    if not mail.tags:
        return None, None
    names = mail.tags.get("ses:configuration-set")
    own = {clean(name, MAX_ID_CHARACTERS) or "": list(_texts(values)) for name, values in _own_tags(mail.tags)}
    return (clean(names[0], MAX_ID_CHARACTERS) if names else None), own or None


def _own_tags(tags: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    return [(name, values) for name, values in tags.items() if not name.startswith("ses:")][:MAX_TAGS]


def _texts(values: list[str]) -> Iterator[str]:
    return (clean(value, MAX_ID_CHARACTERS) or "" for value in values[:MAX_TAGS])


def _shifted(moment: datetime, span: timedelta) -> datetime:
    try:
        return moment + span
    except OverflowError:
        return moment


def _join(first: str | None, second: str | None) -> str | None:
    return "; ".join(text for text in (first, second) if text) or None
