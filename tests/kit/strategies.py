"""Random histories of one address, made so that times, deadlines and boundaries often coincide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from hypothesis import strategies as st

from tests.kit.model import REASON_ORDER, Entry

BASE = datetime(2026, 1, 1, tzinfo=UTC)
POLICIES = ("age", "age_and_rebounce", "expire")
MESSAGE_IDS = ("m1", "m2", "m3")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

# Kinds that make the state are drawn more often than those without effect.
KINDS = (
    ("transient_bounce",) * 6
    + ("deadline_extended",) * 3
    + ("ses_suppression", "unblocked", "permanent_bounce") * 2
    + ("delivery", "transient_deleted", "complaint", "unsubscribed", "stop_request")
    + ("not_spam", "auth_failure", "foreign_bounce", "promotion")
)
# Histories of one theme: there the episodes live long enough to be extended and to follow each other,
# and suppressions meet the unblocks that make echoes of them.
KINDS_OF_A_THEME = (
    ("transient_bounce", "transient_bounce", "deadline_extended", "deadline_extended", "delivery"),
    ("transient_bounce", "deadline_extended"),
    ("transient_bounce",),
    ("ses_suppression", "ses_suppression", "unblocked", "complaint"),
)
PERSONS_KINDS = ("unblocked", "deadline_extended", "transient_deleted", "stop_request")


def moments(days: int = 30) -> st.SearchStrategy[datetime]:
    """Whole hours within so many days around the base; mostly midnights, where the deadlines are as well."""
    hours = st.sampled_from((0, 0, 0, 0, 1, 12, 23))
    return st.builds(lambda d, h: BASE + d * DAY + h * HOUR, st.integers(-days, days), hours)


def dedup_keys() -> st.SearchStrategy[bytes]:
    """Random digests; made of a number, so that they cost little and shrink well."""
    return st.integers(0, 2**31).map(lambda n: blake2b(str(n).encode(), digest_size=16).digest())


@st.composite
def entries(draw: st.DrawFn, pool: Sequence[datetime], kinds: Sequence[str], policies: Sequence[str]) -> Entry:
    """One entry at one of the moments of the pool; its dedup_key is random."""
    kind = draw(st.sampled_from(kinds))
    at = draw(st.sampled_from(pool))
    optional: dict[str, Any] = {}
    if kind == "transient_bounce":
        grace = draw(st.one_of(st.sampled_from((0, 1, 2, 3, 7, 14, 30)), st.integers(0, 30)))
        # A subtype in promotion_excludes has no deadline.
        excluded = draw(st.sampled_from((False, False, False, False, True)))
        optional["deadline"] = None if excluded else at + grace * DAY
        optional["policy"] = draw(st.sampled_from(policies))
        optional["bounce_type"] = draw(st.sampled_from(("Transient", "Transient", "Undetermined")))
    elif kind == "deadline_extended":
        # Never before its own time, often before the stored deadline, sometimes beyond the 30 days.
        later = [m for m in pool if m >= at]
        optional["deadline"] = draw(st.one_of(st.integers(0, 45).map(lambda d: at + d * DAY), st.sampled_from(later)))
    elif kind == "unblocked":
        causes = st.lists(st.sampled_from(REASON_ORDER), min_size=1, unique=True)
        singletons = st.sampled_from(REASON_ORDER).map(lambda c: [c])
        optional["lifts"] = tuple(sorted(draw(st.one_of(singletons, causes, st.just(list(REASON_ORDER))))))
    elif kind in ("permanent_bounce", "foreign_bounce"):
        optional["bounce_type"] = "Permanent"
    elif kind == "unsubscribed":
        optional["bounce_type"] = draw(st.sampled_from((None, "Permanent")))

    from_mail = kind not in (*PERSONS_KINDS, "promotion")
    if kind == "ses_suppression":
        origin = draw(st.sampled_from(("bounce", "bounce", "complaint", "list")))
        optional["bounce_type"] = "Permanent" if origin == "bounce" else None
        from_mail = origin != "list"
    if from_mail:
        # The clock of the bounce may be up to a day behind the mail's.
        sent = st.one_of(st.none(), st.sampled_from((-14 * DAY, -DAY, -HOUR, 0 * HOUR, DAY)).map(lambda d: at + d))
        from_pool = st.sampled_from([m for m in pool if m <= at + DAY])
        optional["mail_sent_at"] = draw(st.one_of(sent, from_pool))
        optional["ses_message_id"] = draw(st.one_of(st.none(), st.sampled_from(MESSAGE_IDS)))
    actor = draw(st.sampled_from(("alice", "bob"))) if kind in PERSONS_KINDS else "ses"
    return Entry(kind=kind, occurred_at=at, dedup_key=draw(dedup_keys()), actor=actor, **optional)


@st.composite
def histories(draw: st.DrawFn, max_size: int = 14) -> list[Entry]:
    """The live entries of one address, in any order."""
    days = draw(st.sampled_from((2, 7, 15, 30)))
    pool = draw(st.lists(moments(days), min_size=2, max_size=10, unique=True))
    kinds = draw(st.sampled_from((KINDS, KINDS, *KINDS_OF_A_THEME, KINDS_OF_A_THEME[-1])))
    policies = draw(st.sampled_from((POLICIES, POLICIES, *((p,) for p in POLICIES), ("expire",))))
    least = min(max_size, draw(st.sampled_from((4, 2, 0, 8))))
    return draw(st.lists(entries(pool, kinds, policies), min_size=least, max_size=max_size, unique_by=_key))


def _key(entry: Entry) -> bytes:
    return entry.dedup_key


def times(history: Sequence[Entry] = ()) -> st.SearchStrategy[datetime]:
    """A time to ask for: anywhere, and for a given history mostly at or beside something that happens in it."""
    anywhere = st.builds(lambda d, h: BASE + d * DAY + h * HOUR, st.integers(-31, 75), st.sampled_from((0, 0, 1, 12)))
    marks = {e.occurred_at for e in history} | {e.deadline for e in history if e.deadline is not None}
    marks |= {e.occurred_at + 30 * DAY for e in history if e.kind == "deadline_extended"}
    if not marks:
        return anywhere
    tick = timedelta(microseconds=1)
    beside = st.builds(
        lambda m, d: m + d, st.sampled_from(sorted(marks)), st.sampled_from((0 * HOUR, 0 * HOUR, HOUR, -tick, tick))
    )
    return st.one_of(beside, beside, anywhere)
