"""The people table of another application, and the statements that name it."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

from psycopg import sql

from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.settings import where as settings_place

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings

LOCK_TIMEOUT = "2s"
_NO_INDEX = "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off"


class People:
    """The people table of the settings, and what is done to it."""

    def __init__(self, connection: Connection, settings: Settings, seconds: float = float("inf")) -> None:
        """Look at the table.

        :param seconds: the time that all statements together may take; one that would pass it is cancelled.
        :raises SettingsError: when the table or a column is not there, the flag is no boolean, or an id may be several
            people's.
        """
        assert settings.people_table is not None
        self.connection = connection
        self._until = time.monotonic() + seconds
        self.table = settings.people_table
        columns = (settings.people_id_column, settings.people_email_column, settings.people_flag_column)
        table = sql.Identifier(*self.table.split("."))
        found = connection.execute(
            statement("people/describe_people"), {"table": table.as_string(connection), "columns": list(columns)}
        ).fetchall()
        types: dict[str, str] = {column: type_ for column, type_, *_ in found}
        where = settings_place()
        if not types:
            raise SettingsError(f"people_table is {self.table}; there is no such table in this database. {where}")
        keys = ("people_id_column", "people_email_column", "people_flag_column")
        for key, column in zip(keys, columns, strict=True):
            if column not in types:
                raise SettingsError(f"{key} is {column}; {self.table} has no such column. {where}")
        if types[columns[2]] != "boolean":
            raise SettingsError(
                f"people_flag_column is {columns[2]}; it is {types[columns[2]]} and must be boolean. {where}"
            )
        if not next(is_unique for column, *_, is_unique in found if column == columns[0]):
            raise SettingsError(
                f"people_id_column is {columns[0]}; it must have a unique index of its own in {self.table}, on no "
                "other column, for all rows, and not in a table with children: else one id may be several people's, "
                f"and the flag of the wrong ones be switched. Make one, or name another column. {where}"
            )
        # Name and type of id, email and flag.
        self.columns: tuple[tuple[str, str], ...] = tuple((column, types[column]) for column in columns)
        self.quoted: str = table.as_string(connection)
        names = ("id", "email", "flag")
        self._names: dict[str, sql.Composable] = {
            "table": table,
            **{n: sql.Identifier(c) for n, c in zip(names, columns, strict=True)},
        }
        self._email = columns[1]
        # What a person's place in it depends on.
        self.described = [self.table, *columns, types[columns[0]]]
        is_one_heap = all(is_one for *_, is_one, _ in found)
        self._names["place"] = sql.Identifier("ctid") if is_one_heap else self._names["id"]
        # As the catalogue spells it, which is SQL.
        self._names["id_type"] = sql.SQL(types[columns[0]])

    @functools.cached_property
    def is_indexed(self) -> bool:
        """Whether those at an address are found by an index on its key; without it, the whole table is read."""
        if self._is_misleading:
            return False
        parameters = {"table": self.quoted, "email": self._email}
        row = self.connection.execute(statement("people/has_key_index"), parameters).fetchone()
        return bool(row and row[0])

    @functools.cached_property
    def _is_misleading(self) -> bool:
        """Whether an index by the key was made with rules of before: it would miss people."""
        row = self.connection.execute(statement("people/has_stale_index")).fetchone()
        return bool(row and row[0])

    def execute(self, name: str, *, is_durable: bool = True, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement of include/sql that names the people table, in a transaction of its own.

        :param is_durable: return when it is on disk; otherwise the next transaction that waits for that does.
        """
        query = sql.SQL(statement(name)).format(**self._names)
        with self.connection.transaction():
            self.connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            if not is_durable:
                self.connection.execute("SET LOCAL synchronous_commit = off")
            if self._is_misleading:
                self.connection.execute(_NO_INDEX)
            left = self._until - time.monotonic()
            if left != float("inf"):
                self.connection.execute(f"SET LOCAL statement_timeout = {max(1, int(left * 1000))}")
            return self.connection.execute(query, {"people_table": self.table, **parameters}).fetchall()
