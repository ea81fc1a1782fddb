"""Messages of a walk, and what each means: the tables of docs/semantics.md §1 to §3, once more and by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from random import Random
from typing import Any

from tests.kit.builders import TOPIC_ARN, bounce, complaint, delivery, eventbridge, iso, sns
from tests.kit.model import Entry

ADDRESSES = tuple(f"{name}@{domain}" for domain in ("example.com", "example.org") for name in ("ada", "bo", "cy", "di"))
OTHER_TOPIC = f"{TOPIC_ARN}-of-others"
DAY = timedelta(days=1)
HALF_DAY = timedelta(hours=12)
SECOND = timedelta(seconds=1)
TRANSIENTS = ("General", "MailboxFull", "ContentRejected")

# SES's event, its type, its subtype or feedback type, and the kind of entry; those that make the state are more often.
MEANINGS: tuple[tuple[str, str | None, str | None, str | None], ...] = (
    *(("Bounce", "Transient", name, "transient_bounce") for name in TRANSIENTS * 3),
    ("Bounce", "Undetermined", "Undetermined", "transient_bounce"),
    *(("Bounce", "Permanent", name, "permanent_bounce") for name in ("General", "NoEmail", "NotInventedYet")),
    ("Bounce", "Permanent", "OnAccountSuppressionList", "ses_suppression"),
    ("Bounce", "Permanent", "OnTenantSuppressionList", "ses_suppression"),
    ("Bounce", "Permanent", "UnsubscribedRecipient", "unsubscribed"),
    ("Bounce", "Sideways", None, None),
    ("Complaint", None, None, "complaint"),
    ("Complaint", None, "abuse", "complaint"),
    ("Complaint", None, "not-spam", "not_spam"),
    ("Complaint", None, "auth-failure", "auth_failure"),
    ("Complaint", "OnAccountSuppressionList", "abuse", "ses_suppression"),
    *(("Delivery", None, None, "delivery"),) * 4,
)
GARBAGE = ("not JSON at all", "[1, 2]", "{}", '{"eventType": "Surprise"}', "", '{"eventType": "Bounce", "bounce": 7}')
# Whatever reads this raises: what a fault of ours would do.
RAISES = "a body whose reading raises"
# Each has stopped the others of its batch once, or could.
POISON = (
    RAISES,
    '{"mail": "\\ud800"}',
    '{"notificationType": "Bounce", "bounce": {"bouncedRecipients": "\\udfff"}, "mail": {}}',
    '{"notificationType": "Bounce", "bounce": {"timestamp": "x' + 20_000 * " " + 'y"}, "mail": {}}',
    '{"notificationType": "Bounce", "bounce": {"bouncedRecipients": [{"emailAddress": 5}]}, "mail": {}}',
    '{"eventType": "SubscriptionConfirmation"}',
    '{"Type": "Notification", "TopicArn": 7, "Message": [], "Timestamp": "' + 9_000 * "9" + '"}',
    5_000 * "[",
    '{"eventType": "Bounce", "mail": {"timestamp": 1e999}}',
    "9" * 5_000,
    '{"Records": [{"Sns": null}, 7]}',
    "null",
)
# What is no address, or more than one; and other ways to write one.
NO_ADDRESSES = (
    "no address",
    "ada@example.com,bo@example.com",
    "bad@email@example.com",
    "<ada@example.com",
    "a b@example.com",
)
WRITTEN = ("mailto:{}", "SMTP:{}", "rfc822; {}", "\ufeff{}", "{}\u200b", "Ada, B. <{}>", '"x, y@z" <{}>')
NOISE = ('{"eventType": "Open", "mail": {}}', '{"notificationType": "AmazonSnsSubscriptionSucceeded"}')
FORWARDED = ("ours in another's", "another's in ours")
SHAPES = ("sns", "sns", "other topic", "eventbridge", "bare", "records", "claims another time", *FORWARDED)

Key = tuple[str, ...]
Made = tuple[Key, str, Entry]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The settings that classification goes by. ``strict``: rules of an older version."""

    grace: int = 14
    policy: str = "age"
    excludes: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    allow_raw: bool = False
    replies: bool = True
    strict: bool = False


