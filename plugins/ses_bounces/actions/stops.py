"""Requests to stop: an address is blocked because a person asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ses_bounces.actions.action import Action, Answers, Result, when
from ses_bounces.actions.states import (
    for_each,
    open_causes,
)
from ses_bounces.classify.address import address_key
from ses_bounces.classify.entry import Entry
from ses_bounces.classify.unwrapping import clean
from ses_bounces.ledger.erased.guard import recognised
from ses_bounces.ledger.moment import moment_of
from ses_bounces.ledger.registry import ids_of
from ses_bounces.ledger.writing import Writer

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def _ids_by_key(writer: Writer, keys: Iterable[str], names: Mapping[str, str]) -> dict[str, int]:
    """Return the ids of those addresses that are on record; ``names`` stand in the place of erased ones."""
    by_name = {names.get(key, key): key for key in keys}
    return {by_name[name]: id_ for name, id_ in ids_of(writer.connection, by_name).items()}


def request_stops(connection: Connection, action: Action, addresses: Sequence[str]) -> list[Result]:
    """Block addresses at their owners' wish; those that are unknown yet are registered.

    :param addresses: as people write them; those that mean the same are one.
    :returns: one result for each different address, and one for each that is none; ``line`` is its place, from 1.
    :raises ActionError: the form's id was used for something else.
    :raises DatabaseError: what is answered ``done`` stays done; repeat with the same action.
    """
    lines: dict[str, int] = {}
    spelled: dict[str, str] = {}
    results: list[Result] = []
    for line, given in enumerate(addresses, 1):
        text = clean(given, len(given)) or ""
        key = address_key(text)
        if key is None:
            results.append(Result(None, "refused", "This is not an e-mail address.", line))
        elif key not in lines:
            lines[key], spelled[key] = line, text.strip()
    # The form's answers are kept without addresses.
    keys = {f"#{action.dedup_key('stop_request', key).hex()}": key for key in lines}

    def work(writer: Writer, answers: Answers) -> None:
        at = moment_of(writer.connection).at
        wanted = {keys[target]: target for target in answers.open()}
        names = recognised(writer.connection, wanted)
        known = _ids_by_key(writer, wanted, names)
        blocked = {
            id_: (since, by)
            for id_, reason, since, by in open_causes(writer.connection, known.values())
            if reason == "stop_request"
        }
        entries = []
        for key, target in wanted.items():
            id_ = known.get(key)
            if id_ in blocked:
                since, by = blocked[id_]
                answers.give(target, "already", f"Blocked since {when(since)}, by {by}.", id_)
            else:
                digest = bytes.fromhex(target[1:])
                entries.append(Entry("stop_request", key, spelled[key], at, digest, reason=action.reason))
                answers.give(target, "done", "Blocked: stop request.")
        writer.append(((entry, None) for entry in entries), action.actor)
        ids = _ids_by_key(writer, wanted, names)
        for key, target in wanted.items():
            answers.give(target, answers.now[target].outcome, answers.now[target].message, ids[key])

    told = for_each(connection, action, "request_stops", dict.fromkeys(keys), work)
    for result, target in zip(told, keys, strict=True):
        line = lines[keys[target]]
        results.append(Result(result.target_id, result.outcome, result.message, line, result.busy))
    return sorted(results, key=lambda result: result.line or 0)
