"""The data directory that others are copied from: made once, whole, and without a secret in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest

from dev import processes, template
from dev.airflow import LocalAirflow
from dev.postgres import EmbeddedPostgres

# What `airflow db migrate` fills, besides tables that note the revision.
FILLED = {"log_template", "slot_pool"}
MAKE = """
import sys
from pathlib import Path
from dev import template
template.folder = lambda: Path(sys.argv[1])
template.ready()
"""
PATIENCE_SECONDS = 60


def _filled(url: str) -> set[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    with psycopg.connect(url) as connection:
        tables = [name for (name,) in connection.execute(query) if not name.startswith("alembic_version")]
        return {name for name in tables if connection.execute(f'SELECT FROM "{name}" LIMIT 1').rowcount}


def test_a_copy_is_ready_for_airflow_and_has_secrets_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    passwords = set()
    for name in ("first", "second"):
        folder = tmp_path_factory.mktemp(name)
        with EmbeddedPostgres(folder, {"fsync": "off"}, template.ready) as postgres:
            passwords.add(postgres.password)
            assert (postgres.data.stat().st_mode & 0o777, postgres.data.owner()) == (0o700, _server_user())
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(postgres.url().replace(postgres.password, ""))
            assert postgres.rename_database(template.MIGRATED, "airflow")
            assert not postgres.rename_database(template.MIGRATED, "airflow")
            assert _filled(postgres.url("airflow")) == FILLED
            if name == "second":
                airflow = LocalAirflow(folder / "airflow", postgres.url("airflow"), preferred_port=0)
                # It fails if there is a revision that the database lacks.
                airflow.run_command("db", "check-migrations", "--migration-wait-timeout", "0")
    assert len(passwords) == 2


def _server_user() -> str:
    return "pgserver" if os.geteuid() == 0 else psutil.Process().username()


def test_one_is_killed_halfway_then_two_want_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("environment") / "template"
    monkeypatch.setattr(template, "folder", lambda: place)
    killed = subprocess.Popen([sys.executable, "-c", MAKE, str(place)])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (place / "work" / "airflow" / "migrate.log").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert (place / "work" / "postgres" / "data" / "postmaster.pid").exists()
    assert not list(place.glob("*-*"))

    said: list[str] = []
    with ThreadPoolExecutor() as pool:
        found = {future.result() for future in [pool.submit(template.ready, said.append) for _ in range(2)]}
    assert said == [template.STEP]
    (made,) = found
    assert made
    assert {path.name for path in place.iterdir()} == {"lock", made.name}
    assert not processes.marked(place / "work" / "airflow")
    commands = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not [command for command in commands if str(place) in command]
    # Whoever may read the environment may copy it.
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in made.rglob("*"))


def test_another_version_or_locale_has_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "folder", lambda: tmp_path)
    names = set()
    for locale, versions in (("C", "1"), ("C", "2"), ("C.UTF-8", "1")):
        monkeypatch.setenv("LC_ALL", locale)
        monkeypatch.setattr(template, "migrating_versions", lambda versions=versions: versions)
        names.add(template.place().name)
    # So has another server: the data directory of one is nothing for the next.
    for major in ("14", "15"):
        monkeypatch.setenv("POSTGRES_MAJOR", major)
        names.add(template.place().name)
    assert len(names) == 5


def test_who_may_not_write_into_the_environment_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody, root included, may make a folder there.
    monkeypatch.setattr(template, "folder", lambda: Path("/sys/template"))
    assert template.ready() is None
