"""Does Allow Group Email cost by what changed, and what beyond a bare UPDATE of the same rows?

``sync`` finds the people of each address that is due, switches them off, writes down each change, looks whether a row
another session held, and takes the addresses off the list of due ones, some thousands in a transaction. The bare
statement only switches them off, all in one; a second one also writes down each change, which is what the job is for.
All find people by the index on ``ses_bounces.address_key(email)`` that docs/reference.md asks for.

Each way has a people table of its own, freshly made: its pages are full, so that a changed row goes to another page
and into both indexes. The next people are neighbours of the first ones, whose old rows left room.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from benchmarks.measure import Cost
from benchmarks.server import ServerWatch, migrated, new_database, one, without_indexes
from benchmarks.showing import add, add_costs, comparison
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.settings import parse
from ses_bounces.people.sync import sync

if TYPE_CHECKING:
    from rich.table import Table

    from dev.postgres import EmbeddedPostgres
    from ses_bounces.base.database.connection import Connection

AIM = "≤ 1.5"
HOURLY_BLOCKS = 100
SETTINGS = parse({"queue_urls": "https://sqs.eu-west-1.amazonaws.com/123456789012/q", "people_table": "public.people"})

PEOPLE_TABLE = """
CREATE TABLE people AS
SELECT n AS id, 'Person.' || n || '@Domain' || n %% 500 || '.example.com' AS email, true AS allow_group_email,
    now() AS created_at
