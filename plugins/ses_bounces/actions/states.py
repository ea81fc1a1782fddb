"""What actions on addresses have in common: the state that they look at, the entries that they write, and words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from ses_bounces.actions.action import Action, Answers, Result, act, when
from ses_bounces.base.database.statements import statement
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.moment import moment_of
from ses_bounces.ledger.writing import ADDRESSES_PER_CHUNK, Writer

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

NO_SUCH = "There is no such address on record."
LIFTING = "Being lifted"
_T = TypeVar("_T")

ENDED = {
    "delivery": "it ended with a delivery on {when}",
    "transient_deleted": "{actor} deleted it on {when}",
    "unblocked": "it ended when {actor} lifted a block on {when}",
}


@dataclass(frozen=True)
class State:
    address_id: int
    address: str
    bounces: int
    deadline: datetime | None
    causes: list[str]
    lifting_by: str | None
    lifting_since: datetime | None
    is_listed: bool


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


def states_of(writer: Writer, answers: Answers) -> tuple[datetime, dict[int, State]]:
    """Return the time and the state of the targets that have no answer; unknown ones are answered."""
    at, expire_before = moment_of(writer.connection)
    ids = [int(target) for target in answers.open()]
    parameters = {"ids": ids, "at": at, "expire_before": expire_before}
    rows = writer.connection.execute(statement("actions/select_action_states"), parameters)
    states = {state.address_id: state for state in (State(*row) for row in rows)}
    for id_ in ids:
        if id_ not in states:
            answers.give(id_, "refused", NO_SUCH)
    # Whatever is answered, the lists say what is so by then.
    writer.touch(states)
    return at, states


def entry_of(action: Action, kind: str, state: State, at: datetime) -> Entry:
    digest = action.dedup_key(kind, state.address)
    return Entry(kind, state.address, state.address, at, digest, reason=action.reason)


def open_causes(connection: Connection, ids: Iterable[int]) -> list[tuple[int, str, datetime, str]]:
    return connection.execute(statement("actions/select_open_causes"), {"ids": list(ids)}).fetchall()


def ends_of(
    writer: Writer, ids: Iterable[int], kinds: tuple[str, ...], causes: list[str] | None = None
) -> dict[int, tuple[str, str, datetime, datetime | None]]:
    parameters = {"ids": list(ids), "kinds": list(kinds), "causes": causes}
    rows = writer.connection.execute(statement("actions/select_last_ends"), parameters)
    return {id_: (kind, actor, occurred_at, deadline) for id_, kind, actor, occurred_at, _, deadline in rows}


def last_ends(writer: Writer, ids: Iterable[int], kinds: tuple[str, ...]) -> dict[int, str]:
    """Say, for each address that has such an entry, what the last one did, who and when."""
    told = ENDED | {"deadline_extended": "{actor} extended it on {when}"}
    return {
        id_: told[kind].format(actor=actor, when=when(occurred_at))
        for id_, (kind, actor, occurred_at, _) in ends_of(writer, ids, kinds).items()
    }


def tell_what_still_blocks(connection: Connection, answers: Answers) -> None:
    done = [r.target_id for r in answers.now.values() if r.outcome == "done" and r.target_id is not None]
    still: dict[int, list[str]] = defaultdict(list)
    for id_, reason, _, _ in open_causes(connection, done):
        still[id_].append(reason)
    for id_, causes in still.items():
        message = answers.now[str(id_)].message
        if not message.startswith(LIFTING):
            answers.give(id_, "done", f"{message} Still blocked by {words(causes)}.")
