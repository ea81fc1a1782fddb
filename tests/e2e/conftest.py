"""One API server with the administrators' pages for all tests of who may do what: its start takes longer than they."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.pages_server import PagesServer, pages_server
from dev.postgres import EmbeddedPostgres
from tests.page_secrets import store_secrets

# Nothing is asked of AWS: the queues' host refuses, and without keys boto3 would look for some.
AWS = '{"conn_type": "aws", "login": "none", "password": "none", "extra": {"region_name": "eu-west-1"}}'


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
