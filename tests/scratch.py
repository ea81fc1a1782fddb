"""Folders in memory for servers that the tests start: a database is copied there in a tenth of the time."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dev import template
from dev.postgres import EmbeddedPostgres

MEMORY = Path("/dev/shm")
# What the server of a worker may need: a container often has 64 MB in all.
NEEDED_BYTES = 1024**3
PREFIX = "ses-bounces-tests-"
# A test's databases are gone when its process is: nothing is written to be found again.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "128MB",
    "min_wal_size": "32MB",
}


@contextmanager
def postgres_in_memory() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server of this process, with its files in memory if there is room; Airflow's tables are in it."""
    with _folder() as folder, EmbeddedPostgres(folder, SETTINGS, template.ready) as server:
        yield server


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that is removed at the end; removes those of processes that were killed."""
    parent = _parent()
    # The lock is there before the folder, and as long as this process lives.
    descriptor, lock = tempfile.mkstemp(".lock", PREFIX, parent)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    folder = Path(lock).with_suffix("")
    try:
        folder.mkdir()
        _remove_left(parent)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        Path(lock).unlink()
        os.close(descriptor)


def _parent() -> Path:
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= NEEDED_BYTES:
        return MEMORY
    return Path(tempfile.gettempdir())


def _remove_left(parent: Path) -> None:
    for lock in parent.glob(f"{PREFIX}*.lock"):
        # Another process removes it, or it is another user's.
        with suppress(FileNotFoundError, PermissionError), lock.open() as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            folder = lock.with_suffix("")
            if folder.exists():
                EmbeddedPostgres(folder).stop("immediate")
                shutil.rmtree(folder, ignore_errors=True)
            lock.unlink()
