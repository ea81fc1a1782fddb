"""Does an hour cost more on a large ledger than on an empty one?

The same messages are landed and go through the hour's tasks, called as the DAG calls them, on both: of addresses that
neither has, and then half of them of addresses that the large ledger has.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks.hour import TASKS, Hour
from benchmarks.ledger_seed import Sizes, seed
from benchmarks.measure import Cost
from benchmarks.server import ServerWatch, migrated, new_database, one
from benchmarks.showing import add, add_costs, comparison
from dev.generate import bodies
from ses_bounces.base.database.connection import connect_url

if TYPE_CHECKING:
    from rich.table import Table

    from dev.postgres import EmbeddedPostgres

AIM = "≤ 1.2"
# Files that are gone afterwards anyway: the seeding needs no log of its own, the hours are measured with both alike.
SETTINGS = {"wal_level": "minimal", "max_wal_senders": "0", "shared_buffers": "2GB"}
ENTRIES_PER_ADDRESS = 10
ROUNDS = 3


def table(entries: int, messages: int) -> Table:
    """Measure hours of messages, on an empty ledger and on one of ``entries`` entries of a tenth as many addresses."""
    shown = comparison(f"An hour of {messages:,} messages, ledger of {entries:,} entries", "empty database")
    addresses = entries // ENTRIES_PER_ADDRESS
    with migrated("large", SETTINGS) as (postgres, url):
        empty = new_database(postgres, "empty")
        began = time.perf_counter()
        with connect_url(url) as connection:
            seed(connection, Sizes(addresses=addresses, entries=entries))
            size = one(connection, "SELECT pg_database_size(current_database())") / 1e9
        seeded = time.perf_counter() - began
        for what, known in (("new addresses", 0.0), ("half of addresses with ten entries each", 0.5)):
            large, small = _hours(postgres, (url, empty), messages, addresses, known)
            add_costs(shown, f"hour, {what}", _sum(large), _sum(small), "" if known else AIM)
            for task in large:
                add(shown, f"    {task}: seconds", large[task].wall, small[task].wall)
    shown.caption = (
        f"Seeded {size:.1f} GB in {seeded:.0f} s. The quickest of {ROUNDS} hours. Addresses with a history cost by its "
        "length, on a ledger of any size; the empty database has none of them. No day is over meanwhile: the daily "
        "report has a table of its own."
    )
    return shown


def _hours(
    postgres: EmbeddedPostgres, urls: tuple[str, str], messages: int, addresses: int, known: float
) -> tuple[dict[str, Cost], dict[str, Cost]]:
    """Return each task's least cost, on the large ledger and on the empty one.

    The first hours read what was never read, and import; of the others, in turn, the quicker one counts.
    """
    least: tuple[dict[str, Cost], dict[str, Cost]] = ({}, {})
    for number in range(ROUNDS):
        for url, costs in zip(urls, least, strict=True):
            texts = list(partly_known(messages, addresses, number, known))
            for task, cost in _hour(Hour(url), postgres, texts).items():
                if number == 0 or cost.wall < costs[task].wall:
                    costs[task] = cost
    return least


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


def partly_known(messages: int, addresses: int, number: int, known: float) -> Iterator[str]:
    """Yield messages, a share of them of addresses of the ledger, spread over it."""
    for place, text in enumerate(bodies(messages, 100 + number)):
        who = 1 + (place * 7_919 + number * 104_729) % addresses
        is_known = place % 100 < 100 * known
        address = (
            f"known{who}@domain{who % 500}.example.com" if is_known else f"new{known}.{number}.{place}@example.com"
        )
        start = text.index(f"person{place}@")
        spelled = text[start : text.index(".com", start) + len(".com")]
        yield text.replace(spelled, address).replace("0102019a-", f"0102019a-{known}-{number}-")


def _sum(costs: dict[str, Cost]) -> Cost:
    parts = list(costs.values())
    return Cost(sum(c.wall for c in parts), sum(c.own_cpu for c in parts), sum(c.backend_cpu for c in parts))
