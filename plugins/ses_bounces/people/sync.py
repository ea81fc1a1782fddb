"""Allow Group Email: switched off for the people at blocked addresses, and on again when a block is lifted.

The people table belongs to another application: its rows are held for the length of one statement, never waited for,
and only one column is written.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.erased.guard import recognised, secret_of
from ses_bounces.ledger.registry import blocks_of
from ses_bounces.people import rows as people_rows
from ses_bounces.people.comparing import Comparison
from ses_bounces.people.rows import IDS_KEPT, Changing, PeopleRows, shown
from ses_bounces.people.table import People

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.erasure_secret import Secret
    from ses_bounces.base.settings import Settings

log = logging.getLogger(__name__)

# More people than addresses, so that one statement mostly does for a chunk. It holds its rows for less than 0.1 s.
ADDRESSES_PER_CHUNK = 4_000
PEOPLE_PER_RANGE = 10_000
# Ids logged of people whose email can't be read: enough to see what is wrong with them.
IDS_TOLD = 20
_SWITCH_OFF = Changing("people/switch_off_people", "people/switch_off_people_found")
_SWITCH_ON = Changing("people/switch_on_people", "people/switch_on_people_found")
_SWITCH_ON_DECIDED = Changing("people/switch_on_decided", "people/switch_on_decided_found")


@dataclass
class Synced:
    """What a sync did, in people; ``locked_addresses`` stay due, because another session had locked a row.

    ``touched``: people whom we switched off, whose address is free again, and whose row has changed since: an
    administrator decides. ``refused``: people whose row a constraint or a trigger of theirs refuses to change; they
    stay due, and ``refused_ids`` names the first 100. ``would_switch_off``: in observe mode, what enforcing would do.
    ``unreadable``: of everybody, where all were compared, those whose email is no address; nothing is ever switched
    off for them.
    """

    addresses: int = 0
    switched_off: int = 0
    switched_on: int = 0
    touched: int = 0
    locked_addresses: int = 0
    refused: int = 0
    refused_ids: list[str] = field(default_factory=list)
    would_switch_off: int = 0
    compared_everybody: bool = False
    unreadable: int = 0


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
    began = time.monotonic()
    until = began + seconds
    with quiet():
        rows = PeopleRows(People(connection, settings))
        # Whatever it takes, some of the time is left for those who are due.
        done.compared_everybody = _compare_everybody(rows, settings.enforce, began + seconds / 2, done)
        after = 0
        while time.monotonic() < until:
            after = _settle_chunk(rows, settings, {"after": after, "limit": ADDRESSES_PER_CHUNK}, done)
            if not after:
                break
        _note_refused(rows, done)
    return done


def sync_addresses(
    connection: Connection, settings: Settings, address_ids: Iterable[int], seconds: float = float("inf")
) -> Synced:
    """The same at once, for those of some addresses that are due.

    :param seconds: the time that all statements together may take; the one that would pass it is cancelled.
    :raises SettingsError: when the people table is not as the settings say.
    :raises psycopg.errors.LockNotAvailable: another session has locked the table; what is not done stays due.
    :raises psycopg.errors.QueryCanceled: the time is over; what is not done stays due.
    """
    done = Synced()
    if settings.people_table is None:
        return done
    due = connection.execute(statement("people/select_due_flags_of"), {"ids": list(address_ids)}).fetchall()
    if due:
        rows = PeopleRows(People(connection, settings, seconds))
        _settle(rows, settings, due, done)
        _note_refused(rows, done)
    return done


def _note_refused(rows: PeopleRows, done: Synced) -> None:
    done.refused = len(rows.refused)
    done.refused_ids = [shown(id_) for id_ in rows.refused][:IDS_KEPT]


def _settle_chunk(rows: PeopleRows, settings: Settings, chunk: dict[str, Any], done: Synced) -> int:
    """Settle the first due addresses behind one; returns the last of them, 0 where there are none."""
    if settings.enforce and (last := _settle_in_postgres(rows, chunk, done)) is not None:
        return last
    due = rows.people.connection.execute(statement("people/select_due_flags"), chunk).fetchall()
    if not due:
        return 0
    _settle(rows, settings, due, done)
    last_due: int = due[-1][0]
    return last_due


def _settle_in_postgres(rows: PeopleRows, chunk: dict[str, Any], done: Synced) -> int | None:
    """The same with the blocked ones left to a single statement; None where it can't."""
    import psycopg

    people, most = rows.people, people_rows.PEOPLE_PER_STATEMENT
    if not people.is_indexed:
        return None
    found = off = most
    try:
        people.execute("people/settle_decided", ids=None, **chunk)
        while found == off == most:
            last, addresses, found, off, free_ids, free_since = people.execute(
                "people/switch_off_due", is_durable=False, most_people=most, **chunk
            )[0]
            done.switched_off += off
            rows.served += off
    except psycopg.errors.LockNotAvailable:
        return None
    except psycopg.Error as error:
        if not people_rows.may_be_of_a_row(error):
            raise
        # The long way finds out whose.
        return None
    if off < found:
        # A trigger of theirs keeps flags on: the long way tells how many.
        return None
    done.addresses += addresses
    if free_ids:
        settled = _switch_on(rows, dict(zip(free_ids, free_since, strict=True)), done)
        _take_off(people, settled)
    return int(last)


