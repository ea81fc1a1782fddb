"""An index by ``address_key()`` that was made with its rules of before: rebuilt, or not looked into until it is."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ses_bounces.base.database import key_indexes, schema
from ses_bounces.base.settings import Settings, parse
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.writing import writing
from ses_bounces.people.sync import sync
from ses_bounces.people.table import People

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

OLD_RULES = """
CREATE OR REPLACE FUNCTION ses_bounces.address_key(email text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS 'BEGIN RETURN lower(email); END'
"""
# So many that a statement looks into the index where it may.
PEOPLE = """
CREATE TABLE public.people (id int PRIMARY KEY, email text, allow_group_email boolean NOT NULL DEFAULT true);
INSERT INTO public.people SELECT n, 'p' || n || '@example.com' FROM generate_series(1, 20000) n;
UPDATE public.people SET email = 'mailto:Ann@example.com' WHERE id = 777;
CREATE INDEX people_key ON public.people (ses_bounces.address_key(email));
ANALYZE public.people
"""


@pytest.fixture
def old(database: Connection) -> Connection:
    """Ann is blocked; the index knows her as ``mailto:ann@example.com``."""
    database.execute(OLD_RULES)
    database.execute(PEOPLE)
    entry = Entry("permanent_bounce", "ann@example.com", "ann@example.com", datetime.now(UTC), b"x" * 16)
    with writing(database) as writer:
        writer.append([(entry, None)])
    return database


def settings() -> Settings:
    return parse({"queue_urls": "http://127.0.0.1/000000000000/queue", "people_table": "public.people"})


def switched_off(connection: Connection) -> list[int]:
    return [id_ for (id_,) in connection.execute("SELECT id FROM public.people WHERE NOT allow_group_email")]


def found_by_index(connection: Connection) -> bool:
    with connection.transaction():
        connection.execute("SET LOCAL enable_seqscan = off")
        query = "SELECT id FROM public.people WHERE ses_bounces.address_key(email) = 'ann@example.com'"
        plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {query}"))
        assert "people_key" in plan
        return connection.execute(query).fetchall() == [(777,)]


def test_an_upgrade_that_changes_the_key_rebuilds_the_index(old: Connection) -> None:
    assert not found_by_index(old)
    schema.upgrade(old)
    assert found_by_index(old)
    assert key_indexes.stale(old) == []
    assert People(old, settings()).is_indexed
    assert old.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'people_key%'").fetchone() == (1,)


def test_an_upgrade_that_leaves_the_key_as_it_is_rebuilds_nothing(old: Connection) -> None:
    schema.upgrade(old)
    file = "SELECT pg_relation_filenode('public.people_key')"
    before = old.execute(file).fetchone()
    schema.upgrade(old)
    assert old.execute(file).fetchone() == before


def test_other_code_points_are_another_key(old: Connection) -> None:
    """A newer idna maps what the one before refused."""
    schema.upgrade(old)
    file = "SELECT pg_relation_filenode('public.people_key')"
    before = old.execute(file).fetchone()
    old.execute("DELETE FROM ses_bounces.codepoint WHERE first = (SELECT max(first) FROM ses_bounces.codepoint)")
    schema.upgrade(old)
    assert old.execute(file).fetchone() != before


def test_one_that_could_not_be_rebuilt_is_told_and_not_used(
    old: Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    old.execute("UPDATE public.people SET email = 'ANN@example.com' WHERE id = 778")
    # Its owner alone may rebuild it.
    monkeypatch.setattr(key_indexes.StaleIndex, "is_ours", property(lambda _: False, lambda *_: None), raising=False)
    with caplog.at_level(logging.WARNING):
        schema.upgrade(old)
    rebuild = 'REINDEX INDEX CONCURRENTLY "public"."people_key"'
    assert [record.message for record in caplog.records] == [
        "The index people_key of people was made before the rules of address_key() changed; until its owner has run "
        f"`{rebuild}` it is not used"
    ]
    assert not found_by_index(old)
    assert not People(old, settings()).is_indexed
    assert sync(old, settings()).switched_off == 2
    assert sorted(switched_off(old)) == [777, 778]
    old.execute(rebuild)
    assert People(old, settings()).is_indexed
    assert key_indexes.stale(old) == []


def test_an_upgrade_killed_before_the_rebuild_is_gone_on_with(old: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_: Connection) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(key_indexes, "rebuild_stale", killed)
        with pytest.raises(KeyboardInterrupt):
            schema.upgrade(old)
    assert [index.name for index in key_indexes.stale(old)] == ["people_key"]
    assert not People(old, settings()).is_indexed
    schema.upgrade(old)
    assert found_by_index(old)


def test_one_that_can_not_be_rebuilt_does_not_stop_the_upgrade(
    old: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """Two rows that the former key told apart are one now."""
    old.execute("UPDATE public.people SET email = 'ann@example.com' WHERE id = 1")
    old.execute("CREATE UNIQUE INDEX people_one ON public.people (ses_bounces.address_key(email))")
    assert schema.upgrade(old) == schema.LAST_REVISION
    assert [index.name for index in key_indexes.stale(old)] == ["people_one"]
    assert "could not be rebuilt (SQLSTATE 23505)" in caplog.text
    assert "example.com" not in caplog.text
