"""From the schema of 0.1.0, with data in it and its hourly run under way: nothing is lost, and nothing fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import psycopg
import pytest

from dev.postgres import EmbeddedPostgres
from dev.released import LAND, make, released
from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect_url
from ses_bounces.classify import classify_body
from ses_bounces.classify.rules import RULES_VERSION, Rules
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.rebuild import verify
from ses_bounces.ledger.replay import replay, try_replay
from ses_bounces.ledger.replay_preview import outdated
from tests.kit.builders import bounce, delivery, iso, sns
from tests.kit.seeding import dated

if TYPE_CHECKING:
    from typing import LiteralString

    from ses_bounces.base.database.connection import Connection

ROUNDS_AFTER = 5
# The rules version that 0.1.0 notes with each entry.
RULES_BEFORE = 1
PER_ROUND = 4
# As its ledger.py sends them.
ENTRY = (
    "message_id, address, address_as_reported, kind, occurred_at, dedup_key, reason, deadline, policy, mail_sent_at, "
    "feedback_id, ses_message_id, bounce_type, bounce_sub_type, feedback_type, status, diagnostic_code, source, "
    "configuration_set"
)
COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
    a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'ses_bounces'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
    AND a.attnum > 0 AND NOT a.attisdropped
"""
UNIQUE = """
SELECT c.relname, i.indexdef
FROM pg_indexes i
JOIN pg_class c ON c.oid = format('%I.%I', i.schemaname, i.tablename)::regclass
WHERE i.schemaname = 'ses_bounces' AND i.indexdef LIKE 'CREATE UNIQUE%' AND NOT c.relispartition
"""
# Those that its statements, or others, call.
FUNCTIONS = (
    "address_grams(text)", "address_key(text)", "address_state(bigint[],timestamptz,timestamptz)",
    "blocked_as_of(timestamptz)", "enforced()", "is_blocked(text)",
    "blocking_causes(boolean,timestamptz,timestamptz,timestamptz,timestamptz,timestamptz,timestamptz)",
)  # fmt: skip


@pytest.fixture
def url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database as 0.1.0 made it."""
    name = f"upgrade_{uuid4().hex[:8]}"
    postgres.create_database(name)
    make(postgres.url(name))
    yield postgres.url(name)
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


class HourOfBefore:
    """The work of 0.1.0, round after round: it lands messages, classifies them and writes the lists."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.landed: list[str] = []
        self.rounds = 0
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> HourOfBefore:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for_rounds(self, number: int) -> None:
        """Until so many more were done, or one failed."""
        until = self.rounds + number
        while self.rounds < until and self._thread.is_alive():
            self._stop.wait(0.01)

    def _work(self) -> None:
        try:
            with connect_url(self.url) as connection:
                task = {"run_id": "scheduled__1", "task_id": "classify_bounces", "map_index": -1, "try_number": 1}
                row = connection.execute(released("insert_run"), task).fetchone()
                assert row is not None
                while not self._stop.is_set():
                    self.land(connection)
                    self.classify(connection)
                    self.rounds += 1
                connection.execute(released("finish_run"), {"run_row_id": row[0], "counts": "{}"})
        except BaseException as error:
            self.error = error

    def land(self, connection: Connection) -> None:
        """Land some messages, of addresses that are new and of one that is not."""
        addresses = [f"p{len(self.landed) + n}@example.com" for n in range(PER_ROUND - 1)] + ["again@example.com"]
        self.put(connection, *(dated(bounce(address), 2) for address in addresses))
        self.landed += addresses

    def put(self, connection: Connection, *events: dict[str, Any]) -> None:
        """Land these events, each in a message that SNS publishes now."""
        now = datetime.now(UTC)
        with connection.transaction(), connection.cursor().copy(LAND) as copy:
            for event in events:
                body = json.dumps(sns(event, Timestamp=iso(now)))
                copy.write_row((str(uuid4()), "q", event["notificationType"], body, now, 1, "pending", None))

    def classify(self, connection: Connection) -> None:
        """Classify what is pending, in one transaction."""
        execute = connection.execute
        chunk = execute(released("select_pending_messages"), {"limit": 1_000}).fetchall()
        with connection.transaction():
            execute(released("lock_state"))
            execute(released("create_work_tables"))
            settled = {"ids": [row[0] for row in chunk], "first": min(row[1] for row in chunk),
                       "last": max(row[1] for row in chunk), "outcome": "applied", "reason": None,
                       "event_type": None, "keep_body": True}  # fmt: skip
            execute(released("update_outcomes"), settled)
            with connection.cursor().copy(f"COPY incoming_entry (place, {ENTRY}) FROM STDIN") as copy:
                place = 0
                for message_id, _, sent_at, _, body in chunk:
                    for entry in classify_body(body, Rules(), sent_at).entries:
                        fields = [getattr(entry, name) for name in ENTRY.split(", ")[1:]]
                        copy.write_row((place, message_id, *fields))
                        place += 1
            execute(released("insert_addresses"))
            execute(released("insert_events"), {"actor": "ses", "lifts": None, "rules_version": RULES_BEFORE})
            ids = [id_ for (id_,) in execute("SELECT DISTINCT address_id FROM touched_address")]
            now = datetime.now(UTC)
            moment: dict[str, Any] = {"at": now, "expire_before": now, "ids": ids}
            for name in ("compute_states", "close_bounces", "open_bounces", "close_blocks", "open_blocks"):
                execute(released(name), moment)


