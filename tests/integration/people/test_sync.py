"""Allow Group Email against a people table of another application."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.settings import Settings, parse
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.writing import writing
from ses_bounces.people import sync as sync_module
from ses_bounces.people.rows import PeopleRows
from ses_bounces.people.sync import Synced, switch_off, sync, sync_addresses
from ses_bounces.people.table import People
from tests.kit.reading import rows_read

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

INDEX = "CREATE INDEX ON public.people (ses_bounces.address_key(email))"
QUEUE = "http://127.0.0.1/000000000000/queue"


@pytest.fixture(params=["indexed", "not indexed"])
def people(database: Connection, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """With the index, a statement settles a chunk; without it, several do."""
    database.execute(
        "CREATE TABLE public.people (id int PRIMARY KEY, email text, allow_group_email boolean DEFAULT true)"
    )
    database.execute(
        "INSERT INTO public.people VALUES (1, 'Ann@Example.com', true), (2, 'ann@example.com', true),"
        " (3, 'ann@example.com', NULL), (4, 'bob@example.com', true), (5, 'ann@example.com', false)"
    )
    if request.param == "indexed":
        database.execute(INDEX)
    return database


def settings(**changes: Any) -> Settings:
    return parse({"queue_urls": QUEUE, "people_table": "public.people", **changes})


def record(connection: Connection, kind: str, address: str, lifts: list[str] | None = None) -> None:
    now = datetime.now(UTC)
    key = f"{kind}{address}{now.timestamp()}".encode()[-16:].rjust(16, b"x")
    with writing(connection) as writer:
        writer.append([(Entry(kind, address, address, now, key), None)], "somebody", lifts)


def record_bounces(connection: Connection, addresses: Iterable[str]) -> None:
    """Record a permanent bounce of each, all at once."""
    now = datetime.now(UTC)
    entries = [
        Entry("permanent_bounce", address, address, now, number.to_bytes(16, "big"))
        for number, address in enumerate(addresses)
    ]
    with writing(connection) as writer:
        writer.append((entry, None) for entry in entries)


def flags(connection: Connection) -> dict[int, bool | None]:
    return dict(connection.execute("SELECT id, allow_group_email FROM public.people").fetchall())


def due_addresses(connection: Connection) -> list[str]:
    due = "SELECT a.address FROM ses_bounces.flag_due f JOIN ses_bounces.address a USING (address_id) ORDER BY 1"
    return [address for (address,) in connection.execute(due)]


def wait_for_lock(connection: psycopg.Connection[Any]) -> None:
    """Until another session of this database waits."""
    waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    until = time.monotonic() + 30
    while not connection.execute(waits).fetchall():
        assert time.monotonic() < until, "nothing waits"
        time.sleep(0.01)


def test_switches_off_everybody_at_the_address(people: Connection) -> None:
    record(people, "permanent_bounce", "ann@example.com")
    assert sync(people, settings()).switched_off == 3
    assert flags(people) == {1: False, 2: False, 3: False, 4: True, 5: False}
    assert people.execute("SELECT count(*) FROM ses_bounces.flag_due").fetchone() == (0,)
    again = sync(people, settings())
    assert (again.switched_off, again.switched_on, again.addresses) == (0, 0, 0)


def test_gives_back_only_what_nobody_touched(people: Connection) -> None:
    record(people, "permanent_bounce", "ann@example.com")
    sync(people, settings())
    people.execute("UPDATE public.people SET email = email WHERE id = 2")
    people.execute("DELETE FROM public.people WHERE id = 3")
    record(people, "unblocked", "ann@example.com", ["permanent_bounce"])
    done = sync(people, settings())
    assert (done.switched_on, done.touched) == (1, 1)
    # 5 was off before we came.
    assert flags(people) == {1: True, 2: False, 4: True, 5: False}
    settled = "SELECT person_id, settlement FROM ses_bounces.flag_change WHERE NOT new_value"
    assert dict(people.execute(settled).fetchall()) == {"1": "restored", "2": "touched", "3": "gone"}


def test_rows_that_somebody_holds_stay_due(people: Connection, database_url: str) -> None:
    record(people, "permanent_bounce", "ann@example.com")
    with psycopg.connect(database_url) as other:
        other.execute("SELECT * FROM public.people WHERE id = 1 FOR UPDATE")
        done = sync(people, settings())
        assert (done.switched_off, done.locked_addresses) == (2, 1)
    assert people.execute("SELECT count(*) FROM ses_bounces.flag_due").fetchone() == (1,)
    assert sync(people, settings()).switched_off == 1
    assert flags(people)[1] is False


def test_those_whom_somebody_holds_keep_no_other_address_waiting(people: Connection, database_url: str) -> None:
    record(people, "permanent_bounce", "ann@example.com")
    record(people, "complaint", "bob@example.com")
    with psycopg.connect(database_url) as other:
        other.execute("SELECT * FROM public.people WHERE id = 1 FOR UPDATE")
        assert sync(people, settings()) == Synced(2, 3, locked_addresses=1, compared_everybody=True)
    assert flags(people) == {1: True, 2: False, 3: False, 4: False, 5: False}
    assert due_addresses(people) == ["ann@example.com"]


def test_more_people_than_one_statement_takes(people: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ses_bounces.people.rows.PEOPLE_PER_STATEMENT", 2)
    record(people, "permanent_bounce", "ann@example.com")
    record(people, "complaint", "bob@example.com")
    assert sync(people, settings()) == Synced(2, 4, compared_everybody=True)
    assert flags(people) == dict.fromkeys(range(1, 6), False)
    assert due_addresses(people) == []


def test_blocked_and_free_addresses_in_many_chunks(people: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ses_bounces.people.sync.ADDRESSES_PER_CHUNK", 2)
    names = [f"p{number}@example.com" for number in range(10)]
    for number, name in enumerate(names, 10):
        people.execute("INSERT INTO public.people VALUES (%s, %s, true)", [number, name])
        record(people, "permanent_bounce", name)
    assert sync(people, settings()) == Synced(10, 10, compared_everybody=True)
    for name in names[::3]:
        record(people, "unblocked", name, ["permanent_bounce"])
    record(people, "permanent_bounce", "ann@example.com")
    assert sync(people, settings()) == Synced(5, 3, 4)
    assert {id_ for id_, flag in flags(people).items() if flag} == {4, 10, 13, 16, 19}
    assert due_addresses(people) == []


@pytest.mark.parametrize(("most", "off"), [(5_000, [1, 3, 4]), (1, [1])])
def test_a_flag_that_their_trigger_keeps_on_stays_due(
    people: Connection, monkeypatch: pytest.MonkeyPatch, most: int, off: list[int]
) -> None:
    """As many as a statement takes keep those behind them waiting; it is no loop without an end."""
    people.execute(
        "CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN new.allow_group_email := old.allow_group_email; RETURN new; END';"
        "CREATE TRIGGER keep BEFORE UPDATE ON public.people FOR EACH ROW WHEN (old.id = 2) EXECUTE FUNCTION public.keep()"
    )
    record(people, "permanent_bounce", "ann@example.com")
    record(people, "complaint", "bob@example.com")
    monkeypatch.setattr("ses_bounces.people.rows.PEOPLE_PER_STATEMENT", most)
    waiting = ["ann@example.com"] if 4 in off else ["ann@example.com", "bob@example.com"]
    assert sync(people, settings()).locked_addresses == len(waiting)
    assert flags(people) == {id_: id_ not in (*off, 5) for id_ in range(1, 6)} | ({} if 3 in off else {3: None})
    noted = people.execute("SELECT person_id FROM ses_bounces.flag_change ORDER BY 1").fetchall()
    assert noted == [(str(id_),) for id_ in off]
    assert due_addresses(people) == waiting


def test_an_address_that_changes_while_it_is_taken_off_stays_due(people: Connection, database_url: str) -> None:
    record(people, "permanent_bounce", "ann@example.com")
    # Comparing everybody would wait as well, and before.
    people.execute("UPDATE ses_bounces.setting SET people_compared_at = now()")
    with psycopg.connect(database_url) as other, ThreadPoolExecutor() as pool:
        other.execute("UPDATE ses_bounces.flag_due SET due_since = due_since + interval '1 microsecond'")
        done = pool.submit(sync, people, settings())
        wait_for_lock(other)
        other.commit()
        assert done.result(60).switched_off == 3
    assert due_addresses(people) == ["ann@example.com"]
    assert sync(people, settings()).addresses == 1
    assert due_addresses(people) == []


@pytest.mark.parametrize(
    ("index", "is_indexed"),
    [
        ("CREATE INDEX ON crm.people (ses_bounces.address_key(email))", True),
        ("CREATE INDEX ON crm.people (ses_bounces.address_key(email), id)", True),
        ("CREATE INDEX ON crm.people (id, ses_bounces.address_key(email))", False),
        ("CREATE INDEX ON crm.people (ses_bounces.address_key(other))", False),
        ("CREATE INDEX ON crm.people (lower(email))", False),
        ("CREATE INDEX ON crm.people (ses_bounces.address_key(email)) WHERE id > 0", False),
        ('CREATE INDEX ON crm.people (ses_bounces.address_key(email) COLLATE "C")', False),
        ("CREATE INDEX ON crm.people USING brin (ses_bounces.address_key(email))", False),
        ("CREATE INDEX ON crm.people USING hash (ses_bounces.address_key(email))", False),
        ("SELECT", False),
    ],
)
@pytest.mark.parametrize("type_", ["text", "varchar(100)"])
def test_the_index_is_found(database: Connection, index: str, is_indexed: bool, type_: str) -> None:
    """One that the statement could not use would have it read the table for each address."""
    database.execute(
        f"CREATE SCHEMA crm; CREATE TABLE crm.people (id int PRIMARY KEY, email {type_}, other text, allow_group_email bool); {index}"  # type: ignore[arg-type]
    )
    assert People(database, settings(people_table="crm.people")).is_indexed is is_indexed
    database.execute("DROP SCHEMA crm CASCADE")


PARTS = """
CREATE TABLE public.people (id bigint PRIMARY KEY, email text, allow_group_email boolean) PARTITION BY RANGE (id);
CREATE TABLE public.people_1 PARTITION OF public.people FOR VALUES FROM (0) TO (2000);
CREATE TABLE public.people_2 PARTITION OF public.people FOR VALUES FROM (2000) TO (3000)
"""


def test_people_in_the_same_place_of_another_part_stay_as_they_are(database: Connection) -> None:
    """A row's place is one in a part of the table: each part has a person in every place."""
    database.execute(PARTS)
    database.execute("CREATE INDEX ON people (ses_bounces.address_key(email))")
    for part in (1, 2):
        database.execute(
            f"INSERT INTO people_{part} SELECT {part} * 1000 + n, 'p' || {part} * 1000 + n || '@example.com', true"  # type: ignore[arg-type]
            " FROM generate_series(1, 500) n"
        )
    blocked = {*range(1_001, 1_201), *range(2_101, 2_301)}
    record_bounces(database, (f"p{number}@example.com" for number in blocked))
    database.execute("UPDATE ses_bounces.setting SET people_compared_at = now()")
    table = People(database, settings())
    assert table.is_indexed
    assert sync(database, settings()) == Synced(400, 400)
    off = database.execute("SELECT id FROM people WHERE NOT allow_group_email").fetchall()
    assert {id_ for (id_,) in off} == blocked


