"""A process that starts others, and what must not outlive it, however it ends.

A launcher has an identity, which everything that it starts carries in its environment, a folder for its temporary
files, and a guard: a process (`dev.guard`) that waits for its end, then ends what it left running and removes the
folder. If the guard was killed too, the next launcher does that.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Self

import psutil

from dev import ending

# The environment variable, and the setting on a command line that everybody may read, with a launcher's identity.
MARK = "SES_BOUNCES_LAUNCHER"
SETTING = "ses_bounces.launcher"
# An environment variable that names the directory whose data a process works on.
OWNER_MARK = "SES_BOUNCES_LOCAL_STACK"
# Guards, which nobody ends.
GUARD_MARK = "SES_BOUNCES_GUARD"
FOLDER_PREFIX = "ses-bounces-"
# In the folder: whose it is, the files to remove with it, and the sessions of what it started.
OWNER_FILE = "launcher"
REMOVED_FILE = "removed"
SESSIONS_FILE = "sessions"
# For services to write down what they must not forget.
PATIENCE_SECONDS = 1.5
MAKE = ("make", "gmake")
REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Identity:
    """A process as no other is: its id is used again later, and means another one in a container."""

    namespace: int
    user: int
    pid: int
    started: int

    def __str__(self) -> str:
        """Hexadecimal numbers with dots between."""
        return ".".join(f"{number:x}" for number in astuple(self))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The identity that a text stands for; None if that is none."""
        try:
            return cls(*(int(number, 16) for number in text.split(".")))
        except (TypeError, ValueError):
            return None

    @classmethod
    def of(cls, pid: int) -> Self:
        """That of a running process. ProcessLookupError if there is none."""
        state, started = _state(pid)
        if state in "ZX":
            raise ProcessLookupError(f"process {pid} has ended")
        return cls(os.stat("/proc/self/ns/pid").st_ino, os.getuid(), pid, started)

    @property
    def is_alive(self) -> bool:
        """Whether it is running."""
        try:
            return Identity.of(self.pid).started == self.started
        except ProcessLookupError:
            return False

    @property
    def is_dead(self) -> bool:
        """Whether it was a process of this user, seen from here, that has ended."""
        here = Identity.of(os.getpid())
        return (self.namespace, self.user) == (here.namespace, here.user) and not self.is_alive


@dataclass(frozen=True)
class Launcher:
    """This process; `folder` is for its temporary files, and is removed after its end."""

    identity: Identity
    folder: Path
    guard: subprocess.Popen[bytes]


_lock = threading.Lock()
# By process id: what was forked from a launcher is another one.
_launchers: dict[int, Launcher] = {}


def watch() -> Launcher:
    """Makes this process a launcher, if it is none yet: what it starts from now on ends with it.

    Ends first what launchers left that were killed with their guards. A launcher that a `make` has started ends with
    that.
    """
    with _lock:
        pid = os.getpid()
        if pid not in _launchers:
            _end_leftovers()
            me = Identity.of(pid)
            # A short name: Chromium's socket under it must not have more than 107 characters.
            folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=_root()))
            (folder / OWNER_FILE).write_text(str(me), encoding="utf-8")
            _launchers[pid] = Launcher(me, folder, _start_guard(me, folder))
            os.environ[MARK] = str(me)
        return _launchers[pid]


def keep_temporary_files() -> Launcher:
    """The same; and all temporary files of this process, and of what it starts, are in that folder from now on."""
    me = watch()
    os.environ["TMPDIR"] = str(me.folder)
    tempfile.tempdir = None
    return me


def remove_at_end(path: Path) -> None:
    """Has a file or a folder removed that this process removes itself unless it is killed."""
    with (watch().folder / REMOVED_FILE).open("a", encoding="utf-8") as names:
        names.write(f"{path}\n")


@dataclass(frozen=True)
class Session:
    """A session that a launcher has started: its launcher, when its leader began, and whose data it works on."""

    launcher: Identity
    started: int
    owner: str


def note_session(pid: int, owner: Path) -> None:
    """Note a process that leads a session of its own, for what is in it and may not be looked into."""
    me = watch()
    with (me.folder / SESSIONS_FILE).open("a", encoding="utf-8") as sessions, suppress(ProcessLookupError):
        sessions.write(f"{pid} {Identity.of(pid).started} {owner}\n")


