"""Every text of the schema, searched for addresses, and emptied of them.

The columns come from Postgres's catalogue, so that a column that is added later is searched as well.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from psycopg import sql

from ses_bounces.actions.action import Action
from ses_bounces.base.database.statements import SCHEMA, statement
from ses_bounces.base.erasure_secret import Secret
from ses_bounces.ledger.erased.candidates import keys_in
from ses_bounces.ledger.erased.guard import rewrite_bodies
from ses_bounces.ledger.erased.spelling import Spelling
from ses_bounces.ledger.writing import writing

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# What is not text of ours: the registry's own row is renamed, the code points are Unicode's.
NOT_SEARCHED = {"address", "codepoint", "alembic_version"}
# Searched row by row in Python: they have JSON within JSON, and may have to be kept for others.
_BODIES = {"message", "quarantine"}
_ROWS_AT_ONCE = 1_000
# A row that changes while it is searched is met at the next pass.
_PASSES = 10
# Characters that quote an element in the text form of an array.
_ARRAY_ESCAPED = re.compile(r'(["\\])')
_ESCAPE = r"\\\1"


def erase(
    connection: Connection,
    spellings: dict[Spelling, str],
    secret: Secret,
    *,
    dry_run: bool = False,
    progress: Callable[[str], None] = lambda _what: None,
) -> Counter[str]:
    """Take addresses out of all texts and message bodies; returns how many rows of what.

    :param connection: autocommit.
    :param spellings: of the addresses, with what stands in the place of each.
    """
    counts: Counter[str] = Counter()
    for table, columns in _columns(connection).items():
        progress(table)
        for column, type_ in columns.items():
            rows = _erase_column(connection, table, column, type_, list(spellings), dry_run)
            if rows:
                counts[f"{table}.{column}"] += rows
    progress("messages")
    bodies = sum(_erase_bodies(connection, spelling, name, secret, dry_run) for spelling, name in spellings.items())
    if bodies:
        counts["messages"] += bodies
    if not dry_run:
        for spelling in spellings:
            _forget_answers(connection, spelling.key)
    return counts


def _columns(connection: Connection) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for table, column, type_ in connection.execute(statement("actions/erase/select_text_columns"), {"schema": SCHEMA}):
        if table not in NOT_SEARCHED and not (table in _BODIES and column == "body"):
            found[table][column] = type_
    return found


def _erase_column(
    connection: Connection, table: str, column: str, type_: str, spellings: Sequence[Spelling], dry_run: bool
) -> int:
    names = {
        "table": sql.Identifier(SCHEMA, table),
        "column": sql.Identifier(column),
        # As the catalogue spells it.
        "type": sql.SQL(type_),
    }
    find = sql.SQL(statement("actions/erase/find_text")).format(**names)
    change = sql.SQL(statement("actions/erase/erase_text")).format(**names)
    total = 0
    for _ in range(1 if dry_run else _PASSES):
        rows = list(_rows_to_erase(connection, find, type_, spellings))
        if dry_run:
            return len(rows)
        if not rows:
            break
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            oids, ctids, before, after = zip(*rows[start : start + _ROWS_AT_ONCE], strict=True)
            parameters = {"tables": list(oids), "ctids": list(ctids), "before": list(before), "after": list(after)}
            total += connection.execute(change, parameters).rowcount
    return total


def _rows_to_erase(
    connection: Connection, find: sql.Composed, type_: str, spellings: Sequence[Spelling]
) -> Iterator[tuple[int, str, str, str]]:
    """Yield where a column spells one of the addresses, with the text that it holds and the text that it is to hold."""
    keys = {spelling.key for spelling in spellings}
    with connection.transaction(), connection.cursor("texts") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(find, {"bits": [_bit(spelling.local) for spelling in spellings]})
        for oid, ctid, value, text in cursor:
            if keys.isdisjoint(keys_in(text)):
                continue
            new = value
            for spelling in spellings:
                new = spelling.erase_all(new)
            yield oid, ctid, text, _as_text(new, type_)


def _as_text(value: Any, type_: str) -> str:
    """Write a value as Postgres reads it."""
    if type_ in ("json", "jsonb"):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        parts = ("NULL" if part is None else f'"{_ARRAY_ESCAPED.sub(_ESCAPE, part)}"' for part in value)
        return f"{{{','.join(parts)}}}"
    return str(value)


def _erase_bodies(connection: Connection, spelling: Spelling, name: str, secret: Secret, dry_run: bool) -> int:
    """Empty or rewrite the bodies that spell an address."""
    total = 0
    for _ in range(1 if dry_run else _PASSES):
        found = []
        with connection.transaction(), connection.cursor("bodies") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(statement("actions/erase/find_bodies"), {"bits": [_bit(spelling.local)]})
            found = [id_ for id_, body in cursor if spelling.is_in(body)]
        if dry_run or not found:
            return total or len(found)
        for start in range(0, len(found), _ROWS_AT_ONCE):
            part = found[start : start + _ROWS_AT_ONCE]
            with writing(connection):
                rewrite_bodies(connection, part, {spelling: name}, secret)
        total += len(found)
    return total


def waits(connection: Connection, spelling: Spelling) -> bool:
    """Tell whether something that is not in the ledger yet names an address: a body that waits, or what is held."""
    query = "SELECT EXISTS (SELECT FROM ses_bounces.held_entry h WHERE h.listing ->> 'address' = %s)"
    row = connection.execute(query, [spelling.key]).fetchone()
    if row is not None and row[0]:
        return True
    with connection.transaction(), connection.cursor("waiting") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(statement("actions/erase/find_waiting_bodies"), {"bits": [_bit(spelling.local)]})
        return any(spelling.is_in(body) for (body,) in cursor)


def _bit(local: str) -> str:
    """Return a piece of a local part that every text has which spells it in ASCII."""
    found: list[str] = re.findall(r"[a-z0-9]+", local)
    return max(found, key=len, default="")


def _forget_answers(connection: Connection, key: str) -> None:
    """Forget which answers of forms were about an address: a guess of it could be tried on them."""
    query = "SELECT a.action_id, a.results FROM ses_bounces.admin_action a WHERE a.kind = 'request_stops'"
    for action_id, results in connection.execute(query).fetchall():
        target = f"#{Action('-', '-', str(action_id)).dedup_key('stop_request', key).hex()}"
        if results.pop(target, None) is not None:
            connection.execute(
                "UPDATE ses_bounces.admin_action SET results = %s WHERE action_id = %s",
                [json.dumps(results), action_id],
            )


def reports_naming(connection: Connection, spellings: Sequence[Spelling]) -> list[str]:
    """Return the reports made before that contain an address, for whoever is to decide what becomes of them."""
    found: list[str] = []
    for day, table, page in _each(connection, "SELECT r.day, r.csv, r.html FROM ses_bounces.report_day r ORDER BY 1"):
        files = [name for name, packed in (("csv", table), ("html", page)) if _names(packed, spellings)]
        if files:
            found.append(f"report {day} {' '.join(files)}")
    query = "SELECT d.suppression_drift_id, d.csv FROM ses_bounces.suppression_drift d ORDER BY 1"
    found += [f"suppression drift {id_}" for id_, packed in _each(connection, query) if _names(packed, spellings)]
    return found


def _each(connection: Connection, query: str) -> Any:
    with connection.transaction(), connection.cursor("reports") as cursor:
        cursor.itersize = 1
        yield from cursor.execute(query)


def _names(packed: bytes, spellings: Sequence[Spelling]) -> bool:
    text = gzip.decompress(packed).decode("utf-8", "replace")
    return any(spelling.is_in(text) for spelling in spellings)
