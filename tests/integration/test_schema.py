"""Migrations, tables and versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from dev.postgres import EmbeddedPostgres
from ses_bounces.database import (  # noqa: F401
    aws_tables,
    brake_tables,
    keeping_tables,
    notice_tables,
    page_tables,
    partitions,
    run_tables,
    schema,
)
from ses_bounces.database import connection as connections
from ses_bounces.database.tables import SCHEMA, metadata
from ses_bounces.exceptions import SchemaError

if TYPE_CHECKING:
    from ses_bounces.database.connection import Connection


def test_migrations_lead_to_the_tables(database: Connection) -> None:
    with schema.alembic_connection(database) as lent:
        context = MigrationContext.configure(lent, opts=schema.COMPARED)
        assert compare_metadata(context, metadata) == []


def test_upgrade_may_be_repeated(database: Connection) -> None:
    assert schema.upgrade(database) == schema.LAST_REVISION
    assert schema.check(database) == schema.LAST_REVISION


def test_a_database_without_the_schema_is_refused(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("without_schema")
    url = postgres.url("without_schema")
    with connections.connect_url(url) as opened, pytest.raises(SchemaError, match="ses-bounces db upgrade"):
        schema.check(opened)


def test_one_revision_ahead_is_accepted_and_two_are_not(database: Connection) -> None:
    set_version = f"UPDATE {SCHEMA}.alembic_version SET version_num = %s"
    database.execute(set_version, [f"{schema.LAST_REVISION + 1:04}"])
    assert schema.check(database) == schema.LAST_REVISION + 1
    database.execute(set_version, [f"{schema.LAST_REVISION + 2:04}"])
    with pytest.raises(SchemaError, match="Upgrade airflow-ses-bounces"):
        schema.check(database)


def test_partitions_are_made_ahead_and_dropped_after_the_retention(database: Connection) -> None:
    ahead = partitions.partitions(database)
    assert len(ahead) == partitions.DAYS_AHEAD + 2
    assert partitions.ensure_partitions(database) == 0
    old = min(ahead).replace(year=2020)
    partitions._make(database, old)
    database.execute(
        "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, received_at, outcome)"
        " VALUES ('a', 'q', 'x', now(), %(day)s, 'quarantined'), ('b', 'q', 'y', now(), %(day)s, 'applied')",
        {"day": f"{old} 12:00+00"},
    )
    assert partitions.drop_partitions(database, 0) == 0
    assert partitions.drop_partitions(database, 90) == 1
    assert partitions.partitions(database) == ahead
    assert database.execute("SELECT sqs_message_id FROM ses_bounces.quarantine").fetchall() == [("a",)]


def test_a_day_with_pending_messages_stays(database: Connection) -> None:
    old = min(partitions.partitions(database)).replace(year=2020)
    partitions._make(database, old)
    database.execute(
        "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, received_at, outcome)"
        " VALUES ('a', 'q', 'x', now(), %s, 'pending')",
        [f"{old} 12:00+00"],
    )
    assert partitions.drop_partitions(database, 90) == 0


def test_errors_hold_no_row_values(database: Connection) -> None:
    from ses_bounces.exceptions import DatabaseError

    insert = "INSERT INTO ses_bounces.address (address, address_as_reported) VALUES (%s, 'x')"
    database.execute(insert, ["jane.doe@example.com"])
    with pytest.raises(DatabaseError) as raised, connections.quiet():
        database.execute(insert, ["jane.doe@example.com"])
    assert "address_address_key" in str(raised.value)
    assert "jane" not in str(raised.value)
    assert raised.value.__suppress_context__
