"""A real Postgres for every test that asks for one: a fresh, migrated database each."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from dev import launcher
from dev.postgres import EmbeddedPostgres
from ses_bounces.base.database import connection as connections
from ses_bounces.base.database import schema
from tests.kit import distribution
from tests.kit.scratch import copy_database, postgres_in_memory

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

pytest_plugins = ["tests.kit.needed_tools", "tests.kit.days"]

TEMPLATE = "migrated"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make screenshots` gives the first."""
    parser.addoption("--screenshots", action="store_true", help="take the pictures of the documentation anew")
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run modules, and the tests of each, in random order")
    parser.addoption("--walk-steps", type=int, default=500, metavar="N", help="steps of each random walk")
    parser.addoption("--walk-seeds", type=int, default=2, metavar="N", help="how many random walks to take")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Nothing that the tests start outlives them, however they end."""
    # Pytest's own folders stay where they were: those of the last three sessions are kept.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    launcher.keep_temporary_files()
    if not hasattr(config, "workerinput"):
        # Without its lock a folder is kept like that of a session that came to its end.
        launcher.remove_at_end(config._tmp_path_factory.getbasetemp() / ".lock")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """As many workers as what is asked for is worth, unless `-n`, `--dist` or `--pdb` says otherwise."""
    option, is_worker = config.option, hasattr(config, "workerinput")
    if not is_worker and not option.usepdb and getattr(option, "dist", "") == "no" and option.numprocesses is None:
        option.numprocesses = distribution.workers(config.args, config.invocation_params.dir)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> distribution.Scheduler:
    """Whole groups, in the order in which they are collected."""
    config.option.loadscopereorder = False
    return distribution.Scheduler(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes longest starts first, unless the order is to be random."""
    seed = config.getoption("shuffle")
    if seed is not None:
        distribution.shuffle(items, seed)
    elif hasattr(config, "workerinput"):
        distribution.sort(items)


_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server of this worker's: its tests, one after the other, may restart it and give it roles."""
    with postgres_in_memory() as server:
        yield server


@pytest.fixture(scope="session")
def aws_models() -> Iterator[None]:
    """AWS's descriptions of its services are read once: most of what a client costs is to read them again."""
    from botocore.loaders import JSONFileLoader, Loader

    read, list_services = cache(JSONFileLoader().load_file), Loader.list_available_services
    listed: dict[tuple[str, ...], list[str]] = {}

    def list_once(loader: Loader, type_name: str) -> list[str]:
        key = (type_name, *loader.search_paths)
        if key not in listed:
            listed[key] = list_services(loader, type_name)
        return listed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _loader, path: read(path))
        patch.setattr(Loader, "list_available_services", list_once)
        yield


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database to copy."""
    postgres.create_database(TEMPLATE)
    with connections.connect_url(postgres.url(TEMPLATE)) as opened:
        schema.upgrade(opened)
    return TEMPLATE


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        copy_database(admin, name, template)
    yield postgres.url(name)
    # Another connection: a test may have restarted the server.
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Connection]:
    """A connection to a fresh, migrated database, as the tasks open it."""
    with connections.connect_url(database_url) as opened:
        yield opened
