"""Kills `make test` at random moments, and looks whether anything of it is left 10 s later.

`python -m dev.kill_tests tests/integration/feed/test_drain.py tests/e2e/test_hourly_dag.py` runs these tests whole,
kills them ten times, by SIGTERM and SIGKILL in turn, and runs them whole again; without names all tests. What is killed
is in turn make, pytest, their process group, and, where there is one, a worker of pytest-xdist.
"""

import argparse
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from dev import ending, launcher
from dev.ports import is_free

# Marks everything that a run starts, whatever the tests themselves do to find it again.
PROOF = "SES_BOUNCES_KILLED_TESTS"
MOST_SECONDS = 10.0
POLL_SECONDS = 0.1
SIGNALS = (signal.SIGTERM, signal.SIGKILL)


@dataclass
class Run:
    """A `make test`, whose temporary files are in a folder of its own."""

    tests: list[str]
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="killed-")))

    def __post_init__(self) -> None:
        """Starts it, in a session of its own."""
        kept = {name: value for name, value in os.environ.items() if name not in (launcher.MARK, "MAKELEVEL")}
        # Beside its temporary files: pytest keeps its own folders.
        (self.folder / "pytest").mkdir()
        (self.folder / "tmp").mkdir()
        own = {
            PROOF: str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTEST_DEBUG_TEMPROOT": str(self.folder / "pytest"),
        }
        self.log = self.folder / "log"
        with self.log.open("wb") as output:
            self.make = subprocess.Popen(
                ["make", "test", f"ARGS={shlex.join(self.tests)}"],
                cwd=launcher.REPOSITORY,
                env={**kept, **own},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def running(self) -> list[psutil.Process]:
        """All that runs of it: by its environment, or what it was called with."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def ports(self) -> set[int]:
        """The ports that it listens on."""
        found = set()
        for process in self.running():
            with suppress(psutil.Error):
                listens = [one for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN]
                found |= {one.laddr.port for one in listens}
        return found

    def data(self) -> set[Path]:
        """The folders of its PostgreSQL servers, except those that pytest keeps: some are in memory."""
        found = set()
        for process in self.running():
            with suppress(psutil.Error, ValueError, IndexError):
                arguments = process.cmdline()
                found.add(Path(arguments[arguments.index("-D") + 1]))
        return {path for path in found if not path.is_relative_to(self.folder / "pytest")}

    def pytest(self) -> psutil.Process | None:
        """The process that make has started for the tests; before it another one of make's."""
        with suppress(psutil.Error):
            children = psutil.Process(self.make.pid).children() if self.make.poll() is None else []
            tests = [child for child in children if "pytest" in " ".join(child.cmdline())]
            return next(iter(tests or children), None)
        return None

    def worker(self) -> psutil.Process | None:
        """One of those among whom pytest-xdist divides the tests."""
        with suppress(psutil.Error):
            tests = self.pytest()
            children = tests.children() if tests else []
            return next((child for child in children if launcher.started_by(_is(child))), None)
        return None

    def left(self, ports: Iterable[int] = (), folders: Iterable[Path] = ()) -> list[str]:
        """What there is of it, as words: processes, these ports and folders, temporary files."""
        processes = [_words(process) for process in self.running()]
        files = [*(self.folder / "tmp").iterdir(), *(path for path in folders if path.exists())]
        return [*processes, *(f"port {port}" for port in ports if not is_free(port)), *map(str, files)]

    def forget(self) -> None:
        """Kills what is left, and removes its folder."""
        ending.kill(self.running)
        self.make.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_ours(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            if not ending.is_running(process):
                return False
            with suppress(psutil.AccessDenied):
                if process.environ().get(PROOF) == str(self.folder):
                    return True
            return any(str(self.folder) in argument for argument in process.cmdline())
        return False


@dataclass
class Killed:
    """What became of a run that was killed."""

    seconds: float
    ran: Counter[str]
    left: list[str]


def main() -> int:
    """0 if nothing was left at any moment, and the tests passed before and after."""
    parser = argparse.ArgumentParser(prog="python -m dev.kill_tests", description=__doc__.partition("\n")[0])
    parser.add_argument("tests", nargs="*", help="what goes to pytest (default: all tests)")
    parser.add_argument("--moments", type=int, default=10, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="makes the moments the same again")
    arguments = parser.parse_args()
    whole = _pass(arguments.tests)
    if whole is None:
        return 1
    print(f"Seed {arguments.seed}", flush=True)
    moments = random.Random(arguments.seed)
    faults = sum(
        _moment(arguments.tests, number, moments.uniform(0, whole)) for number in range(1, arguments.moments + 1)
    )
    print(f"{arguments.moments - faults} of {arguments.moments} left nothing", flush=True)
    return int(faults > 0 or _pass(arguments.tests) is None)


def _pass(tests: list[str]) -> float | None:
    """The seconds of a whole run; None if it failed, or left something."""
    run, began = Run(tests), time.monotonic()
    try:
        status = run.make.wait()
        seconds = time.monotonic() - began
        _, left = _wait_gone(lambda: run.left())
        said = run.log.read_text(errors="replace").splitlines()[-1 if status == 0 else -40 :]
        print(*said, f"Whole: status {status} after {seconds:.0f} s; left: {left}", sep="\n", flush=True)
        return seconds if status == 0 and not left else None
    finally:
        run.forget()


def _moment(tests: list[str], number: int, second: float) -> bool:
    """Kills a run; whether anything was left."""
    targets: list[tuple[str, Callable[[Run, int], None]]] = [
        ("make", _kill_make),
        ("pytest", _kill_pytest),
        ("group", lambda run, which: os.killpg(run.make.pid, which)),
    ]
    # In six kills each target gets each signal.
    name, kill = targets[(number - 1) % len(targets)]
    which = SIGNALS[(number - 1) % len(SIGNALS)]
    run = Run(tests)
    try:
        time.sleep(second)
        worker = _kill_worker(run, which) if name == "pytest" else None
        killed = _kill(run, lambda: kill(run, which))
    finally:
        run.forget()
    print(f"{number}: {which.name} to {name} after {second:.1f} s", flush=True)
    for what, found in (("what a worker started", worker), ("all", killed)):
        if found:
            ran = ", ".join(f"{count} {name}" for name, count in found.ran.most_common())
            told = f"LEFT: {found.left}" if found.left else f"nothing left after {found.seconds:.1f} s"
            print(f"   {what}: {told}; there were: {ran or 'none'}", flush=True)
    return bool(killed.left or (worker and worker.left))


def _kill(run: Run, kill: Callable[[], None]) -> Killed:
    ports, folders, ran = run.ports(), run.data(), _names(run.running())
    kill()
    seconds, left = _wait_gone(lambda: run.left(ports, folders))
    return Killed(seconds, ran, left)


def _kill_make(run: Run, which: int) -> None:
    run.make.send_signal(which)


def _kill_pytest(run: Run, which: int) -> None:
    with suppress(psutil.NoSuchProcess):
        if process := run.pytest():
            process.send_signal(which)


def _kill_worker(run: Run, which: int) -> Killed | None:
    """Of a worker, only what it has started itself must end; None if there is no worker."""
    worker = run.worker()
    if worker is None:
        return None
    started = launcher.started_by(_is(worker))
    ran = _names(started)
    with suppress(psutil.NoSuchProcess):
        worker.send_signal(which)
    seconds, left = _wait_gone(lambda: [_words(process) for process in started if ending.is_running(process)])
    return Killed(seconds, ran, left)


def _wait_gone(find: Callable[[], list[str]]) -> tuple[float, list[str]]:
    """Waits until nothing is found, 10 s at most: how long that took, and what is found then."""
    began = time.monotonic()
    while (left := find()) and time.monotonic() - began < MOST_SECONDS:
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began, left


def _is(process: psutil.Process) -> Callable[[launcher.Identity], bool]:
    return lambda one: one.pid == process.pid


def _names(processes: list[psutil.Process]) -> Counter[str]:
    """The first words of their names."""
    found: Counter[str] = Counter()
    for process in processes:
        with suppress(psutil.Error):
            found[process.name().partition(":")[0].partition(" -- ")[0]] += 1
    return found


def _words(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return f"{process.pid} {' '.join(process.cmdline())[:100]}"
    return str(process.pid)


if __name__ == "__main__":
    sys.exit(main())
