"""For the code that sends mail: who must not be mailed. See docs/mailer.md.

It needs no Airflow, only a DB-API connection (PEP 249) to the database with schema ``ses_bounces`` whose driver binds
``%s`` and lists, as psycopg, psycopg2 and pg8000 do. Nothing is written; the role needs the grants of docs/mailer.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

from ses_bounces.base.database.statements import statement
from ses_bounces.classify.address import address_key

__all__ = ["Blocked", "address_key", "blocked", "is_blocked", "sendable"]

# Few enough that none is mailed long after it was asked about.
EMAILS_AT_ONCE = 100


class DbApiConnection(Protocol):
    """What is used of a connection."""

    def cursor(self) -> Any:
        """Return a cursor."""


@dataclass(frozen=True)
class Blocked:
    """Why an address is blocked, and since when (aware).

    ``reason``: stop_request, complaint, unsubscribed, permanent_bounce, ses_suppression or expired_transient; of
    several, the one that weighs most.
    """

    reason: str
    since: datetime


def blocked(
    connection: DbApiConnection, emails: Iterable[str], erasure_secret: str | None = None
) -> dict[str, Blocked]:
    """Return those of some addresses that are blocked, by the spelling that was given.

    One query for all of them: a few thousand at once are fine. What is no address is never among them.

    :param emails: in any spelling, also ``Name <address>``. A text that names several addresses, separated by commas,
        semicolons or blanks, is blocked where one of them is.
    :param erasure_secret: where addresses were erased: the password of Airflow connection ``ses_bounces_erasure``.
        Without it an erased address is not recognised, unless the session knows the secret.
    """
    # A text that names several is blocked by each of them.
    asked = [(email, key) for email in dict.fromkeys(emails) for key in _keys(email)]
    if not asked:
        return {}
    keys = [key for _, key in asked]
    found: dict[str, Blocked] = {}
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(statement("mailer/select_blocked_emails"), (keys, _names(keys, erasure_secret)))
        for place, reason, since in cursor.fetchall():
            email = asked[place - 1][0]
            if email not in found or _weighs_more(reason, found[email].reason):
                found[email] = Blocked(reason, since)
    return found


def _keys(email: str) -> list[str]:
    key = address_key(email)
    if key is not None:
        return [key]
    # Loaded only for a text that is not one address.
    from ses_bounces.classify.mailboxes import address_keys

    return address_keys(email)


def _weighs_more(reason: str, other: str) -> bool:
    # Loaded only for a text with two blocked addresses.
    from ses_bounces.classify.causes import CAUSES

    return CAUSES.index(reason) < CAUSES.index(other)


def _names(keys: list[str], erasure_secret: str | None) -> list[str | None]:
    if not erasure_secret:
        return [None] * len(keys)
    # Loaded only where a person was erased.
    from ses_bounces.base.erasure_secret import Secret

    secret = Secret(erasure_secret)
    return [secret.pseudonym(key) for key in keys]


def is_blocked(connection: DbApiConnection, email: str, erasure_secret: str | None = None) -> bool:
    """Tell whether an address must not be mailed. As :func:`blocked`.

    :param email: in any spelling, also ``Name <address>``; of several addresses in it, one that is blocked is enough.
    """
    return bool(blocked(connection, [email], erasure_secret))


def sendable(
    connection: DbApiConnection,
    emails: Iterable[str],
    at_once: int = EMAILS_AT_ONCE,
    erasure_secret: str | None = None,
) -> Iterator[str]:
    """Yield the addresses that may be mailed, in their order; ask about each shortly before it is yielded.

    :param emails: of any number; read as they are needed.
    :param at_once: how many are asked about together. The smaller, the fresher the answers.
    """
    rest = iter(emails)
    while chunk := list(islice(rest, at_once)):
        stopped = blocked(connection, chunk, erasure_secret)
        yield from (email for email in chunk if email not in stopped)
