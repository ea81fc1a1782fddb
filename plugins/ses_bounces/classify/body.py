"""From an SES event to ledger entries, after the table in ``rules.py``.

Pure: neither the clock nor a database is asked, and nothing raises on any input. docs/semantics.md says the same
in prose.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ses_bounces.classify.address import address_key, split_addresses
from ses_bounces.classify.entry import Classification, Entry, dedup_key
from ses_bounces.classify.message import Bounce, Complaint, Event, Mail, Problem, Recipient, clean, parse_time, unwrap
from ses_bounces.classify.rules import NO_EFFECT, Rules, bounce_kind, complaint_kind, is_reply

MAX_DIAGNOSTIC_CHARACTERS = 2_000
MAX_ID_CHARACTERS = 200
MAX_TAGS = 20

# A bounce is dated by a remote clock; so far from the mail it can be, and no further.
BEFORE_MAIL = -timedelta(days=1)
BEFORE_PUBLICATION = -timedelta(days=30)
# EventBridge publishes with whole seconds, cut off: what happened in the same one was not too late.
CLOCK_TICK = timedelta(seconds=1)

_DEFAULT_RULES = Rules()
_EMPTY_DELIVERY = "a delivery without recipients"
_BAD_RECIPIENT = "a recipient is not an address"
_BAD_DESTINATION = "a destination of the mail is not an address"
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
    """Classify what :func:`ses_bounces.classify.message.unwrap` returned."""
    entries: list[Entry] = []
    problems: list[str] = []
    notes: list[str] = []
    event_type: str | None = None
    published_at: datetime | None = None
    for item in items:
        published_at = published_at or item.published_at
        if event_type is None and isinstance(item, Event):
            event_type = clean(item.type, MAX_ID_CHARACTERS)
        problem = _refusal(item, rules)
        if problem is None and isinstance(item, Event):
            note = NO_EFFECT.get(item.type)
            if note is None:
                problem = _read(item, rules, sent_at, entries)
                if problem == _EMPTY_DELIVERY:
                    note, problem = problem, None
            if note is not None:
                notes.append(note)
        if problem is not None:
            problems.append(problem)
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
    kind = bounce_kind(type_, sub_type)
    if kind is None:
        return "unknown bounceType"
    occurred_at, note = origin.hold(bounce.timestamp)
    named, problem = origin.named(bounce.bouncedRecipients)
    destinations = origin.destinations()
    ours = {key for key, _ in destinations}
    if None in ours:
        problem = problem or _BAD_DESTINATION
    made = []
    foreigner: Entry | None = None
    for key, recipient in named.items():
        # A destination that can't be read names nobody: what the bounce names is then not known to be ours.
        is_ours = key in ours or not destinations
        entry = origin.entry(kind if is_ours else "foreign_bounce", key, recipient, bounce, occurred_at, note)
        foreigner = foreigner or (None if is_ours else entry)
        made.append(entry)
    if foreigner is not None:
        made += _forwarded(origin, bounce, foreigner, named, destinations, note)
    for entry in made:
        entry.bounce_type, entry.bounce_sub_type = type_, sub_type
        if entry.kind == "transient_bounce":
            # Where the bounce names another address than the mail's only destination, that one has the details.
            recipient = named.get(entry.address) or next(iter(named.values()))
            entry.is_reply = is_reply(type_, sub_type, has_details=_has_details(recipient))
            entry.policy, entry.deadline = rules.promotion, fix_deadline(occurred_at, sub_type, rules)
            if entry.is_reply and not rules.promote_auto_replies:
                entry.deadline = None
    entries += made
    return problem


def _has_details(recipient: Recipient) -> bool:
    """Tell whether the server that reported the bounce said anything about this recipient."""
    return any(value not in (None, "") for value in (recipient.action, recipient.status, recipient.diagnosticCode))


def fix_deadline(occurred_at: datetime, sub_type: str | None, rules: Rules) -> datetime | None:
    """Return until when a transient problem may last; None: for ever. It is kept with the entry, and never moved."""
    return None if sub_type in rules.promotion_excludes else _shifted(occurred_at, rules.grace)


def _forwarded(
    origin: _Origin,
    bounce: Bounce,
    foreigner: Entry,
    named: Collection[str],
    destinations: list[tuple[str | None, str]],
    note: str | None,
) -> list[Entry]:
    """Return the entry of a mail's only destination, where the bounce names other addresses instead."""
    key, reported = destinations[0]
    if len(destinations) != 1 or key is None or key in named:
        return []
    recipient = Recipient(reported, status=foreigner.status, diagnosticCode=foreigner.diagnostic_code)
    entry = origin.entry("transient_bounce", key, recipient, bounce, foreigner.occurred_at, note)
    entry.reason = _join("the bounce names an address that the mail was not sent to", note)
    return [entry]


