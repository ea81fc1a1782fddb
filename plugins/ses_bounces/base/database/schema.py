"""Bring the schema up to date, and tell whether it is one that this version works with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ses_bounces.base.database import key_indexes
from ses_bounces.base.database.partitions import ensure_partitions
from ses_bounces.base.database.statements import ROUTINES, SCHEMA, statement
from ses_bounces.base.exceptions import SchemaError
from ses_bounces.base.sites import DEFAULT, current

if TYPE_CHECKING:
    import sqlalchemy
    from alembic.config import Config

    from ses_bounces.base.database.connection import Connection

# The revisions that this version works with. One ahead is accepted too: workers and web server are upgraded at
# different minutes, and a migration must leave the version before it working (add first, remove a version later).
FIRST_REVISION = 2
LAST_REVISION = 2
UPGRADE = "ses-bounces db upgrade"

_SOMETHING_IN_IT = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s
    AND c.relname NOT LIKE 'alembic\\_version%%'
UNION ALL
SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = %s
ORDER BY 1 LIMIT 1
"""
_HAS_SITE = """
SELECT 1 FROM pg_attribute a
WHERE a.attrelid = to_regclass(%s || '.setting') AND a.attname = 'site' AND NOT a.attisdropped
"""
# Held by each transaction: a lock of the session would stay with a connection of the pool of pgbouncer for good.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('ses_bounces.upgrade', 0))"


def _is_compared(_object: Any, name: str | None, kind: str, reflected: bool, _compared: Any) -> bool:
    # Day partitions and Alembic's own table are no part of the definition.
    return not (kind == "table" and reflected and (name or "").startswith(("message_", "alembic_version")))


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "schema" or name == SCHEMA


COMPARED: dict[str, Any] = {
    "version_table_schema": SCHEMA,
    "include_schemas": True,
    "include_object": _is_compared,
    "include_name": _is_ours,
    "compare_type": True,
}
"""How Alembic compares the tables with a database."""


def upgrade(connection: Connection) -> int:
    """Migrate the schema to the last revision and recreate functions and views; may be repeated at any time.

    Where that changes ``address_key()``, indexes by it are rebuilt; see :mod:`ses_bounces.base.database.key_indexes`.

    :param connection: autocommit, of a role that owns the schema, or may create it in the database.
    :returns: the revision that it is at now.
    :raises SchemaError: the schema is another site's, or none of ours; nothing was changed.
    """
    from alembic import command

    with connection.transaction():
        connection.execute(_LOCK)
        _check_whose(connection)
        # Not IF NOT EXISTS: that asks for CREATE on the database also where the schema is there (docs/sql/role.sql).
        if connection.execute("SELECT to_regnamespace(%s)", [SCHEMA]).fetchone() == (None,):
            connection.execute(f"CREATE SCHEMA {SCHEMA}")
    config = alembic_config()
    with alembic_connection(connection) as lent:
        lent.exec_driver_sql(_LOCK)
        config.attributes["connection"] = lent
        command.upgrade(config, "head")
    with connection.transaction():
        connection.execute(_LOCK)
        rules = key_indexes.key_rules(connection)
        _load_codepoints(connection)
        _load_providers(connection)
        for name in ROUTINES:
            connection.execute(statement(name))
        if rules != key_indexes.key_rules(connection):
            key_indexes.note_stale(connection)
        connection.execute(statement("base/insert_setting"), {"site": current().name})
    ensure_partitions(connection)
    key_indexes.rebuild_stale(connection)
    return check(connection)


def check(connection: Connection) -> int:
    """Return the schema's revision.

    :raises SchemaError: when this version can't work with it; the message holds the command that mends it.
    """
    found = revision(connection)
    if found is None:
        raise SchemaError(f'Schema "{SCHEMA}" is not in this database. Run `{UPGRADE}`.')
    if found < FIRST_REVISION or found > LAST_REVISION + 1:
        todo = f"Run `{UPGRADE}`." if found < FIRST_REVISION else "Upgrade airflow-ses-bounces."
        raise SchemaError(
            f'Schema "{SCHEMA}" is at revision {found}; this version works with {FIRST_REVISION} to '
            f"{LAST_REVISION + 1}. {todo}"
        )
    _check_site(connection)
    return found


