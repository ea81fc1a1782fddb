"""What administrators do to addresses: delete a transient record, extend it, lift blocks, block at the owner's wish."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from ses_bounces.actions.action import Action, Answers, Result, act, when
from ses_bounces.address import address_key
from ses_bounces.database.statements import statement
from ses_bounces.database.tables import CAUSES
from ses_bounces.entry import Entry
from ses_bounces.exceptions import ActionError
from ses_bounces.ledger import ADDRESSES_PER_CHUNK, Writer
from ses_bounces.message import clean

if TYPE_CHECKING:
    from ses_bounces.database.connection import Connection

MAX_EXTENSION_DAYS = 30
NO_SUCH = "There is no such address on record."
LIFTING = "Being lifted"
# SES puts an address on its own list by itself for these (SES Developer Guide, account-level suppression list).
SES_LISTS = frozenset({"permanent_bounce", "complaint"})
_T = TypeVar("_T")

_ENDED = {
    "delivery": "it ended with a delivery on {when}",
    "transient_deleted": "{actor} deleted it on {when}",
    "unblocked": "it ended when {actor} lifted a block on {when}",
}


@dataclass(frozen=True)
class _State:
    address_id: int
    address: str
    bounces: int
    deadline: datetime | None
    causes: list[str]
    lifting_by: str | None
    lifting_since: datetime | None
    is_listed: bool


def delete_transients(connection: Connection, action: Action, address_ids: Iterable[int]) -> list[Result]:
    """Delete the transient problems of some addresses: they are not promoted, or no longer blocked for it.

    :param connection: autocommit.
    :returns: one result for each address, in the order given, each once.
    :raises ActionError: the form's id was used for something else.
    :raises DatabaseError: what is answered ``done`` stays done; repeat with the same action.
    """

    def work(writer: Writer, answers: Answers) -> None:
        at, states = _states(writer, answers)
        without = [state.address_id for state in states.values() if not state.bounces]
        ends = _last_ends(writer, without, tuple(_ENDED))
        entries = []
        for state in states.values():
            if state.bounces:
                entries.append(_entry(action, "transient_deleted", state, at))
                lifted = "expired_transient" in state.causes
                answers.give(state.address_id, "done", "Deleted; its block is lifted." if lifted else "Deleted.")
            elif state.address_id in ends:
                answers.give(state.address_id, "already", f"Nothing to delete: {ends[state.address_id]}.")
            else:
                answers.give(state.address_id, "refused", "It has no transient problem.")
        writer.append(((entry, None) for entry in entries), action.actor)

    def answer(answers: Answers) -> None:
        _tell_what_still_blocks(connection, answers)

    return for_each(connection, action, "delete_transients", dict.fromkeys(address_ids), work, answer)


def extend_deadlines(connection: Connection, action: Action, address_ids: Iterable[int], days: int) -> list[Result]:
    """Give the transient problems of some addresses a later deadline.

    :param days: from now, 1 to 30.
    :returns: one result for each address, in the order given, each once.
    :raises ActionError: the days are out of range, or the form's id was used for something else.
    :raises DatabaseError: what is answered ``done`` stays done; repeat with the same action.
    """
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MAX_EXTENSION_DAYS:
        raise ActionError(f"days is {days!r}; it must be a whole number from 1 to {MAX_EXTENSION_DAYS}.")

    def work(writer: Writer, answers: Answers) -> None:
        at, states = _states(writer, answers)
        deadline = at + timedelta(days=days)
        late = [s.address_id for s in states.values() if not s.bounces or (s.deadline and s.deadline >= deadline)]
        ends = _last_ends(writer, late, (*_ENDED, "deadline_extended"))
        entries = []
        for state in states.values():
            id_ = state.address_id
            if not state.bounces:
                told = ends.get(id_)
                answers.give(id_, "already" if told else "refused", _nothing_to_extend(told))
            elif "expired_transient" in state.causes:
                answers.give(id_, "refused", "It was promoted already: delete the record or lift the block instead.")
            elif state.deadline is None:
                answers.give(id_, "refused", "It has no deadline: problems of its subtype are never promoted.")
            elif state.deadline >= deadline:
                who = ends.get(id_)
                message = f"Its deadline is later than that: {when(state.deadline)}{f' ({who})' if who else ''}."
                answers.give(id_, "already", message)
            else:
                entry = _entry(action, "deadline_extended", state, at)
                entry.deadline = deadline
                entries.append(entry)
                answers.give(id_, "done", f"Extended to {when(deadline)}.")
        writer.append(((entry, None) for entry in entries), action.actor)

    return for_each(connection, action, "extend_deadlines", dict.fromkeys(address_ids, days), work)


def _nothing_to_extend(told: str | None) -> str:
    return f"Nothing to extend: {told}." if told else "It has no transient problem."


def lift_blocks(
    connection: Connection, action: Action, lifts: Mapping[int, Collection[str]], *, ses_first: bool = False
) -> list[Result]:
    """Lift some causes of some addresses' blocks, and no other.

    What SES's own list has a part in becomes an ``unblock_request``: SES's list first, then all that was asked for.
    That is ``ses_suppression``, and the last cause of an address that is known to be on a list of SES.

    Lifting an event's cause ends an episode of transients as well, and takes an older ``ses_suppression`` for an echo
    (docs/semantics.md §4): where that would lift a cause that was not asked for, it is refused, and the answer says
    what to tick.

    :param lifts: by address, the causes to lift (see ``database.tables.CAUSES``); wishes only where they are named.
    :param ses_first: the setting ``lift_at_ses``: likewise where a bounce or complaint is the last cause, though SES's
        list was not read since.
    :returns: one result for each address, in the order given.
    :raises ActionError: an unknown cause or none, or the form's id was used for something else.
    :raises DatabaseError: what is answered ``done`` stays done; repeat with the same action.
    """
    asked = {}
    for address_id, causes in lifts.items():
        unknown = set(causes) - set(CAUSES)
        if unknown or not causes:
            named = ", ".join(sorted(unknown)) or "missing"
            raise ActionError(f"A cause is {named}; it must be one or more of {', '.join(CAUSES)}.")
        asked[address_id] = [cause for cause in CAUSES if cause in causes]

    def work(writer: Writer, answers: Answers) -> None:
        at, states = _states(writer, answers)
        entries: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
        requests: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for state in states.values():
            hit = _liftable(writer, answers, state)
            if not hit:
                continue
            if _goes_by_ses(state, hit, ses_first):
                # Also what SES's list would say of it when it is read before it is asked to forget.
                named = tuple(cause for cause in CAUSES if cause in hit or cause == "ses_suppression")
                requests[named].append(state.address_id)
                message = f"{LIFTING}: {words(hit)}. SES's own list comes first; this takes a while."
            else:
                # An unblocked entry would do more than end the episode: it ends what SES's list says as well.
                kind = "transient_deleted" if hit == ("expired_transient",) else "unblocked"
                entries[hit if kind == "unblocked" else ()].append(_entry(action, kind, state, at))
                message = f"Lifted: {words(hit)}."
            answers.give(state.address_id, "done", message)
        for causes, made in entries.items():
            writer.append(((entry, None) for entry in made), action.actor, list(causes) or None)
        for causes, ids in requests.items():
            parameters = {"ids": ids, "lifts": list(causes), "actor": action.actor, "reason": action.reason}
            writer.connection.execute(statement("insert_unblock_request"), parameters)

    def answer(answers: Answers) -> None:
        _tell_what_still_blocks(connection, answers)

    return for_each(connection, action, "lift_blocks", asked, work, answer)


def _liftable(writer: Writer, answers: Answers, state: _State) -> tuple[str, ...]:
    """Return the causes to lift of an address; none where it was answered instead."""
    id_ = state.address_id
    wanted = answers.asked[str(id_)]
    hit = tuple(cause for cause in wanted if cause in state.causes)
    if state.lifting_since is not None:
        message = f"It is being lifted: {state.lifting_by} asked for it on {when(state.lifting_since)}."
        answers.give(id_, "already", message)
    elif not hit:
        answers.give(id_, *_not_blocked_by(writer, id_, wanted, state.causes))
    elif refusal := _refusal(hit, state.causes):
        answers.give(id_, "refused", refusal)
    else:
        return hit
    return ()


def _goes_by_ses(state: _State, hit: tuple[str, ...], ses_first: bool) -> bool:
    """Tell whether SES's own list comes first. What goes on blocking an address keeps it on that list as well."""
    is_last = set(state.causes) <= {*hit, "expired_transient"}
    by_itself = ses_first and not SES_LISTS.isdisjoint(hit)
    return "ses_suppression" in hit or (is_last and hit != ("expired_transient",) and (state.is_listed or by_itself))


