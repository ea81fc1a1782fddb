"""Outages that are suggested: a domain that in a day refused many addresses for good, in the same words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.figures.saying import said
from ses_bounces.ledger.lists.engine.query import reading
from ses_bounces.ledger.lists.engine.search import like

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Fewer may be anything.
MIN_ADDRESSES = 20
# The share of the domain's refused addresses that it refused in the same words; the others have other reasons.
MIN_SHARE = 0.6
# As many times as on a usual day of the month before; where mail is often refused, that is how it is there.
MIN_TIMES = 5
HOURS = 24
DOMAINS_READ = 20
DIAGNOSTICS_READ = 50
# Shorter words than these say nothing.
_MIN_CHARACTERS = 8
# What said() puts in place of what differs.
_LEFT_OUT = re.compile(r"…|‹address›")


@dataclass(frozen=True)
class Outage:
    """Blocks that one outage may have caused; what *Undo an outage* asks for finds them.

    ``first``, ``last``: of when they began, aware, the last exclusive. ``said``: a text that their diagnostics have in
    common, without an address. ``addresses``: how many are blocked. ``outage_id``: of one that is kept, for links.
    """

    domain: str
    first: datetime
    last: datetime
    said: str
    addresses: int
    outage_id: int | None = field(default=None, compare=False)


def find_outages(connection: Connection) -> list[Outage]:
    """Look through the blocks of the last day, and keep what may be an outage in place of what was kept before.

    :param connection: autocommit.
    :raises DatabaseError: nothing is changed; repeat.
    """
    with quiet():
        wanted = {"hours": HOURS, "min": MIN_ADDRESSES, "times": MIN_TIMES, "limit": DOMAINS_READ}
        domains = [domain for (domain,) in connection.execute(statement("ledger/figures/select_bursts"), wanted)]
        found = _outages(connection, domains) if domains else []
        with connection.transaction():
            connection.execute(
                statement("ledger/figures/replace_outages"),
                {
                    "domains": [one.domain for one in found],
                    "firsts": [one.first for one in found],
                    "lasts": [one.last for one in found],
                    "texts": [one.said for one in found],
                    "counts": [one.addresses for one in found],
                },
            )
    return found


def outages(connection: Connection) -> list[Outage]:
    """Return the suggested outages whose blocks are still in force, the largest first.

    :raises DatabaseError: also when it takes over five seconds.
    """
    with reading(connection):
        rows = connection.execute(statement("ledger/figures/select_outages")).fetchall()
    return [Outage(*row) for row in rows]


def judged(rows: Sequence[tuple[str, str]]) -> tuple[str, list[int]] | None:
    """Return the words in which a domain refused most of its addresses, and the places of those; None: it did not.

    :param rows: of each address that it refused, the diagnostic and the address.
    """
    words = _most_common([(diagnostic, address) for diagnostic, address in rows if diagnostic])
    if words is None:
        return None
    places = [place for place, (diagnostic, _) in enumerate(rows) if words.casefold() in diagnostic.casefold()]
    return (words, places) if _are_many(len(places), len(rows)) else None


def _outages(connection: Connection, domains: list[str]) -> list[Outage]:
    wanted = {"domains": domains, "hours": HOURS, "limit": DIAGNOSTICS_READ}
    said_by: dict[str, list[tuple[str, str]]] = {}
    for domain, diagnostic, address in connection.execute(statement("ledger/figures/select_burst"), wanted):
        said_by.setdefault(domain, []).append((diagnostic, address))
    words = {domain: text for domain, rows in said_by.items() if (text := _most_common(rows))}
    if not words:
        return []
    patterns = {"domains": list(words), "texts": [f"%{like(text)}%" for text in words.values()], "hours": HOURS}
    found = []
    for domain, total, matching, first, last in connection.execute(statement("ledger/figures/count_burst"), patterns):
        if _are_many(matching, total):
            # The page's form has minutes.
            since = first.replace(second=0, microsecond=0)
            until = last.replace(second=0, microsecond=0) + timedelta(minutes=1)
            found.append(Outage(domain, since, until, words[domain], matching))
    return sorted(found, key=lambda outage: (-outage.addresses, outage.domain))


def _most_common(rows: Sequence[tuple[str, str]]) -> str | None:
    """Return the words that most of these have in common; None: fewer than half have."""
    texts = Counter(text for text in (said(diagnostic, address) for diagnostic, address in rows) if text)
    if not texts:
        return None
    most = min(texts, key=lambda text: (-texts[text], text))
    if 2 * texts[most] < len(rows):
        return None
    words = common_words(most)
    return words if len(words) >= _MIN_CHARACTERS else None


def _are_many(matching: int, total: int) -> bool:
    return matching >= MIN_ADDRESSES and matching >= MIN_SHARE * total


def common_words(text: str) -> str:
    """Return the longest part of what :func:`said` returns that stands in the reported text as it is."""
    # Between code and text there may be a mark of another kind.
    _, _, rest = text.partition(" ") if text[:3].isdigit() else ("", "", text)
    parts = [part.strip(" .:;,()[]<>\"'") for part in _LEFT_OUT.split(rest)]
    return max(parts, key=len, default="")[:200]