def _check_whose(connection: Connection) -> None:
    """Check that the schema is this site's, made by whatever version, or is still to be made.

    :raises SchemaError: it is another site's, or something else of the same name.
    """
    if revision(connection) is None:
        row = connection.execute(_SOMETHING_IN_IT, [SCHEMA, SCHEMA]).fetchone()
        if row is not None:
            raise SchemaError(
                f'Schema "{SCHEMA}" is in this database and was not made by airflow-ses-bounces: "{row[0]}" is in it. '
                f"Nothing was changed. Rename that schema, or use another database. {_connection_place()}"
            )
    elif not connection.execute(_HAS_SITE, [SCHEMA]).fetchone():
        # Version 0.1.0 made it, which knew no sites.
        _refuse_other_site(DEFAULT, f"`{UPGRADE}` as the site without a name, then UPDATE")
    # A killed upgrade left it: there is no row yet, and it belongs to no site.
    elif connection.execute(f"SELECT 1 FROM {SCHEMA}.setting").fetchone():
        _check_site(connection)


def _check_site(connection: Connection) -> None:
    row = connection.execute(f"SELECT s.site FROM {SCHEMA}.setting s").fetchone()
    _refuse_other_site((row[0] if row else None) or DEFAULT, "UPDATE")


def _refuse_other_site(site: str, update: str) -> None:
    wanted = current().name
    if site != wanted:
        raise SchemaError(
            f'This database is that of the site "{site}", not of "{wanted}"; each site has a database of its own. '
            f"{_connection_place()} If it is the right one: {update} {SCHEMA}.setting SET site = '{wanted}'"
        )


def _connection_place() -> str:
    return (
        f'Correct the connection "{current().postgres_conn_id}", or "postgres_conn_id" in Airflow Variable '
        f'"{current().variable}".'
    )


def revision(connection: Connection) -> int | None:
    """Return the schema's revision, None where there is no schema."""
    row = connection.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.alembic_version"]).fetchone()
    if row is None or row[0] is None:
        return None
    version = connection.execute(f"SELECT version_num FROM {SCHEMA}.alembic_version").fetchone()
    return int(version[0]) if version else None


def alembic_config() -> Config:
    """Return the configuration of Alembic; the caller sets ``attributes["connection"]``."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@contextlib.contextmanager
def alembic_connection(connection: Connection) -> Iterator[sqlalchemy.Connection]:
    """Lend our connection to SQLAlchemy for one transaction: sslmode and whatever else it has hold there too."""
    from sqlalchemy import create_engine, pool

    engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=pool.StaticPool)
    connection.autocommit = False
    try:
        with engine.begin() as lent:
            yield lent
    finally:
        connection.autocommit = True


def _load_codepoints(connection: Connection) -> None:
    from ses_bounces.base.database.tables.ledger import codepoint
    from ses_bounces.classify.address import codepoints

    rows = codepoints()
    connection.execute(f"TRUNCATE {SCHEMA}.{codepoint.name}")
    with connection.cursor().copy(f"COPY {SCHEMA}.{codepoint.name} (first, last, mapping, is_mark) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _load_providers(connection: Connection) -> None:
    from ses_bounces.base.database.tables.figures import figure_day, figure_due, provider
    from ses_bounces.classify.providers import PROVIDERS

    known = connection.execute(f"SELECT p.domain, p.name FROM {SCHEMA}.{provider.name} p").fetchall()
    if dict(known) == PROVIDERS:
        return
    connection.execute(f"TRUNCATE {SCHEMA}.{provider.name}")
    with connection.cursor().copy(f"COPY {SCHEMA}.{provider.name} (domain, name) FROM STDIN") as copy:
        for row in PROVIDERS.items():
            copy.write_row(row)
    # Past days are counted by the list of today.
    connection.execute(
        f"INSERT INTO {SCHEMA}.{figure_due.name} (day) SELECT DISTINCT f.day FROM {SCHEMA}.{figure_day.name} f"
        " WHERE f.dimension = 'all'"
    )