def session_of(process: psutil.Process) -> Session | None:
    """The session of a process, if a launcher of this user has started it.

    Airflow forbids others of the same user to look into its supervisors and tasks: their environment can't be read.
    """
    if process.uids().real != os.getuid():
        return None
    sid = os.getsid(process.pid)
    session = _sessions().get(sid)
    if session is None or session.launcher.user != os.getuid():
        return None
    try:
        # The number may be another session's by now; while any process of it lives it is not given again.
        return session if Identity.of(sid).started == session.started else None
    except ProcessLookupError:
        return session


def started_by(is_one: Callable[[Identity], bool]) -> list[psutil.Process]:
    """The running processes, of those that launchers have started, whose launcher is one that the function accepts."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            identity = _launcher(process)
            if identity and is_one(identity) and ending.is_running(process):
                found += [process, *_sessions_of_server(process)]
    return found


def _sessions_of_server(process: psutil.Process) -> list[psutil.Process]:
    """The sessions of a Postgres server, whose titles hide their marks. Stopped ones do not end with their server."""
    if process.name() != "postgres":
        return []
    return [child for child in process.children() if child.name() == "postgres" and ending.is_running(child)]


def clean_up(launcher: Identity, folder: Path) -> None:
    """Ends what a launcher that has ended left running, and removes its folder, and what it would have removed."""
    ending.end(lambda: started_by(lambda one: one == launcher), PATIENCE_SECONDS)
    _remove(folder)


def _end_leftovers() -> None:
    if started_by(lambda one: one.is_dead):
        ending.end(lambda: started_by(lambda one: one.is_dead), PATIENCE_SECONDS)
    for folder in _root().glob(f"{FOLDER_PREFIX}*"):
        owner = _owner(folder)
        if owner and owner.is_dead and folder.lstat().st_uid == owner.user:
            _remove(folder)


def _owner(folder: Path) -> Identity | None:
    """The launcher whose folder it is; None if it is no launcher's."""
    try:
        return Identity.parse((folder / OWNER_FILE).read_text(encoding="utf-8"))
    except OSError:
        return None


def _sessions() -> dict[int, Session]:
    found = {}
    for folder in _root().glob(f"{FOLDER_PREFIX}*"):
        owner = _owner(folder)
        with suppress(OSError):
            for line in (folder / SESSIONS_FILE).read_text(encoding="utf-8").splitlines() if owner else ():
                pid, started, name = line.split(" ", 2)
                found[int(pid)] = Session(owner, int(started), name)
    return found


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        for name in (folder / REMOVED_FILE).read_text(encoding="utf-8").splitlines():
            if Path(name).is_dir():
                shutil.rmtree(name, ignore_errors=True)
            else:
                Path(name).unlink(missing_ok=True)
    # Another one may be at it as well.
    shutil.rmtree(folder, ignore_errors=True)


def _root() -> Path:
    # The folder of a launcher that another one has started is beside that one's: it would have a long name in it.
    root = Path(tempfile.gettempdir())
    return root.parent if _owner(root) else root


def _start_guard(me: Identity, folder: Path) -> subprocess.Popen[bytes]:
    own = {name: value for name, value in os.environ.items() if name not in (MARK, OWNER_MARK)}
    own["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "dev.guard", str(folder), *map(str, [me, *_ancestors()])]
    # In a session of its own, so that no signal to our group reaches it; without our output, whose reader would wait.
    return subprocess.Popen(
        command,
        # Not in the repository, which may go meanwhile.
        cwd="/",
        env={**own, GUARD_MARK: str(me)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _ancestors() -> Iterator[Identity]:
    """Those up to the outermost make: whoever kills it means all of it."""
    parents = psutil.Process().parents()
    makes = [number for number, parent in enumerate(parents) if parent.name() in MAKE]
    for parent in parents[: makes[-1] + 1] if makes else ():
        yield Identity.of(parent.pid)


def _launcher(process: psutil.Process) -> Identity | None:
    try:
        environment = process.environ()
        if GUARD_MARK in environment:
            return None
        if MARK in environment:
            return Identity.parse(environment[MARK])
    except psutil.AccessDenied:
        if session := session_of(process):
            return session.launcher
    # In a container, root may not read the environment of a server that runs as another user.
    for argument in process.cmdline():
        _, found, value = argument.partition(f"{SETTING}=")
        if found:
            return Identity.parse(value)
    return None


def _state(pid: int) -> tuple[str, int]:
    """The state of a process, and its start in clock ticks since the machine's."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(f"there is no process {pid}") from None
    # The name, in parentheses, may have anything in it.
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])