def _refusal(hit: tuple[str, ...], causes: list[str]) -> str | None:
    """Say why these causes can't be lifted without others that are there."""
    if "ses_suppression" in causes and "ses_suppression" not in hit and hit != ("expired_transient",):
        return f"SES itself suppresses this address: {words(hit)} can only be lifted together with ses suppression."
    if "expired_transient" in causes and "expired_transient" not in hit:
        return f"Lifting {words(hit)} ends the transient problem as well: expired transient must be lifted with it."
    return None


def _not_blocked_by(writer: Writer, id_: int, wanted: list[str], causes: list[str]) -> tuple[Any, str]:
    others = f" It is blocked by {words(causes)}." if causes else ""
    kinds = ["unblocked"] if wanted != ["expired_transient"] else ["unblocked", "transient_deleted", "delivery"]
    ended = _ends(writer, [id_], tuple(kinds), [cause for cause in wanted if cause != "expired_transient"] or None)
    if id_ in ended:
        kind, actor, occurred_at, _ = ended[id_]
        how = "a delivery ended it" if kind == "delivery" else f"{actor} lifted it"
        return "already", f"It is not blocked by {words(wanted)}: {how} on {when(occurred_at)}.{others}"
    return "refused", f"It is not blocked by {words(wanted)}.{others}"


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
        at, _ = _moment(writer)
        wanted = {keys[target]: target for target in answers.open()}
        known = _ids(writer, wanted)
        blocked = {
            id_: (since, by)
            for id_, reason, since, by in _open_causes(writer.connection, known.values())
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
                answers.give(target, "done", "Blocked at its owner's wish.")
        writer.append(((entry, None) for entry in entries), action.actor)
        ids = _ids(writer, wanted)
        for key, target in wanted.items():
            answers.give(target, answers.now[target].outcome, answers.now[target].message, ids[key])

    told = for_each(connection, action, "request_stops", dict.fromkeys(keys), work)
    for result, target in zip(told, keys, strict=True):
        line = lines[keys[target]]
        results.append(Result(result.target_id, result.outcome, result.message, line, result.busy))
    return sorted(results, key=lambda result: result.line or 0)


def words(causes: Iterable[str]) -> str:
    """Return causes as the pages write them."""
    return ", ".join(cause.replace("_", " ") for cause in causes)


def for_each(
    connection: Connection, action: Action, kind: str, asked: Mapping[Any, Any], work: Any, answer: Any = None
) -> list[Result]:
    """Act in transactions that stay short, however many targets there are."""
    results: list[Result] = []
    for chunk in _chunks(asked):
        results += act(connection, action, kind, {target: asked[target] for target in chunk}, work, answer)
    return results


def _chunks(items: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while chunk := list(islice(rest, ADDRESSES_PER_CHUNK)):
        yield chunk


def _moment(writer: Writer) -> tuple[datetime, datetime]:
    row = writer.connection.execute(statement("select_moment")).fetchone()
    assert row is not None
    return row[0], row[1]


def _states(writer: Writer, answers: Answers) -> tuple[datetime, dict[int, _State]]:
    """Return the time and the state of the targets that have no answer; unknown ones are answered."""
    at, expire_before = _moment(writer)
    ids = [int(target) for target in answers.open()]
    parameters = {"ids": ids, "at": at, "expire_before": expire_before}
    rows = writer.connection.execute(statement("select_action_states"), parameters)
    states = {state.address_id: state for state in (_State(*row) for row in rows)}
    for id_ in ids:
        if id_ not in states:
            answers.give(id_, "refused", NO_SUCH)
    # Whatever is answered, the lists say what is so by then.
    writer.touch(states)
    return at, states


def _entry(action: Action, kind: str, state: _State, at: datetime) -> Entry:
    digest = action.dedup_key(kind, state.address)
    return Entry(kind, state.address, state.address, at, digest, reason=action.reason)


def _ids(writer: Writer, addresses: Iterable[str]) -> dict[str, int]:
    rows = writer.connection.execute(statement("select_address_ids"), {"addresses": list(addresses)})
    return dict(rows.fetchall())


def _open_causes(connection: Connection, ids: Iterable[int]) -> list[tuple[int, str, datetime, str]]:
    return connection.execute(statement("select_open_causes"), {"ids": list(ids)}).fetchall()


def _ends(
    writer: Writer, ids: Iterable[int], kinds: tuple[str, ...], causes: list[str] | None = None
) -> dict[int, tuple[str, str, datetime, datetime | None]]:
    parameters = {"ids": list(ids), "kinds": list(kinds), "causes": causes}
    rows = writer.connection.execute(statement("select_last_ends"), parameters)
    return {id_: (kind, actor, occurred_at, deadline) for id_, kind, actor, occurred_at, _, deadline in rows}


def _last_ends(writer: Writer, ids: Iterable[int], kinds: tuple[str, ...]) -> dict[int, str]:
    """Say, for each address that has such an entry, what the last one did, who and when."""
    told = _ENDED | {"deadline_extended": "{actor} extended it on {when}"}
    return {
        id_: told[kind].format(actor=actor, when=when(occurred_at))
        for id_, (kind, actor, occurred_at, _) in _ends(writer, ids, kinds).items()
    }


def _tell_what_still_blocks(connection: Connection, answers: Answers) -> None:
    done = [r.target_id for r in answers.now.values() if r.outcome == "done" and r.target_id is not None]
    still: dict[int, list[str]] = defaultdict(list)
    for id_, reason, _, _ in _open_causes(connection, done):
        still[id_].append(reason)
    for id_, causes in still.items():
        message = answers.now[str(id_)].message
        if not message.startswith(LIFTING):
            answers.give(id_, "done", f"{message} Still blocked by {words(causes)}.")
