"""Allow Group Email: switched off for the people at blocked addresses, and on again when a block is lifted.

The people table belongs to another application: its rows are held for the length of one statement, never waited for,
and only one column is written.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.erased.guard import recognised, secret_of
from ses_bounces.people.table import People

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.erasure_secret import Secret
    from ses_bounces.base.settings import Settings

log = logging.getLogger(__name__)

# More people than addresses, so that one statement mostly does for a chunk. It holds its rows for less than 0.1 s.
ADDRESSES_PER_CHUNK = 4_000
PEOPLE_PER_STATEMENT = 5_000
PEOPLE_PER_RANGE = 10_000
COMPARE_EVERY = "23 hours"


@dataclass
class Synced:
    """What a sync did, in people; ``locked_addresses`` stay due, because somebody held a row.

    ``touched``: people whom we switched off, whose address is free again, and whose row somebody touched since: an
    administrator decides. ``would_switch_off``: in observe mode, what enforcing would do.
    """

    addresses: int = 0
    switched_off: int = 0
    switched_on: int = 0
    touched: int = 0
    locked_addresses: int = 0
    would_switch_off: int = 0
    compared_everybody: bool = False


def sync(connection: Connection, settings: Settings, seconds: float = float("inf")) -> Synced:
    """Bring Allow Group Email to what the blocked list says, for the addresses in ``flag_due``.

    Once a day everybody is compared first: new people, re-imports and changed addresses become due.

    :param connection: autocommit.
    :param seconds: begin no further chunk after this long; what is left stays due.
    :raises SettingsError: when the people table is not as the settings say.
    :raises DatabaseError: what is done stays done; repeat to go on.
    """
    done = Synced()
    if settings.people_table is None:
        return done
    until = time.monotonic() + seconds
    with quiet():
        people = People(connection, settings)
        done.compared_everybody = _compare_everybody(people, settings.enforce, until, done)
        after = 0
        while time.monotonic() < until:
            after = _settle_chunk(people, settings, {"after": after, "limit": ADDRESSES_PER_CHUNK}, done)
            if not after:
                break
    return done


def sync_addresses(
    connection: Connection, settings: Settings, address_ids: Iterable[int], seconds: float = float("inf")
) -> Synced:
    """The same at once, for those of some addresses that are due.

    :param seconds: the time that all statements together may take; the one that would pass it is cancelled.
    :raises SettingsError: when the people table is not as the settings say.
    :raises psycopg.errors.LockNotAvailable: somebody holds the table; what is not done stays due.
    :raises psycopg.errors.QueryCanceled: the time is over; what is not done stays due.
    """
    done = Synced()
    if settings.people_table is None:
        return done
    due = connection.execute(statement("people/select_due_flags_of"), {"ids": list(address_ids)}).fetchall()
    if due:
        _settle(People(connection, settings, seconds), settings, due, done)
    return done


def _settle_chunk(people: People, settings: Settings, chunk: dict[str, Any], done: Synced) -> int:
    """Settle the first due addresses behind one; returns the last of them, 0 where there are none."""
    if settings.enforce and (last := _settle_in_postgres(people, chunk, done)) is not None:
        return last
    due = people.connection.execute(statement("people/select_due_flags"), chunk).fetchall()
    if not due:
        return 0
    _settle(people, settings, due, done)
    last_due: int = due[-1][0]
    return last_due


def _settle_in_postgres(people: People, chunk: dict[str, Any], done: Synced) -> int | None:
    """The same with the blocked ones left to a single statement; None where it can't."""
    from psycopg.errors import LockNotAvailable

    if not people.is_indexed:
        return None
    limits = {**chunk, "most_people": PEOPLE_PER_STATEMENT}
    found = off = PEOPLE_PER_STATEMENT
    try:
        people.execute("people/settle_decided", ids=None, **chunk)
        while found == off == PEOPLE_PER_STATEMENT:
            last, addresses, found, off, free_ids, free_since = people.execute(
                "people/switch_off_due", is_durable=False, **limits
            )[0]
            done.switched_off += off
    except LockNotAvailable:
        return None
    if off < found:
        # A trigger of theirs keeps flags on: the long way tells how many.
        return None
    done.addresses += addresses
    if free_ids:
        settled = _switch_on(people, dict(zip(free_ids, free_since, strict=True)), done)
        _take_off(people, settled)
    return int(last)


def _settle(people: People, settings: Settings, due: list[tuple[Any, ...]], done: Synced) -> None:
    done.addresses += len(due)
    blocked = {address: (id_, since) for id_, address, since, is_blocked in due if is_blocked}
    free = {id_: since for id_, _, since, is_blocked in due if not is_blocked}
    if settings.enforce:
        _take_off(people, _switch_off(people, blocked, done) | _switch_on(people, free, done))
    else:
        counts = people.execute("people/count_people_on", addresses=list(blocked))
        done.would_switch_off += sum(count for _, count in counts)


