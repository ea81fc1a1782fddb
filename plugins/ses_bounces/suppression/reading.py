"""SES's account suppression lists into the ledger, and where they differ from our blocked list.

A list is read page by page; each page is one short transaction that records its entries and where the next page
begins, so that a killed reading goes on where it stopped. Repeating a page changes nothing: an entry is one for its
account, region, address and time of last update.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from ses_bounces.base.counted import counted
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.classify.address import address_key
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.brake.limit import Brake
from ses_bounces.ledger.erased.guard import recognised
from ses_bounces.ledger.writing import Changes, writing
from ses_bounces.suppression.ses_list import StaleTokenError, SuppressedAddress, SuppressionList, listing_key

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

log = logging.getLogger(__name__)

# A removal from the list shows in a full reading only.
FULL_EVERY = timedelta(days=7)


@dataclass(frozen=True)
class Bounds:
    """What to read: a date range (aware times, by SES's time of last update), or everything."""

    since: datetime | None = None
    until: datetime | None = None
    full: bool = False


@dataclass
class Reading:
    """A reading of one list: entries on it, those new to the ledger, those that are no address, those that the
    brake kept out, those that left it.

    ``finished`` False: the time was up; the next run goes on.
    """

    full: bool
    pages: int = 0
    listed: int = 0
    recorded: int = 0
    not_addresses: int = 0
    held: int = 0
    gone: int = 0
    finished: bool = False
    changes: Changes = field(default_factory=Changes)


def read_list(
    connection: Connection,
    listing: SuppressionList,
    bounds: Bounds | None = None,
    seconds: float = float("inf"),
    max_new_blocks: int | None = None,
) -> Reading:
    """Record the entries of one of SES's lists: those changed since the last reading, once a week all of them.

    A reading that was not finished is gone on with first, whatever it was of.

    :param connection: autocommit.
    :param bounds: another range than that; from a person.
    :param seconds: ask for no further page after this long.
    :param max_new_blocks: of a domain and day; see :mod:`ses_bounces.ledger.brake.limit`.
    :raises AwsError: what is recorded stays recorded; repeat to go on.
    :raises DatabaseError: likewise.
    """
    until = time.monotonic() + seconds
    place = {"account": listing.account, "region": listing.region}
    with quiet():
        brake = Brake.of(connection, max_new_blocks)
        asked = bounds or Bounds()
        wanted = place | {"since": asked.since, "until": asked.until, "full": asked.full, "full_every": FULL_EVERY}
        went_on = connection.execute(statement("suppression/select_pass"), place).fetchone()
        if went_on is None:
            connection.execute(statement("suppression/insert_pass"), wanted)
        reading = _read(connection, listing, place, until, brake)
        if went_on is not None and reading.finished and bounds is not None:
            connection.execute(statement("suppression/insert_pass"), wanted)
            reading = _read(connection, listing, place, until, brake)
    return reading


def _read(
    connection: Connection, listing: SuppressionList, place: dict[str, str], until: float, brake: Brake | None
) -> Reading:
    row = connection.execute(statement("suppression/select_pass"), place).fetchone()
    if row is None:
        # Finished by another session a moment ago.
        return Reading(full=False, finished=True)
    pass_id, since, before, token, *_ = row
    reading = Reading(full=since is None and before is None)
    hold = (
        None
        if brake is None
        else partial(brake.hold_listed, connection, is_exempt=_is_exempt(connection, place, before))
    )
    while time.monotonic() < until:
        try:
            page = listing.page(since, before, token)
        except StaleTokenError as error:
            if token is None:
                raise
            log.warning("%s The reading begins again; what is recorded stays", error)
            connection.execute(statement("suppression/restart_pass"), {"pass_id": pass_id})
            token = None
            continue
        _record(connection, place, pass_id, page.entries, page.next_token, reading, hold)
        if reading.pages % 50 == 0:
            log.info("%s: %s read", listing.region, counted(reading.listed, "entry", "entries"))
        token = page.next_token
        if token is None:
            finished = connection.execute(statement("suppression/finish_pass"), {"pass_id": pass_id}).fetchone()
            reading.gone = finished[0] if finished else 0
            reading.finished = True
            break
    return reading


def _is_exempt(connection: Connection, place: dict[str, str], before: datetime | None) -> bool:
    """Tell whether a reading is not braked: the first one of a list, or of a range that a person asked for."""
    query = (
        "SELECT NOT EXISTS (SELECT FROM ses_bounces.suppression_pass p WHERE p.account = %(account)s"
        " AND p.region = %(region)s AND p.finished_at IS NOT NULL)"
    )
    row = connection.execute(query, place).fetchone()
    return before is not None or bool(row and row[0])


def _record(
    connection: Connection,
    place: dict[str, str],
    pass_id: int,
    entries: Sequence[SuppressedAddress],
    next_token: str | None,
    reading: Reading,
    hold: Callable[[Sequence[tuple[Entry, bool]]], list[Entry]] | None,
) -> None:
    keyed = [(entry, address_key(entry.address)) for entry in entries]
    good = [(entry, key) for entry, key in keyed if key is not None]
    counts = {"listed": len(entries), "not_addresses": len(entries) - len(good)}
    with writing(connection) as writer:
        made = [(_entry(place, entry, key), entry.ses_reason == "BOUNCE") for entry, key in good]
        counting = hold(made) if hold else [entry for entry, _ in made]
        reading.held += len(made) - len(counting)
        writer.append((entry, None) for entry in counting)
        recorded = writer.changes.entries["ses_suppression"]
        names = recognised(connection, (key for _, key in good))
        connection.execute(
            statement("suppression/upsert_ses_listed"),
            place
            | {
                "pass_id": pass_id,
                "listed_addresses": [names.get(key, entry.address) for entry, key in good],
                "addresses": [names.get(key, key) for _, key in good],
                "ses_reasons": [entry.ses_reason for entry, _ in good],
                "last_updated_at": [entry.last_updated_at for entry, _ in good],
            },
        )
        noted = counts | {"recorded": recorded, "next_token": next_token, "pass_id": pass_id}
        connection.execute(statement("suppression/update_pass"), noted)
    reading.changes += writer.changes
    reading.pages += 1
    reading.listed += len(entries)
    reading.recorded += recorded
    reading.not_addresses += counts["not_addresses"]


def _entry(place: dict[str, str], listed: SuppressedAddress, key: str) -> Entry:
    account, region = place["account"], place["region"]
    return Entry(
        "ses_suppression",
        key,
        listed.address,
        listed.last_updated_at,
        listing_key(account, region, key, listed.last_updated_at),
        reason=f"on SES's suppression list of {region}: {listed.ses_reason.lower()}",
    )