def rows(connection: Connection, query: LiteralString) -> set[tuple[Any, ...]]:
    return set(connection.execute(query).fetchall())


def test_an_upgrade_while_the_version_before_works_loses_nothing(url: str) -> None:
    with connect_url(url) as connection:
        connection.execute(released("upsert_setting"), {"enforce": True})
        with HourOfBefore(url) as hour:
            hour.wait_for_rounds(3)
            before = rows(connection, "SELECT address, reason, blocked_at FROM ses_bounces.blocked_list")
            # Its first rounds are committed; whatever it does from here on, it does beside the upgrade.
            assert schema.upgrade(connection) == schema.LAST_REVISION
            hour.wait_for_rounds(ROUNDS_AFTER)
        assert hour.error is None
        assert hour.rounds >= 3 + ROUNDS_AFTER
        # What it had landed last is the next version's to classify.
        hour.land(connection)
        classify_pending(connection, Rules())
        outcomes = rows(connection, "SELECT m.outcome, count(*) FROM ses_bounces.message m GROUP BY 1")
        assert outcomes == {("applied", len(hour.landed))}
        counted = rows(
            connection,
            "SELECT a.address, count(*) FROM ses_bounces.address_event e JOIN ses_bounces.address a USING (address_id)"
            " GROUP BY 1",
        )
        assert counted == {(address, hour.landed.count(address)) for address in hour.landed}
        after = rows(connection, "SELECT address, reason, blocked_at FROM ses_bounces.blocked_list")
        assert {address for address, _, _ in after} == set(hour.landed)
        # That of the address that bounces again and again moves with each bounce.
        assert {row for row in before if row[0] != "again@example.com"} <= after
        compared = verify(connection)
        assert (compared.addresses, compared.blocks, compared.bounces) == (len(set(hour.landed)), 0, 0)
        unfinished = rows(connection, "SELECT r.task_id FROM ses_bounces.run r WHERE r.finished_at IS NULL")
        assert unfinished == set()


def auto_reply(address: str) -> dict[str, Any]:
    """A bounce of which nothing but the address is said, to the mail that :func:`delivered` is about."""
    return of_mail(
        address,
        bounce(address, "Transient", "General", recipient={"action": None, "status": None, "diagnosticCode": None}),
        2,
    )


def delivered(address: str) -> dict[str, Any]:
    return of_mail(address, delivery(address), 3)


def of_mail(address: str, event: dict[str, Any], days_ago: float) -> dict[str, Any]:
    dated(event, days_ago)["mail"]["messageId"] = f"mail to {address.partition('@')[0]}"
    return event


