"""An entry of the ledger as classification makes it, and the key that tells copies of one event."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

import msgspec

from ses_bounces.classify.rules import Policy

# The actor of every entry that a message of SES leads to.
SES = "ses"
# The last two are the brake's, not the rules'.
Outcome = Literal["applied", "no_effect", "quarantined", "held", "dismissed"]


# Where in our sending a mail belongs: the domain of its sender, its configuration set, its campaign; see providers.py.
Stream = tuple[str, str, str]


class Entry(msgspec.Struct, gc=False):
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
    # A transient bounce that is probably an auto-reply. Stored, because erasure empties the fields that show it.
    is_reply: bool = False
    tags: dict[str, list[str]] | None = None
    # Of a delivery, which is counted only; no column.
    stream: Stream | None = None


class SendingStatus(msgspec.Struct, frozen=True, gc=False):
    """What SES said of a region, or of a part of an account there: whether it sends. ``at``: when, None: not known.

    ``subject``: the region, and of which identity, tenant or configuration set; no address.
    """

    subject: str
    is_enabled: bool
    at: datetime | None


class Classification(msgspec.Struct, gc=False):
    """What one message body means.

    ``outcome``: ``quarantined`` if any part was not understood (``entries`` then holds the rest), ``applied`` if
    there are entries, else ``no_effect``. ``reason`` names why for the first and the last; it never holds content of
    the message. ``event_type`` is that of its first event, ``published_at`` the envelope's time, if it has one, but not
    later than SQS got it. ``statuses``: what SES said of sending itself.
    """

    outcome: Outcome
    reason: str | None
    entries: list[Entry]
    event_type: str | None = None
    published_at: datetime | None = None
    statuses: tuple[SendingStatus, ...] = ()


def dedup_key(
    event_type: str, feedback_id: str | None, ses_message_id: str | None, address: str, timestamp: str | None
) -> bytes:
    """Return the 16 bytes that are the same for all copies of one SES event about one address.

    :param address: the address key.
    :param timestamp: the reported time as text; it counts where there is no ``feedback_id``.
    """
    # Lengths make the parts unambiguous, whatever characters they hold.
    head = f"{len(event_type)}:{event_type}"
    if feedback_id:
        text = f"8:feedback{head}{len(feedback_id)}:{feedback_id}{len(address)}:{address}"
    else:
        mail, time = ses_message_id or "", timestamp or ""
        text = f"4:mail{head}{len(mail)}:{mail}{len(address)}:{address}{len(time)}:{time}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def digest(*parts: str) -> bytes:
    """Return 16 bytes that differ where any part does."""
    # Lengths make the parts unambiguous, whatever characters they hold.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
