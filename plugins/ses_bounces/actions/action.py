"""Who does what and why, the transaction that it is done in, and the answer that a repeated form gets again."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import psycopg

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.unwrapping import clean
from ses_bounces.ledger.erased.guard import conceal_sentence
from ses_bounces.ledger.writing import Writer, writing

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

MAX_REASON_CHARACTERS = 500
MAX_ACTOR_CHARACTERS = 200
# The wait for the hourly job, and for whoever holds a row: together under the three seconds that a page may take.
LOCK_TIMEOUT = "2500ms"
STATEMENT_TIMEOUT = "2900ms"
BUSY = "Busy: the hourly job is writing. Nothing was changed; try again."
OTHER_CHOICE = "This form was already sent with another choice for this one. Reload the page and choose again."

ActionOutcome = Literal["done", "already", "refused"]
Target = int | str

# Another session holds a lock for too long, or there was a deadlock.
_BUSY_STATES = ("55P03", "57014", "40P01", "40001")


@dataclass(frozen=True)
class Action:
    """Who acts, why, and the id that the form was given.

    :raises ActionError: a blank or too long reason, no actor, or an id that is no UUID.
    """

    actor: str
    reason: str
    action_id: str

    def __post_init__(self) -> None:
        reason = _stored(self.reason)
        if not reason:
            raise ActionError("The reason is missing; say in a few words why.")
        if len(reason) > MAX_REASON_CHARACTERS:
            raise ActionError(f"The reason has {len(reason)} characters; it may have {MAX_REASON_CHARACTERS}.")
        actor = _stored(self.actor)
        if not actor:
            raise ActionError("The actor is missing; it must be the Airflow user.")
        try:
            action_id = str(UUID(self.action_id))
        except (ValueError, AttributeError, TypeError):
            raise ActionError("The form's id is no UUID. Reload the page and send it again.") from None
        object.__setattr__(self, "reason", reason)
        object.__setattr__(self, "actor", actor[:MAX_ACTOR_CHARACTERS])
        object.__setattr__(self, "action_id", action_id)

    def dedup_key(self, kind: str, address: str) -> bytes:
        """Return the 16 bytes that make the ledger take this action on an address once."""
        text = f"6:person{len(kind)}:{kind}{self.action_id}{len(address)}:{address}"
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


@dataclass(frozen=True)
class Result:
    """What became of one target: an address, a message or a change of a flag, by its id.

    ``already``: there was nothing left to do, ``message`` says who did it. ``line``: of a pasted list.
    """

    target_id: int | None
    outcome: ActionOutcome
    message: str
    line: int | None = None
    # Nothing was tried: the same form may be sent again.
    busy: bool = False

    @property
    def address_id(self) -> int | None:
        """The target, of an action on addresses."""
        return self.target_id


@dataclass
class Answers:
    """The answers of one form: those that it got before, and those that it gets now."""

    asked: dict[str, Any]
    before: dict[str, Result] = field(default_factory=dict)
    now: dict[str, Result] = field(default_factory=dict)

    def open(self) -> list[str]:
        """The targets that have no answer yet."""
        return [target for target in self.asked if target not in self.before and target not in self.now]

    def give(self, target: Target, outcome: ActionOutcome, message: str, target_id: int | None = None) -> None:
        """Answer for a target."""
        id_ = target if isinstance(target, int) else target_id
        self.now[str(target)] = Result(id_, outcome, message)


def act(
    connection: Connection,
    action: Action,
    kind: str,
    asked: Mapping[Any, Any],
    work: Callable[[Writer, Answers], None],
    answer: Callable[[Answers], None] | None = None,
) -> list[Result]:
    """Do one thing to some targets in one transaction that writes state, and return an answer for each.

    :param connection: autocommit.
    :param kind: of the action; a form is for one kind.
    :param asked: by target, what is asked of it (plain JSON); sent twice, a target gets the answer that it got.
    :param work: given the open transaction, decides and appends.
    :param answer: called when the lists are up to date, before the commit.
    :raises ActionError: another user used the form's id, or it was used for something else.
    :raises DatabaseError: nothing is changed.
    """
    answers = Answers({str(target): choice for target, choice in asked.items()})
    try:
        with quiet_but_busy(), connection.transaction():
            limit_waits(connection)
            with writing(connection) as writer:
                recall(connection, action, kind, answers)
                if answers.open():
                    work(writer, answers)
            if answer is not None:
                answer(answers)
            remember(connection, action, kind, answers)
    except BusyError:
        return [answers.before.get(target) or busy(target) for target in answers.asked]
    return [answers.before.get(target) or answers.now[target] for target in answers.asked]


class BusyError(Exception):
    """Another session held a lock for too long; the transaction was rolled back."""


@contextlib.contextmanager
def quiet_but_busy() -> Iterator[None]:
    """As :func:`~ses_bounces.base.database.connection.quiet`, but tell a wait that was too long.

    :raises BusyError: for that.
    """
    with quiet():
        try:
            yield
        except psycopg.Error as error:
            if error.sqlstate in _BUSY_STATES:
                raise BusyError from None
            raise


def busy(target: str) -> Result:
    """Return the answer for a target that was not got at."""
    return Result(int(target) if target.isdecimal() else None, "refused", BUSY, busy=True)


def limit_waits(connection: Connection) -> None:
    """Bound what the open transaction may wait for."""
    connection.execute(
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"
    )


def recall(connection: Connection, action: Action, kind: str, answers: Answers) -> None:
    """Take up the answers that the same form got before.

    :raises ActionError: another user used the form's id, or it was used for something else.
    """
    row = connection.execute(statement("actions/select_admin_action"), {"action_id": action.action_id}).fetchone()
    if row is None:
        return
    if row[:2] != (kind, action.actor):
        raise ActionError("This form's id was already used for something else. Reload the page and send it again.")
    for target, (choice, *told) in row[2].items():
        if target in answers.asked:
            result = Result(*told)
            if choice != answers.asked[target]:
                result = Result(result.target_id, "refused", OTHER_CHOICE)
            answers.before[target] = result


def remember(connection: Connection, action: Action, kind: str, answers: Answers) -> None:
    """Keep the new answers for the form sent again."""
    if not answers.now:
        return
    told = {
        target: (answers.asked[target], result.target_id, result.outcome, result.message)
        for target, result in answers.now.items()
    }
    keep(connection, action, kind, told)


def keep(connection: Connection, action: Action, kind: str, results: Mapping[str, Any]) -> None:
    """Keep what was done, by target, with who and why; plain JSON without addresses."""
    reason = conceal_sentence(connection, action.reason)
    who = {"action_id": action.action_id, "kind": kind, "actor": action.actor, "reason": reason}
    connection.execute(statement("actions/upsert_admin_action"), who | {"results": json.dumps(results)})


def _stored(text: str) -> str:
    """Return a text as Postgres can hold it."""
    text = text.replace("\x00", "").strip()
    return clean(text, len(text)) or ""


def when(moment: datetime) -> str:
    """Return a time as the pages write it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
