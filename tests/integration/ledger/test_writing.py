"""The writer of state: addresses that are new to it are spared looks into what can't be there."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.writing import writing
from tests.kit.reading import rows_read

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

WHO = "anna@example.com"
NOW = datetime.now(UTC).replace(microsecond=0)
SETTLE = timedelta(days=14)


def entry(kind: str, days_ago: float, name: str, who: str = WHO) -> Entry:
    at = NOW - timedelta(days=days_ago)
    made = Entry(kind, who, who, at, name.encode().ljust(16, b"."))
    if kind == "transient_bounce":
        made.deadline, made.policy = at + SETTLE, "age"
    return made


def bounces(connection: Connection) -> list[tuple[str, str, int]]:
    query = (
        "SELECT b.address, b.kind, b.bounce_count FROM ses_bounces.bounce_list b WHERE b.closed_at IS NULL ORDER BY 1"
    )
    return connection.execute(query).fetchall()


def blocks(connection: Connection) -> list[tuple[str, str]]:
    query = "SELECT b.address, b.reason FROM ses_bounces.blocked_list b WHERE b.unblocked_at IS NULL ORDER BY 1, 2"
    return connection.execute(query).fetchall()


# All of a history at once, one after the other in a transaction, refreshed in between, in a transaction each.
WAYS = ("together", "one by one", "refreshed", "apart")


def write(connection: Connection, entries: list[Entry], way: str) -> None:
    if way == "together":
        with writing(connection) as writer:
            writer.append([(one, None) for one in entries])
    elif way == "apart":
        for one in entries:
            with writing(connection) as writer:
                writer.append([(one, None)])
    else:
        with writing(connection) as writer:
            for one in entries:
                writer.append([(one, None)])
                if way == "refreshed":
                    writer.refresh()


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_counts_once(database: Connection, way: str) -> None:
    write(database, [entry("permanent_bounce", 1, "a"), entry("permanent_bounce", 1, "a")], way)
    assert bounces(database) == [(WHO, "permanent", 1)]
    assert blocks(database) == [(WHO, "permanent_bounce")]


@pytest.mark.parametrize("way", WAYS)
def test_of_copies_that_differ_in_time_the_earlier_counts_if_they_come_together(database: Connection, way: str) -> None:
    late, early = entry("permanent_bounce", 1, "a"), entry("permanent_bounce", 3, "a")
    write(database, [late, early, entry("complaint", 2, "b", "berta@example.com")], way)
    kept = database.execute(
        "SELECT e.occurred_at FROM ses_bounces.address_event e WHERE e.kind = 'permanent_bounce'"
    ).fetchall()
    assert kept == [(early.occurred_at if way == "together" else late.occurred_at,)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("order", [1, -1])
def test_a_delivery_ends_an_episode_whichever_comes_first(database: Connection, way: str, order: int) -> None:
    write(database, [entry("delivery", 1, "d"), entry("transient_bounce", 2, "t")][::order], way)
    assert bounces(database) == []
    rows = database.execute("SELECT e.kind FROM ses_bounces.address_event e ORDER BY e.occurred_at").fetchall()
    assert rows == [("transient_bounce",), ("delivery",)]


@pytest.mark.parametrize("way", WAYS)
def test_several_causes_at_once_are_a_block_each_and_one_look_at_the_flag(database: Connection, way: str) -> None:
    made = [entry("permanent_bounce", 1, "p"), entry("complaint", 2, "c"), entry("transient_bounce", 20, "t")]
    write(database, made, way)
    assert blocks(database) == [(WHO, "complaint"), (WHO, "expired_transient"), (WHO, "permanent_bounce")]
    assert database.execute("SELECT count(*) FROM ses_bounces.flag_due").fetchone() == (1,)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_known_and_what_is_new_in_one_batch(database: Connection, way: str) -> None:
    write(database, [entry("transient_bounce", 3, "t")], "together")
    made = [
        entry("permanent_bounce", 1, "p"),
        entry("transient_bounce", 1, "n", "nora@example.com"),
        entry("complaint", 1, "c", "olga@example.com"),
    ]
    write(database, made, way)
    assert bounces(database) == [
        (WHO, "permanent", 2),
        ("nora@example.com", "transient", 1),
        ("olga@example.com", "complaint", 1),
    ]
    assert blocks(database) == [(WHO, "permanent_bounce"), ("olga@example.com", "complaint")]
    closed = (
        "SELECT b.kind, b.close_reason FROM ses_bounces.bounce_list b WHERE b.closed_at IS NOT NULL AND b.address = %s"
    )
    assert database.execute(closed, [WHO]).fetchall() == [("transient", "superseded")]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_delivery_dated_ahead_of_the_clock_hides_none(database: Connection, way: str, order: tuple[int, ...]) -> None:
    history = [entry("transient_bounce", 20, "a"), entry("delivery", 19, "b"), entry("delivery", -1, "c")]
    write(database, [history[place] for place in order], way)
    assert bounces(database) == []
    assert blocks(database) == []


TABLES = ("address", "address_event", "bounce_list", "blocked_list")


@pytest.mark.parametrize(("addresses_at_first", "listed_at_first"), [(1, 1), (1_000, 750)])
def test_a_chunk_reads_what_it_touches(database: Connection, addresses_at_first: int, listed_at_first: int) -> None:
    """While a backlog goes on, statistics know its beginning only: no plan may depend on them."""
    for table in TABLES:
        database.execute(f"ALTER TABLE ses_bounces.{table} SET (autovacuum_enabled = off)")  # type: ignore[arg-type]
    kinds = ("permanent_bounce", "transient_bounce", "complaint")
    # With some that end an episode: an index has those alone.
    at_first = (*kinds, "transient_deleted")
    first = [entry(at_first[n % 4], n % 7, f"first{n}", f"first{n % addresses_at_first}@x.com") for n in range(1_000)]
    write(database, first, "together")
    database.execute("ANALYZE")
    for batch in range(10):
        entries = [entry(kinds[n % 3], n % 7, f"{batch}.{n}", f"p{batch}.{n}@example.com") for n in range(1_000)]
        write(database, entries, "together")
    before = rows_read(database, *TABLES)
    touched = [entry(kinds[n % 2], n % 7, f"known{n}", f"p{n % 10}.{n}@example.com") for n in range(100)]
    touched += [entry(kinds[n % 3], n % 7, f"new{n}", f"new{n}@example.com") for n in range(100)]
    write(database, touched, "together")
    read = rows_read(database, *TABLES) - before
    # Lists of this size are read as a whole once, which is quicker than two hundred lookups.
    most = {"address": 2_000, "address_event": 2_000, "bounce_list": 12_000, "blocked_list": 12_000}
    if database.info.server_version < 170_000:
        # So are so few entries where an index can't look several keys up at once.
        most["address_event"] = 12_000
    assert {table: number for table, number in read.items() if number > most[table]} == {}
    assert len(bounces(database)) == listed_at_first + 10_100