@dataclass(frozen=True, kw_only=True)
class Event:
    """One SES event.

    ``form``: plain, foreign (a bounce that names somebody else), bad (with a recipient that is none), odd (an element of
    the mail's destination is no text), written (recipients are written otherwise), or reply (of whose recipient nothing
    but the address is said).
    """

    meaning: tuple[str, str | None, str | None, str | None]
    names: tuple[str, ...]
    form: str
    reported: datetime
    sent: datetime
    published: datetime
    number: int
    has_feedback_id: bool
    mail: int

    def content(self, as_event: bool) -> dict[str, Any]:
        """The event as SES writes it."""
        type_, bounce_type, sub_type, _ = self.meaning
        key = "eventType" if as_event else "notificationType"
        fields: dict[str, Any] = {"timestamp": iso(self.reported)}
        mail_fields = {"timestamp": iso(self.sent), "messageId": f"mail {self.mail}"}
        names = list(self.names)
        if self.form == "bad":
            names.append(NO_ADDRESSES[self.number % len(NO_ADDRESSES)])
        if self.form == "written":
            names = [WRITTEN[self.number % len(WRITTEN)].format(name) for name in names]
        if type_ == "Delivery":
            return delivery(names, key, mail_fields, **fields)
        fields["feedbackId"] = f"feedback {self.number}" if self.has_feedback_id else None
        if type_ == "Complaint":
            fields |= {"complaintFeedbackType": sub_type, "complaintSubType": bounce_type}
            return complaint(names, key, mail_fields, **fields)
        destination: list[Any] = list(self.names)
        if self.form == "odd":
            destination.append(7)
        if self.form == "foreign":
            names = ["somebody@elsewhere.example"]
        if self.form == "reply":
            fields["recipient"] = dict.fromkeys(("action", "status", "diagnosticCode"))
        return bounce(names, bounce_type, sub_type, key, destination, mail_fields, **fields)

    def entries(self, rules: Rules) -> Iterator[Made]:
        """The entries that it makes by some rules: key, address, entry."""
        _, bounce_type, sub_type, kind = self.meaning
        if kind is None:
            return
        if rules.strict and (bounce_type, sub_type) == ("Transient", "General"):
            kind = "permanent_bounce"
        if self.form == "foreign":
            yield self._made("somebody@elsewhere.example", "foreign_bounce", rules)
            # The mail's only destination is the one that bounced.
            if len(self.names) > 1:
                return
            kind = "transient_bounce"
        for name in self.names:
            yield self._made(name, kind, rules)

    def is_understood(self) -> bool:
        """Whether nothing of it is quarantined."""
        return self.meaning[3] is not None and self.form not in ("bad", "odd")

    def _made(self, address: str, kind: str, rules: Rules) -> Made:
        type_, bounce_type, sub_type, _ = self.meaning
        at = min(max(self.reported, self.sent - DAY), self.published)
        key: Key = (type_, f"feedback {self.number}", address)
        if type_ == "Delivery" or not self.has_feedback_id:
            key = (type_, f"mail {self.mail}", address, iso(self.reported))
        is_transient = kind == "transient_bounce"
        is_reply = is_transient and self.form == "reply"
        has_deadline = is_transient and sub_type not in rules.excludes and (rules.replies or not is_reply)
        return (
            key,
            address,
            Entry(
                kind=kind,
                occurred_at=at,
                dedup_key=blake2b(repr(key).encode(), digest_size=16).digest(),
                deadline=at + rules.grace * DAY if has_deadline else None,
                policy=rules.policy if is_transient else None,
                mail_sent_at=self.sent,
                ses_message_id=f"mail {self.mail}",
                bounce_type=bounce_type if type_ == "Bounce" else None,
                is_reply=is_reply,
            ),
        )