def test_observe_mode_only_counts(people: Connection) -> None:
    record(people, "permanent_bounce", "ann@example.com")
    before = flags(people)
    assert sync(people, settings(enforce=False)).would_switch_off == 3
    assert flags(people) == before
    assert sync(people, settings()).switched_off == 3


def test_new_people_are_found_once_a_day(people: Connection) -> None:
    record(people, "permanent_bounce", "ann@example.com")
    assert sync(people, settings()).compared_everybody
    people.execute("INSERT INTO public.people VALUES (9, 'ANN@example.com', true)")
    assert not sync(people, settings()).compared_everybody
    assert flags(people)[9] is True
    people.execute("UPDATE ses_bounces.setting SET people_compared_at = now() - interval '1 day'")
    assert sync(people, settings()).switched_off == 1
    assert flags(people)[9] is False


class Clock:
    """Each look at it is a second later."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def many_people(people: Connection, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """Fifty of them, compared ten at a time."""
    monkeypatch.setattr(sync_module, "PEOPLE_PER_RANGE", 10)
    people.execute("INSERT INTO public.people SELECT n, 'p' || n || '@example.com', true FROM generate_series(6, 50) n")
    people.execute("UPDATE public.people SET email = 'nobody' WHERE id IN (7, 47)")
    # They are due only by being compared.
    record_bounces(people, [f"p{n}@example.com" for n in range(8, 47)])
    people.execute("DELETE FROM ses_bounces.flag_due")
    return people


def test_a_comparison_of_everybody_goes_on_where_its_time_was_over(
    many_people: Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    monkeypatch.setattr(sync_module, "time", clock)
    off = []
    for _ in range(10):
        # Enough for two parts; what became due by them is settled in the same run.
        done = sync(many_people, settings(), seconds=7)
        off.append(done.switched_off)
        if done.compared_everybody:
            break
    assert done.compared_everybody
    assert len(off) in (2, 3)
    assert sum(off) == 39
    assert all(off)
    assert done.unreadable == 2
    assert "(ids 7, 47)" in caplog.text
    # Done for today, and begun again tomorrow at the beginning.
    assert not sync(many_people, settings()).compared_everybody
    many_people.execute("UPDATE ses_bounces.setting SET people_compared_at = now() - interval '1 day'")
    many_people.execute("UPDATE public.people SET allow_group_email = true WHERE id = 8")
    assert sync(many_people, settings()).switched_off == 1


def test_a_comparison_that_is_killed_goes_on_as_well(many_people: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = People.execute, 0

    def killed(self: People, name: str, **parameters: Any) -> Any:
        nonlocal calls
        calls += name == "people/make_flags_due"
        if calls == 4:
            raise KeyboardInterrupt
        return real(self, name, **parameters)

    monkeypatch.setattr(People, "execute", killed)
    with pytest.raises(KeyboardInterrupt):
        sync(many_people, settings())
    done = sync(many_people, settings())
    assert (done.compared_everybody, done.unreadable) == (True, 2)
    # Three parts, the one that was killed, and the rest: the fifty have an end after a sixth.
    assert calls == 4 + 3


@pytest.mark.parametrize(
    "change", ["people_table = public.others", "people_email_column = other_email", "people_id_column = other_id"]
)
def test_after_a_change_of_the_settings_it_begins_again(
    many_people: Connection, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    many_people.execute(
        "ALTER TABLE public.people ADD other_email text, ADD other_id int UNIQUE;"
        "UPDATE public.people SET other_email = email, other_id = id;"
        "CREATE TABLE public.others (LIKE public.people INCLUDING ALL);"
        "INSERT INTO public.others SELECT * FROM public.people"
    )
    monkeypatch.setattr(sync_module, "time", Clock())
    assert not sync(many_people, settings(), seconds=7).compared_everybody
    # One of the two whose email is none was told of by the first part; that is nothing of the new one.
    mended = "UPDATE public.{} SET email = 'p7@example.com' WHERE id = 7"
    many_people.execute(f"{mended.format('people')}; {mended.format('others')}")  # type: ignore[arg-type]
    many_people.execute("UPDATE public.people SET other_email = email")
    key, _, value = change.partition(" = ")
    assert sync(many_people, settings(**{key: value}), seconds=1_000).unreadable == 1


def test_without_a_table_nothing_is_done(people: Connection) -> None:
    record(people, "permanent_bounce", "ann@example.com")
    assert sync(people, settings(people_table=None)) == Synced()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"people_table": "nobody"}, "people_table is nobody; there is no such table"),
        ({"people_email_column": "mail"}, "people_email_column is mail; public.people has no such column"),
        ({"people_flag_column": "email"}, "people_flag_column is email; it is text and must be boolean"),
    ],
)
def test_a_wrong_table_is_refused(people: Connection, change: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        sync(people, settings(**change))


def test_each_change_is_noted_with_its_own_address(people: Connection) -> None:
    record(people, "permanent_bounce", "ann@example.com")
    record(people, "complaint", "bob@example.com")
    assert sync(people, settings()).switched_off == 4
    noted = people.execute(
        "SELECT a.address, c.person_id FROM ses_bounces.flag_change c JOIN ses_bounces.address a USING (address_id)"
        " ORDER BY 2"
    ).fetchall()
    ann, bob = "ann@example.com", "bob@example.com"
    assert noted == [(ann, "1"), (ann, "2"), (ann, "3"), (bob, "4")]


def test_a_chunk_looks_its_people_up_whatever_the_statistics_say(database: Connection) -> None:
    """A people table that was analysed when it had a few rows of one address, and loaded since."""
    database.execute("CREATE TABLE public.people (id bigint PRIMARY KEY, email text, allow_group_email boolean)")
    database.execute("ALTER TABLE public.people SET (autovacuum_enabled = off)")
    database.execute(INDEX)
    database.execute("INSERT INTO people SELECT -n, 'one@example.com', true FROM generate_series(1, 100) n")
    database.execute("ANALYZE people")
    database.execute("INSERT INTO people SELECT n, 'p' || n || '@example.com', true FROM generate_series(1, 20000) n")
    for number in range(1, 11):
        record(database, "permanent_bounce", f"p{number * 40}@example.com")
    database.execute("UPDATE ses_bounces.setting SET people_compared_at = now()")
    before = rows_read(database, "people")
    assert sync(database, settings()) == Synced(10, 10)
    assert (rows_read(database, "people") - before)["people"] < 200


def test_switching_off_looks_people_up(database: Connection) -> None:
    """Those at a chunk of addresses are found by index: the time goes by changes, not by people."""
    database.execute("CREATE TABLE public.people (id bigint PRIMARY KEY, email text, allow_group_email boolean)")
    database.execute(INDEX)
    database.execute("INSERT INTO people SELECT n, 'p' || n || '@example.com', true FROM generate_series(1, 50000) n")
    database.execute("VACUUM ANALYZE people")
    database.execute(
        "INSERT INTO ses_bounces.address (address_id, address, address_as_reported) OVERRIDING SYSTEM VALUE"
        " SELECT n, 'p' || n * 40 || '@example.com', 'x' FROM generate_series(1, 1000) n"
    )
    before = rows_read(database, "people")
    assert (
        switch_off(PeopleRows(People(database, settings())), {f"p{n * 40}@example.com": n for n in range(1, 1_001)})
        == 1_000
    )
    assert (rows_read(database, "people") - before)["people"] < 10_000


@pytest.mark.parametrize("index", [INDEX, "SELECT"])
def test_a_chunk_looks_its_own_addresses_up(database: Connection, index: LiteralString) -> None:
    """Each chunk reads its own due addresses and blocks, not all of them again."""
    database.execute("CREATE TABLE public.people (id bigint PRIMARY KEY, email text, allow_group_email boolean)")
    database.execute(index)
    database.execute(
        "INSERT INTO ses_bounces.address (address_id, address, address_as_reported) OVERRIDING SYSTEM VALUE"
        " SELECT n, 'p' || n || '@example.com', 'x' FROM generate_series(1, 30000) n"
    )
    database.execute(
        "INSERT INTO ses_bounces.blocked_list (address_id, address, reason, blocked_at, event_id)"
        " SELECT address_id, address, 'permanent_bounce', now(), address_id FROM ses_bounces.address"
    )
    database.execute("INSERT INTO ses_bounces.flag_due (address_id) SELECT address_id FROM ses_bounces.address")
    database.execute("VACUUM ANALYZE ses_bounces.address, ses_bounces.blocked_list, ses_bounces.flag_due")
    database.execute("UPDATE ses_bounces.setting SET people_compared_at = now()")
    before = rows_read(database, "blocked_list", "flag_due")
    assert sync(database, settings()).addresses == 30_000
    read = rows_read(database, "blocked_list", "flag_due") - before
    # There are eight chunks: what each reads anew would come to 240,000.
    assert {table: number for table, number in read.items() if number > 130_000} == {}
    assert database.execute("SELECT count(*) FROM ses_bounces.flag_due").fetchone() == (0,)


def test_only_the_hourly_sync_leaves_the_disk_to_the_end_of_its_task(people: Connection) -> None:
    """An administrator's action is on disk when the page says so."""
    people.execute(
        "CREATE TABLE public.waits (synchronous_commit text);"
        "CREATE FUNCTION public.note_wait() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN INSERT INTO public.waits VALUES (current_setting('synchronous_commit')); RETURN new; END $$;"
        "CREATE TRIGGER note_wait AFTER UPDATE ON public.people FOR EACH ROW EXECUTE FUNCTION public.note_wait()"
    )
    record(people, "permanent_bounce", "bob@example.com")
    ids = [id_ for (id_,) in people.execute("SELECT address_id FROM ses_bounces.flag_due").fetchall()]
    assert sync_addresses(people, settings(), ids).switched_off == 1
    record(people, "permanent_bounce", "ann@example.com")
    assert sync(people, settings()).switched_off == 3
    found = people.execute("SELECT synchronous_commit, count(*) FROM public.waits GROUP BY 1 ORDER BY 1").fetchall()
    assert found == ([("off", 3), ("on", 1)] if People(people, settings()).is_indexed else [("on", 4)])
    assert people.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_an_address_that_changed_meanwhile_stays_due(people: Connection) -> None:
    """What is taken off the list is known by its time, to the microsecond."""
    record(people, "permanent_bounce", "ann@example.com")
    due = people.execute(statement("people/select_due_flags"), {"after": 0, "limit": 10}).fetchall()
    ids, times = [id_ for id_, *_ in due], [since for _, _, since, _ in due]
    people.execute("UPDATE ses_bounces.flag_due SET due_since = due_since + interval '1 microsecond'")
    people.execute(statement("people/delete_due_flags"), {"ids": ids, "due_since": times})
    assert people.execute("SELECT address_id FROM ses_bounces.flag_due").fetchall() == [(ids[0],)]
    people.execute("UPDATE ses_bounces.flag_due SET due_since = due_since - interval '1 microsecond'")
    people.execute(statement("people/delete_due_flags"), {"ids": ids, "due_since": times})
    assert people.execute("SELECT count(*) FROM ses_bounces.flag_due").fetchone() == (0,)


