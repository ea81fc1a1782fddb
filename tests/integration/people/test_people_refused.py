"""A row that a constraint, a trigger or a policy of the people table refuses: it is named, and keeps nobody else waiting."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import uuid4

import psycopg
import pytest

from ses_bounces.actions.action import Action
from ses_bounces.actions.people import follow_flags, switch_on
from ses_bounces.base.exceptions import DatabaseError, PrivilegeError
from ses_bounces.base.settings import Settings, parse
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.writing import writing
from ses_bounces.people import rows
from ses_bounces.people.sync import sync, sync_addresses

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

QUEUE = "http://127.0.0.1/000000000000/queue"
INDEX = "CREATE INDEX ON public.people (ses_bounces.address_key(email))"
EVERYBODY = range(1, 41)
# Whatever refuses the row of 17, and what refuses it.
TRIGGER = (
    "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not anna@example.com''"
    "{code}; END'; CREATE {kind} TRIGGER refuse {when} UPDATE ON public.people {deferred} FOR EACH ROW WHEN"
    " (old.id = 17) EXECUTE FUNCTION public.refuse()"
)
REFUSALS: dict[str, tuple[str, str]] = {
    "a check": ("ALTER TABLE public.people ADD CHECK (id <> 17 OR allow_group_email) NOT VALID", "CheckViolation 23514"),
    "a trigger": (TRIGGER.format(code="", kind="", when="BEFORE", deferred=""), "RaiseException P0001"),
    "a state of theirs": (
        TRIGGER.format(code=" USING ERRCODE = ''XY123''", kind="", when="AFTER", deferred=""), "InternalError XY123",
    ),
    "at the commit": (
        TRIGGER.format(code="", kind="CONSTRAINT", when="AFTER", deferred="DEFERRABLE INITIALLY DEFERRED"),
        "RaiseException P0001",
    ),
    "a row that can't be stored": (
        "ALTER TABLE public.people ADD flag_is text GENERATED ALWAYS AS"
        " (CASE WHEN id = 17 AND NOT allow_group_email THEN (1 / (id - 17))::text END) STORED", "DivisionByZero 22012",
    ),
}  # fmt: skip


@pytest.fixture(params=["indexed", "not indexed"])
def people(database: Connection, request: pytest.FixtureRequest) -> Iterator[Connection]:
    database.execute("CREATE TABLE public.people (id int PRIMARY KEY, email text, allow_group_email boolean)")
    database.execute("INSERT INTO people SELECT n, 'p' || n || '@example.com', true FROM generate_series(1, 40) n")
    if request.param == "indexed":
        database.execute(INDEX)
    return database


def settings(**changes: Any) -> Settings:
    return parse({"queue_urls": QUEUE, "people_table": "public.people", **changes})


def record(connection: Connection, kind: str, numbers: Any = EVERYBODY, lifts: list[str] | None = None) -> None:
    now = datetime.now(UTC)
    with writing(connection) as writer:
        entries = [Entry(kind, f"p{n}@example.com", f"p{n}@example.com", now, os.urandom(16)) for n in numbers]
        writer.append([(entry, None) for entry in entries], "somebody", lifts)


def refuse(connection: Connection, how: str = "a trigger") -> str:
    statement, error = REFUSALS[how]
    connection.execute(statement)  # type: ignore[arg-type]
    return error


def off(connection: Connection) -> set[int]:
    return {id_ for (id_,) in connection.execute("SELECT id FROM public.people WHERE NOT allow_group_email")}


def due(connection: Connection) -> list[str]:
    query = "SELECT a.address FROM ses_bounces.flag_due f JOIN ses_bounces.address a USING (address_id)"
    return [address for (address,) in connection.execute(query)]


@pytest.mark.parametrize("how", REFUSALS)
def test_everybody_else_is_switched_off(people: Connection, caplog: pytest.LogCaptureFixture, how: str) -> None:
    error = refuse(people, how)
    record(people, "permanent_bounce")
    for _ in range(2):
        done = sync(people, settings())
        assert (done.refused, done.refused_ids, done.locked_addresses) == (1, ["17"], 0)
        assert off(people) == {*EVERYBODY} - {17}
        assert due(people) == ["p17@example.com"]
    assert f"Person 17 of public.people can't be changed ({error}" in caplog.text
    assert "example.com" not in caplog.text
    noted = people.execute("SELECT count(*) FROM ses_bounces.flag_change").fetchone()
    assert noted == (39,)


def test_it_is_switched_off_when_it_may_be(people: Connection) -> None:
    refuse(people)
    record(people, "permanent_bounce")
    sync(people, settings())
    people.execute("DROP TRIGGER refuse ON public.people")
    done = sync(people, settings())
    assert (done.switched_off, done.refused, due(people)) == (1, 0, [])


def test_in_every_chunk_and_statement(people: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ses_bounces.people.sync.ADDRESSES_PER_CHUNK", 15)
    monkeypatch.setattr(rows, "PEOPLE_PER_STATEMENT", 4)
    refuse(people)
    record(people, "permanent_bounce")
    done = sync(people, settings())
    assert (done.switched_off, done.refused, due(people)) == (39, 1, ["p17@example.com"])


def test_everybody_else_is_switched_on_again(people: Connection) -> None:
    record(people, "permanent_bounce")
    assert sync(people, settings()).switched_off == 40
    refuse(people)
    record(people, "unblocked", lifts=["permanent_bounce"])
    for _ in range(2):
        done = sync(people, settings())
        assert (done.refused_ids, done.locked_addresses, off(people), due(people)) == (
            ["17"], 0, {17}, ["p17@example.com"],
        )  # fmt: skip
    people.execute("DROP TRIGGER refuse ON public.people")
    assert sync(people, settings()).switched_on == 1


def test_one_who_is_refused_beside_one_who_is_held(people: Connection, database_url: str) -> None:
    people.execute("INSERT INTO people VALUES (99, 'p17@example.com', true)")
    refuse(people)
    record(people, "permanent_bounce")
    with psycopg.connect(database_url) as other:
        other.execute("SELECT FROM people WHERE id = 20 FOR UPDATE")
        done = sync(people, settings())
    assert (done.switched_off, done.refused_ids, done.locked_addresses) == (39, ["17"], 1)
    assert off(people) == {*EVERYBODY, 99} - {17, 20}
    assert sorted(due(people)) == ["p17@example.com", "p20@example.com"]


def test_the_daily_comparison_goes_on(people: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """People whose address was erased, which is found out in Python, and all others."""
    from ses_bounces.people import sync as module
    from ses_bounces.people.sync import Synced

    refuse(people)
    record(people, "permanent_bounce")
    people.execute("DELETE FROM ses_bounces.flag_due")
    assert sync(people, settings()) == Synced(40, 39, refused=1, refused_ids=["17"], compared_everybody=True)
    people.execute("UPDATE people SET allow_group_email = true WHERE id <> 17")
    # As if all were erased, each with its own address as what stands in its place.
    monkeypatch.setattr(module, "secret_of", lambda _connection: "secret")
    monkeypatch.setattr(module, "recognised", lambda _connection, keys, _secret: {key: key for key in keys})
    people.execute("UPDATE ses_bounces.setting SET people_compared_at = NULL")
    done = sync(people, settings())
    assert (done.switched_off, done.refused_ids) == (39, ["17"])


def test_the_page_says_whom_it_could_not_serve(people: Connection) -> None:
    refuse(people)
    record(people, "permanent_bounce")
    ids = [id_ for (id_,) in people.execute("SELECT address_id FROM ses_bounces.address")]
    followed = follow_flags(people, settings(), ids)
    assert (followed.switched_off, followed.later) == (39, 0)
    assert "refuses to change 1 person (ids 17)" in followed.message


def test_whom_an_administrator_wants_on_is_told_apart(people: Connection) -> None:
    record(people, "permanent_bounce", range(16, 19))
    sync(people, settings())
    people.execute("UPDATE people SET email = email")
    record(people, "unblocked", range(16, 19), ["permanent_bounce"])
    assert sync(people, settings()).touched == 3
    refuse(people)
    ids = [id_ for (id_,) in people.execute("SELECT flag_change_id FROM ses_bounces.flag_change ORDER BY person_id")]
    results = switch_on(people, settings(), Action("alice", "they called", str(uuid4())), ids)
    assert [(result.outcome, result.message.partition(" refuses")[0]) for result in results] == [
        ("done", "Switched on."), ("refused", "A constraint or a trigger of the people table"), ("done", "Switched on."),
    ]  # fmt: skip
    assert off(people) == {17}
    # The decision is kept, and carried out as soon as it can be.
    assert sync(people, settings()).refused_ids == ["17"]
    people.execute("DROP TRIGGER refuse ON public.people")
    assert sync(people, settings()).switched_on == 1
    assert off(people) == set()


def test_an_id_that_is_an_address_is_not_named(database: Connection, caplog: pytest.LogCaptureFixture) -> None:
    database.execute("CREATE TABLE public.people (id text PRIMARY KEY, email text, allow_group_email boolean)")
    database.execute(
        "INSERT INTO people VALUES ('p1@example.com', 'p1@example.com', true), ('2', 'p2@example.com', true)"
    )
    database.execute("ALTER TABLE people ADD CHECK (allow_group_email OR id = '2')")
    record(database, "permanent_bounce", range(1, 3))
    done = sync(database, settings())
    assert (done.switched_off, done.refused_ids) == (1, ["‹address›"])
    assert "example.com" not in caplog.text


IDS: list[LiteralString] = ["int", "bigint", "uuid", "text", "varchar(40)", "numeric", "smallint", "citext_like"]


@pytest.mark.parametrize("type_", IDS)
def test_ids_of_any_type(database: Connection, type_: LiteralString) -> None:
    database.execute("CREATE DOMAIN public.citext_like AS text CHECK (value <> '')")
    as_id = "md5(n::text)::uuid" if type_ == "uuid" else f"n::text::{type_}"
    database.execute(f"CREATE TABLE public.people (id {type_} PRIMARY KEY, email text, allow_group_email boolean)")
    database.execute(
        f"INSERT INTO people SELECT {as_id}, 'p' || n || '@example.com', true FROM generate_series(1, 9) n"
    )
    database.execute("ALTER TABLE people ADD CHECK (allow_group_email OR email <> 'p5@example.com')")
    record(database, "permanent_bounce", range(1, 10))
    done = sync(database, settings())
    assert (done.switched_off, done.refused) == (8, 1)
    record(database, "unblocked", range(1, 10), ["permanent_bounce"])
    database.execute("ALTER TABLE people ADD CHECK (NOT allow_group_email OR email <> 'p6@example.com') NOT VALID")
    assert (sync(database, settings()).switched_on, due(database)) == (7, ["p6@example.com"])


def test_a_table_that_refuses_everybody_is_an_error(people: Connection) -> None:
    """After so many it is not tried further, and the error is Postgres's, without what the row holds."""
    people.execute(TRIGGER.format(code="", kind="", when="BEFORE", deferred="").replace("old.id = 17", "true"))  # type: ignore[arg-type]
    people.execute("INSERT INTO people SELECT n, 'p' || n || '@example.com', true FROM generate_series(41, 200) n")
    record(people, "permanent_bounce", range(1, 201))
    with pytest.raises(DatabaseError, match="P0001") as raised:
        sync(people, settings())
    assert "anna" not in str(raised.value)
    assert len(due(people)) == 200


