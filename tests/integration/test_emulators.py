"""`python -m dev emulators`: an Airflow of the reader's own gets a Postgres and an AWS by the connections that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.emulators import emulators
from ses_bounces.base.aws.clients import Place, account_of
from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect


def test_the_connections_lead_to_what_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    with emulators(tmp_path / "data") as connections:
        assert list(connections) == ["ses_bounces_postgres", "ses_bounces_aws"]
        for conn_id, connection in connections.items():
            monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", connection)
        with connect("ses_bounces_postgres") as database:
            schema.upgrade(database)
            assert database.execute("SELECT count(*) FROM public.people").fetchone() == (0,)
        assert account_of(Place("ses_bounces_aws", "us-east-1")).isdigit()
