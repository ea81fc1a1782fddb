"""From an SES event to ledger entries, after the table in ``rules.py``.

Pure: neither the clock nor a database is asked, and nothing raises on any input. docs/semantics.md says the same
in prose.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from ses_bounces.classify.entry import Classification, Entry, SendingStatus, Stream, dedup_key
from ses_bounces.classify.origin import BAD_RECIPIENT, MAX_DIAGNOSTIC_CHARACTERS, MAX_ID_CHARACTERS, Origin, shifted
from ses_bounces.classify.provenance import fault, published, refusal
from ses_bounces.classify.providers import stream
from ses_bounces.classify.rules import NO_EFFECT, Rules, bounce_kind, complaint_kind, is_reply
from ses_bounces.classify.sending import sending_statuses
from ses_bounces.classify.signature import Verify
from ses_bounces.classify.structs import Bounce, Recipient
from ses_bounces.classify.unwrapping import Event, Problem, clean, unwrap

_DEFAULT_RULES = Rules()
_EMPTY_DELIVERY = "a delivery without recipients"
_BAD_DESTINATION = "a destination of the mail is not an address"


def classify_body(
    body: str | bytes, rules: Rules = _DEFAULT_RULES, sent_at: datetime | None = None, verify: Verify | None = None
) -> Classification:
    """Say what one SQS message body does to which address.

    :param body: the body as SQS gave it: an SNS envelope, a bare SES message, EventBridge, or ``Records[]``.
    :param rules: what the settings say.
    :param sent_at: when SQS got it (``SentTimestamp``, aware): the publication time of a body that has none, and of one
        that claims a later one.
    :param verify: checks SNS's signatures, if the rules say so; what it raises is raised. Without it none is right.
    :raises: nothing.
    """
    return classify(unwrap(body), rules, sent_at, verify)


def classify(
    items: list[Event | Problem], rules: Rules, sent_at: datetime | None, verify: Verify | None = None
) -> Classification:
    """Classify what :func:`ses_bounces.classify.unwrapping.unwrap` returned."""
    entries: list[Entry] = []
    problems: list[str] = []
    notes: list[str] = []
    statuses: tuple[SendingStatus, ...] = ()
    event_type: str | None = None
    published_at: datetime | None = None
    checked: dict[int, str | None] | None = {} if rules.verify_signatures else None
    for item in items:
        published_at = published_at or (published(item, sent_at) if item.published_at else None)
        if event_type is None and isinstance(item, Event):
            event_type = clean(item.type, MAX_ID_CHARACTERS)
        note = None
        problem = refusal(item, rules)
        if problem is None and checked is not None:
            problem = fault(item, verify, checked)
        if problem is None:
            problem, note = _look(item, rules, sent_at, entries)
        if note is not None:
            notes.append(note)
            statuses += sending_statuses((item,), sent_at)
        if problem is not None:
            problems.append(problem)
    if problems:
        return Classification("quarantined", problems[0], entries, event_type, published_at, statuses)
    if entries:
        return Classification("applied", None, entries, event_type, published_at, statuses)
    note = notes[0] if notes else "nothing in it"
    return Classification("no_effect", note, entries, event_type, published_at, statuses)


def _look(
    item: Event | Problem, rules: Rules, sent_at: datetime | None, entries: list[Entry]
) -> tuple[str | None, str | None]:
    """Append the entries of one event; return what is wrong with it, and why it has no effect, if either is so."""
    if isinstance(item, Problem):
        return item.reason, None
    note = NO_EFFECT.get(item.type)
    if note is not None:
        return None, note
    problem = _read(item, rules, sent_at, entries)
    return (None, problem) if problem == _EMPTY_DELIVERY else (problem, None)


def has_no_effect(items: list[Event | Problem], rules: Rules) -> bool:
    """Tell whether a message can be settled without looking further: all its events are of types without effect.

    Signatures are looked at when a message is classified.
    """
    return not rules.verify_signatures and all(
        isinstance(item, Event) and item.type in NO_EFFECT and not refusal(item, rules) for item in items
    )


def _read(event: Event, rules: Rules, sent_at: datetime | None, entries: list[Entry]) -> str | None:
    """Append the entries of one event; return what is wrong with it, if anything is."""
    origin = Origin(event, sent_at)
    if event.type == "Bounce":
        return _read_bounce(origin, rules, entries)
    if event.type == "Complaint":
        return _read_complaint(origin, entries)
    if event.type == "Delivery":
        return _read_delivery(origin, entries)
    return "unknown event type"


def _read_bounce(origin: Origin, rules: Rules, entries: list[Entry]) -> str | None:
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
    return None if sub_type in rules.promotion_excludes else shifted(occurred_at, rules.grace)


def _forwarded(
    origin: Origin,
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
    entry.reason = join("the bounce names an address that the mail was not sent to", note)
    return [entry]


def _read_complaint(origin: Origin, entries: list[Entry]) -> str | None:
    complaint = origin.event.content.complaint
    if complaint is None:
        return "a complaint without its complaint object"
    feedback_type = clean(complaint.complaintFeedbackType, MAX_ID_CHARACTERS)
    kind = complaint_kind(feedback_type, complaint.complaintSubType)
    occurred_at, note = origin.hold(complaint.timestamp)
    named, problem = origin.named(complaint.complainedRecipients)
    if len(named) > 1:
        note = join(f"one of {len(named)} possible complainers", note)
    for key, recipient in named.items():
        entry = origin.entry(kind, key, recipient, complaint, occurred_at, note)
        entry.feedback_type = feedback_type
        entries.append(entry)
    return problem


def _read_delivery(origin: Origin, entries: list[Entry]) -> str | None:
    delivery = origin.event.content.delivery
    if delivery is None or not delivery.recipients:
        return _EMPTY_DELIVERY
    occurred_at, note = origin.hold(delivery.timestamp)
    seen: set[str] = set()
    problem = None
    mails_stream: Stream | None = None
    for reported in delivery.recipients:
        key = None if reported is None else origin.key(reported)
        if reported is None or key is None:
            problem = BAD_RECIPIENT
        elif key not in seen:
            seen.add(key)
            digest = dedup_key("Delivery", None, origin.ses_message_id, key, delivery.timestamp)
            entry = Entry("delivery", key, clean(reported, MAX_DIAGNOSTIC_CHARACTERS) or "", occurred_at, digest)
            entry.ses_message_id, entry.mail_sent_at, entry.reason = origin.ses_message_id, origin.mail_sent_at, note
            entry.stream = mails_stream = mails_stream or stream(origin.source, origin.configuration_set, origin.tags)
            entries.append(entry)
    return problem


def join(first: str | None, second: str | None) -> str | None:
    return "; ".join(text for text in (first, second) if text) or None