def _settle(rows: PeopleRows, settings: Settings, due: list[tuple[Any, ...]], done: Synced) -> None:
    done.addresses += len(due)
    blocked = {address: (id_, since) for id_, address, since, is_blocked in due if is_blocked}
    free = {id_: since for id_, _, since, is_blocked in due if not is_blocked}
    if settings.enforce:
        _take_off(rows.people, _switch_off(rows, blocked, done) | _switch_on(rows, free, done))
    else:
        counts = rows.people.execute("people/count_people_on", addresses=list(blocked))
        done.would_switch_off += sum(count for _, count in counts)


def _take_off(people: People, settled: dict[int, Any]) -> None:
    parameters = {"ids": list(settled), "due_since": list(settled.values())}
    people.connection.execute(statement("people/delete_due_flags"), parameters)


def _switch_off(rows: PeopleRows, blocked: dict[str, tuple[int, Any]], done: Synced) -> dict[int, Any]:
    addresses = list(blocked)
    if not addresses:
        return {}
    people = rows.people
    # A block that came after an administrator's decision takes it back.
    people.execute("people/settle_decided", ids=[id_ for id_, _ in blocked.values()], after=None, limit=None)
    done.switched_off += switch_off(rows, {address: id_ for address, (id_, _) in blocked.items()})
    held = {blocked[address][0] for address, _ in people.execute("people/count_people_on", addresses=addresses)}
    done.locked_addresses += len(held - rows.refused_at(held))
    return {id_: since for id_, since in blocked.values() if id_ not in held}


def switch_off(rows: PeopleRows, address_ids: dict[str, int]) -> int:
    """Switch the flag off for the people at some addresses, by key; returns how many. Rows that are held are left."""
    return rows.change(_SWITCH_OFF, addresses=list(address_ids), address_ids=list(address_ids.values()))


def _switch_on(rows: PeopleRows, free: dict[int, Any], done: Synced) -> dict[int, Any]:
    if not free:
        return {}
    ids, people = list(free), rows.people
    done.switched_on += rows.change(_SWITCH_ON, ids=ids)
    done.switched_on += switch_on_decided(rows, ids)
    done.touched += dict(people.execute("people/settle_touched_people", ids=ids)).get("touched", 0)
    held = {id_ for (id_,) in people.execute("people/select_open_flag_changes", ids=ids)}
    done.locked_addresses += len(held - rows.refused_at(held))
    return {id_: since for id_, since in free.items() if id_ not in held}


def switch_on_decided(rows: PeopleRows, address_ids: Iterable[int]) -> int:
    """Switch the flag on for those at some addresses for whom an administrator decided so; returns how many.

    Rows that another session has locked, or that the database refuses to change, stay as decided.
    """
    ids = list(address_ids)
    total = rows.change(_SWITCH_ON_DECIDED, ids=ids)
    rows.people.execute("people/settle_decided", ids=ids, after=None, limit=None)
    return total


def _switch_off_erased(rows: PeopleRows, secret: Secret, after: Any) -> int:
    """Switch the flag off for those in one range of ids whose address was erased and is blocked; returns how many.

    Postgres can't tell who they are, the secret can. Rows that another session has locked are left for the next day.

    :param after: the id that the range begins behind.
    """
    people = rows.people
    keys = [key for (key,) in people.execute("people/select_people_on", after=after, limit=PEOPLE_PER_RANGE)]
    names = {name: key for key, name in recognised(people.connection, keys, secret).items()}
    if not names:
        return 0
    blocked = {names[name]: id_ for name, id_, cause, _ in blocks_of(people.connection, names) if cause is not None}
    return switch_off(rows, blocked) if blocked else 0


def _compare_everybody(rows: PeopleRows, enforce: bool, until: float, done: Synced) -> bool:
    """Once a day, note the blocked addresses of all people whose flag is not off; returns whether it was done.

    One that comes to no end in time goes on in the next run.
    """
    people, connection = rows.people, rows.people.connection
    comparison = Comparison.begun(people)
    if comparison is None:
        return False
    secret = secret_of(connection) if enforce else None
    while time.monotonic() < until:
        if secret is not None:
            done.switched_off += _switch_off_erased(rows, secret, comparison.after)
        comparison.after, noted, unreadable, ids = people.execute(
            "people/make_flags_due",
            after=comparison.after,
            limit=PEOPLE_PER_RANGE,
            ids=IDS_TOLD - len(comparison.ids),
        )[0]
        comparison.noted += noted
        comparison.unreadable += unreadable
        comparison.ids += ids
        if comparison.after is None:
            comparison.end(people)
            done.unreadable = comparison.unreadable
            return True
        comparison.note(connection)
    if comparison.after is not None:
        log.info("A part of the people in %s was compared: the next run goes on there", people.table)
    return False
