"""Erase addresses: the registry first, with everything that state is computed of; then every text of the schema.

Killed at any point and repeated with the same address, it goes on: by then the address is recognised by its HMAC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ses_bounces.actions import erase_texts
from ses_bounces.actions.action import Action, Result, keep
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.erasure_secret import Secret, load_secret
from ses_bounces.classify.address import address_key
from ses_bounces.classify.entry import Entry
from ses_bounces.classify.unwrapping import clean
from ses_bounces.ledger.erased import guard
from ses_bounces.ledger.erased.spelling import Spelling
from ses_bounces.ledger.moment import moment_of
from ses_bounces.ledger.writing import writing

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

KIND = "erase_addresses"
LIFTING = "A lift of its block is under way, which needs the address. Erase it when that is done."
TWICE = (
    "It was erased before, and an older version of this package recorded it again. Upgrade every machine; "
    "the entries of both have to be joined by hand."
)
_NOT_ON_RECORD = "It is not on record as an address; texts and messages were searched for it."


@dataclass
class Erased:
    """What was done, by address in the order given, and how much of each thing was emptied or changed.

    ``counts``: rows by ``table.column``, ``messages`` (bodies). ``reports``: those made before that contain one of the
    addresses, as ``report 2026-01-31 csv html`` and ``suppression drift 17``: they are not rewritten.
    """

    results: list[Result] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    reports: list[str] = field(default_factory=list)


def erase(
    connection: Connection,
    action: Action,
    addresses: Iterable[str],
    *,
    secret: Secret | None = None,
    dry_run: bool = False,
    progress: Callable[[str], None] = lambda _what: None,
) -> Erased:
    """Erase addresses for good: it can't be taken back.

    Their blocks stay, and new messages about them are recorded without spelling them. Other addresses keep what the
    same messages said of them.

    :param connection: autocommit.
    :param addresses: in any spelling; those that mean the same are one.
    :param secret: None: that of Airflow connection ``ses_bounces_erasure``.
    :param dry_run: count what names them, and change nothing.
    :param progress: told what is being searched.
    :returns: a result for each different address, ``line`` is its place from 1; none of it spells one.
    :raises MissingConnectionError: there is no secret.
    :raises SettingsError: it is too short, or others were erased with another one.
    :raises DatabaseError: what is done stays done; repeat with the same addresses.
    """
    done = Erased()
    lines: dict[str, int] = {}
    for line, given in enumerate(addresses, 1):
        key = address_key(clean(given, len(given)) or "")
        if key is None:
            done.results.append(Result(None, "refused", "This is not an e-mail address.", line))
        else:
            lines.setdefault(key, line)
    for key in lines:
        action = replace(action, reason=Spelling(key).erase(action.reason) or "")
    with quiet():
        secret = secret or guard.secret_of(connection) or load_secret()
        _check(connection, secret)
        guard.know(secret)
        results = {key: _forget(connection, action, secret, key, line, dry_run) for key, line in lines.items()}
        searched = {Spelling(key): secret.pseudonym(key) for key, told in results.items() if told.outcome != "refused"}
        if searched:
            done.counts += erase_texts.erase(connection, searched, secret, dry_run=dry_run, progress=progress)
            done.reports = erase_texts.reports_naming(connection, list(searched))
        done.results += results.values()
        if not dry_run:
            _finish(connection, action, done)
    done.results.sort(key=lambda result: result.line or 0)
    return done


def _check(connection: Connection, secret: Secret) -> None:
    """Refuse a secret that is not the one of those erased before: one only can recognise them all."""
    if any(check != secret.check for check in guard.stored_checks(connection)):
        guard.refuse()


def _forget(connection: Connection, action: Action, secret: Secret, key: str, line: int, dry_run: bool) -> Result:
    """Take an address out of the registry, the ledger and the lists, in one transaction."""
    name = secret.pseudonym(key)
    if dry_run:
        row = connection.execute(statement("actions/erase/select_to_erase"), {"key": key, "name": name}).fetchone()
        message = "It would be erased." if row else _NOT_ON_RECORD
        return Result(row[0] if row else None, "done", message, line)
    waits = erase_texts.waits(connection, Spelling(key))
    with writing(connection) as writer:
        if waits:
            # On record from now on: what waits may make an entry of it, and is to find it erased.
            connection.execute(statement("actions/erase/insert_to_erase"), {"key": key, "name": name})
        row = connection.execute(statement("actions/erase/select_to_erase"), {"key": key, "name": name}).fetchone()
        if row is None:
            return Result(None, "done", _NOT_ON_RECORD, line)
        id_, is_erased, is_lifting, finished_at, is_twice = row
        if is_twice:
            return Result(id_, "refused", TWICE, line)
        if is_lifting and not is_erased:
            return Result(id_, "refused", LIFTING, line)
        if not is_erased:
            parameters = {"id": id_, "key": key, "name": name, "secret_check": secret.check}
            for step in _STEPS:
                connection.execute(statement(step), parameters)
            _rename_entries(connection, secret, id_, key, name)
            _empty_bodies(connection, secret, id_, key, name)
            _rename_held(connection, secret, key, name)
            at = moment_of(connection).at
            entry = Entry("erased", name, name, at, action.dedup_key("erased", name), reason=action.reason)
            writer.append([(entry, None)], action.actor)
            writer.touch([id_])
    if is_erased and finished_at is not None:
        return Result(id_, "already", f"It was erased on {finished_at:%Y-%m-%d}; texts were searched again.", line)
    return Result(id_, "done", "Erased.", line)


# In this order: the registry's row tells the others.
_STEPS = (
    "actions/erase/erase_registry",
    "actions/erase/erase_lists",
    "actions/erase/erase_ses_listed_others",
    "actions/erase/erase_ses_listed",
    "actions/erase/erase_protected",
    "actions/erase/erase_protected_past",
    "actions/erase/erase_search",
)


def _rename_entries(connection: Connection, secret: Secret, id_: int, key: str, name: str) -> None:
    """Empty what the ledger quotes about the address, and replace what a guess of it could be tried on."""
    rows = connection.execute(statement("actions/erase/select_entries_to_erase"), {"id": id_}).fetchall()
    new = [
        guard.renamed_key(secret, bytes(old), key, name, feedback_id, ses_message_id)
        for _, old, feedback_id, ses_message_id in rows
    ]
    parameters = {"event_ids": [row[0] for row in rows], "dedup_keys": new}
    connection.execute(statement("actions/erase/erase_entries"), parameters)
    row = connection.execute(
        "SELECT d.dedup_key, d.second_key, d.third_key, d.fourth_key FROM ses_bounces.last_delivery d"
        " WHERE d.address_id = %s",
        [id_],
    ).fetchone()
    if row is not None:
        connection.execute(
            "UPDATE ses_bounces.last_delivery SET dedup_key = %s, second_key = %s, third_key = %s, fourth_key = %s"
            " WHERE address_id = %s",
            [*(None if key is None else secret.dedup_key(bytes(key)) for key in row), id_],
        )


def _empty_bodies(connection: Connection, secret: Secret, id_: int, key: str, name: str) -> None:
    rows = connection.execute(
        "SELECT DISTINCT e.message_id FROM ses_bounces.address_event e"
        " WHERE e.address_id = %s AND e.message_id IS NOT NULL",
        [id_],
    ).fetchall()
    guard.rewrite_bodies(connection, [message_id for (message_id,) in rows], {Spelling(key): name}, secret)


def _rename_held(connection: Connection, secret: Secret, key: str, name: str) -> None:
    """What is held of SES's lists gets what stands in the address's place."""
    query = "SELECT h.message_id, h.dedup_key FROM ses_bounces.held_entry h WHERE h.listing ->> 'address' = %s"
    for message_id, old in connection.execute(query, [key]).fetchall():
        parameters = {"message_id": message_id, "old": old, "new": secret.dedup_key(bytes(old)), "name": name}
        connection.execute(statement("actions/erase/erase_held"), parameters)


def _finish(connection: Connection, action: Action, done: Erased) -> None:
    ids = [result.target_id for result in done.results if result.target_id is not None and result.outcome != "refused"]
    with connection.transaction():
        connection.execute(
            "UPDATE ses_bounces.erased_address SET finished_at = clock_timestamp()"
            " WHERE address_id = ANY (%s) AND finished_at IS NULL",
            [ids],
        )
        told: dict[str, Any] = {
            str(result.target_id or f"line {result.line}"): [None, result.target_id, result.outcome, result.message]
            for result in done.results
        }
        keep(connection, action, KIND, told)
