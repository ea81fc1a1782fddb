"""Deliveries are counted where they come, once for each mail and address: nothing else keeps all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ses_bounces.base.database.statements import statement

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.ledger.copying import Item

_COPY = (
    "COPY ses_bounces.delivery_count (day, domain, identity, configuration_set, campaign, deliveries)"
    " FROM STDIN WITH (FORMAT binary)"
)
_NO_STREAM = ("", "", "")


def count_deliveries(connection: Connection, items: Sequence[Item], first_new: int, *, have_known: bool) -> None:
    """Count those of the work table ``incoming_delivery`` that were not counted yet.

    Runs before ``last_delivery`` moves on: the four latest of each address tell a copy. One that is older than those
    is not counted, as nobody can tell it from a copy: no mail counts twice.

    :param items: what is in the work table.
    :param first_new: addresses from this id on were registered just now.
    :param have_known: whether any of them is of another address.
    """
    copies: set[bytes] = set()
    if have_known:
        rows = connection.execute(statement("ledger/figures/select_copies"), {"first_new": first_new})
        copies = {bytes(key) for (key,) in rows}
    entries = [e for e, _ in items if e.dedup_key not in copies] if copies else [e for e, _ in items]
    mails = {(e.address, e.ses_message_id or e.dedup_key): e for e in reversed(entries)}
    if len(mails) < len(entries):
        # The first of several reports of one mail to one address counts.
        entries = list(mails.values())
    counts = Counter(
        zip(
            [e.occurred_at.toordinal() for e in entries],
            [e.address.rpartition("@")[2] for e in entries],
            [e.stream or _NO_STREAM for e in entries],
            strict=True,
        )
    )
    if counts:
        _write(connection, counts)


def _write(connection: Connection, counts: Counter[tuple[int, str, tuple[str, str, str]]]) -> None:
    from datetime import date

    days = {ordinal: date.fromordinal(ordinal) for ordinal, _, _ in counts}
    with connection.cursor().copy(_COPY) as copy:
        copy.set_types(["date", "text", "text", "text", "text", "int4"])
        for (ordinal, domain, stream), number in counts.items():
            copy.write_row((days[ordinal], domain, *stream, number))
