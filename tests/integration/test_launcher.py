"""Nothing that a launcher has started outlives it, however it is killed: Postgres, emulator, and whatever they fork."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from dev import ending, launcher, processes
from dev.launcher import GUARD_MARK, REPOSITORY, Identity
from dev.ports import is_free
from dev.postgres import EmbeddedPostgres, temporary_postgres

# Marks everything that a test here starts, guards included: found without the code that is tested.
PROOF = "SES_BOUNCES_TEST_OF_LAUNCHERS"
# Only a hang takes so long.
HANG_SECONDS = 60

# Neither it nor its grandchild, in a session of its own, ends when it is asked.
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
time.sleep(600)
"""
SERVICE = """
import os, sys
from pathlib import Path
from dev import launcher, processes
folder = launcher.watch().folder
processes.spawn("stubborn", [sys.executable, "-c", os.environ["STUBBORN"]], os.environ, folder / "log", folder)
"""
SMALL = f"""{SERVICE}
Path(os.environ["READY"]).write_text("")
import time
time.sleep(600)
"""
# Like the process that starts the workers of pytest-xdist.
NESTING = """
import os, subprocess, sys
from dev import launcher
launcher.keep_temporary_files()
subprocess.run([sys.executable, "-c", os.environ["SMALL"]])
"""
PYTEST = f"""
import time
from dev.aws import temporary_aws
def test_hangs(postgres, tmp_path):
    {SERVICE.strip().replace(chr(10), chr(10) + "    ")}
    with temporary_aws() as aws:
        Path(os.environ["READY"]).write_text(f"{{postgres.port}} {{aws.port}}")
        time.sleep(600)
"""

# A server in the middle of something: its processes are stopped, and end only when they are killed.
FROZEN = """
import os, time
from pathlib import Path
import psutil
from dev import launcher
from dev.postgres import temporary_postgres
from dev.silent import frozen
launcher.keep_temporary_files()
with temporary_postgres() as postgres, frozen(postgres):
    server = psutil.Process(postgres.pid)
    partial = Path(os.environ["READY"] + ".partial")
    partial.write_text(" ".join(str(one.pid) for one in (server, *server.children())))
    partial.rename(os.environ["READY"])
    time.sleep(600)
"""


@dataclass
class Started:
    """A launcher, in a temporary folder of its own."""

    process: subprocess.Popen[bytes]
    proof: str
    folder: Path

    @property
    def root(self) -> Path:
        """Where its temporary folder is made."""
        return self.folder / "tmp"

    @property
    def ready(self) -> Path:
        """The file that it writes when all of it runs."""
        return self.folder / "ready"

    def running(self) -> list[psutil.Process]:
        """All that runs of it, in order of their start."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(PROOF) == self.proof and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return sorted(found, key=lambda process: process.create_time())

    def guards(self) -> list[psutil.Process]:
        """Those of its processes that wait for the end of others."""
        return [process for process in self.running() if GUARD_MARK in process.environ()]

    def wait_ready(self) -> str:
        """Waits until all of it runs, and returns what it says then."""
        wait_until(self.ready.exists, lambda: f"{self.proof} has ended: {self.process.poll()}")
        # Two of the stubborn service, its launcher and the guard of that.
        wait_until(lambda: len(self.running()) >= 4, self.running)
        return self.ready.read_text()

    def wait_gone(self) -> None:
        """Waits until nothing is left, neither a process nor a file."""
        self.process.wait(timeout=HANG_SECONDS)
        wait_until(lambda: not self.running(), self.running)
        wait_until(lambda: not os.listdir(self.root), lambda: os.listdir(self.root))


Start = Callable[..., Started]


def wait_until(holds: Callable[[], bool], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + HANG_SECONDS
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a launcher; the test ends all that is left of it."""
    all_started: list[Started] = []

    def started(*command: str) -> Started:
        folder = tmp_path / f"launcher{len(all_started)}"
        (folder / "tmp").mkdir(parents=True)
        proof = f"{folder}"
        own = {name: value for name, value in os.environ.items() if name not in (launcher.MARK, "MAKELEVEL")}
        environment = {
            **own, PROOF: proof, "TMPDIR": str(folder / "tmp"), "READY": str(folder / "ready"), "STUBBORN": STUBBORN,
            "SMALL": SMALL, "PYTEST_DEBUG_TEMPROOT": str(folder), "PYTHON": sys.executable,
        }  # fmt: skip
        process = subprocess.Popen(command, env=environment, cwd=REPOSITORY, start_new_session=True)
        all_started.append(Started(process, proof, folder))
        return all_started[-1]

    yield started
    for one in all_started:
        while left := one.running():
            for process in left:
                process.kill()
            psutil.wait_procs(left, timeout=1)
        one.process.wait()


