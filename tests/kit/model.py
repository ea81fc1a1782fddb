"""The state of one address, read from docs/semantics.md §4 alone: the oracle of the property tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

EVENT_CAUSES = ("permanent_bounce", "ses_suppression", "complaint", "unsubscribed", "stop_request")
REASON_ORDER = ("stop_request", "complaint", "unsubscribed", "permanent_bounce", "ses_suppression", "expired_transient")
NOT_BLOCKING_IF_PROTECTED = ("permanent_bounce", "ses_suppression", "expired_transient")
EPISODE_BOUNDARIES = ("unblocked", "delivery", "transient_deleted")
COUNTED = ("transient_bounce", "permanent_bounce", "complaint")
KIND_OF_CAUSE = (
    ("complaint", "complaint"),
    ("permanent_bounce", "permanent"),
    ("ses_suppression", "suppressed"),
    ("expired_transient", "permanent"),
)
LONGEST_EXTENSION = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One live ledger entry."""

    kind: str
    occurred_at: datetime
    dedup_key: bytes
    actor: str = "ses"
    lifts: tuple[str, ...] = ()
    deadline: datetime | None = None
    policy: str | None = None
    mail_sent_at: datetime | None = None
    ses_message_id: str | None = None
    bounce_type: str | None = None
    # Marked when it was recorded: Transient / General, and its recipient has no action, status or diagnosticCode.
    is_reply: bool = False


@dataclass(frozen=True)
class Episode:
    """The transient bounces since the last boundary."""

    first: datetime
    last: datetime
    count: int
    deadline: datetime | None


@dataclass(frozen=True)
class State:
    """What is so at one time; `kind`, `first`, `last` and `count` are the open row of the bounce list."""

    causes: dict[str, datetime] = field(default_factory=dict)
    blocking: dict[str, datetime] = field(default_factory=dict)
    reason: str | None = None
    episode: Episode | None = None
    kind: str | None = None
    first: datetime | None = None
    last: datetime | None = None
    count: int = 0


def state(entries: Iterable[Entry], at: datetime, protected: bool = False) -> State:
    """The state at `at`, from the entries that had occurred by then."""
    known = [e for e in entries if e.occurred_at <= at]
    # It stays in the ledger, and is out of all else.
    known = [e for e in known if not _is_answered(e, known)]

    causes: dict[str, datetime] = {}
    for cause in EVENT_CAUSES:
        since = _cause_since(known, cause)
        if since is not None:
            causes[cause] = since
    episode, expired_since = _episode(known, at)
    if expired_since is not None:
        causes["expired_transient"] = expired_since

    # Protection takes nothing from the causes, only from what blocks.
    blocking = {c: since for c, since in causes.items() if not (protected and c in NOT_BLOCKING_IF_PROTECTED)}
    reason = next((c for c in REASON_ORDER if c in blocking), None)

    # The bounce list goes by the causes, so that it also shows those of a protected address.
    # Unsubscribed and stop_request alone give no row.
    kind = next((k for c, k in KIND_OF_CAUSE if c in causes), "transient" if episode else None)
    first, last, count = _bounce_list_numbers(known, kind, episode)
    return State(causes, blocking, reason, episode, kind, first, last, count)


def _is_answered(entry: Entry, known: list[Entry]) -> bool:
    """Whether it is the reply to a mail that SES reported as delivered to this address, before the reply or after."""
    if not entry.is_reply or entry.ses_message_id is None:
        return False
    return any(e.kind == "delivery" and e.ses_message_id == entry.ses_message_id for e in known)


def _cause_since(known: list[Entry], cause: str) -> datetime | None:
    """The earliest entry later than the last unblocked that names the cause."""
    named = _last(e for e in known if e.kind == "unblocked" and cause in e.lifts)
    # "Later than" is strict.
    counting = [e for e in known if e.kind == cause and _later(e.occurred_at, named)]
    if cause == "ses_suppression":
        # One made from a bounce counts only if its mail was sent after the last unblocked, whatever that names.
        any_unblocked = _last(e for e in known if e.kind == "unblocked")
        counting = [
            e for e in counting if e.bounce_type is None or _later(e.mail_sent_at or e.occurred_at, any_unblocked)
        ]
    return min((e.occurred_at for e in counting), default=None)


