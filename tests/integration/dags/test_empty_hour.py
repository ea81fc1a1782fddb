"""What an hour without messages reads does not grow with what happened before."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ses_bounces.base.database import connection as connections
from ses_bounces.base.database.partitions import drop_partitions, ensure_partitions
from ses_bounces.base.settings import parse
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger.figures.counting import count_figures
from ses_bounces.ledger.figures.outages import find_outages
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.promotion import promote_expired
from ses_bounces.ledger.protection import mirror_settings
from ses_bounces.ledger.search_index import drop_old_filters, index_addresses
from ses_bounces.people.sync import sync
from ses_bounces.report.days import due_days
from ses_bounces.report.files import drop_old_reports
from ses_bounces.report.making import make_report
from tests.integration.ledger.test_pipeline import at, put
from tests.kit.builders import bounce, complaint, delivery
from tests.kit.reading import rows_read

if TYPE_CHECKING:
    from collections import Counter

    from ses_bounces.base.database.connection import Connection

SETTINGS = parse({"queue_urls": "https://sqs.eu-west-1.amazonaws.com/123456789012/q", "people_table": "public.people"})
# A zone whose midnight is six hours away at least: a day that ends on the way is due a report.
ZONE = ZoneInfo("Etc/GMT-6" if datetime.now(UTC).hour < 12 else "Etc/GMT+6")


def hour(url: str) -> None:
    """What the tasks of a run ask the database for, after an empty drain."""
    with connections.connect_url(url) as connection:
        mirror_settings(connection, enforce=True, never_block=["@protected.example.com"])
        ensure_partitions(connection)
        drop_partitions(connection, SETTINGS.raw_retention_days)
        drop_old_filters(connection)
        index_addresses(connection, 60)
        assert classify_pending(connection, SETTINGS.rules).messages == 0
        assert count_figures(connection).is_whole
        find_outages(connection)
        assert promote_expired(connection).promoted == 0
        sync(connection, SETTINGS)
        for day in due_days(connection, ZONE, SETTINGS.report_days_kept):
            make_report(connection, day, ZONE)
        drop_old_reports(connection, SETTINGS.report_days_kept)


def fill(connection: Connection, addresses: int) -> None:
    """A history of every kind: blocked, deleted by a delivery, expired, quarantined, switched off."""
    connection.execute("CREATE TABLE public.people (id serial PRIMARY KEY, email text, allow_group_email boolean)")
    connection.execute("CREATE INDEX ON public.people (ses_bounces.address_key(email))")
    bodies = []
    for n in range(addresses):
        who = f"person{n}@domain{n % 7}.example.com"
        connection.execute("INSERT INTO public.people (email, allow_group_email) VALUES (%s, true)", [who])
        bodies += [
            json.dumps(at(bounce(who, "Permanent" if n % 4 == 0 else "Transient"), 3 + n % 25, f"b{n}")),
            "not JSON",
        ]
        if n % 4 == 1:
            bodies.append(json.dumps(at(complaint(who), 2, f"c{n}")))
        if n % 4 == 2:
            bodies.append(json.dumps(at(delivery(who), 1, f"d{n}")))
    put(connection, *bodies)
    connection.execute(
        "INSERT INTO ses_bounces.queue (queue_url, belongs_to, first_drained_at, last_drained_at, emptied_at)"
        " VALUES ('q', 'q', %(at)s, %(at)s, %(at)s)",
        {"at": datetime.now(UTC) - timedelta(days=3)},
    )
    classify_pending(connection, Rules())


def read_in_an_hour(url: str, admin: Connection) -> Counter[str]:
    """How many rows of each table."""
    wait_alone(admin)
    before = rows_read(admin)
    hour(url)
    wait_alone(admin)
    return rows_read(admin) - before


def wait_alone(connection: Connection) -> None:
    """Wait for the end of all other sessions: what a session read is counted when it ends."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    until = time.monotonic() + 10
    while connection.execute(others).fetchone() != (0,):
        assert time.monotonic() < until, "another session does not end"
        time.sleep(0.05)


def test_an_empty_hour_reads_as_much_after_a_long_history_as_after_a_short_one(
    database: Connection, database_url: str
) -> None:
    small, name = 40, database.info.dbname
    # Postgres reads small tables whole, whatever indexes there are; here only what no index serves.
    database.execute(f"ALTER DATABASE {name} SET enable_seqscan = off")
    # With statistics the planner itself looks at the ends of an index: there are none, whenever autovacuum comes by.
    tables = (
        "SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'ses_bounces'::regnamespace AND c.relkind = 'r'"
    )
    for (table,) in database.execute(tables).fetchall():
        database.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    fill(database, small)
    hour(database_url)
    hour(database_url)
    before = read_in_an_hour(database_url, database)
    database.execute("DROP TABLE public.people")
    database.execute("TRUNCATE ses_bounces.queue")
    fill(database, small * 15)
    hour(database_url)
    hour(database_url)
    after = read_in_an_hour(database_url, database)
    assert after == before