def test_people_whose_email_can_not_be_read_are_counted_and_told(
    people: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    people.execute(
        "INSERT INTO public.people VALUES (6, 'ann@example.com; bob@example.com', true), (7, 'nobody', NULL),"
        " (8, 'ann@example.com,bob@example.com', false), (9, NULL, true), (10, ' ', true),"
        " (11, 'mailto:ann@example.com', true), (12, '\ufeffann@example.com', true)"
    )
    record(people, "permanent_bounce", "ann@example.com")
    with caplog.at_level("WARNING"):
        done = sync(people, settings())
    assert (done.unreadable, done.switched_off) == (2, 5)
    assert flags(people)[6] is True
    assert "The email of 2 people is no address (ids 6, 7)" in caplog.text
    assert "@" not in caplog.text
    assert people.execute("SELECT people_unreadable FROM ses_bounces.setting").fetchone() == (2,)


def test_an_id_that_is_an_address_is_not_logged(people: Connection, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever may change the settings may name any unique column as the id."""
    people.execute("ALTER TABLE public.people ADD login text UNIQUE")
    people.execute("INSERT INTO public.people VALUES (6, 'nobody', true, 'jane.doe@example.com')")
    with caplog.at_level("WARNING"):
        sync(people, settings(people_id_column="login"))
    assert "The email of 1 person is no address (ids ‹address›)" in caplog.text
    assert "jane" not in caplog.text


COLUMNS = "email text, allow_group_email boolean, tenant int"
# What may hold one id twice, and what can't.
TABLES: dict[str, tuple[str, bool]] = {
    "primary key": (f"CREATE TABLE people (id int PRIMARY KEY, {COLUMNS})", True),
    "unique index": (f"CREATE TABLE people (id int, {COLUMNS}); CREATE UNIQUE INDEX ON people (id)", True),
    "with another column in it": (
        f"CREATE TABLE people (id int, {COLUMNS}); CREATE UNIQUE INDEX ON people (id) INCLUDE (tenant)",
        True,
    ),
    "partitioned by it": (
        f"CREATE TABLE people (id int PRIMARY KEY, {COLUMNS}) PARTITION BY HASH (id);"
        "CREATE TABLE people_1 PARTITION OF people FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        True,
    ),
    "no index": (f"CREATE TABLE people (id int, {COLUMNS})", False),
    "an index that is not unique": (f"CREATE TABLE people (id int, {COLUMNS}); CREATE INDEX ON people (id)", False),
    "partitioned by tenant": (
        f"CREATE TABLE people (id int, {COLUMNS}, PRIMARY KEY (tenant, id)) PARTITION BY LIST (tenant);"
        "CREATE TABLE people_1 PARTITION OF people FOR VALUES IN (1)",
        False,
    ),
    "unique with the tenant": (f"CREATE TABLE people (id int, {COLUMNS}, UNIQUE (id, tenant))", False),
    "partial": (f"CREATE TABLE people (id int, {COLUMNS}); CREATE UNIQUE INDEX ON people (id) WHERE tenant = 1", False),
    "of an expression": (f"CREATE TABLE people (id int, {COLUMNS}); CREATE UNIQUE INDEX ON people (abs(id))", False),
    "not valid": (
        f"CREATE TABLE people (id int, {COLUMNS}); CREATE UNIQUE INDEX ON people (id);"
        "UPDATE pg_index SET indisvalid = false WHERE indrelid = 'people'::regclass",
        False,
    ),
    "with children": (
        f"CREATE TABLE people (id int PRIMARY KEY, {COLUMNS}); CREATE TABLE people_1 () INHERITS (people)",
        False,
    ),
    "a view": (
        f"CREATE TABLE everybody (id int PRIMARY KEY, {COLUMNS}); CREATE VIEW people AS SELECT * FROM everybody",
        False,
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_an_id_that_may_be_several_peoples_is_refused(database: Connection, name: str) -> None:
    made, is_taken = TABLES[name]
    database.execute(made)  # type: ignore[arg-type]
    record(database, "permanent_bounce", "ann@example.com")
    if is_taken:
        database.execute("INSERT INTO people VALUES (1, 'ann@example.com', true, 1), (2, 'bo@example.com', true, 1)")
        assert sync(database, settings()).switched_off == 1
        assert flags(database) == {1: False, 2: True}
        return
    if name != "a view":
        database.execute("INSERT INTO people VALUES (1, 'ann@example.com', true, 1)")
    with pytest.raises(SettingsError, match="people_id_column is id; it must have a unique index of its own in public"):
        sync(database, settings())
    assert database.execute("SELECT count(*) FROM people WHERE NOT allow_group_email").fetchone() == (0,)
