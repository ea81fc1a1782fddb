"""How long does Airflow's own ``/api/v2/version`` take while 50 viewers ask for pages whose Postgres or SQS is dead?

``python -m benchmarks.pages_outage`` starts an API server with the pages, asks for Airflow's version again and again,
first alone, then beside 50 viewers whose Postgres is well, takes no connection, takes them and never answers, or stops
in the middle of what it was asked; and whose SQS does so. It prints a table.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from benchmarks.pages import percentile
from dev import launcher
from dev.pages_server import QUEUE_URL, PagesServer, make_database, pages_server
from dev.postgres import temporary_postgres
from dev.silent import frozen, full_backlog, never_answering

VIEWERS = 50
TIMES_QUIET = 2
# What an answer takes at most before it counts as none.
PATIENCE = 60
INTERVAL = 0.05
# More than wait for an answer at the same time.
ASKING = 400
STATES = ("well", "full backlog", "never answers", "stops", "SQS: full backlog", "SQS: never answers")


@dataclass
class Asked:
    """Milliseconds of each answer to one question, and how many had which status; 0: there was none."""

    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def ask(self, connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> None:
        """Ask once."""
        began = time.perf_counter()
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            connection.close()
            status = 0
        self.times.append((time.perf_counter() - began) * 1_000)
        self.statuses[status] += 1


def _view(url: str, path: str, token: str, viewers: int, pause: float, over: Any, seen: Any) -> None:
    """Ask for a page as some viewers do, each after the answer to the one before, until it is over."""
    every = [Asked() for _ in range(viewers)]

    def view(asked: Asked, delay: float) -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
        # A reload doesn't come from everybody in the same millisecond.
        over.wait(delay)
        while not over.is_set():
            asked.ask(connection, path, {"Cookie": f"_token={token}"})
            over.wait(pause)
        connection.close()

    threads = [threading.Thread(target=view, args=[one, pause * n / viewers]) for n, one in enumerate(every)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = [time for one in every for time in one.times]
    seen.put((times, sum((one.statuses for one in every), Counter())))


@contextlib.contextmanager
def viewing(server: PagesServer, path: str, viewers: int, pause: float) -> Iterator[Asked]:
    """Have a process of its own view a page in the block; what it saw is there afterwards."""
    context = multiprocessing.get_context("spawn")
    over, seen, asked = context.Event(), context.SimpleQueue(), Asked()
    given = (server.root, urlsplit(server.root).path + path, server.token("vera"), viewers, pause, over, seen)
    process = context.Process(target=_view, args=given)
    process.start()
    try:
        yield asked
    finally:
        over.set()
        asked.times, asked.statuses = seen.get()
        process.join()


def versions(server: PagesServer, seconds: float) -> Asked:
    """Ask for Airflow's version every 50 milliseconds, whether or not those before are answered."""
    asked = Asked()
    began = time.perf_counter()

    def ask(number: int) -> None:
        time.sleep(max(0.0, began + number * INTERVAL - time.perf_counter()))
        connection = http.client.HTTPConnection(urlsplit(server.airflow.url).netloc, timeout=PATIENCE)
        asked.ask(connection, "/api/v2/version", {})
        connection.close()

    with ThreadPoolExecutor(ASKING) as pool:
        list(pool.map(ask, range(int(seconds / INTERVAL))))
    return asked


def main() -> None:
    """Start, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages_outage", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement (default: %(default)s)")
    parser.add_argument("--states", nargs="*", default=list(STATES), help="some of them (default: all)")
    parser.add_argument("--viewers", type=int, default=VIEWERS, help="at once (default: %(default)s)")
    parser.add_argument("--pause", type=float, default=1, help="seconds from an answer to the next question")
    arguments = parser.parse_args()
    launcher.keep_temporary_files()
    table = Table(title=f"Airflow's version beside {arguments.viewers} viewers, milliseconds")
    for name in (
        "Postgres",
        "asked",
        "median",
        "p95",
        "slowest",
        "p95 / quiet",
        "pages",
        "page median",
        "page slowest",
    ):
        table.add_column(name, justify="left" if name == "Postgres" else "right", overflow="fold")
    with (
        temporary_postgres() as postgres,
        temporary_postgres() as data,
        full_backlog() as full,
        never_answering() as silent,
        tempfile.TemporaryDirectory() as folder,
    ):
        environment = {"AIRFLOW_CONN_WELL": make_database(data, "outage"), "AIRFLOW_CONN_STOPS": data.url("outage")}
        for name, port in (("FULL_BACKLOG", full), ("NEVER_ANSWERS", silent)):
            aws = {"region_name": "eu-west-1", "endpoint_url": f"http://127.0.0.1:{port}"}
            login = {"conn_type": "aws", "login": "none", "password": "none", "extra": aws}
            environment[f"AIRFLOW_CONN_{name}"] = f"postgres://nobody:secret@127.0.0.1:{port}/nothing"
            environment[f"AIRFLOW_CONN_AWS_{name}"] = json.dumps(login)
        with pages_server(Path(folder), postgres, "outage", environment) as server:
            versions(server, 3)
            quiet = percentile(versions(server, arguments.seconds).times, 95)
            for state in arguments.states:
                _set(server, state)
                asked, pages = _measured(server, state, arguments, data)
                _add(table, state, asked, pages, quiet)
    Console().print(f"Alone, its p95 is {quiet:.1f} ms.", table)


def _set(server: PagesServer, state: str) -> None:
    settings: dict[str, Any] = {"queue_urls": [QUEUE_URL], "lift_at_ses": False}
    if state.startswith("SQS"):
        settings |= {"postgres_conn_id": "well", "aws_conn_id": f"aws_{state[5:].replace(' ', '_')}"}
    else:
        settings |= {"postgres_conn_id": state.replace(" ", "_")}
    server.store_variable(server.site.variable, settings)


def _measured(server: PagesServer, state: str, arguments: argparse.Namespace, data: Any) -> tuple[Asked, Asked]:
    with viewing(server, "queues" if state.startswith("SQS") else "", arguments.viewers, arguments.pause) as pages:
        time.sleep(3)
        with frozen(data) if state == "stops" else contextlib.nullcontext():
            asked = versions(server, arguments.seconds)
    return asked, pages


def _add(table: Table, state: str, asked: Asked, pages: Asked, quiet: float) -> None:
    p95 = percentile(asked.times, 95)
    none = f" ({asked.statuses[0]} none)" if asked.statuses[0] else ""
    statuses = ", ".join(f"{count} × {status or 'none'}" for status, count in sorted(pages.statuses.items()))
    table.add_row(
        state, f"{len(asked.times)}{none}", f"{statistics.median(asked.times):.1f}", f"{p95:.1f}",
        f"{max(asked.times):.0f}", f"{p95 / quiet:.1f}", statuses, f"{statistics.median(pages.times):.0f}",
        f"{max(pages.times):.0f}", style="bold red" if p95 > TIMES_QUIET * quiet else "",
    )  # fmt: skip


if __name__ == "__main__":
    main()