def _take_off(people: People, settled: dict[int, Any]) -> None:
    parameters = {"ids": list(settled), "due_since": list(settled.values())}
    people.connection.execute(statement("people/delete_due_flags"), parameters)


def _switch_off(people: People, blocked: dict[str, tuple[int, Any]], done: Synced) -> dict[int, Any]:
    addresses = list(blocked)
    if not addresses:
        return {}
    # A block that came after an administrator's decision takes it back.
    people.execute("people/settle_decided", ids=[id_ for id_, _ in blocked.values()], after=None, limit=None)
    done.switched_off += switch_off(people, {address: id_ for address, (id_, _) in blocked.items()})
    held = {address for address, _ in people.execute("people/count_people_on", addresses=addresses)}
    done.locked_addresses += len(held)
    return {id_: since for address, (id_, since) in blocked.items() if address not in held}


def switch_off(people: People, address_ids: dict[str, int]) -> int:
    """Switch the flag off for the people at some addresses, by key; returns how many. Rows that are held are left."""
    wanted: dict[str, Any] = {"addresses": list(address_ids), "address_ids": list(address_ids.values())}
    total, changed = 0, PEOPLE_PER_STATEMENT
    while changed == PEOPLE_PER_STATEMENT:
        changed = people.execute("people/switch_off_people", **wanted, limit=PEOPLE_PER_STATEMENT)[0][0]
        total += changed
    return total


def _switch_on(people: People, free: dict[int, Any], done: Synced) -> dict[int, Any]:
    if not free:
        return {}
    ids = list(free)
    changed = PEOPLE_PER_STATEMENT
    while changed == PEOPLE_PER_STATEMENT:
        changed = people.execute("people/switch_on_people", ids=ids, limit=PEOPLE_PER_STATEMENT)[0][0]
        done.switched_on += changed
    done.switched_on += switch_on_decided(people, ids)
    done.touched += dict(people.execute("people/settle_touched_people", ids=ids)).get("touched", 0)
    held = {id_ for (id_,) in people.execute("people/select_open_flag_changes", ids=ids)}
    done.locked_addresses += len(held)
    return {id_: since for id_, since in free.items() if id_ not in held}


def switch_on_decided(people: People, address_ids: Iterable[int]) -> int:
    """Switch the flag on for those at some addresses for whom an administrator decided so; returns how many.

    Rows that somebody else holds stay as decided.
    """
    ids = list(address_ids)
    total, changed = 0, PEOPLE_PER_STATEMENT
    while changed == PEOPLE_PER_STATEMENT:
        changed = people.execute("people/switch_on_decided", ids=ids, limit=PEOPLE_PER_STATEMENT)[0][0]
        total += changed
    people.execute("people/settle_decided", ids=ids, after=None, limit=None)
    return total


def _switch_off_erased(people: People, secret: Secret, after: Any) -> int:
    """Switch the flag off for those in one range of ids whose address was erased and is blocked; returns how many.

    Postgres can't tell who they are, the secret can. Rows that somebody else holds are left for the next day.

    :param after: the id that the range begins behind.
    """
    keys = [key for (key,) in people.execute("people/select_people_on", after=after, limit=PEOPLE_PER_RANGE)]
    names = {name: key for key, name in recognised(people.connection, keys, secret).items()}
    if not names:
        return 0
    rows = people.connection.execute(statement("ledger/lists/select_blocks_of"), {"addresses": list(names)}).fetchall()
    blocked = {names[name]: id_ for name, id_, reason, _ in rows if reason is not None}
    return switch_off(people, blocked) if blocked else 0


def _compare_everybody(people: People, enforce: bool, until: float, done: Synced) -> bool:
    """Once a day, note the blocked addresses of all people whose flag is not off; returns whether it was done."""
    connection = people.connection
    query = f"SELECT coalesce(people_compared_at < now() - interval '{COMPARE_EVERY}', true) FROM ses_bounces.setting"
    row = connection.execute(query).fetchone()
    if row is None or not row[0]:
        return False
    after, noted = None, 0
    secret = secret_of(connection) if enforce else None
    while time.monotonic() < until:
        if secret is not None:
            done.switched_off += _switch_off_erased(people, secret, after)
        after, count = people.execute("people/make_flags_due", after=after, limit=PEOPLE_PER_RANGE)[0]
        noted += count
        if after is None:
            connection.execute("UPDATE ses_bounces.setting SET people_compared_at = now()")
            log.info("Compared everybody in %s: %d blocked addresses have people to switch off", people.table, noted)
            return True
    return False
