"""How long do people at a page wait for what they do, while a backlog is classified?

``classify_bounces`` runs in a process of its own. Beside it, a person lifts a block, deletes a transient problem or
asks for a stop, each in turn, a few times a second, and another session asks Postgres who holds the lock.
"""

from __future__ import annotations

import itertools
import statistics
import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks.chunks import Holds, classify, in_a_process
from benchmarks.hour import Hour
from benchmarks.ledger import ENTRIES_PER_ADDRESS, SETTINGS, partly_known
from benchmarks.ledger_seed import Sizes, seed
from benchmarks.server import migrated
from benchmarks.showing import add_limit, comparison
from ses_bounces.actions.action import Action, Result
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.actions.stops import request_stops
from ses_bounces.actions.transients import delete_transients
from ses_bounces.base.database.connection import connect_url

if TYPE_CHECKING:
    from rich.table import Table

    from ses_bounces.base.database.connection import Connection

WAIT_MS = 250
HOLD_MS = 300
EVERY_SECONDS = 0.2


def table(entries: int, messages: int) -> Table:
    """Measure what is done at a page while so many messages are classified, half of addresses that the ledger has."""
    shown = comparison(f"Actions while {messages:,} messages are classified, ledger of {entries:,} entries", "")
    addresses = entries // ENTRIES_PER_ADDRESS
    with migrated("fairness", SETTINGS) as (_, url):
        with connect_url(url) as connection:
            seed(connection, Sizes(addresses=addresses, entries=entries))
        with Person(url) as alone:
            time.sleep(5)
        Hour(url).land(partly_known(messages, addresses, 0, 0.5))
        with Holds(url) as holds, Person(url) as person:
            in_a_process(classify, url)
    for what, found in (("nothing else", alone), ("the backlog", person)):
        _, middle, late = found.quantiles()
        limit = WAIT_MS
        shown.add_row(f"{len(found.waits)} actions beside {what}: the middle one", f"{middle:,.0f} ms", "", "", "", "")
        add_limit(shown, f"beside {what}: 95 of 100 took up to", late, limit, "ms")
        shown.add_row(f"beside {what}: the longest", f"{1_000 * max(found.waits):,.0f} ms", "", "", "", "")
    add_limit(shown, "refused as busy", person.refused, 0, "")
    add_limit(shown, "the lock of the state, held at once", 1_000 * holds.longest, HOLD_MS, "ms")
    return shown


class Person:
    """Somebody at a page within the block: ``waits`` has the seconds of each action, ``refused`` how many were."""

    def __init__(self, url: str) -> None:
        self.waits: list[float] = []
        self.refused = 0
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._act)

    def __enter__(self) -> Person:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def quantiles(self) -> tuple[float, float, float]:
        """Return the 5th, 50th and 95th of a hundred waits, in milliseconds."""
        found = statistics.quantiles(self.waits, n=20)
        return 1_000 * found[0], 1_000 * found[9], 1_000 * found[18]

    def _act(self) -> None:
        with connect_url(self._url) as connection:
            turns = itertools.cycle((_lift, _delete, _stop))
            while not self._stop.wait(EVERY_SECONDS):
                turn: Callable[[Connection, Action], tuple[float, list[Result]]] = next(turns)
                seconds, results = turn(connection, Action("admin", "benchmark", str(uuid.uuid4())))
                self.waits.append(seconds)
                self.refused += sum(result.busy for result in results)


def _lift(connection: Connection, action: Action) -> tuple[float, list[Result]]:
    row = connection.execute(
        "SELECT b.address_id FROM ses_bounces.blocked_list b"
        " WHERE b.unblocked_at IS NULL AND b.reason = 'permanent_bounce' ORDER BY b.blocked_list_id LIMIT 1"
    ).fetchone()
    assert row is not None
    return _timed(lambda: lift_blocks(connection, action, {row[0]: ["permanent_bounce"]}))


def _delete(connection: Connection, action: Action) -> tuple[float, list[Result]]:
    row = connection.execute(
        "SELECT b.address_id FROM ses_bounces.bounce_list b"
        " WHERE b.closed_at IS NULL AND b.kind = 'transient' ORDER BY b.bounce_list_id LIMIT 1"
    ).fetchone()
    assert row is not None
    return _timed(lambda: delete_transients(connection, action, [row[0]]))


def _stop(connection: Connection, action: Action) -> tuple[float, list[Result]]:
    return _timed(lambda: request_stops(connection, action, [f"{uuid.uuid4()}@example.com"]))


def _timed(work: Callable[[], list[Result]]) -> tuple[float, list[Result]]:
    began = time.perf_counter()
    results = work()
    return time.perf_counter() - began, results
