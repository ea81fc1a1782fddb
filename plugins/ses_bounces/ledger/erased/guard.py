"""Erased addresses are recognised wherever one comes in again, and not spelled.

Where nobody was erased, all of this is one look at an empty table.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from ses_bounces.base.database.statements import statement
from ses_bounces.base.erasure_secret import Secret, conn_id, is_pseudonym, load_secret
from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.sites import current
from ses_bounces.classify.address import address_key
from ses_bounces.classify.body import classify_body
from ses_bounces.classify.entry import Entry, dedup_key
from ses_bounces.ledger.erased.candidates import keys_in
from ses_bounces.ledger.erased.spelling import Spelling

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

_KEYS_AT_ONCE = 5_000
# This process's secrets, by site. One is read again when the database was written with another one.
_known: dict[str, Secret] = {}


def secret_of(connection: Connection) -> Secret | None:
    """Return the secret that addresses were erased with; None: nobody was erased.

    :raises MissingConnectionError: an address was erased, and the Airflow connection is missing.
    :raises SettingsError: an address was erased, and the secret is another one now.
    """
    return match(stored_checks(connection))


def stored_checks(connection: Connection) -> list[bytes]:
    """Return the checks of the secrets that addresses were erased with: one at most, none where nobody was erased."""
    rows = connection.execute("SELECT DISTINCT e.secret_check FROM ses_bounces.erased_address e").fetchall()
    return [bytes(check) for (check,) in rows]


def know(secret: Secret) -> None:
    """Use a secret in this process without asking Airflow for it."""
    _known[current().key] = secret


def match(checks: Sequence[bytes]) -> Secret | None:
    """Return the secret that has made these checks. As :func:`secret_of`."""
    if not checks:
        return None
    secret = _known.get(current().key)
    if secret is None or checks != [secret.check]:
        secret = _known[current().key] = load_secret()
    if checks != [secret.check]:
        refuse()
    return secret


def refuse() -> NoReturn:
    """Refuse a secret that is not the one of those erased before."""
    raise SettingsError(
        f'The password of Airflow connection "{conn_id()}" is not the secret that addresses were erased with: they '
        "would not be recognised. Put the former secret back; it can't be changed any more."
    )


def recognised(connection: Connection, keys: Iterable[str], secret: Secret | None = None) -> dict[str, str]:
    """Return those of some address keys that were erased, each with what stands in its place.

    :param secret: as :func:`secret_of` gave it a moment ago.
    :raises MissingConnectionError: as :func:`secret_of`.
    """
    secret = secret or secret_of(connection)
    if secret is None:
        return {}
    names = {secret.pseudonym(key): key for key in set(keys)}
    return {names[name]: name for name in _erased(connection, names)}


def _erased(connection: Connection, names: Iterable[str]) -> set[str]:
    """Return those of some names that stand in the place of erased addresses."""
    found: set[str] = set()
    wanted = list(names)
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        rows = connection.execute(
            statement("ledger/erased/select_erased"), {"addresses": wanted[start : start + _KEYS_AT_ONCE]}
        ).fetchall()
        found |= {name for (name,) in rows}
    return found


def conceal_entries(connection: Connection, entries: Collection[Entry]) -> None:
    """Take erased addresses out of entries that are about to be recorded; within ``writing()``."""
    secret = secret_of(connection)
    if secret is None:
        return
    keys = {text: _keys_in_text(text) for text in _texts(entries)}
    found = recognised(connection, itertools.chain((entry.address for entry in entries), *keys.values()), secret)
    if not found:
        return
    spellings = {key: Spelling(key) for key in found}
    named = {text: [spellings[key] for key in inside & found.keys()] for text, inside in keys.items()}
    for entry in entries:
        entry.diagnostic_code = _without(entry.diagnostic_code, named)
        entry.source = _without(entry.source, named)
        entry.reason = _without(entry.reason, named)
        if entry.address in found:
            _conceal(entry, found[entry.address], secret)


def read_texts(connection: Connection, entries: Iterable[Entry]) -> None:
    """Look for addresses in the texts of entries, and remember them; before ``writing()``.

    It costs time in which no other writer is to wait. :func:`conceal_entries` finds them remembered.
    """
    if secret_of(connection) is not None:
        for text in _texts(entries):
            _keys_in_text(text)


def _texts(entries: Iterable[Entry]) -> set[str]:
    return {text for entry in entries for text in (entry.diagnostic_code, entry.source, entry.reason) if text}


# The texts of two batches; each has 2,000 characters at most.
@functools.lru_cache(maxsize=40_000)
def _keys_in_text(text: str) -> frozenset[str]:
    return frozenset(keys_in(text))


def _without(text: str | None, named: Mapping[str, Iterable[Spelling]]) -> str | None:
    for spelling in named.get(text, ()) if text else ():
        text = spelling.erase(text)
    return text


def _conceal(entry: Entry, name: str, secret: Secret) -> None:
    entry.dedup_key = renamed_key(secret, entry.dedup_key, entry.address, name, entry.feedback_id, entry.ses_message_id)
    entry.address = entry.address_as_reported = name
    entry.diagnostic_code = None
    entry.tags = None


def renamed_key(
    secret: Secret, old: bytes, key: str, name: str, feedback_id: str | None, ses_message_id: str | None
) -> bytes:
    """Return the dedup_key of an entry about an erased address: no guess of the address can be tried on it.

    A copy of the event that comes again has the same one, and so has a body in which the address was replaced.

    :param key, name: the address key, and what stands in its place.
    """
    for event_type in ("Bounce", "Complaint") if feedback_id else ():
        if old == dedup_key(event_type, feedback_id, ses_message_id, key, None):
            return dedup_key(event_type, feedback_id, ses_message_id, name, None)
    return secret.dedup_key(old)


def names_in(connection: Connection, bodies: Iterable[tuple[int, str]]) -> dict[int, dict[str, str]]:
    """Return what would stand in the place of whatever in some bodies may be an address; before ``writing()``.

    It costs time that grows with the bodies, in which no other writer is to wait.

    :param bodies: id and text of each.
    :returns: by id, the address keys by what would stand in their place; empty where nobody was erased.
    """
    secret = secret_of(connection)
    return {} if secret is None else {id_: _names(body, secret) for id_, body in bodies}


def _names(body: str, secret: Secret) -> dict[str, str]:
    return {secret.pseudonym(key): key for key in keys_in(body)}


def conceal_bodies(
    connection: Connection,
    messages: Iterable[tuple[int, str, Iterable[Entry]]],
    names: Mapping[int, Mapping[str, str]],
) -> int:
    """Empty the bodies of just classified messages that name an erased address; within ``writing()``.

    One that may be classified once more keeps what it says of others, and something in the address's place.

    :param messages: id, body, and the entries that were recorded of it.
    :param names: of :func:`names_in`; a message that it lacks (the first address was erased meanwhile) is read now.
    :returns: how many bodies.
    """
    secret = secret_of(connection)
    if secret is None:
        return 0
    concerned = [
        (id_, names[id_] if id_ in names else _names(body, secret), any(is_pseudonym(e.address) for e in entries))
        for id_, body, entries in messages
    ]
    erased = _erased(connection, {name for _, inside, _ in concerned for name in inside})
    named = [id_ for id_, inside, is_known in concerned if is_known or not erased.isdisjoint(inside)]
    keys = {name: inside[name] for _, inside, _ in concerned for name in inside.keys() & erased}
    rewrite_bodies(connection, named, {Spelling(key): name for name, key in keys.items()}, secret)
    return len(named)


def rewrite_bodies(connection: Connection, ids: Sequence[int], names: dict[Spelling, str], secret: Secret) -> None:
    """Empty or rewrite the bodies of some messages, and note when it was done; within ``writing()``.

    :param names: the addresses, with what stands in the place of each.
    """
    if not ids:
        return
    for id_, received_at, outcome, body in connection.execute(
        statement("ledger/erased/select_bodies_to_erase"), {"ids": list(ids)}
    ):
        kept: str | None = None
        _rename_held(connection, id_, body, names, secret)
        if outcome in ("pending", "held", "quarantined"):
            kept = body
            for spelling, name in names.items():
                kept = spelling.rewrite(kept, name)
        parameters = {"id": id_, "received_at": received_at, "body": kept}
        connection.execute(statement("ledger/erased/erase_body"), parameters)


def _rename_held(
    connection: Connection, message_id: int, body: str, names: dict[Spelling, str], secret: Secret
) -> None:
    """Give what was held of a message, or dismissed, the dedup_key of the body without the address: known by it."""
    by_key = {spelling.key: name for spelling, name in names.items()}
    for entry in classify_body(body).entries:
        if entry.address in by_key:
            new = renamed_key(
                secret, entry.dedup_key, entry.address, by_key[entry.address], entry.feedback_id, entry.ses_message_id
            )
            connection.execute(
                "UPDATE ses_bounces.held_entry SET dedup_key = %s WHERE message_id = %s AND dedup_key = %s",
                [new, message_id, entry.dedup_key],
            )


def conceal_sentence(connection: Connection, text: str) -> str:
    """Return a text that a person wrote without the erased addresses that it spells."""
    found = keys_in(text)
    for key in recognised(connection, found) if found else ():
        text = Spelling(key).erase(text) or ""
    return text


def conceal_texts(connection: Connection, texts: Iterable[str]) -> list[str]:
    """Return texts that people typed, with what stands in its place for each that is an erased address."""
    given = list(texts)
    keys = {text: key for text in given if (key := address_key(text)) is not None}
    found = recognised(connection, keys.values()) if keys else {}
    return [found.get(keys.get(text, ""), text) for text in given]