def test_a_missing_privilege_is_no_row_s_fault(people: Connection) -> None:
    record(people, "permanent_bounce", range(1, 4))
    people.execute(
        "CREATE ROLE only_reads; GRANT USAGE ON SCHEMA ses_bounces, public TO only_reads;"
        "GRANT ALL ON ALL TABLES IN SCHEMA ses_bounces TO only_reads; GRANT SELECT ON public.people TO only_reads"
    )
    people.execute("SET ROLE only_reads")
    try:
        with pytest.raises(PrivilegeError):
            sync(people, settings())
    finally:
        people.execute("RESET ROLE; DROP OWNED BY only_reads; DROP ROLE only_reads")


def test_a_policy_that_refuses_a_row(people: Connection) -> None:
    record(people, "permanent_bounce")
    people.execute(
        "CREATE ROLE guarded; GRANT USAGE ON SCHEMA ses_bounces, public TO guarded;"
        "GRANT ALL ON ALL TABLES IN SCHEMA ses_bounces TO guarded; GRANT ALL ON public.people TO guarded;"
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA ses_bounces TO guarded;"
        "ALTER TABLE public.people ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY guard ON public.people USING (true) WITH CHECK (id <> 17)"
    )
    people.execute("SET ROLE guarded")
    try:
        done = sync(people, settings())
    finally:
        people.execute("RESET ROLE; DROP POLICY guard ON public.people; DROP OWNED BY guarded; DROP ROLE guarded")
    assert (done.switched_off, done.refused_ids) == (39, ["17"])


def test_at_once_for_some_addresses(people: Connection) -> None:
    refuse(people)
    record(people, "permanent_bounce")
    ids = [id_ for (id_,) in people.execute("SELECT address_id FROM ses_bounces.address ORDER BY address_id LIMIT 20")]
    done = sync_addresses(people, settings(), ids)
    assert (done.switched_off, done.refused_ids) == (19, ["17"])
