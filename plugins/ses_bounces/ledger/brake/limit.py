"""The brake: it limits the new blocks per recipient domain and day that need no person; see docs/semantics.md.

Decided in the transaction that classifies, in the order in which messages are classified, and entry by entry: of a
message with recipients in several domains only the entries of a braked one are held, the others count at once.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ses_bounces.base.database.statements import statement
from ses_bounces.classify.entry import Classification, Entry
from ses_bounces.ledger.brake.candidate import NO_MESSAGE, Candidate, Verdict, cause_of, listing_of
from ses_bounces.ledger.brake.diagnostics import masked
from ses_bounces.ledger.brake.new_blocks import NewBlocks
from ses_bounces.ledger.erased.guard import conceal_entries

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.ledger.landed import Message

REASON_HELD = "{domain} is over its limit of new blocks"
REASON_DISMISSED = "an administrator dismissed this bounce"


class Brake:
    """Decides for the chunks of one :func:`ses_bounces.ledger.pending.classify_pending`, or of one reading of a list.

    :param limit: new blocks of a domain and day; None: nothing further is braked.
    """

    def __init__(self, limit: int | None) -> None:
        self.limit = limit

    @classmethod
    def of(cls, connection: Connection, limit: int | None) -> Brake | None:
        """Return the brake; None where it has nothing to do: there is no limit, and nothing was ever held."""
        if limit is None:
            row = connection.execute("SELECT EXISTS (SELECT FROM ses_bounces.held_entry)").fetchone()
            if row is None or not row[0]:
                return None
        return cls(limit)

    def hold(
        self, connection: Connection, results: list[tuple[Message, Classification]]
    ) -> list[tuple[Message, Classification]]:
        """Return the results of a chunk without the entries that are held or were dismissed.

        A message that loses entries gets the outcome ``held`` (its body stays), or ``dismissed``.

        :param connection: in the transaction of :func:`ses_bounces.ledger.writing.writing`.
        """
        # Events and decisions are looked up as the ledger names them.
        conceal_entries(connection, [entry for _, result in results for entry in result.entries])
        found = self._candidates(connection, results)
        if not found:
            return results
        verdict = self.decide(connection, [candidate for candidate, _ in found])
        out: dict[int, set[int]] = defaultdict(set)
        domains: dict[int, str] = {}
        for candidate, (index, entry_index) in found:
            if candidate.place in verdict.held:
                domains.setdefault(index, candidate.domain)
            if candidate.place in verdict.held or candidate.place in verdict.dismissed:
                out[index].add(entry_index)
        results = list(results)
        for index, entry_indexes in out.items():
            message, result = results[index]
            results[index] = message, _without(result, entry_indexes, domains.get(index))
        return results

    def hold_listed(
        self, connection: Connection, entries: Sequence[tuple[Entry, bool]], is_exempt: bool
    ) -> list[Entry]:
        """Return what counts of a page of SES's suppression list.

        :param entries: each with whether it is there for a bounce; a complaint is a wish.
        :param is_exempt: it is the first reading of the list, or a person asked for it.
        """
        conceal_entries(connection, [entry for entry, _ in entries])
        asked = [entry for entry, is_bounce in entries if is_bounce]
        candidates = [
            Candidate(place, NO_MESSAGE, entry, entry.kind, is_listed=True, is_exempt=is_exempt)
            for place, entry in enumerate(asked)
        ]
        verdict = self.decide(connection, candidates) if candidates else Verdict()
        out = {candidates[place].entry.dedup_key for place in (*verdict.held, *verdict.dismissed)}
        return [entry for entry, _ in entries if entry.dedup_key not in out]

    def _candidates(
        self, connection: Connection, results: Iterable[tuple[Message, Classification]]
    ) -> list[tuple[Candidate, tuple[int, int]]]:
        """Return the entries that may block, each with the place of its message and of itself in that."""
        made = [
            (message, entry, cause, (index, entry_index))
            for index, (message, result) in enumerate(results)
            for entry_index, entry in enumerate(result.entries)
            if (cause := cause_of(entry)) is not None
        ]
        first_drained = _first_drains(connection, [(message, entry) for message, entry, _, _ in made])
        return [
            (
                Candidate(
                    place, message.message_id, entry, cause,
                    is_exempt=entry.occurred_at < first_drained.get(message.message_id, entry.occurred_at),
                ),
                where,
            )
            for place, (message, entry, cause, where) in enumerate(made)
        ]  # fmt: skip

    def decide(self, connection: Connection, candidates: Sequence[Candidate]) -> Verdict:
        """Decide, and note what is held and how many blocks are new.

        :param candidates: in the order in which they count; ``place`` is their index.
        """
        known = {
            row[0]: row[1:]
            for row in connection.execute(statement("ledger/brake/select_candidates"), _asked(candidates))
        }
        verdict = Verdict()
        # What blocks, in its order; False: it takes no place of its day.
        blocking: list[tuple[Candidate, bool]] = []
        begun: dict[str, dt.datetime] = {}
        for candidate in candidates:
            is_known, decision, brake_id, would_block, blocked_since = known[candidate.place]
            if blocked_since is not None:
                begun[candidate.entry.address] = blocked_since
            if is_known:
                continue
            if decision == "dismissed":
                verdict.dismissed.add(candidate.place)
            elif decision == "waiting":
                verdict.held[candidate.place] = brake_id
            elif would_block:
                blocking.append((candidate, decision != "confirmed" and not candidate.is_exempt))
        # What is not counted may still give back the place that its address has on a later day.
        concerned = [one for one, is_counted in blocking if is_counted or one.entry.address in begun]
        if self.limit is not None and concerned:
            NewBlocks(connection, self.limit, concerned, begun).spend(blocking, verdict)
        _note_held(connection, [candidate for candidate in candidates if candidate.place in verdict.held], verdict)
        return verdict


def _without(result: Classification, entry_indexes: Collection[int], held_domain: str | None) -> Classification:
    kept = [entry for index, entry in enumerate(result.entries) if index not in entry_indexes]
    if held_domain is not None:
        reason = REASON_HELD.format(domain=held_domain)
        return msgspec.structs.replace(result, outcome="held", reason=reason, entries=kept)
    if result.outcome == "quarantined":
        return msgspec.structs.replace(result, entries=kept)
    # Whatever else is in it counts; a replay, which reads what was applied, is to leave the message alone.
    return msgspec.structs.replace(result, outcome="dismissed", reason=REASON_DISMISSED, entries=kept)


def _first_drains(connection: Connection, made: Sequence[tuple[Message, Entry]]) -> dict[int, dt.datetime]:
    """Return by message when its queue was first drained, where anything occurred before that."""
    if not made:
        return {}
    row = connection.execute("SELECT max(q.first_drained_at) FROM ses_bounces.queue q").fetchone()
    newest = row[0] if row else None
    early = [message for message, entry in made if newest is not None and entry.occurred_at < newest]
    if not early:
        return {}
    received = [message.received_at for message in early]
    wanted = {"ids": [message.message_id for message in early], "first": min(received), "last": max(received)}
    rows = connection.execute(statement("ledger/brake/select_first_drains"), wanted).fetchall()
    found: dict[int, dt.datetime] = dict(rows)
    return found


def _asked(candidates: Sequence[Candidate]) -> dict[str, list[Any]]:
    entries = [candidate.entry for candidate in candidates]
    return {
        "places": [candidate.place for candidate in candidates],
        "message_ids": [candidate.message_id for candidate in candidates],
        "addresses": [entry.address for entry in entries],
        "kinds": [entry.kind for entry in entries],
        "causes": [candidate.cause for candidate in candidates],
        "occurred_at": [entry.occurred_at for entry in entries],
        "mail_sent_at": [entry.mail_sent_at for entry in entries],
        "are_listed": [candidate.is_listed for candidate in candidates],
        "dedup_keys": [entry.dedup_key for entry in entries],
    }


def _note_held(connection: Connection, held: Sequence[Candidate], verdict: Verdict) -> None:
    if not held:
        return
    connection.execute(
        statement("ledger/brake/insert_held_entries"),
        {
            "message_ids": [candidate.message_id for candidate in held],
            "dedup_keys": [candidate.entry.dedup_key for candidate in held],
            "brake_ids": [verdict.held[candidate.place] for candidate in held],
            "occurred_at": [candidate.entry.occurred_at for candidate in held],
            "diagnostics": [_said(candidate) for candidate in held],
            "listings": [json.dumps(listing_of(c.entry)) if c.is_listed else None for c in held],
        },
    )


def _said(candidate: Candidate) -> str:
    entry = candidate.entry
    if candidate.is_listed:
        return masked(entry.reason)
    return masked(entry.diagnostic_code or entry.status or entry.bounce_sub_type, entry.address)
