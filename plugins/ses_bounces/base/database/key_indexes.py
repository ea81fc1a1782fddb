"""Indexes by ``address_key()`` on the tables of other applications: an upgrade that changes the key rebuilds them.

One that could not be rebuilt is not looked into until its owner has done so: it would miss people without a word.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from ses_bounces.base.database.statements import statement

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StaleIndex:
    """An index that was made with the rules of before; ``is_ours``: our role may rebuild it."""

    schema: str
    name: str
    table: str
    is_ours: bool

    @property
    def rebuild(self) -> sql.Composed:
        """The statement that makes it right; those who read and write the table don't wait for it."""
        return sql.SQL("REINDEX INDEX CONCURRENTLY {}").format(sql.Identifier(self.schema, self.name))

    def __str__(self) -> str:
        return f"The index {self.name} of {self.table} was made before the rules of address_key() changed"


def key_rules(connection: Connection) -> str | None:
    """Return what tells one version of ``address_key()`` from another, None where there is none yet."""
    row = connection.execute(statement("base/key_rules")).fetchone()
    return row[0] if row else None


def note_stale(connection: Connection) -> None:
    """Note the indexes that there are as made with the rules of before; within the transaction that changes these."""
    connection.execute(statement("base/note_stale_indexes"))


def stale(connection: Connection) -> list[StaleIndex]:
    """Return the indexes that must be rebuilt.

    :param connection: autocommit.
    """
    connection.execute(statement("base/forget_rebuilt_indexes"))
    return [StaleIndex(*row) for row in connection.execute(statement("base/select_stale_indexes"))]


def rebuild_stale(connection: Connection) -> None:
    """Rebuild the indexes that our role owns; those that are left are told in the log.

    :param connection: autocommit.
    """
    for index in stale(connection):
        if index.is_ours:
            try:
                connection.execute(index.rebuild)
            except psycopg.Error as error:
                # Its text may hold a value of the index.
                log.error("%s, and could not be rebuilt (SQLSTATE %s)", index, error.sqlstate)
    for index in stale(connection):
        log.warning("%s; until its owner has run `%s` it is not used", index, index.rebuild.as_string(connection))