def test_workers_of_both_versions_differ_until_a_replay(url: str) -> None:
    """An auto-reply to a delivered mail is a problem by rules version 1, and none by version 2."""
    versions = (
        "SELECT a.address, e.rules_version FROM ses_bounces.address_event e JOIN ses_bounces.address a USING (address_id)"
        " WHERE e.kind = 'transient_bounce' AND e.superseded_at IS NULL"
    )
    listed = "SELECT b.address, b.kind FROM ses_bounces.bounce_list b WHERE b.closed_at IS NULL"
    with connect_url(url) as connection:
        schema.upgrade(connection)
        hour = HourOfBefore(url)
        hour.put(connection, auto_reply("old@example.com"))
        hour.classify(connection)
        hour.put(connection, auto_reply("new@example.com"))
        classify_pending(connection, Rules())
        assert rows(connection, versions) == {("old@example.com", RULES_BEFORE), ("new@example.com", RULES_VERSION)}
        assert rows(connection, listed) == {("old@example.com", "transient"), ("new@example.com", "transient")}
        # The deliveries come late: only what is known to be an auto-reply ends with them.
        hour.put(connection, delivered("old@example.com"), delivered("new@example.com"))
        classify_pending(connection, Rules())
        assert rows(connection, listed) == {("old@example.com", "transient")}
        told = outdated(connection, Rules())
        assert {(id_,) for id_ in told.address_ids} == rows(
            connection, "SELECT a.address_id FROM ses_bounces.address a WHERE a.address = 'old@example.com'"
        )
        assert told.first is not None
        assert told.last is not None
        window = (told.first, told.last + timedelta(seconds=1))
        try_replay(connection, Rules(), window)
        replay(connection, Rules(), window)
        assert rows(connection, versions) == {(name, RULES_VERSION) for name in ("old@example.com", "new@example.com")}
        assert rows(connection, listed) == set()
        assert outdated(connection, Rules()).lines() == []
        assert (verify(connection).blocks, verify(connection).bounces) == (0, 0)


# Columns that a trigger fills where the version before leaves them out; test_schema.py has it do so.
FILLED = {("address_search", "address")}
TRIGGERS = """
SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'ses_bounces'::regnamespace AND NOT t.tgisinternal AND t.tgtype & 7 = 7
"""


def test_the_version_before_finds_all_that_it_uses(url: str) -> None:
    """Tables and columns with their types, what ON CONFLICT names, functions; and nothing new that it would have to fill."""
    with connect_url(url) as connection:
        columns = {(table, name): rest for table, name, *rest in rows(connection, COLUMNS)}
        tables = {table for table, _ in columns}
        unique = rows(connection, UNIQUE)
        functions = {name: self_type(connection, name) for name in FUNCTIONS}
        schema.upgrade(connection)
        now = {(table, name): rest for table, name, *rest in rows(connection, COLUMNS)}
        for place, (type_, is_required) in columns.items():
            assert place in now, f"{place} is gone"
            assert now[place][0] == type_, place
            assert is_required or not now[place][1], f"{place} has to be filled now"
        new = {place for place in now if place[0] in tables and place not in columns}
        assert [place for place in new if now[place][1] and place not in FILLED] == []
        filling = {row[0] for row in rows(connection, TRIGGERS)}
        assert {table for table, _ in FILLED} <= filling
        assert unique == {row for row in rows(connection, UNIQUE) if row[0] in tables}
        assert functions == {name: self_type(connection, name) for name in FUNCTIONS}


def self_type(connection: Connection, function: str) -> str | None:
    """What a function yields; None: there is none."""
    row = connection.execute(
        "SELECT pg_get_function_result(to_regprocedure('ses_bounces.' || %s))", [function]
    ).fetchone()
    assert row is not None
    return cast("str | None", row[0])


def test_data_of_the_version_before_stays_as_it_was(url: str) -> None:
    tables = ("address", "address_event", "blocked_list", "bounce_list", "message", "run")
    with connect_url(url) as connection:
        hour = HourOfBefore(url)
        for _ in range(3):
            hour.land(connection)
            hour.classify(connection)
        columns = {
            table: ", ".join(name for of, name, *_ in sorted(rows(connection, COLUMNS)) if of == table)
            for table in tables
        }

        def kept() -> dict[str, set[tuple[Any, ...]]]:
            return {
                table: rows(connection, cast("LiteralString", f"SELECT ({names})::text FROM ses_bounces.{table}"))
                for table, names in columns.items()
            }

        before = kept()
        assert all(before[table] for table in tables if table != "run")
        schema.upgrade(connection)
        assert kept() == before
        row = connection.execute("SELECT s.site FROM ses_bounces.setting s").fetchone()
        assert row == ("default",)
