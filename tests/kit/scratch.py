"""Folders in memory for servers that the tests start: a database is copied there in a tenth of the time."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from dev import launcher, template
from dev.postgres import EmbeddedPostgres

MEMORY = Path("/dev/shm")
# What the server of a worker may need: a container often has 64 MB in all.
NEEDED_BYTES = 1024**3
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
    folder = Path(tempfile.mkdtemp(prefix=launcher.FOLDER_PREFIX, dir=_parent()))
    launcher.remove_at_end(folder)
    try:
        with EmbeddedPostgres(folder, SETTINGS, template.ready) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_database(admin: psycopg.Connection[Any], name: str, template: str) -> None:
    """Make a database as a copy of another, by way of its files."""
    # Before Postgres 15 there is no other way, and no word for it.
    strategy = " STRATEGY file_copy" if admin.info.server_version >= 150000 else ""
    admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}{strategy}")


def _parent() -> Path:
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= NEEDED_BYTES:
        return MEMORY
    return launcher.watch().folder