FROM generate_series(1, %s::bigint) n
"""
INDEXES = (
    "ALTER TABLE people ADD PRIMARY KEY (id)",
    "CREATE INDEX people_address_key_idx ON people (ses_bounces.address_key(email))",
)
_REGISTER = """
INSERT INTO ses_bounces.address (address, address_as_reported)
SELECT lower(p.email), p.email FROM people p WHERE p.id %% %s = %s ORDER BY p.id LIMIT %s
RETURNING address_id
"""
_BLOCK = """
INSERT INTO ses_bounces.blocked_list (address_id, address, reason, blocked_at, event_id)
SELECT a.address_id, a.address, 'permanent_bounce', now(), a.address_id
FROM ses_bounces.address a WHERE a.address_id = ANY (%s)
"""
_DUE = "INSERT INTO ses_bounces.flag_due (address_id) SELECT unnest(%s::bigint[])"
_BARE = """
UPDATE people p SET allow_group_email = false
FROM wanted w
WHERE ses_bounces.address_key(p.email) = w.address AND p.allow_group_email IS DISTINCT FROM false
"""
_BARE_WITH_TRAIL = f"""
WITH changed AS ({_BARE} RETURNING w.address_id, p.id, p.xmin::text::bigint AS row_xmin)
INSERT INTO ses_bounces.flag_change (address_id, people_table, person_id, old_value, new_value, row_xmin)
SELECT c.address_id, 'public.people', c.id::text, true, false, c.row_xmin FROM changed c
"""
WAYS = {"ours": None, "bare": _BARE, "trail": _BARE_WITH_TRAIL}
# Rounds on pages with room; for each round, and for the few, other people.
ROUNDS = 3
FEW = 1 + ROUNDS


def table(people: int, blocks: int) -> Table:
    """Measure with a number of people and new blocks, and an hour's few blocks with a tenth of the people as well."""
    shown = comparison(f"Allow Group Email: {people:,} people", "bare UPDATE … FROM")
    stride = people // blocks
    small, compared = _measure_small(people // 10)
    with migrated() as (postgres, _), contextlib.ExitStack() as stack:
        began = time.perf_counter()
        databases = {}
        for name in WAYS:
            databases[name] = stack.enter_context(connect_url(new_database(postgres, f"bench_{name}")))
            _seed(databases[name], people)
        seeded = (time.perf_counter() - began) / len(WAYS)
        costs: dict[str, list[Cost]] = {name: [] for name in WAYS}
        # In turn: the machine is not as quick at all times.
        for offset in range(1 + ROUNDS):
            for name, statement in WAYS.items():
                connection = databases[name]
                if statement:
                    cost = _bare(postgres, connection, statement, stride, offset, blocks)
                else:
                    cost = _sync(postgres, connection, _block(connection, stride, offset, blocks), blocks)
                costs[name].append(cost)
        large = _few(postgres, databases["ours"], people)
    full = {name: found[0] for name, found in costs.items()}
    with_room = {name: sorted(found[1:], key=lambda cost: cost.wall)[ROUNDS // 2] for name, found in costs.items()}
    for where, of in (("full pages", full), (f"pages with room, median of {ROUNDS}", with_room)):
        add_costs(shown, f"{blocks:,} new blocks, {where}", of["ours"], of["bare"], AIM)
        add(shown, "the same, against a bare UPDATE and its trail: seconds", of["ours"].wall, of["trail"].wall)
    add(shown, f"{HOURLY_BLOCKS} new blocks, against a tenth of the people: seconds", large.wall, small.wall, "≤ 1.2")
    per_million = 1e6 * compared.wall / (people // 10)
    shown.caption = (
        f"Seeded in {seeded:.0f} s each. Once a day everybody is compared: {per_million:.1f} s for a million people."
    )
    return shown


def _measure_small(people: int) -> tuple[Cost, Cost]:
    """Return what an hour's few blocks cost, and a comparison of everybody."""
    with migrated() as (postgres, url), connect_url(url) as connection:
        _seed(connection, people)
        few = _few(postgres, connection, people)
        connection.execute("UPDATE ses_bounces.setting SET people_compared_at = NULL")
        return few, _sync(postgres, connection, [], 0)


def _few(postgres: EmbeddedPostgres, connection: Connection, people: int) -> Cost:
    """Return the least of three times, the first of which reads what was never read."""
    costs = []
    for number in range(3):
        ids = _block(connection, people // HOURLY_BLOCKS, FEW + number, HOURLY_BLOCKS)
        costs.append(_sync(postgres, connection, ids, HOURLY_BLOCKS))
    return min(costs, key=lambda cost: cost.wall)


def _seed(connection: Connection, people: int) -> None:
    connection.execute(PEOPLE_TABLE, [people])
    for statement in INDEXES:
        connection.execute(statement)
    connection.execute("VACUUM ANALYZE people")
    connection.execute("UPDATE ses_bounces.setting SET people_compared_at = now()")


def _block(connection: Connection, stride: int, offset: int, blocks: int) -> list[int]:
    """Block every so manieth person, as promotions or bounces did before the sync; returns the ids of the addresses."""
    with without_indexes(connection, "address", "blocked_list"):
        ids = [id_ for (id_,) in connection.execute(_REGISTER, [stride, offset, blocks])]
        connection.execute(_BLOCK, [ids])
    connection.execute(_DUE, [ids])
    # As autovacuum does within a minute.
    for name in ("address", "blocked_list", "flag_change", "flag_due"):
        connection.execute(f"VACUUM ANALYZE ses_bounces.{name}")
    connection.execute("CHECKPOINT")
    assert len(ids) == blocks
    return ids


def _sync(postgres: EmbeddedPostgres, connection: Connection, ids: list[int], people: int) -> Cost:
    watch = ServerWatch(postgres)
    done = sync(connection, SETTINGS)
    cost = watch.cost()
    assert (done.switched_off, done.addresses) == (people, len(ids))
    return cost


def _bare(
    postgres: EmbeddedPostgres, connection: Connection, statement: str, stride: int, offset: int, blocks: int
) -> Cost:
    ids = _block(connection, stride, offset, blocks)
    connection.execute("TRUNCATE ses_bounces.flag_due")
    connection.execute("DROP TABLE IF EXISTS wanted")
    connection.execute("CREATE TABLE wanted (address text PRIMARY KEY, address_id bigint NOT NULL)")
    connection.execute(
        "INSERT INTO wanted SELECT a.address, a.address_id FROM ses_bounces.address a WHERE a.address_id = ANY (%s)",
        [ids],
    )
    connection.execute("VACUUM ANALYZE wanted")
    connection.execute("CHECKPOINT")
    # Its best plan: at some sizes the planner would rather compute the key of every person.
    connection.execute("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off")
    off = one(connection, "SELECT count(*) FROM people WHERE NOT allow_group_email")
    watch = ServerWatch(postgres)
    connection.execute(statement)
    cost = watch.cost()
    connection.execute("RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_seqscan")
    assert one(connection, "SELECT count(*) FROM people WHERE NOT allow_group_email") == off + blocks
    return cost
