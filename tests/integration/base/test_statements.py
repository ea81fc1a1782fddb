"""The types that the headers of include/sql give to parameters are ones that Postgres takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ses_bounces.base.database.statements import statement
from tests.kit.statements import Statement, statements

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# What the code puts in by name, here of a people table and of a table with text.
NAMES = {
    "table": "person", "id": "id", "email": "email", "flag": "flag", "place": "ctid", "id_type": "bigint",
    "column": "email", "type": "text",
}  # fmt: skip


def in_postgres(one: Statement) -> tuple[str, list[str]]:
    """The statement as Postgres takes it, and the types of its parameters in their order."""
    names = list(one.parameters)
    text = re.sub(r"%\((\w+)\)s", lambda match: f"${names.index(match[1]) + 1}", one.text).replace("%%", "%")
    text = re.sub(r"\{(\w+)\}", lambda match: NAMES[match[1]], text)
    return text, [one.parameters[name].strip("{}") for name in names]


@pytest.fixture
def prepared(database: Connection) -> Connection:
    """A database with the temporary tables that statements work on, and a people table."""
    database.execute("CREATE TABLE person (id bigint PRIMARY KEY, email text, flag boolean)")
    database.autocommit = False
    for part in (statement("ledger/create_work_tables"), statement("ledger/replay/create_tables")):
        database.execute(part)
    database.execute(statement("report/create_states"), {"at": None, "known_at": None})
    database.execute(statement("report/create_blocks"), {"at": None, "known_at": None})
    return database


def test_postgres_takes_the_types(prepared: Connection) -> None:
    wrong = {}
    told = [one for one in statements() if one.parameters]
    assert len(told) > 150
    for one in told:
        text, types = in_postgres(one)
        oids = [
            row[0]
            for name in types
            for row in prepared.execute("SELECT %s::regtype::oid", [NAMES.get(name, name)]).fetchall()
        ]
        with prepared.transaction(force_rollback=True):
            result = prepared.pgconn.prepare(b"", text.encode(), oids)
            if result.error_message:
                wrong[one.name] = result.error_message.decode()
    assert wrong == {}
