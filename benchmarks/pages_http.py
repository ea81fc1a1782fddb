"""How long does a browser wait for each of the pages, at a million bounced and 300,000 blocked addresses?

``python -m benchmarks.pages_http`` starts an API server on the database of ``benchmarks.pages``, asks for every page
with every filter in every order over one connection that is kept open, and prints a table.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlencode

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.pages import COMBINATIONS, percentile
from benchmarks.pages_beside import DAYS, seed_beside
from benchmarks.pages_filters import (
    BLOCKED_SORTS,
    BOUNCE_SORTS,
    DIRECTIONS,
    blocked_filters,
    bounce_filters,
    combined_blocks,
    combined_bounces,
    parameters,
    texts,
)
from benchmarks.pages_seed import DATABASE, seeded
from dev import launcher
from dev.pages_server import pages_server
from ses_bounces.ledger.figures.reading import Dimension
from ses_bounces.ledger.lists.engine.search import keep_text
from ses_bounces.report.charts import ChartName

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

ROUNDS = 20
LIMIT_MS = 150
DIMENSIONS_SHOWN = get_args(Dimension)


@dataclass
class Asked:
    """A request, and how long its answers took, in milliseconds: by the clock, and of CPU of server and Postgres.

    ``order``: in which, and from where on. ``body`` is sent as JSON, ``form`` as a browser does.
    """

    page: str
    filter: str
    path: str
    body: Any = None
    limit: int = LIMIT_MS
    order: str = ""
    form: dict[str, str] | None = None
    times: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)


def requests(connection: Connection, client: httpx.Client, combinations: int) -> Iterator[Asked]:
    """Yield every page that GET answers from the database, with every filter and order; and the API's."""
    today = datetime.now(UTC).date()
    kept = {text: keep_text(connection, text, "7") for text in texts()}
    every = [
        ("bounces", BOUNCE_SORTS, bounce_filters(), combined_bounces(combinations)),
        ("blocked", BLOCKED_SORTS, blocked_filters(), combined_blocks(combinations)),
    ]
    for page, sorts, filters, combined in every:
        for name, filter_ in filters.items():
            for sort, direction in itertools.product(sorts, DIRECTIONS):
                yield from _list(client, page, page, name, parameters(filter_, kept), sort, direction)
        for name, filter_, sort, direction in combined:
            yield from _list(client, page, f"{page}, combined", name, parameters(filter_, kept), sort, direction)
    for path in (
        "", "?days=365", "lifts", "undo", "stops", "people", "settings", "quarantine", "check", "reports",
        f"reports?before={today - timedelta(days=500)}", "preview", "figures?days=365",
        *(f"figures?by={by}&days={days}" for by in ("day", *DIMENSIONS_SHOWN) for days in (30, DAYS)),
    ):  # fmt: skip
        yield Asked("others", path or "overview", path)
    groups = re.findall(r"quarantine\?group=\w+", client.get("quarantine").text)
    for number, path in enumerate(dict.fromkeys(groups)):
        yield Asked("others", f"quarantine, group {number + 1}", path)
    yield Asked("others", "history of an address", "addresses/4245")
    yield Asked("others", "a report", f"reports/{today - timedelta(days=3)}")
    yield Asked("others", "a report's document", f"reports/{today - timedelta(days=3)}/document")
    for chart in get_args(ChartName):
        yield Asked("others", f"chart {chart}", f"charts/{chart}.svg")
    row = connection.execute(
        "SELECT m.message_id, m.received_at FROM ses_bounces.message m WHERE m.outcome = 'quarantined' LIMIT 1"
    ).fetchone()
    assert row is not None
    yield Asked("others", "a message", f"messages/{row[0]}?{urlencode({'near': row[1].isoformat()})}")
    many = {"text": "\n".join(f"ada.adler{number}@gmail.com" for number in range(10_000)), "token": _token(client)}
    yield Asked("others", "check addresses, ten", "check", form={**many, "text": many["text"][:300]})
    yield Asked("others", "check addresses, 10,000", "check", form=many, limit=300)
    yield Asked("API", "lookup", "api/lookup", {"address": "ada.adler12@gmail.com"})
    addresses = [f"ada.adler{number}@gmail.com" for number in range(10_000)]
    yield Asked("API", "check of 1,000", "api/check", {"addresses": addresses[:1_000]})
    yield Asked("API", "check of 10,000", "api/check", {"addresses": addresses}, limit=300)
    yield Asked("API", "bounces", "api/bounces")
    yield Asked("API", "blocked", "api/blocked")


def _list(
    client: httpx.Client, path: str, page: str, name: str, values: dict[str, Any], sort: str, direction: str
) -> Iterator[Asked]:
    query = {**values, "sort": sort, "direction": direction}
    order = f"by {sort} {direction}"
    yield Asked(page, name, f"{path}?{urlencode(query)}", order=order)
    # Rows 501 on: the page after one as long as can be.
    far = client.get(f"api/{path}?{urlencode({**query, 'limit': 500})}").json()["after"]
    if far:
        query["after"] = far
        yield Asked(page, name, f"{path}?{urlencode(query)}", order=f"{order}, page 11")


def _token(client: httpx.Client) -> str:
    found = re.search(r'name="token" value="([^"]+)"', client.get("check").text)
    assert found is not None
    return found[1]


def _listening(url: str) -> set[int]:
    """Return the processes that answer at a URL."""
    port = int(url.rpartition(":")[2])
    found = psutil.net_connections("tcp")
    return {c.pid for c in found if c.pid and c.laddr.port == port and c.status == psutil.CONN_LISTEN}


