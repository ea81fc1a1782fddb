"""What the benchmarks of the pages look for: each filter, some together, and any together at random."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ses_bounces.base.database.tables.ledger import BOUNCE_LIST_KINDS
from ses_bounces.classify.causes import CAUSES
from ses_bounces.ledger.lists.blocked import BlockedFilter
from ses_bounces.ledger.lists.bounces import BounceFilter

# "com" is in most of the seeded addresses, "gmail" in half, "baker" in a seventh, "june" in an eleventh, and at the
# end of their order; "0@" and "99@gmail" are in some thousands.
TEXTS = (
    "ad", "lou.garcia83", "company77", "com", "gmail", "baker", "june", "ada.a", "june.baker", "adler1234", "zzz",
    "@gmail.com", "@company77", "@c", "0@", "99@gmail",
)  # fmt: skip
BOUNCE_SORTS = ("date", "address", "deadline")
BLOCKED_SORTS = ("date", "address")
DIRECTIONS = ("descending", "ascending")
SEED = 20_250_101


def bounce_filters() -> dict[str, BounceFilter]:
    """Return filters of the Email Bounce List by name."""
    day, next_day = _days(30, 1)
    return {
        "open": BounceFilter(),
        "closed": BounceFilter(state="closed"),
        **{f"kind {kind}": BounceFilter(kind=kind) for kind in BOUNCE_LIST_KINDS},
        "subtype, frequent": BounceFilter(sub_type="MailboxFull"),
        "subtype, rare": BounceFilter(sub_type="NoEmail"),
        "subtype, none": BounceFilter(sub_type="Nothing"),
        "kind without the subtype": BounceFilter(kind="permanent", sub_type="MailboxFull"),
        "configuration set": BounceFilter(configuration_set="newsletter"),
        "configuration set and kind": BounceFilter(configuration_set="newsletter", kind="complaint"),
        "due in 2 days": BounceFilter(days_left_min=0, days_left_max=2),
        "due in 6 days": BounceFilter(days_left_min=0, days_left_max=6),
        "a day": BounceFilter(bounced_from=day, bounced_to=next_day),
        **{f"text {text}": BounceFilter(text=text) for text in TEXTS},
        "rare text and kind": BounceFilter(text="lund", kind="complaint"),
        "text and kind": BounceFilter(text="june", kind="complaint"),
        "text, closed": BounceFilter(text="june", state="closed"),
    }


def blocked_filters() -> dict[str, BlockedFilter]:
    """Return filters of the Email Blocked List by name."""
    day, next_day = _days(30, 1)
    return {
        "open": BlockedFilter(),
        "lifted": BlockedFilter(state="lifted"),
        **{f"reason {cause}": BlockedFilter(reason=cause) for cause in CAUSES},
        "a day": BlockedFilter(since_from=day, since_to=next_day),
        "domain, frequent": BlockedFilter(domain="gmail.com"),
        "domain, rare": BlockedFilter(domain="company77.example"),
        **{f"text {text}": BlockedFilter(text=text) for text in TEXTS},
        "text and domain": BlockedFilter(text="adler1234", domain="gmail.com"),
        "frequent text and domain": BlockedFilter(text="baker", domain="gmail.com"),
        "frequent text and domain, never together": BlockedFilter(text="gmail", domain="c"),
    }


def combined_bounces(number: int) -> Iterator[tuple[str, BounceFilter, str, str]]:
    """Yield filters of the Email Bounce List with anything together, and an order; the same ones every time."""
    chosen = random.Random(SEED)
    for place in range(number):
        since, until = _some_days(chosen)
        least, most = _maybe(chosen, 0.2, ((0, 2), (0, 6), (None, 3), (5, None), (-5, 0), (13, 14))) or (None, None)
        yield f"combination {place + 1}", BounceFilter(
            state=chosen.choice(("open", "open", "closed")),
            kind=_maybe(chosen, 0.4, BOUNCE_LIST_KINDS),
            sub_type=_maybe(chosen, 0.25, ("MailboxFull", "General", "NoEmail", "Nothing")),
            configuration_set=_maybe(chosen, 0.25, ("newsletter", "transactional", "none")),
            days_left_min=least,
            days_left_max=most,
            bounced_from=since,
            bounced_to=until,
            text=_maybe(chosen, 0.6, TEXTS),
        ), chosen.choice(BOUNCE_SORTS), chosen.choice(DIRECTIONS)  # fmt: skip


def combined_blocks(number: int) -> Iterator[tuple[str, BlockedFilter, str, str]]:
    """Yield filters of the Email Blocked List with anything together, and an order; the same ones every time."""
    chosen = random.Random(SEED)
    for place in range(number):
        since, until = _some_days(chosen)
        yield f"combination {place + 1}", BlockedFilter(
            state=chosen.choice(("open", "open", "lifted")),
            reason=_maybe(chosen, 0.4, CAUSES),
            since_from=since,
            since_to=until,
            domain=_maybe(chosen, 0.3, ("gmail.com", "company77.example", "c", "yahoo")),
            text=_maybe(chosen, 0.6, TEXTS),
        ), chosen.choice(BLOCKED_SORTS), chosen.choice(DIRECTIONS)  # fmt: skip


def parameters(filter_: BounceFilter | BlockedFilter, kept: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters of the page's URL.

    :param kept: by text, the id that it was kept under.
    """
    values = {name: value for name, value in vars(filter_).items() if value is not None}
    if "text" in values:
        values["filter"] = kept[values.pop("text")]
    for name, value in values.items():
        if isinstance(value, datetime):
            # A page's last day is included.
            values[name] = value.date() - timedelta(days=1 if name.endswith("_to") else 0)
    return values


def texts() -> list[str]:
    """Return every text that is searched for."""
    return list(dict.fromkeys([*TEXTS, *(one.text for one in bounce_filters().values() if one.text)]))


def _days(ago: int, number: int) -> tuple[datetime, datetime]:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = today - timedelta(days=ago)
    return since, since + timedelta(days=number)


def _some_days(chosen: random.Random) -> tuple[datetime | None, datetime | None]:
    since, until = _days(chosen.choice((1, 4, 13, 42)), chosen.choice((1, 3, 10)))
    return chosen.choice([(None, None)] * 7 + [(since, until), (since, None), (None, until)])


def _maybe(chosen: random.Random, often: float, values: tuple[Any, ...]) -> Any:
    return chosen.choice(values) if chosen.random() < often else None
