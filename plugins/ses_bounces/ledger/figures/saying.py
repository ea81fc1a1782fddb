"""What servers said most to the last bounces of each day, without addresses and what differs in every answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.brake.diagnostics import masked

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Of each day, the last ones: what they cost does not grow with the day.
BOUNCES_READ = 500
TEXTS_OF_PROVIDER = 3
TEXTS_OF_DAY = 60
# What was said earlier is forgotten.
DAYS_KEPT = 90
# Entries behind which those of today are looked for, beside a day's own.
_NEWEST = 20_000

_CODE = re.compile(r"(?:smtp; ?)?(\d{3}(?:[ -]#?\d\.\d{1,3}\.\d{1,3})?)?")
_NUMBER = re.compile(r"\d+(?:[.:,-]\d+)*")
_MANY = re.compile(r"…(?:[\s.:,-]*…)+")


def said(diagnostic: str, address: str = "") -> str:
    """Return what a server said, in words that it says to others too: its code, and the text without numbers.

    :param address: the address that it is about, which it may spell in parts.
    """
    text = masked(diagnostic, address)
    head = _CODE.match(text)
    assert head is not None, "the pattern matches nothing as well"
    rest = _MANY.sub("…", _NUMBER.sub("…", text[head.end() :])).strip()
    return " ".join(filter(None, (head[1], rest)))


def note_texts(connection: Connection, days: Iterable[date], today: date, upto: int) -> None:
    """Note what was said most on each of these days, in place of what was noted before; forget what is too old.

    :param today: in UTC.
    :param upto: the last entry that is counted.
    """
    oldest = today - timedelta(days=DAYS_KEPT - 1)
    connection.execute("DELETE FROM ses_bounces.figure_text t WHERE t.day < %s", [oldest])
    for day in sorted(day for day in days if day >= oldest):
        is_new = day >= today - timedelta(days=1)
        wanted = {"day": day, "after": upto - _NEWEST if is_new else 0, "upto": upto, "limit": BOUNCES_READ}
        rows = connection.execute(statement("ledger/figures/select_diagnostics"), wanted).fetchall()
        counts = Counter((provider, said(diagnostic, address)) for provider, diagnostic, address in rows)
        kept = _most(counts)
        connection.execute("DELETE FROM ses_bounces.figure_text t WHERE t.day = %s", [day])
        parameters = {
            "day": day,
            "providers": [provider for provider, _ in kept],
            "texts": [text for _, text in kept],
            "counts": [counts[key] for key in kept],
        }
        connection.execute(statement("ledger/figures/insert_texts"), parameters)


def _most(counts: Counter[tuple[str, str]]) -> list[tuple[str, str]]:
    taken: Counter[str] = Counter()
    kept: list[tuple[str, str]] = []
    for provider, text in sorted(counts, key=lambda key: (-counts[key], key)):
        if taken[provider] < TEXTS_OF_PROVIDER and len(kept) < TEXTS_OF_DAY and text:
            taken[provider] += 1
            kept.append((provider, text))
    return kept
