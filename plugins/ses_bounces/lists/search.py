"""Finding addresses by a part of them: what a text means, and the index that answers it."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from psycopg import sql

from ses_bounces.address import address_key
from ses_bounces.database.connection import quiet
from ses_bounces.database.statements import statement
from ses_bounces.exceptions import ActionError
from ses_bounces.lists.query import Bound, Condition, all_of, column, stored

if TYPE_CHECKING:
    from ses_bounces.database.connection import Connection

GRAM = 3
MAX_TEXT_CHARACTERS = 320
ADDRESSES_PER_CHUNK = 20_000
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
    """Queries for the addresses that some searches find together, by way of an index.

    ``rough``: a row for each address that the index leads to, at least; ``addresses``: those that match, in no order.
    """

    rough: sql.Composable
    addresses: sql.Composable


def candidates(searches: Sequence[Search], bound: Bound) -> Candidates | None:
    """Return how some searches are looked up; None: they are but a range in the order of addresses."""
    on_address = all_of([condition for search in searches for condition in search.matches(bound, "a")])
    if any(search.domain is None and not search.is_range for search in searches):
        # Of a domain too, so that the index intersects what each of them finds.
        parts = [search.text if search.domain is None else f"@{search.domain}" for search in searches]
        found = {gram for search, part in zip(searches, parts, strict=True) if not search.is_range
                 for gram in grams(part)}  # fmt: skip
        rough = _WITH_GRAMS.format(bound(sorted(found)))
        return Candidates(rough, _OF_GRAMS.format(rough=rough, matches=on_address))
    domains = sorted((search.domain for search in searches if search.domain is not None), key=len)
    if not domains:
        return None
    rough = _IN_DOMAIN.format(first=bound(domains[-1]), last=bound(domains[-1] + _LAST))
    return Candidates(rough, sql.SQL("{} AND {}").format(rough, on_address))


_IN_DOMAIN = sql.SQL("SELECT a.address FROM ses_bounces.address a WHERE a.domain >= {first} AND a.domain < {last}")
_WITH_GRAMS = sql.SQL("SELECT s.address_id FROM ses_bounces.address_search s WHERE s.grams @> {}::integer[]")
# OFFSET 0: row by row, so that what only some rows are wanted of ends early; the planner takes them to be few or all.
# The addresses since the search index was last brought up to date are few.
_OF_GRAMS = sql.SQL(
    """SELECT a.address
    FROM ({rough} OFFSET 0) s
    CROSS JOIN LATERAL (
        SELECT a.address FROM ses_bounces.address a WHERE a.address_id = s.address_id AND {matches} OFFSET 0
    ) a
    UNION ALL
    SELECT a.address FROM ses_bounces.address a
    WHERE a.address_id > (SELECT t.searchable_to FROM ses_bounces.setting t) AND {matches}"""
)


def like(text: str) -> str:
    """Return a text as a pattern of LIKE that matches just it."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def index_addresses(connection: Connection, seconds: float = float("inf")) -> int:
    """Bring the search index up to date with the registry; returns how many addresses were new to it.

    Searches find the others too, slower.

    :param connection: autocommit.
    :param seconds: begin no further chunk after this long.
    :raises DatabaseError: what is done stays done; repeat to go on.
    """
    until = time.monotonic() + seconds
    indexed = 0
    with quiet():
        last = _last_address(connection)
        while time.monotonic() < until:
            with connection.transaction():
                parameters = {"limit": ADDRESSES_PER_CHUNK, "last": last}
                row = connection.execute(statement("index_addresses"), parameters).fetchone()
            if row is None or not row[0]:
                break
            indexed += row[0]
    return indexed


def _last_address(connection: Connection) -> int:
    # Behind the lock, so that no writer is halfway: an id below this one that is not there never comes.
    with connection.transaction():
        connection.execute(statement("lock_state"))
        row = connection.execute("SELECT coalesce(max(a.address_id), 0) FROM ses_bounces.address a").fetchone()
    assert row is not None
    return cast(int, row[0])


def keep_text(connection: Connection, text: str) -> str:
    """Keep a text that was typed into a search box; returns the unguessable id that stands for it in URLs.

    :raises ActionError: it is blank, or longer than an address can be.
    """
    if Search.of(text) is None:
        raise ActionError("The text to search for is missing.")
    filter_id = secrets.token_urlsafe(16)
    with quiet():
        query = "INSERT INTO ses_bounces.page_filter (filter_id, search_text) VALUES (%s, %s)"
        connection.execute(query, [filter_id, stored(text)])
    return filter_id


def kept_text(connection: Connection, filter_id: str) -> str | None:
    """Return the text that was kept under an id; None: there is none, or it was too long ago."""
    query = "SELECT f.search_text FROM ses_bounces.page_filter f WHERE f.filter_id = %s"
    with quiet():
        row = connection.execute(query, [stored(filter_id)]).fetchone()
    return None if row is None else str(row[0])


def drop_old_filters(connection: Connection) -> int:
    """Forget what was typed into search boxes, and the answers to forms, over 90 days ago; returns how many rows."""
    with quiet():
        return sum(connection.execute(statement(name)).rowcount for name in ("drop_old_filters", "drop_old_answers"))