@dataclass
class Message:
    """A message as it was landed. ``day``: of its partition, None once that is gone; ``kept``: in quarantine."""

    message_id: int
    events: tuple[Event, ...]
    is_noise: bool
    topic: str | None
    sent_at: datetime
    day: Any = None
    outcome: str = "pending"
    has_body: bool = True
    kept: bool = False

    def judge(self, rules: Rules) -> tuple[str, list[Made]]:
        """The outcome and the entries by some rules."""
        refused = (self.topic is None and not rules.allow_raw) or (
            self.topic is not None and self.topic not in rules.topics
        )
        if rules.topics and refused:
            return "quarantined", []
        made = [made for event in self.events for made in event.entries(rules)]
        if self.is_noise:
            return "no_effect", []
        if not self.events or not all(event.is_understood() for event in self.events):
            return "quarantined", made
        return "applied", made


def random_event(
    r: Random,
    now: datetime,
    number: int,
    addresses: tuple[str, ...] = ADDRESSES,
    step: timedelta = HALF_DAY,
    ahead: float = 0.03,
) -> Event:
    """An event whose times often coincide with others'.

    :param step: one of 60 that it may have happened ago.
    :param ahead: how often its sender's clock is ahead of ours.
    """
    meaning = r.choice(MEANINGS)
    at = now - r.randrange(60) * step
    if meaning[0] != "Delivery" and r.random() < ahead:
        at = now + timedelta(hours=2)
    published = at + r.choice((0, 0, 5, 3600, 20_000)) * SECOND
    if at <= now:
        published = min(published, now)
    sent = at - r.choice((timedelta(0), SECOND, HALF_DAY, 2 * DAY))
    reported = at
    if r.random() < 0.05:
        reported = r.choice((datetime(2031, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC)))
    form = r.choice(("plain",) * 8 + ("foreign", "bad", "odd", "written")) if meaning[0] != "Delivery" else "plain"
    if form in ("foreign", "odd") and meaning[0] != "Bounce":
        form = "plain"
    if form == "plain" and meaning[:3] == ("Bounce", "Transient", "General") and r.random() < 0.6:
        form = "reply"
    has_feedback_id = r.random() < 0.9
    may_meet = form == "reply" or meaning[0] == "Delivery"
    return Event(
        meaning=meaning,
        names=tuple(r.sample(addresses, r.choice((1, 1, 1, 2, 3)))),
        form=form,
        reported=reported,
        sent=sent,
        published=published,
        number=number,
        has_feedback_id=has_feedback_id,
        # Few mails: some bounce more than once. Without a feedback id it is the mail that tells events apart.
        mail=r.randrange(6) if has_feedback_id and r.random() < (0.8 if may_meet else 0.3) else number + 100,
    )


def body_of(r: Random, events: tuple[Event, ...]) -> tuple[str, str | None]:
    """A body that holds the events, in a shape by chance, and the topic that it names; of two, the one that isn't ours.

    Whoever has another topic allowed has ours allowed as well.
    """
    shape = "records" if len(events) > 1 else r.choice(SHAPES)
    contents = [(event.content(r.random() < 0.5), event.published) for event in events]
    topic = OTHER_TOPIC if shape == "other topic" else TOPIC_ARN
    if shape in ("eventbridge", "bare"):
        [(content, published)] = contents
        wrapped = content
        if shape == "eventbridge":
            wrapped = eventbridge(content, time=published.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return json.dumps(wrapped), None
    envelopes = [sns(content, Timestamp=iso(published), TopicArn=topic) for content, published in contents]
    if shape == "records":
        return json.dumps({"Records": [{"EventSource": "aws:sns", "Sns": envelope} for envelope in envelopes]}), topic
    if shape == "claims another time":
        # Later than SQS got it: it is put off to that.
        return json.dumps(envelopes[0] | {"Timestamp": "2099-01-01T00:00:00.000Z"}), topic
    if shape in FORWARDED:
        outer, inner = (OTHER_TOPIC, TOPIC_ARN) if shape == FORWARDED[0] else (TOPIC_ARN, OTHER_TOPIC)
        within = envelopes[0] | {"TopicArn": inner, "Timestamp": "2001-01-01T00:00:00.000Z"}
        return json.dumps(sns(within, TopicArn=outer, Timestamp=envelopes[0]["Timestamp"])), OTHER_TOPIC
    return json.dumps(envelopes[0]), topic
