"""What the tests of this folder share: their starts take longer than they.

Two whole Airflows for all tests that need tasks to run, and one API server with the administrators' pages for all tests
of who may do what.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.pages_server import PagesServer, pages_server
from dev.postgres import EmbeddedPostgres
from ses_bounces.dags import DAG_NAMES
from tests.e2e.fab import Fab, fab_server
from tests.e2e.shared import SharedStack, SharedStacks
from tests.kit.page_secrets import store_secrets

# Nothing is asked of AWS: the queues' host refuses, and without keys boto3 would look for some.
AWS = '{"conn_type": "aws", "login": "none", "password": "none", "extra": {"region_name": "eu-west-1"}}'
# Without the DAG of lifts: the doctor misses it.
FEED_DAGS = ("ses_bounces", "ses_bounces_doctor", "ses_suppression_sync")
STACKS = pytest.StashKey[SharedStacks]()


@pytest.fixture(scope="session")
def shared_stacks(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedStacks]:
    """The Airflows that modules share."""
    stacks = pytestconfig.stash[STACKS] = SharedStacks(tmp_path_factory.mktemp("shared"))
    yield stacks
    stacks.keep(())


@pytest.fixture(scope="module")
def feed_stack(shared_stacks: SharedStacks) -> SharedStack:
    """An Airflow with the hourly DAG, and with two others."""
    return shared_stacks.get("feed_stack", FEED_DAGS)


@pytest.fixture(scope="module")
def whole_stack(shared_stacks: SharedStacks) -> SharedStack:
    """An Airflow with all DAGs."""
    return shared_stacks.get("whole_stack", DAG_NAMES)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the Airflows that no later test needs."""
    stacks = item.config.stash.get(STACKS, None)
    if stacks:
        # A worker of several knows no further than the next one: tests that share come one after the other there.
        is_worker = hasattr(item.config, "workerinput")
        later = [nextitem] if is_worker else item.session.items[item.session.items.index(item) + 1 :]
        stacks.keep(name for one in later if one for name in getattr(one, "fixturenames", ()))


@pytest.fixture(scope="session")
def server(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesServer]:
    """A server with a user of each role."""
    folder: Path = tmp_path_factory.mktemp("access")
    with pages_server(folder, postgres, "access", {"AIRFLOW_CONN_SES_BOUNCES_AWS": AWS}) as started:
        yield started


@pytest.fixture(scope="session")
def secrets(server: PagesServer) -> dict[str, str]:
    """Secrets wherever that server can store one, by way of the ids of their rows."""
    return store_secrets(server)


@pytest.fixture(scope="session")
def fab(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fab]:
    """A server with the FAB auth manager, and a user of each role."""
    with fab_server(postgres, tmp_path_factory.mktemp("fab"), AWS) as started:
        yield started
