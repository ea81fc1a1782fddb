"""Lifting blocks, and blocking by stop requests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ses_bounces.actions.action import Action, Answers, Result, when
from ses_bounces.actions.states import (
    LIFTING,
    State,
    ends_of,
    entry_of,
    for_each,
    states_of,
    tell_what_still_blocks,
    words,
)
from ses_bounces.base.database.statements import statement
from ses_bounces.base.erasure_secret import is_pseudonym
from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.causes import CAUSES
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.erased.guard import conceal_sentence
from ses_bounces.ledger.writing import Writer

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# SES puts an address on its own list by itself for these (SES Developer Guide, account-level suppression list).
SES_OF_ERASED = " It was erased: if SES's own list has it, take it off there yourself."
SES_LISTS = frozenset({"permanent_bounce", "complaint"})


def lift_blocks(
    connection: Connection, action: Action, lifts: Mapping[int, Collection[str]], *, ses_first: bool = False
) -> list[Result]:
    """Lift some causes of some addresses' blocks, and no other.

    What SES's own list has a part in becomes an ``unblock_request``: SES's list first, then all that was asked for.
    That is ``ses_suppression``, and the last cause of an address that is known to be on a list of SES.

    Lifting an event's cause ends an episode of transients as well, and takes an older ``ses_suppression`` for an echo
    (docs/semantics.md §4): where that would lift a cause that was not asked for, it is refused, and the answer says
    what to tick.

    :param lifts: by address, the causes to lift, see :data:`ses_bounces.classify.causes.CAUSES`; wishes only where
        they are named.
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
        at, states = states_of(writer, answers)
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
                message = f"{LIFTING}: {words(hit)}. SES's own list comes first."
            else:
                # An unblocked entry would do more than end the episode: it ends what SES's list says as well.
                kind = "transient_deleted" if hit == ("expired_transient",) else "unblocked"
                entries[hit if kind == "unblocked" else ()].append(entry_of(action, kind, state, at))
                message = f"Lifted: {words(hit)}.{SES_OF_ERASED if is_pseudonym(state.address) else ''}"
            answers.give(state.address_id, "done", message)
        for causes, made in entries.items():
            writer.append(((entry, None) for entry in made), action.actor, list(causes) or None)
        for causes, ids in requests.items():
            reason = conceal_sentence(writer.connection, action.reason)
            parameters = {"ids": ids, "lifts": list(causes), "actor": action.actor, "reason": reason}
            writer.connection.execute(statement("actions/insert_unblock_request"), parameters)

    def answer(answers: Answers) -> None:
        tell_what_still_blocks(connection, answers)

    return for_each(connection, action, "lift_blocks", asked, work, answer)


def _liftable(writer: Writer, answers: Answers, state: State) -> tuple[str, ...]:
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


def _goes_by_ses(state: State, hit: tuple[str, ...], ses_first: bool) -> bool:
    """Tell whether SES's own list comes first. What goes on blocking an address keeps it on that list as well."""
    if is_pseudonym(state.address):
        # Nobody can tell SES any more which address is meant.
        return False
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
    ended = ends_of(writer, [id_], tuple(kinds), [cause for cause in wanted if cause != "expired_transient"] or None)
    if id_ in ended:
        kind, actor, occurred_at, _ = ended[id_]
        how = "a delivery ended it" if kind == "delivery" else f"{actor} lifted it"
        return "already", f"It is not blocked by {words(wanted)}: {how} on {when(occurred_at)}.{others}"
    return "refused", f"It is not blocked by {words(wanted)}.{others}"
