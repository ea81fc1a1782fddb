"""Migrations, tables and versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from dev.postgres import EmbeddedPostgres
from ses_bounces.base.database import connection as connections
from ses_bounces.base.database import partitions, schema
from ses_bounces.base.database.statements import SCHEMA
from ses_bounces.base.database.storage import STORAGE
from ses_bounces.base.database.tables import metadata
from ses_bounces.base.exceptions import SchemaError
from ses_bounces.ledger.lists.engine.search import grams
from tests.kit.builders import delivery
from tests.kit.reading import flush_statistics
from tests.kit.seeding import dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def test_migrations_lead_to_the_tables(database: Connection) -> None:
    with schema.alembic_connection(database) as lent:
        context = MigrationContext.configure(lent, opts=schema.COMPARED)
        assert compare_metadata(context, metadata) == []


def stored(database: Connection) -> dict[str, dict[str, str]]:
    query = (
        "SELECT c.relname, c.reloptions FROM pg_class c"
        " WHERE c.relnamespace = 'ses_bounces'::regnamespace AND c.relkind = 'r' AND c.reloptions IS NOT NULL"
    )
    return {name: dict(option.split("=") for option in options) for name, options in database.execute(query)}


def test_migrations_lead_to_the_storage(database: Connection) -> None:
    assert stored(database) == STORAGE
    migrate(database, "0001")
    assert stored(database) == {}


def test_the_index_of_deliveries_does_not_grow_with_every_mailing(database: Connection) -> None:
    """Rows grow with the first four deliveries of an address; from then on each takes its own place again."""
    addresses, growing, mailings = 1_000, 8, 3

    def written() -> tuple[int, ...]:
        flush_statistics(database)
        counted = database.execute(
            "SELECT n_tup_ins, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'last_delivery'"
        ).fetchone()
        assert counted is not None
        return counted

    counts = []
    for days_ago in range(growing + mailings, 0, -1):
        receive(database, *(dated(delivery(f"p{number}@example.com"), days_ago) for number in range(addresses)))
        counts.append(written())
    inserted, updated, in_place = counts[-1]
    assert (inserted, updated) == (addresses, addresses * (growing + mailings - 1))
    assert in_place - counts[growing - 1][2] > 0.9 * addresses * mailings


def test_upgrade_may_be_repeated(database: Connection) -> None:
    assert schema.upgrade(database) == schema.LAST_REVISION
    assert schema.check(database) == schema.LAST_REVISION


def migrate(database: Connection, to: str) -> None:
    config = schema.alembic_config()
    with schema.alembic_connection(database) as config.attributes["connection"]:
        (command.downgrade if to == "0001" else command.upgrade)(config, to)


def test_what_is_searched_has_its_addresses_after_the_second_revision(database: Connection) -> None:
    migrate(database, "0001")
    insert = "INSERT INTO ses_bounces.address (address, address_as_reported) VALUES (%s, 'x') RETURNING address_id"
    # As version 0.1.0 puts them in.
    index = "INSERT INTO ses_bounces.address_search (address_id, grams) VALUES (%s, ses_bounces.address_grams(%s))"
    wanted = set()
    for number in range(40):
        address = f"ada{number}@example.com"
        row = database.execute(insert, [address]).fetchone()
        assert row is not None
        database.execute(index, [row[0], address])
        wanted.add((row[0], address, tuple(grams(address))))
        if number == 29:
            schema.upgrade(database)
    rows = database.execute("SELECT s.address_id, s.address, s.grams FROM ses_bounces.address_search s").fetchall()
    assert {(id_, address, tuple(found)) for id_, address, found in rows} == wanted
    assert len(rows) == 40
    migrate(database, "0001")
    kept = database.execute("SELECT s.address_id, s.grams FROM ses_bounces.address_search s").fetchall()
    assert {(id_, tuple(found)) for id_, found in kept} == {(id_, found) for id_, _, found in wanted}


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
    from ses_bounces.base.exceptions import DatabaseError

    insert = "INSERT INTO ses_bounces.address (address, address_as_reported) VALUES (%s, 'x')"
    database.execute(insert, ["jane.doe@example.com"])
    with pytest.raises(DatabaseError) as raised, connections.quiet():
        database.execute(insert, ["jane.doe@example.com"])
    assert "address_address_key" in str(raised.value)
    assert "jane" not in str(raised.value)
    assert raised.value.__suppress_context__
