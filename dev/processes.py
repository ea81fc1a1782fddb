"""Child processes: each in a session of its own, all of them found again by a mark in their environment.

None of them outlives us, however we end: see `dev.launcher`.
"""

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from dev import ending, launcher

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Service:
    """A running child process and the file that has its output."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def check_alive(self) -> None:
        """Raises RuntimeError with the end of its log if the process has ended."""
        status = self.process.poll()
        if status is not None:
            raise RuntimeError(f"{self.name} ended with status {status}; the end of {self.log}:\n{self.log_tail()}")


def spawn(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    owner: Path,
    cwd: Path | None = None,
) -> Service:
    """Starts a process in its own session, so that Ctrl-C reaches only us; `owner` is the directory of its data.

    It works in our folder, or in `cwd`.
    """
    marks = {launcher.OWNER_MARK: str(owner.resolve()), launcher.MARK: str(launcher.watch().identity)}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            # SPT_NOENV: Airflow's processes change their title, which would overwrite the environment that others see.
            env={**environment, **marks, "SPT_NOENV": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=cwd,
        )
    launcher.note_session(process.pid, owner.resolve())
    return Service(name, process, log)


def marked(owner: Path) -> list[psutil.Process]:
    """Every live process that `spawn` started for this directory, with all that it forked."""
    owner_name = str(owner.resolve())
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if _owner(process) == owner_name and ending.is_running(process):
                found.append(process)
    return found


def _owner(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(launcher.OWNER_MARK)
    except psutil.AccessDenied:
        session = launcher.session_of(process)
        return session.owner if session else None


def stop(services: Iterable[Service], patience_seconds: float) -> None:
    """Asks the services and all that they forked to end, waits for that, and kills what is left then."""
    services = list(services)
    ending.end(lambda: _members(services), patience_seconds)
    for service in services:
        service.process.wait()


def kill(service: Service) -> int:
    """Ends a service and all that it forked with SIGKILL, none of them able to report the end of another.

    Returns how many processes that were.
    """
    found = _members([service])
    for process in found:
        with suppress(psutil.Error):
            process.suspend()
    ending.kill(lambda: _members([service]))
    service.process.wait()
    return len(found)


def stop_leftovers(owner: Path, patience_seconds: float) -> None:
    """The same for the processes of a directory whose launcher was killed."""
    ending.end(lambda: marked(owner), patience_seconds)


def _members(services: Iterable[Service]) -> list[psutil.Process]:
    # By session: a task that Airflow runs leaves its parent's process group, and outlives a parent that is killed. Of
    # ours only: the id of a service that has ended may be that of another program's session by now.
    sessions = {service.process.pid for service in services}
    me = launcher.watch().identity
    found = []
    for process in launcher.started_by(lambda one: one == me):
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(process.pid) in sessions:
                found.append(process)
    return found
