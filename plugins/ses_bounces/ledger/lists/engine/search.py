"""Finding addresses by a part of them: what a text means, and the index that answers it."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import ActionError
from ses_bounces.classify.address import address_key
from ses_bounces.ledger.erased.guard import conceal_texts
from ses_bounces.ledger.lists.engine.query import Bound, Condition, all_of, column, stored
from ses_bounces.ledger.lists.engine.sampling import sampled

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

GRAM = 3
MAX_TEXT_CHARACTERS = 320
# Texts typed into search boxes.
KEPT_OF_A_USER = 100
# More addresses than these are not looked up before a part of the list was looked through.
CANDIDATES = 10_000
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# No text sorts behind this character, in collation C.
_LAST = "\U0010ffff"


def grams(text: str) -> list[int]:
    """Return every three bytes of a text as numbers; the same as SQL's ``ses_bounces.address_grams``."""
    spelled = text.encode("utf-8")
    return [int.from_bytes(spelled[place : place + GRAM]) for place in range(len(spelled) - GRAM + 1)]


@dataclass(frozen=True)
class Search:
    """What was typed: a domain or its beginning (``@exam``), the beginning of an address, or a part of one."""

    text: str

    @classmethod
    def of(cls, typed: str) -> Search | None:
        """Return the search for a text, None for a blank one.

        :raises ActionError: it is longer than an address can be.
        """
        text = stored(typed.replace("\x00", "")).strip().translate(_LOWER)
        if len(text) > MAX_TEXT_CHARACTERS:
            raise ActionError(f"The text has {len(text)} characters; an address has {MAX_TEXT_CHARACTERS} at most.")
        return cls(text) if text else None

    @property
    def domain(self) -> str | None:
        """The domain that is meant, or its beginning."""
        if not self.text.startswith("@"):
            return None
        key = address_key(f"postmaster{self.text}")
        return key.rpartition("@")[2] if key else self.text[1:]

    @property
    def is_range(self) -> bool:
        """Whether what is meant is a range in the order of addresses: those that begin with a short text."""
        return self.domain is None and len(self.text) < GRAM

    @property
    def part(self) -> str:
        """A text that every address has that is meant."""
        return self.text if self.domain is None else f"@{self.domain}"

    def matches(self, bound: Bound, of: str = "b") -> list[Condition]:
        """Return the conditions that a row with an ``address`` meets; for rows that are looked at anyway."""
        address = column("address", of)
        if self.domain is not None:
            return [sql.SQL("split_part({}, '@', -1) LIKE {}").format(address, bound(f"{like(self.domain)}%"))]
        if self.is_range:
            return [
                sql.SQL("{} >= {}").format(address, bound(self.text)),
                sql.SQL("{} < {}").format(address, bound(self.text + _LAST)),
            ]
        return [sql.SQL("{} LIKE {}").format(address, bound(f"%{like(self.text)}%"))]


@dataclass(frozen=True)
class Candidates:
    """Where some searches are looked up: a query for the addresses that match, in no order.

    ``number``: about how many they are, and a quarter of those that the index leads to besides: what is read of it
    costs less than what is looked for with it.
    """

    addresses: sql.Composable
    number: int

    @property
    def are_many(self) -> bool:
        """Whether they are more than are read without need."""
        return self.number > CANDIDATES


def look_up(connection: Connection, searches: Sequence[Search], bound: Bound) -> Candidates | None:
    """Return how some searches are looked up together; None: they are but a range in the order of addresses."""
    wanted = [search for search in searches if not search.is_range]
    if not wanted:
        return None
    counted = [_matches(searches, bound, "a"), *(_matches([search], bound, "a") for search in wanted)]
    together, *each = sampled(connection, "address", "a", counted, bound)
    least = min(range(len(wanted)), key=each.__getitem__)
    by, read = [wanted[least]], each[least]
    if together <= CANDIDATES < read // 5 and all(grams(search.part) for search in wanted):
        # Each is frequent by itself: the index intersects what it finds.
        by, read = wanted, together
    if all(search.domain is not None for search in by):
        domain = max((search.domain or "" for search in by), key=len)
        condition = _IN_DOMAIN.format(first=bound(domain), last=bound(domain + _LAST))
        addresses = sql.SQL("SELECT a.address FROM ses_bounces.address a WHERE {}").format(
            all_of([condition, *_matches(searches, bound, "a")])
        )
    else:
        found = {gram for search in by for gram in _covering(search.part)}
        addresses = _WITH_GRAMS.format(
            grams=bound(sorted(found)),
            searched=all_of(_matches(searches, bound, "s")),
            matches=all_of(_matches(searches, bound, "a")),
        )
    return Candidates(addresses, together + read // 4)


def _covering(text: str) -> list[int]:
    """Return as few grams as have all of the text: each is a list that the index goes through."""
    found = grams(text)
    return [*found[:-1:GRAM], *found[-1:]]


def _matches(searches: Sequence[Search], bound: Bound, of: str) -> list[Condition]:
    return [condition for search in searches for condition in search.matches(bound, of)]


_IN_DOMAIN = sql.SQL("a.domain >= {first} AND a.domain < {last}")
# The addresses since the search index was last brought up to date are few.
_WITH_GRAMS = sql.SQL(
    """SELECT s.address FROM ses_bounces.address_search s WHERE s.grams @> {grams}::integer[] AND {searched}
    UNION ALL
    SELECT a.address FROM ses_bounces.address a
    WHERE a.address_id > (SELECT t.searchable_to FROM ses_bounces.setting t) AND {matches}"""
)


def like(text: str) -> str:
    """Return a text as a pattern of LIKE that matches just it."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def keep_text(connection: Connection, text: str, user_id: str) -> str:
    """Keep a text that was typed into a search box; returns the unguessable id that stands for it in URLs.

    It is kept for a day, and no longer than until the user has typed 100 others.

    :param user_id: Airflow's id of the user.
    :raises ActionError: it is blank, or longer than an address can be.
    """
    if Search.of(text) is None:
        raise ActionError("The text to search for is missing.")
    filter_id = secrets.token_urlsafe(16)
    with quiet():
        # An erased address is found by what stands in its place, and is not kept here.
        (text,) = conceal_texts(connection, [text])
        parameters = {"filter_id": filter_id, "text": stored(text), "user_id": stored(user_id), "most": KEPT_OF_A_USER}
        connection.execute(statement("ledger/lists/insert_filter"), parameters)
    return filter_id


def kept_text(connection: Connection, filter_id: str) -> str | None:
    """Return the text that was kept under an id; None: there is none, or it is forgotten."""
    with quiet():
        row = connection.execute(statement("ledger/lists/select_filter"), {"filter_id": stored(filter_id)}).fetchone()
    return None if row is None else str(row[0])