class CpuClock:
    """Seconds of CPU that some processes and all below them have used, in steps of less than a microsecond."""

    def __init__(self, *pids: int) -> None:
        self._above = [psutil.Process(pid) for pid in pids]

    def seconds(self) -> float:
        """Those of the processes that are there now."""
        below = [child for one in self._above for child in one.children(recursive=True)]
        return sum(self._of(one.pid) for one in (*self._above, *below))

    def _of(self, pid: int) -> float:
        used = 0
        for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            # A thread may have ended meanwhile.
            with contextlib.suppress(OSError):
                used += int(path.read_text().split()[0])
        return used / 1e9


def measure(asked: list[Asked], client: httpx.Client, rounds: int, clock: CpuClock) -> None:
    """Ask for everything some times in turn."""
    for _ in range(rounds):
        for one in asked:
            used = clock.seconds()
            began = time.perf_counter()
            if one.body is None and one.form is None:
                answer = client.get(one.path)
            else:
                answer = client.post(one.path, json=one.body, data=one.form)
            one.times.append((time.perf_counter() - began) * 1_000)
            one.cpus.append((clock.seconds() - used) * 1_000)
            if answer.status_code != 200:
                raise RuntimeError(f"{one.page}, {one.filter}: status {answer.status_code}")


def show(asked: list[Asked], console: Console, shown: int) -> None:
    """Print the answers of each page and of its slowest filters, and how many filters are over the limit."""
    table = Table(title="Pages over HTTP, milliseconds")
    for name in ("page", "filter", "answers", "median", "p95", "slowest", "CPU median", "CPU p95", "limit"):
        table.add_column(name, justify="left" if name in ("page", "filter") else "right", overflow="fold")
    for page, of_page in _by(asked, "page").items():
        filters = sorted(_by(of_page, "filter").items(), key=lambda one: -_p95(one[1]))
        for name, requests in filters[:shown]:
            slowest = max(requests, key=lambda one: max(one.times))
            _add(table, page, f"{name} (slowest {slowest.order})" if slowest.order else name, requests)
        over = sum(_p95(requests) > requests[0].limit for _, requests in filters)
        _add(table, page, f"all {len(filters)}, of which {over} are over their limit", of_page)
        table.add_section()
    console.print(table)


def _add(table: Table, page: str, name: str, requests: list[Asked]) -> None:
    times = [time for one in requests for time in one.times]
    cpus = [cpu for one in requests for cpu in one.cpus]
    measured = (statistics.median(times), _p95(requests), max(times), statistics.median(cpus), percentile(cpus, 95))
    numbers = [f"{number:.0f}" for number in measured]
    limits = {one.limit for one in requests}
    limit = str(*limits) if len(limits) == 1 else ""
    style = "bold red" if limit and _p95(requests) > int(limit) else ""
    table.add_row(page, name, str(len(times)), *numbers, limit, style=style)


def _by(asked: list[Asked], what: str) -> dict[str, list[Asked]]:
    groups: dict[str, list[Asked]] = {}
    for one in asked:
        groups.setdefault(getattr(one, what), []).append(one)
    return groups


def _p95(asked: list[Asked]) -> float:
    return percentile([time for one in asked for time in one.times], 95)


def keep(asked: list[Asked], path: Path) -> None:
    """Add the times to those that earlier runs kept in a file, and take those over."""
    kept: dict[str, list[float]] = json.loads(path.read_text()) if path.exists() else {}
    for one in asked:
        key = f"{one.page}, {one.filter}, {one.order}"
        one.times = kept[key] = [*kept.get(key, []), *one.times]
    path.write_text(json.dumps(kept))


def main() -> None:
    """Seed, start, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages_http", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the database (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="requests of each kind (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="keep the seeded database here, and use what is there")
    parser.add_argument("--shown", type=int, default=12, help="rows for each page (default: %(default)s)")
    parser.add_argument(
        "--combinations", type=int, default=COMBINATIONS // 3, help="random filters of each list (default: %(default)s)"
    )
    parser.add_argument("--times", type=Path, help="keep the times here, and show those that are there as well")
    arguments = parser.parse_args()
    launcher.keep_temporary_files()
    console = Console()
    with (
        seeded(arguments.scale, arguments.data, console) as (postgres, connection),
        tempfile.TemporaryDirectory() as folder,
    ):
        seed_beside(connection)
        name = DATABASE.removeprefix("pages_")
        # The passwords of its users are in the folder.
        postgres.drop_database(f"airflow_{name}")
        with pages_server(Path(folder), postgres, name) as server, server.client("anna") as client:
            asked = list(requests(connection, client, arguments.combinations))
            assert postgres.pid is not None
            clock = CpuClock(postgres.pid, *_listening(server.airflow.url))
            measure(asked, client, 1, clock)
            for one in asked:
                one.times.clear()
                one.cpus.clear()
            before = psutil.getloadavg()[0]
            # What was measured is shown also if it is ended early.
            with contextlib.suppress(KeyboardInterrupt):
                measure(asked, client, arguments.rounds, clock)
            asked = [one for one in asked if one.times]
            console.print(f"{len(asked)} requests, {arguments.rounds} times at most; load {before:.1f} at first")
            if arguments.times:
                keep(asked, arguments.times)
            show(asked, console, arguments.shown)


if __name__ == "__main__":
    main()
