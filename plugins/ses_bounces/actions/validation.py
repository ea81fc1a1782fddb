"""Asking SES what it thinks of an address, and what it answered to whom; it decides nothing by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_bounces.actions.action import Action, keep
from ses_bounces.base.aws.clients import places
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.erasure_secret import is_pseudonym
from ses_bounces.base.exceptions import ActionError
from ses_bounces.base.settings import Settings
from ses_bounces.ledger.lists.engine.query import reading
from ses_bounces.ledger.lists.lookup import addresses_of
from ses_bounces.suppression.at_once import may_wait
from ses_bounces.suppression.validation import insights

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

KIND = "ask_ses"
REASON = "asked what SES thinks of it"
# Each is paid for, and waited for.
MOST = 5
WORDS = {
    "HasValidSyntax": "valid syntax",
    "HasValidDnsRecords": "its domain takes mail",
    "MailboxExists": "the mailbox exists",
    "IsRoleAddress": "an address of a role",
    "IsDisposable": "a disposable address",
    "IsRandomInput": "typed at random",
}


@dataclass(frozen=True)
class Opinion:
    """What SES answered, when (aware) and to whom.

    ``is_valid``: its confidence that mail can arrive: LOW, MEDIUM or HIGH; empty: it gave none. ``evaluations``: the
    same of what it looked at, in words.
    """

    asked_at: datetime
    actor: str
    is_valid: str
    evaluations: dict[str, str]


def ask_ses(connection: Connection, settings: Settings, action: Action, address_ids: Collection[int]) -> None:
    """Ask SES about some addresses, and keep each answer with who asked; sent twice, a form asks once.

    :param connection: autocommit.
    :raises ActionError: the setting is off, there are too many, or one is not there, or erased.
    :raises AwsError, AwsRefusedError: SES could not be asked; the answers that came before are kept.
    """
    if not settings.ask_ses_validation:
        raise ActionError("SES is not asked about addresses: the setting ask_ses_validation is false.")
    if len(address_ids) > MOST:
        raise ActionError(f"SES is asked about {len(address_ids)} addresses; it may be {MOST} at a time.")
    addresses = addresses_of(connection, address_ids)
    for id_ in address_ids:
        if id_ not in addresses or is_pseudonym(addresses[id_]):
            raise ActionError(f"There is no address with the id {id_} any more.")
    who = {"action_id": action.action_id, "kind": KIND, "actor": action.actor, "reason": action.reason}
    with may_wait(tuple(places(settings))) as is_free:
        if not is_free:
            raise ActionError(
                "SES can't be asked now: others wait for it, or it did not answer. Try again in a minute."
            )
        with quiet():
            is_first = connection.execute(statement("actions/claim_admin_action"), who).fetchone() is not None
        for id_ in address_ids if is_first else ():
            # No transaction is open while SES is waited for.
            answer = insights(settings, addresses[id_])
            with quiet():
                keep(connection, action, KIND, {str(id_): asdict(answer)})


def opinions(connection: Connection, address_ids: Iterable[int]) -> dict[int, Opinion]:
    """Return the last answer about each of some addresses, if there is one of the last 90 days.

    :raises DatabaseError: also when it takes over five seconds.
    """
    with reading(connection):
        rows = connection.execute(
            statement("actions/select_opinions"), {"kind": KIND, "ids": [str(id_) for id_ in address_ids]}
        ).fetchall()
    return {
        int(id_): Opinion(
            asked_at, actor, answer["is_valid"],
            {WORDS.get(name, name): verdict for name, verdict in answer["evaluations"].items()},
        )
        for id_, asked_at, actor, answer in rows
    }  # fmt: skip