def _episode(known: list[Entry], at: datetime) -> tuple[Episode | None, datetime | None]:
    """The episode that is there, and since when it is the cause expired_transient."""
    # Any unblocked, delivery or transient_deleted is a boundary.
    boundary = _last(e for e in known if e.kind in EPISODE_BOUNDARIES)
    bounces = [e for e in known if e.kind == "transient_bounce" and _later(e.occurred_at, boundary)]
    extensions = [e for e in known if e.kind == "deadline_extended" and _later(e.occurred_at, boundary)]

    while bounces:
        first = min(e.occurred_at for e in bounces)
        last = max(e.occurred_at for e in bounces)
        stored = min((e.deadline for e in bounces if e.deadline is not None), default=None)
        policy = _policy(bounces, stored)
        # An extension belongs to the episode if it was not made before the first bounce.
        own = [x for x in extensions if x.occurred_at >= first]
        if policy == "expire":
            own = _in_time(own, stored)
        # The latest given deadline replaces the stored one, even if it is earlier.
        deadline = max((_given(x) for x in own), default=stored)
        episode = Episode(first, last, len(bounces), deadline)

        if deadline is None or deadline > at:
            return episode, None
        if policy == "age":
            return episode, deadline
        if policy == "age_and_rebounce":
            second = _second_mail(bounces)
            return episode, None if second is None else max(deadline, second)
        # expire: it ended at the deadline and is forgotten, with its extensions; later bounces open the next episode.
        # A bounce exactly at the deadline still belongs, and so does the first one in any case.
        end = max(deadline, first)
        bounces = [e for e in bounces if e.occurred_at > end]
        extensions = [x for x in extensions if x not in own]
    return None, None


def _policy(bounces: list[Entry], stored: datetime | None) -> str:
    """The policy of the entry with the earliest stored deadline."""
    # Ties, and episodes without any deadline: the first in the alphabet.
    return min(e.policy or "age" for e in bounces if e.deadline == stored)


def _given(extension: Entry) -> datetime:
    """The deadline that an extension gives."""
    assert extension.deadline is not None
    # At most 30 days after the extension.
    return min(extension.deadline, extension.occurred_at + LONGEST_EXTENSION)


def _in_time(extensions: list[Entry], stored: datetime | None) -> list[Entry]:
    """The extensions of an expire episode that were made not later than the deadline in force at that time."""
    own: list[Entry] = []
    for extension in sorted(extensions, key=lambda x: x.occurred_at):
        # In force: the latest that the extensions before this one give, else the stored one, else none.
        in_force = max((_given(x) for x in own if x.occurred_at < extension.occurred_at), default=stored)
        # The first one made too late, and all after it, belong to a later episode.
        if in_force is not None and extension.occurred_at > in_force:
            break
        own.append(extension)
    return own


def _second_mail(bounces: list[Entry]) -> datetime | None:
    """When a second mail bounced: the second of the first bounces of each mail."""
    firsts: dict[str, datetime] = {}
    for e in bounces:
        # Without a message id an entry is a mail of its own.
        mail = e.dedup_key.hex() if e.ses_message_id is None else e.ses_message_id
        firsts[mail] = min(firsts.get(mail, e.occurred_at), e.occurred_at)
    return sorted(firsts.values())[1] if len(firsts) > 1 else None


def _bounce_list_numbers(
    known: list[Entry], kind: str | None, episode: Episode | None
) -> tuple[datetime | None, datetime | None, int]:
    """First, last and count of the row in the bounce list."""
    if kind is None:
        return None, None, 0
    if kind == "transient" and episode is not None:
        return episode.first, episode.last, episode.count
    # All bounces and complaints up to now, lifted or not.
    times = [e.occurred_at for e in known if e.kind in COUNTED]
    if times:
        return min(times), max(times), len(times)
    # A suppression is not counted as a new bounce.
    times = [e.occurred_at for e in known if e.kind == "ses_suppression"]
    return min(times), max(times), 0


def _last(entries: Iterable[Entry]) -> datetime | None:
    return max((e.occurred_at for e in entries), default=None)


def _later(moment: datetime, boundary: datetime | None) -> bool:
    return boundary is None or moment > boundary