def _read_complaint(origin: _Origin, entries: list[Entry]) -> str | None:
    complaint = origin.event.content.complaint
    if complaint is None:
        return "a complaint without its complaint object"
    feedback_type = clean(complaint.complaintFeedbackType, MAX_ID_CHARACTERS)
    kind = complaint_kind(feedback_type, complaint.complaintSubType)
    occurred_at, note = origin.hold(complaint.timestamp)
    named, problem = origin.named(complaint.complainedRecipients)
    if len(named) > 1:
        note = _join(f"one of {len(named)} possible complainers", note)
    for key, recipient in named.items():
        entry = origin.entry(kind, key, recipient, complaint, occurred_at, note)
        entry.feedback_type = feedback_type
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
        key = None if reported is None else origin.key(reported)
        if reported is None or key is None:
            problem = _BAD_RECIPIENT
        elif key not in seen:
            seen.add(key)
            digest = dedup_key("Delivery", None, origin.ses_message_id, key, delivery.timestamp)
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
        self._keys: dict[str, str | None] = {}

    def destinations(self) -> list[tuple[str | None, str]]:
        """Return those that the mail was sent to, by key (None stands for what is no address) and as spelled."""
        found = []
        for element in self.mail.destination or ():
            reported = element or ""
            key = self.key(reported)
            # One text may name several.
            parts = split_addresses(reported) if key is None else (reported,)
            found += [(self.key(part), part) for part in parts]
        return found

    def key(self, reported: str) -> str | None:
        # A bounce spells an address twice: as recipient and as destination.
        if reported not in self._keys:
            self._keys[reported] = address_key(clean(reported, len(reported)) or "")
        return self._keys[reported]

    def named(self, recipients: Iterable[Recipient] | None) -> tuple[dict[str, Recipient], str | None]:
        """Return each recipient once, by key, and what is wrong with the others."""
        named: dict[str, Recipient] = {}
        problem = None if recipients else "no recipients"
        for recipient in recipients or ():
            key = self.key(recipient.emailAddress or "")
            if key is None:
                problem = _BAD_RECIPIENT
            else:
                named.setdefault(key, recipient)
        return named, problem

    def hold(self, timestamp: str | None) -> tuple[datetime, str | None]:
        """Return the reported time held between the mail and the publication, and what was done to it."""
        reported = parse_time(timestamp)
        upper = self.published_at or reported or self.mail_sent_at or _UNKNOWN_TIME
        if reported is None:
            return upper, "without a readable time: the time of publication is taken"
        if self.mail_sent_at is not None:
            lower = _shifted(self.mail_sent_at, BEFORE_MAIL)
        else:
            lower = _shifted(upper, BEFORE_PUBLICATION)
        if lower <= reported <= upper:
            return reported, None
        held = min(max(reported, lower), upper)
        if abs(held - reported) < CLOCK_TICK:
            return held, None
        return held, f"reported for {reported:%Y-%m-%d %H:%M:%S} UTC, which can't be: moved"

    def entry(
        self,
        kind: str,
        key: str,
        recipient: Recipient,
        feedback: Bounce | Complaint,
        occurred_at: datetime,
        reason: str | None,
    ) -> Entry:
        """Return what a bounce or complaint says of one recipient."""
        feedback_id = feedback.feedbackId
        return Entry(
            kind,
            key,
            clean(recipient.emailAddress, MAX_DIAGNOSTIC_CHARACTERS) or "",
            occurred_at,
            dedup_key(self.event.type, feedback_id, self.ses_message_id, key, feedback.timestamp),
            reason=reason,
            mail_sent_at=self.mail_sent_at,
            feedback_id=clean(feedback_id, MAX_ID_CHARACTERS),
            ses_message_id=self.ses_message_id,
            status=_clean_text(recipient.status, MAX_ID_CHARACTERS),
            diagnostic_code=_clean_text(recipient.diagnosticCode, MAX_DIAGNOSTIC_CHARACTERS),
            source=self.source,
            configuration_set=self.configuration_set,
            tags=self.tags,
        )


def _clean_text(value: Any, limit: int) -> str | None:
    return clean(value, limit) if isinstance(value, str) else None


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