def under_make(tmp_path: Path, code: str) -> tuple[str, ...]:
    """The command of a `make` whose only target runs a program of Python."""
    makefile = tmp_path / "Makefile"
    (tmp_path / "program.py").write_text(code)
    makefile.write_text(f"all:\n\t@$(PYTHON) -c 'exec(open(\"{tmp_path / 'program.py'}\").read())'\n")
    return "make", "--silent", f"--makefile={makefile}"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_pytest_leaves_nothing(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    module = tmp_path / "test_hangs.py"
    module.write_text(PYTEST)
    session = start(sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", str(module))
    ports = [int(port) for port in session.wait_ready().split()]
    assert not any(map(is_free, ports))
    names = {process.name() for process in session.running()}
    assert "postgres" in names
    (kept,) = session.folder.glob("pytest-of-*/pytest-0")
    assert (kept / ".lock").exists()
    os.kill(session.process.pid, number)
    session.wait_gone()
    assert session.process.returncode == -number
    assert all(map(is_free, ports))
    # Pytest keeps the folders of three sessions; one with a lock is kept for days.
    assert kept.exists()
    assert not (kept / ".lock").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("kill", [os.kill, os.killpg])
def test_a_launcher_ends_with_the_make_that_started_it(
    start: Start, tmp_path: Path, kill: Callable[[int, int], None], number: signal.Signals
) -> None:
    make = start(*under_make(tmp_path, SMALL))
    make.wait_ready()
    kill(make.process.pid, number)
    make.wait_gone()


def test_a_launcher_that_another_one_started_ends_with_that(start: Start) -> None:
    outer = start(sys.executable, "-c", NESTING)
    outer.wait_ready()
    assert len(outer.guards()) == 2
    # Both beside each other: paths of sockets must be short.
    assert len(os.listdir(outer.root)) == 2
    outer.process.kill()
    outer.wait_gone()


def test_a_launcher_that_is_killed_leaves_the_one_that_started_it_alone(start: Start) -> None:
    outer = start(sys.executable, "-c", "import time; " + NESTING.replace("\n", "; ").strip("; ") + "; time.sleep(600)")
    outer.wait_ready()
    (inner,) = (process for process in psutil.Process(outer.process.pid).children() if "READY" in process.cmdline()[-1])
    inner.kill()
    wait_until(lambda: len(outer.running()) == 2, outer.running)
    assert outer.process.poll() is None
    assert len(os.listdir(outer.root)) == 1


def test_the_next_launcher_ends_what_is_left_when_the_guard_was_killed_too(start: Start) -> None:
    killed, alive = start(sys.executable, "-c", SMALL), start(sys.executable, "-c", SMALL)
    killed.wait_ready(), alive.wait_ready()
    (guard,) = killed.guards()
    guard.kill()
    killed.process.kill()
    killed.process.wait()
    # A process that was killed takes a moment to end.
    wait_until(lambda: len(killed.running()) == 2, killed.running)
    others = alive.running()
    command = [sys.executable, "-c", "from dev import launcher; launcher.watch()"]
    subprocess.run(command, env={**os.environ, "TMPDIR": str(killed.root)}, cwd=REPOSITORY, check=True)
    killed.wait_gone()
    assert alive.running() == others
    assert len(os.listdir(alive.root)) == 1


def test_what_make_run_left_is_taken_over_if_its_guard_was_killed_too(start: Start, tmp_path: Path) -> None:
    """By the next start on the same directory."""
    data = tmp_path / "postgres"
    code = f"""{SERVICE}
from dev.postgres import EmbeddedPostgres
with EmbeddedPostgres(Path({str(data)!r}), {{"fsync": "off"}}) as postgres:
    Path(os.environ["READY"]).write_text(str(postgres.port))
    import time
    time.sleep(600)
"""
    killed = start(sys.executable, "-c", code)
    port = int(killed.wait_ready())
    (guard,) = killed.guards()
    guard.kill()
    killed.process.kill()
    killed.process.wait()
    assert not is_free(port)
    with EmbeddedPostgres(data) as postgres:
        assert postgres.port == port
        assert postgres.pid not in [process.pid for process in killed.running()]


def test_what_make_runs_ends_with_it(start: Start) -> None:
    """Also what is no launcher, or not yet: the checks before the tests, and pytest while it reads them."""
    make = start("sh", "-c", f"{sys.executable} dev/tied.py $$ sleep 600 & wait")
    wait_until(lambda: "sleep" in [process.name() for process in make.running()], make.running)
    make.process.kill()
    make.wait_gone()


def test_a_command_whose_make_has_ended_before_is_not_run() -> None:
    command = [sys.executable, "dev/tied.py", str(2**22 + 1), "echo", "run"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "process 4194305, which started this one, has ended\n"


def test_make_test_runs_everything_so() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^test:.*\n((?:\t.+\n)+)", makefile, re.MULTILINE)
    assert recipe
    assert [line for line in recipe[1].splitlines() if not line.startswith("\t@$(TIED) ")] == []


def test_a_postgres_stops_and_starts_though_somebody_closed_the_folder_above_it() -> None:
    """As pytest does when another session begins; what root starts runs as another user."""
    with temporary_postgres({"fsync": "off"}) as postgres:
        postgres.directory.chmod(0o700)
        postgres.restart()
        postgres.directory.chmod(0o700)
        postgres.stop()
        assert postgres.pid is None


def test_a_frozen_postgres_ends_with_all_its_sessions(start: Start) -> None:
    started = start(sys.executable, "-c", FROZEN)
    wait_until(started.ready.exists, lambda: started.process.poll())
    server = [psutil.Process(int(pid)) for pid in started.ready.read_text().split()]
    assert len(server) > 3
    assert {process.status() for process in server} == {psutil.STATUS_STOPPED}
    try:
        started.process.kill()
        wait_until(lambda: not any(map(ending.is_running, server)), lambda: server)
        started.wait_gone()
    finally:
        for process in filter(ending.is_running, server):
            process.kill()


def test_identities() -> None:
    me = Identity.of(os.getpid())
    assert Identity.parse(str(me)) == me
    for text in ("", "1.2.3", "1.2.3.4.5", "1.2.3.x"):
        assert Identity.parse(text) is None
    with pytest.raises(ProcessLookupError, match="there is no process 4194305"):
        Identity.of(2**22 + 1)


def test_only_what_is_known_to_have_ended_is_dead() -> None:
    me = Identity.of(os.getpid())
    assert me.is_alive
    assert not me.is_dead
    # The same id was used again.
    earlier = replace(me, started=me.started - 1)
    assert earlier.is_dead
    # In a container, and of another user: they may be alive.
    assert not replace(earlier, namespace=me.namespace - 1).is_dead
    assert not replace(earlier, user=me.user + 1).is_dead


def test_a_process_that_has_ended_and_waits_for_its_parent_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    identity = Identity.of(child.pid)
    assert identity.is_alive
    child.kill()
    wait_until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE, child.poll)
    assert identity.is_dead
    child.wait()


def test_a_child_process_has_the_marks_whatever_its_environment(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    service = processes.spawn("a child", command, {}, tmp_path / "log", tmp_path)
    try:
        me = launcher.watch().identity
        # Between its start and its own program, a process shows neither environment.
        wait_until(lambda: bool(processes.marked(tmp_path)), lambda: "nothing is marked")
        assert [process.pid for process in processes.marked(tmp_path)] == [service.process.pid]
        assert service.process.pid in [process.pid for process in launcher.started_by(lambda one: one == me)]
        assert me.pid not in [process.pid for process in launcher.started_by(lambda one: one == me)]
    finally:
        processes.stop([service], 5)
    assert processes.marked(tmp_path) == []


def test_a_session_that_has_the_id_of_a_service_that_ended_is_left_alone(tmp_path: Path) -> None:
    """Ids of processes are used again: it may be anybody's."""
    service = processes.spawn("a child", [sys.executable, "-c", ""], {}, tmp_path / "log", tmp_path)
    service.process.wait()
    environment = {name: value for name, value in os.environ.items() if name != launcher.MARK}
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, start_new_session=True) as other:
        service.process.pid = other.pid
        processes.stop([service], 5)
        assert processes.kill(service) == 0
        assert other.poll() is None
