"""One build's half of a comparison: run by the Python of that build, in its own checkout, on a server of its own.

Reads what is to be done from standard input, a JSON object in a line, and answers likewise. It imports nothing but what
has been in this repository since 0.1.0, so that a checkout of then can run it.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Where the checkout's own modules are: this file may be another's.
sys.path.insert(0, ".")

from benchmarks.hour import Hour
from benchmarks.ledger import SETTINGS, partly_known
from benchmarks.ledger_seed import Sizes, seed
from benchmarks.server import ServerWatch, migrated, new_database, one

try:
    from dev.generate import deliveries
    from ses_bounces.base.database.connection import connect_url
except ImportError:
    from benchmarks.generate import deliveries  # type: ignore[import-not-found, no-redef]
    from ses_bounces.database.connection import connect_url  # type: ignore[import-not-found, no-redef]

ENTRIES_PER_ADDRESS = 10
_SIZE = "SELECT pg_total_relation_size('ses_bounces.address_event')"
_ENTRIES = "SELECT count(*) FROM ses_bounces.address_event"
_WRITTEN = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"


class Build:
    """A large ledger and an empty one, on one server."""

    def __init__(self, postgres: Any, large: str, empty: str, entries: int) -> None:
        self._postgres = postgres
        self._urls = {"large": large, "empty": empty}
        self._addresses = entries // ENTRIES_PER_ADDRESS
        with connect_url(large) as connection:
            seed(connection, Sizes(addresses=self._addresses, entries=entries))

    def size(self) -> dict[str, float]:
        """Bytes of an entry of the large ledger, with its indexes."""
        with connect_url(self._urls["large"]) as connection:
            return {"bytes": one(connection, _SIZE) / one(connection, _ENTRIES)}

    def classify(
        self, what: str, number: int, messages: int, known: float = 0.0, ledger: str = "large"
    ) -> dict[str, float]:
        """Land messages and classify them; CPU seconds and bytes of log, for one message.

        :param what: ``bounces`` or ``deliveries``.
        :param known: the share of bounces of addresses that the large ledger has.
        """
        if what == "bounces":
            texts = partly_known(messages, self._addresses, number, known)
        else:
            texts = (text.replace("person", f"person{number}.") for text in deliveries(messages, number))
        url = self._urls[ledger]
        hour = Hour(url)
        hour.land(texts)
        with connect_url(url) as connection:
            connection.execute("CHECKPOINT")
            written = one(connection, _WRITTEN)
            watch = ServerWatch(self._postgres)
            counts = hour.run("classify_bounces")
            cost = watch.cost()
            written = one(connection, _WRITTEN) - written
        assert counts["outcomes"] == {"applied": messages}
        cpu = (cost.own_cpu + cost.backend_cpu) / messages
        return {"cpu": cpu, "own": cost.own_cpu / messages, "wal": written / messages, "wall": cost.wall / messages}


@contextmanager
def build(entries: int) -> Iterator[Build]:
    """Start a server, and seed its large ledger."""
    with migrated("compared", SETTINGS) as (postgres, url):
        yield Build(postgres, url, new_database(postgres, "empty"), entries)


def main() -> None:
    """Answer until standard input ends."""
    # Whatever others print goes elsewhere.
    answers, sys.stdout = sys.stdout, sys.stderr
    logging.disable(logging.WARNING)
    with build(int(sys.argv[1])) as made:
        print(json.dumps({"ready": True}), file=answers, flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            print(json.dumps(getattr(made, asked.pop("do"))(**asked)), file=answers, flush=True)


if __name__ == "__main__":
    main()
