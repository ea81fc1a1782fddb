"""What work on the people table of some settings would be: columns, rows, and what else the role could do with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_bounces.base.counted import counted
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import DatabaseError, PrivilegeError, SettingsError
from ses_bounces.people.table import People

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings

SAMPLED = 1_000
SECONDS = 3.0


@dataclass(frozen=True)
class Rights:
    """What the database role may do beyond docs/sql/people.sql; ``rows``: INSERT, DELETE, TRUNCATE."""

    role: str
    is_superuser: bool
    is_owner: bool
    rows: list[str]
    other_columns_read: int
    other_columns_written: int

    def words(self) -> list[str]:
        """Return what is too much, in words; empty: nothing is."""
        return [
            *(["it is a superuser"] if self.is_superuser else []),
            *(["it owns the table"] if self.is_owner and not self.is_superuser else []),
            *([f"it may read {_columns(self.other_columns_read)}"] if self.other_columns_read else []),
            *([f"it may write {_columns(self.other_columns_written)}"] if self.other_columns_written else []),
            *([f"it may {', '.join(self.rows)} rows"] if self.rows else []),
        ]


def people_preview(connection: Connection, settings: Settings) -> Iterator[str]:
    """Yield what would be read and written, in how many rows, and what to mind; ``people_table`` is set.

    It takes some :data:`SECONDS`; what can't be counted by then is said to be so.
    """
    assert settings.people_table is not None
    try:
        with quiet():
            people = People(connection, settings, SECONDS)
    except SettingsError as error:
        yield f"Nobody's Allow Group Email would be touched, and its task would fail: {error}"
        return
    (id_, id_type), (email, email_type), (flag, flag_type) = people.columns
    yield (
        f"In {people.table}, {id_} ({id_type}) and {email} ({email_type}) are read, and {flag} ({flag_type}) is read "
        "and written."
    )
    try:
        with quiet():
            yield _rows(people, settings)
            yield from _emails(people, email)
    except (DatabaseError, PrivilegeError) as error:
        yield f"How many rows that is can't be said: {error}"
    yield from _too_much(connection, people)


def _rows(people: People, settings: Settings) -> str:
    [(count,)] = people.execute("people/preview_people")
    if settings.enforce:
        flag, _ = people.columns[2]
        return f"The next run would write {counted(count, 'row')}: those at blocked addresses whose {flag} is not off."
    return f"No row is written in observe mode. Enforcing would switch {counted(count, 'row')} off."


def _emails(people: People, email: str) -> Iterator[str]:
    [(rows, addresses)] = people.execute("people/sample_emails", limit=SAMPLED)
    if addresses * 2 < rows:
        yield f"Is {email} the column of addresses? Of {counted(rows, 'row')} looked at, {addresses} have one in it."


def rights_of(connection: Connection, people: People) -> Rights:
    """Return what the role may do with the people table beyond what it needs."""
    columns = [column for column, _ in people.columns]
    parameters = {"table": people.quoted, "columns": columns, "flag": columns[2]}
    row = connection.execute(statement("people/describe_rights"), parameters).fetchone()
    assert row is not None
    return Rights(*row)


def _too_much(connection: Connection, people: People) -> Iterator[str]:
    with quiet():
        rights = rights_of(connection, people)
    if words := rights.words():
        yield (
            f"The database role {rights.role} may do more with {people.table} than docs/sql/people.sql gives: "
            f"{'; '.join(words)}. So whoever may change these settings can have other columns read or written. Give "
            "the job a role of its own, or pin people_table and people_…_column in airflow.cfg."
        )


def _columns(number: int) -> str:
    return counted(number, "other column")
