"""What the tests of this folder share: their starts take longer than they.

One whole Airflow for all tests that need tasks to run, and one API server with the administrators' pages for all tests
of who may do what.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dev.airflow import REPOSITORY
from dev.pages_server import PagesServer, pages_server
from dev.postgres import EmbeddedPostgres
from dev.stack import DAG_ID, Stack
from ses_bounces.dags import DAG_NAMES
from tests.page_secrets import store_secrets

# Nothing is asked of AWS: the queues' host refuses, and without keys boto3 would look for some.
AWS = '{"conn_type": "aws", "login": "none", "password": "none", "extra": {"region_name": "eu-west-1"}}'
HOURLY = '''"""The Airflow DAG, at a minute that has just gone by: its next run would drain what a test put into the queue."""
from ses_bounces.dags import build_dags

build_dags("ses_bounces", schedule="{minute} * * * *")
'''


# The modules that share the Airflow, in this order: the first two need it as it is at first.
SHARING = ("test_grid_picture", "test_doctor_dag", "test_local_executor", "test_outages")
FIRST_DAGS = ("ses_bounces_doctor", "ses_suppression_sync")
LOOK_OFTEN = {"AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that share it come last, in their order."""
    items.sort(key=lambda item: SHARING.index(item.path.stem) if item.path.stem in SHARING else -1)


@pytest.fixture(scope="session")
def scheduled_minute() -> int:
    """The minute of the hour at which the hourly DAG runs: the one that has just gone by."""
    return (datetime.now(UTC).minute - 1) % 60


@pytest.fixture(scope="session")
def dags_folder(tmp_path_factory: pytest.TempPathFactory, scheduled_minute: int) -> Path:
    """The folder of its DAGs; what a module needs besides is put there by it, with :func:`add_dags`."""
    folder = tmp_path_factory.mktemp("dags")
    (folder / "ses_bounces.py").write_text(HOURLY.format(minute=scheduled_minute))
    for name in FIRST_DAGS:
        shutil.copy(REPOSITORY / "dags" / f"{name}.py", folder)
    return folder


@pytest.fixture(scope="session")
def airflow_stack(tmp_path_factory: pytest.TempPathFactory, dags_folder: Path) -> Iterator[Stack]:
    """An Airflow that has run the hourly DAG on the sample; tests put back what they change."""
    with Stack(tmp_path_factory.mktemp("stack"), dags=dags_folder, environment=LOOK_OFTEN) as started:
        # Unpaused while a run by hand is there: the scheduled run of the last hour follows it.
        assert started.run_once()[1] == "success"
        api = started.airflow.api
        for run in api.runs(DAG_ID):
            api.wait_for_run(DAG_ID, run["dag_run_id"])
        yield started


def add_dags(stack: Stack, folder: Path) -> None:
    """Put the other DAGs beside those that are there."""
    for name in DAG_NAMES:
        if not (folder / f"{name}.py").exists():
            shutil.copy(REPOSITORY / "dags" / f"{name}.py", folder)
        stack.airflow.api.wait_for_dag(name)


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
