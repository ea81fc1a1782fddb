"""What all entries of one SES event share: its mail, its times, and the addresses that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ses_bounces.classify.address import address_key, split_addresses
from ses_bounces.classify.entry import Entry, dedup_key
from ses_bounces.classify.provenance import published
from ses_bounces.classify.structs import Bounce, Complaint, Mail, Recipient
from ses_bounces.classify.unwrapping import Event, clean, parse_time

MAX_DIAGNOSTIC_CHARACTERS = 2_000
MAX_ID_CHARACTERS = 200
MAX_TAGS = 20

# A bounce is dated by a remote clock; so far from the mail it can be, and no further.
BEFORE_MAIL = -timedelta(days=1)
BEFORE_PUBLICATION = -timedelta(days=30)
# EventBridge publishes with whole seconds, cut off: what happened in the same one was not too late.
CLOCK_TICK = timedelta(seconds=1)

BAD_RECIPIENT = "a recipient is not an address"
_UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class Origin:
    """What all entries of one event share."""

    def __init__(self, event: Event, sent_at: datetime | None) -> None:
        mail = event.content.mail or Mail()
        self.event = event
        self.mail = mail
        self.published_at = published(event, sent_at)
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
                problem = BAD_RECIPIENT
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
            lower = shifted(self.mail_sent_at, BEFORE_MAIL)
        else:
            lower = shifted(upper, BEFORE_PUBLICATION)
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


def shifted(moment: datetime, span: timedelta) -> datetime:
    try:
        return moment + span
    except OverflowError:
        return moment
