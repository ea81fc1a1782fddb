"""How long does Airflow's own ``/api/v2/version`` take while eight viewers check 10,000 addresses each?

``python -m benchmarks.pages_load`` starts an API server with the pages, asks for Airflow's version again and again,
first alone, then beside eight viewers whose lists cost the more CPU the longer their domains are, and prints a table.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.pages import percentile
from dev import launcher
from dev.pages_server import PagesServer, pages_server
from dev.postgres import temporary_postgres

VIEWERS = 8
ADDRESSES = 10_000
TIMES_QUIET = 3
# What a list takes at most before the next one is sent.
PATIENCE = 300
_LETTERS = "äöüßéèñçабвгдежзийклмн例え漢字"


def _domain(labels: int, length: int, of: random.Random) -> str:
    return ".".join("".join(of.choice(_LETTERS) for _ in range(length)) for _ in range(labels))


LISTS: dict[str, Callable[[random.Random, int], str]] = {
    "ASCII": lambda of, number: f"user{number}@example{number % 50}.com",
    "international domains, all different": lambda of, number: f"user{number}@{_domain(1, 8, of)}.example",
    # Three bytes a letter: twice as many of them are over the limit of a body.
    "domains as long as can be, all different": lambda of, number: f"u{number}@{_domain(4, 16, of)}.example",
}


@dataclass
class Measured:
    """Milliseconds of each request for the version; seconds of each list that was checked; how many were refused as
    busy; seconds of the server's CPU.
    """

    times: list[float] = field(default_factory=list)
    lists: list[float] = field(default_factory=list)
    busy: int = 0
    cpu: float = 0


def measure(server: PagesServer, seconds: float, bodies: list[bytes]) -> Measured:
    """Ask for the version for some seconds, beside a viewer for each body."""
    seen = Measured()
    over = threading.Event()

    def check(body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        with server.client("vera") as client:
            while not over.is_set():
                began = time.perf_counter()
                answer = client.post("api/check", content=body, headers=headers, timeout=PATIENCE)
                if answer.status_code == 200:
                    seen.lists.append(time.perf_counter() - began)
                seen.busy += answer.status_code == 503
                if answer.status_code not in (200, 503):
                    raise RuntimeError(f"status {answer.status_code}: {answer.text[:500]}")
                time.sleep(0.05)

    with _cpu_of(server, seen):
        viewers = [threading.Thread(target=check, args=[body]) for body in bodies]
        for viewer in viewers:
            viewer.start()
        time.sleep(1)
        until = time.perf_counter() + seconds
        with httpx.Client(base_url=server.airflow.url, timeout=PATIENCE, trust_env=False) as client:
            while time.perf_counter() < until:
                began = time.perf_counter()
                assert client.get("/api/v2/version").status_code == 200
                seen.times.append((time.perf_counter() - began) * 1_000)
                time.sleep(0.02)
        over.set()
        for viewer in viewers:
            viewer.join()
    return seen


@contextmanager
def _cpu_of(server: PagesServer, seen: Measured) -> Iterator[None]:
    port = int(server.airflow.url.rpartition(":")[2])
    listening = [
        c.pid for c in psutil.net_connections("tcp") if c.laddr.port == port and c.status == psutil.CONN_LISTEN
    ]
    process = psutil.Process(listening[0])
    before = process.cpu_times()
    yield
    after = process.cpu_times()
    seen.cpu = after.user + after.system - before.user - before.system


def _cells(seen: Measured) -> list[str]:
    numbers = [statistics.median(seen.times), percentile(seen.times, 95), max(seen.times)]
    takes = f"{statistics.median(seen.lists):.2f}" if seen.lists else ""
    milliseconds = [f"{number:.0f}" for number in numbers]
    return [str(len(seen.times)), str(len(seen.lists)), takes, str(seen.busy), f"{seen.cpu:.1f}", *milliseconds]


def main() -> None:
    """Start, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages_load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15, help="of each measurement (default: %(default)s)")
    parser.add_argument("--lists", nargs="*", default=list(LISTS), help="some of them (default: all)")
    parser.add_argument("--viewers", type=int, default=VIEWERS, help="at once (default: %(default)s)")
    arguments = parser.parse_args()
    launcher.keep_temporary_files()
    console = Console()
    table = Table(title=f"Airflow's version beside {arguments.viewers} viewers, milliseconds")
    for name in (
        "each checks 10,000 addresses", "asked", "lists", "a list takes s", "busy", "CPU s", "median", "p95", "slowest",
        "p95 / quiet",
    ):  # fmt: skip
        table.add_column(name, justify="left" if name.startswith("each") else "right", overflow="fold")
    with (
        temporary_postgres() as postgres,
        tempfile.TemporaryDirectory() as folder,
        pages_server(Path(folder), postgres, "load") as server,
    ):
        measure(server, 3, [])
        quiet = percentile(measure(server, arguments.seconds, []).times, 95)
        for name, text in [("none", None), *((name, LISTS[name]) for name in arguments.lists)]:
            bodies = []
            for number in range(arguments.viewers if text else 0):
                assert text is not None
                of = random.Random(number)
                texts = [text(of, place) for place in range(ADDRESSES)]
                bodies.append(json.dumps({"addresses": texts}, ensure_ascii=False).encode())
            seen = measure(server, arguments.seconds, bodies)
            p95 = percentile(seen.times, 95)
            style = "bold red" if p95 > TIMES_QUIET * quiet else ""
            table.add_row(name, *_cells(seen), f"{p95 / quiet:.1f}", style=style)
    console.print(table)


if __name__ == "__main__":
    main()
