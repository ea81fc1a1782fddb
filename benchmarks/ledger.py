"""Does an hour cost more on a large ledger than on an empty one?

The same messages are landed and go through the hour's tasks, called as the DAG calls them, on both. Half of the
messages are of addresses that the large ledger has.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks.generate import bodies
from benchmarks.hour import TASKS, Hour
from benchmarks.ledger_seed import Sizes, seed
from benchmarks.measure import Cost
from benchmarks.server import ServerWatch, migrated, new_database, one
from benchmarks.showing import add, add_costs, comparison
from ses_bounces.database.connection import connect_url

if TYPE_CHECKING:
    from rich.table import Table

    from dev.postgres import EmbeddedPostgres

AIM = "≤ 1.2"
# Files that are gone afterwards anyway: the seeding needs no log of its own, the hours are measured with both alike.
SETTINGS = {"wal_level": "minimal", "max_wal_senders": "0", "shared_buffers": "2GB"}
ENTRIES_PER_ADDRESS = 10
ROUNDS = 3


def table(entries: int, messages: int) -> Table:
    """Measure hours of so many messages, the ledger of the one having so many entries of a tenth as many addresses."""
    shown = comparison(f"An hour of {messages:,} messages, ledger of {entries:,} entries", "empty database")
    addresses = entries // ENTRIES_PER_ADDRESS
    with migrated("large", SETTINGS) as (postgres, url):
        empty = new_database(postgres, "empty")
        began = time.perf_counter()
        with connect_url(url) as connection:
            seed(connection, Sizes(addresses=addresses, entries=entries))
            size = one(connection, "SELECT pg_database_size(current_database())") / 1e9
        seeded = time.perf_counter() - began
        # The first hours read what was never read, and import; of the others, in turn, the quicker one counts.
        large: dict[str, Cost] = {}
        small: dict[str, Cost] = {}
        for number in range(ROUNDS):
            for name, least in ((url, large), (empty, small)):
                for task, cost in _hour(Hour(name), postgres, list(half_known(messages, addresses, number))).items():
                    if number == 0 or cost.wall < least[task].wall:
                        least[task] = cost
    add_costs(shown, "the whole hour", _sum(large), _sum(small), AIM)
    for task in large:
        add(shown, f"{task}: seconds", large[task].wall, small[task].wall)
    shown.caption = (
        f"Seeded {size:.1f} GB in {seeded:.0f} s. The quickest of {ROUNDS} hours. No day is over meanwhile: the daily "
        "report has a table of its own."
    )
    return shown


def _hour(hour: Hour, postgres: EmbeddedPostgres, texts: list[str]) -> dict[str, Cost]:
    with connect_url(hour.url) as connection:
        connection.execute("CHECKPOINT")
    costs: dict[str, Cost] = {}
    watch = ServerWatch(postgres)
    hour.land(texts)
    costs["land"] = watch.cost()
    for task in TASKS:
        watch = ServerWatch(postgres)
        counts = hour.run(task)
        costs[task] = watch.cost()
        if task == "classify_bounces":
            assert counts["outcomes"] == {"applied": len(texts)}
    return costs


def half_known(messages: int, addresses: int, number: int) -> Iterator[str]:
    """Yield messages, every other one of an address of the ledger, spread over it."""
    for place, text in enumerate(bodies(messages, 100 + number)):
        known = 1 + (place * 7_919 + number * 104_729) % addresses
        address = f"known{known}@domain{known % 500}.example.com" if place % 2 else f"new{number}.{place}@example.com"
        own = f"person{place}@"
        start = text.index(own)
        spelled = text[start : text.index(".com", start) + len(".com")]
        yield text.replace(spelled, address).replace("0102019a-", f"0102019a-{number}-")


def _sum(costs: dict[str, Cost]) -> Cost:
    parts = list(costs.values())
    return Cost(sum(c.wall for c in parts), sum(c.own_cpu for c in parts), sum(c.backend_cpu for c in parts))
