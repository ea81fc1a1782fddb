"""Whole Airflows that modules share, and a ledger of a test's own on one of them.

An Airflow takes longer to start than most tests: it is started for the first test that needs it, and ended behind the
last. What a test changes of it, it puts back, in whatever order the tests run.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg

from dev import people, sample
from dev.airflow import ADMIN, REPOSITORY
from dev.airflow_api import AirflowApi, ApiError
from dev.aws import Feed
from dev.stack import DAG_ID, DATABASE, METADATA_DATABASE, VARIABLE, Stack

# Databases to copy: as the schema's migration leaves one, and as the hour of the sample does.
EMPTY, SAMPLED = "empty_ledger", "sampled_ledger"
# Nothing of these tests defers.
# By login name; the administrator is who the tests are, unless they say otherwise.
USERS = {ADMIN: "admin", "vera": "viewer", "uma": "user", "otto": "op"}
COMPONENTS = ("api-server", "scheduler", "dag-processor")
SETTINGS = {
    # The files don't change.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
}
# What they write is gone with them.
POSTGRES_SETTINGS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
HOURLY = '''"""The Airflow DAG, at a minute that has just gone by: its next run would drain what a test put into the queue."""
from ses_bounces.dags import build_dags

build_dags("ses_bounces", schedule="{minute} * * * *")
'''

_numbers = itertools.count(1)


class SharedStack(Stack):
    """An Airflow that has run the hourly DAG on the sample; its own ledger stays as that has left it."""

    def __init__(self, folder: Path, dags: Sequence[str]) -> None:
        """``dags``: which of the project's DAG files it has. Nothing is started yet."""
        self.dag_names = tuple(dags)
        files = folder / "dags"
        files.mkdir(parents=True)
        for name in dags:
            shutil.copy(REPOSITORY / "dags" / f"{name}.py", files)
        self._minute = (datetime.now(UTC).minute - 1) % 60
        (files / f"{DAG_ID}.py").write_text(HOURLY.format(minute=self._minute))
        super().__init__(
            folder / "data",
            dags=files,
            environment=SETTINGS,
            components=COMPONENTS,
            postgres_settings=POSTGRES_SETTINGS,
            users=USERS,
        )

    def hour_of(self, moment: datetime) -> datetime:
        """The logical date of the hourly run whose interval a moment is in."""
        begun = moment.replace(minute=self._minute, second=0, microsecond=0)
        return begun if begun <= moment else begun - timedelta(hours=1)

    def _start(self) -> None:
        super()._start()
        self.postgres.create_database(EMPTY, DATABASE)
        # Unpaused while a run by hand is there: the scheduled run of the last hour follows it.
        self.first_run, state = self.run_once()
        assert state == "success"
        api = self.airflow.api
        for run in api.runs(DAG_ID):
            api.wait_for_run(DAG_ID, run["dag_run_id"])
        self.postgres.create_database(SAMPLED, DATABASE)
        for name in self.dag_names:
            api.wait_for_dag(name)


class SharedStacks:
    """Those of this process, by the names of the fixtures that ask for them."""

    def __init__(self, folder: Path) -> None:
        """``folder``: for their files."""
        self._folder = folder
        self._started: dict[str, SharedStack] = {}

    def get(self, name: str, dags: Sequence[str]) -> SharedStack:
        """The one of that name; it is started, with these DAGs, if it does not run."""
        if name not in self._started:
            stack = SharedStack(self._folder / f"{name}{next(_numbers)}", dags)
            stack.__enter__()
            self._started[name] = stack
        return self._started[name]

    def keep(self, names: Iterable[str]) -> None:
        """End all others; AssertionError if Airflow knows an address by then."""
        for name in self._started.keys() - set(names):
            stack = self._started.pop(name)
            try:
                assert addresses_in_airflow(stack) == []
            finally:
                stack.__exit__()


@dataclass(frozen=True)
class Ledger:
    """A database of a test's own that the DAGs work on; the queue is the Airflow's, empty at first."""

    stack: SharedStack
    name: str
    settings: dict[str, Any]

    @property
    def database_url(self) -> str:
        """The libpq URI of the database."""
        return self.stack.postgres.url(self.name)

    @property
    def feed(self) -> Feed:
        """The way of a notification into the queue."""
        return self.stack.feed

    @property
    def api(self) -> AirflowApi:
        """The shared Airflow, as the administrator."""
        return self.stack.airflow.api

    @property
    def reports(self) -> Path:
        """Where reports are written to."""
        return self.stack.data / f"reports-{self.name}"

    def set(self, **changes: Any) -> None:
        """Set the Variable to its settings with these changes."""
        self.api.set_variable(VARIABLE, json.dumps(self.settings | changes))


@contextmanager
def own_ledger(stack: SharedStack, template: str = SAMPLED) -> Iterator[Ledger]:
    """Have the DAGs work on a copy of a database for as long as the block; afterwards on the Airflow's own."""
    name = f"own_{next(_numbers)}"
    stack.postgres.create_database(name, template)
    add_connection(stack.airflow.api, name, stack.postgres.url(name))
    ledger = Ledger(stack, name, {})
    with own_settings(stack.airflow.api):
        ledger.settings.update(
            queue_urls=[stack.feed.queue_url],
            postgres_conn_id=name,
            people_table=people.TABLE,
            report_url=ledger.reports.as_uri(),
        )
        ledger.set()
        stack.feed.purge()
        yield ledger
        stack.feed.purge()


def known_addresses(stack: Stack) -> set[str]:
    """Every address that a ledger or a table of people on this server has, in lower case."""
    with psycopg.connect(stack.postgres.url(), autocommit=True) as admin:
        names = [name for (name,) in admin.execute("SELECT datname FROM pg_database WHERE datallowconn")]
    found: set[str] = set()
    for name in names:
        with psycopg.connect(stack.postgres.url(name), autocommit=True) as connection:
            for table, column in (("ses_bounces.address", "address"), (people.TABLE, "email")):
                if connection.execute("SELECT to_regclass(%s)", [table]).fetchone() != (None,):
                    rows = connection.execute(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")  # type: ignore[arg-type]
                    found |= {address.lower() for (address,) in rows}
    return found


def addresses_in_airflow(stack: Stack) -> list[str]:
    """The log files, and the tables of Airflow's own database, that have an address."""
    known = known_addresses(stack)
    assert known >= sample.addresses()
    assert all("@" in address for address in known)
    # First what all with one domain have in common: a search for hundreds is slow.
    domains = _any_of({address[address.rindex("@") :] for address in known})
    addresses = _any_of(known)

    def has_address(text: str) -> bool:
        return any(domains.search(line) and addresses.search(line) for line in text.splitlines() if "@" in line)

    logs = log_files(stack)
    assert len([path for path in logs if DAG_ID in str(path)]) > 10
    found = [str(path) for path in logs if has_address(path.read_text(errors="replace"))]
    with psycopg.connect(stack.postgres.url(METADATA_DATABASE)) as metadata:
        for table in ("xcom", "asset_event", "log", "dag_run", "task_instance", "rendered_task_instance_fields"):
            rows = metadata.execute(f"SELECT t::text FROM {table} t").fetchall()  # type: ignore[arg-type]
            assert rows or table != "xcom"
            found += [table for (row,) in rows if has_address(row)]
    return found


def _any_of(texts: set[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(texts))), re.IGNORECASE)


def log_files(stack: Stack) -> list[Path]:
    """Every log of Airflow's: of its components, and of each try of a task."""
    return [path for path in (stack.data / "airflow").rglob("*") if path.is_file() and "log" in str(path)]


@contextmanager
def own_settings(api: AirflowApi) -> Iterator[None]:
    """Put the Variable back as it was."""
    kept = api.variable(VARIABLE)
    assert kept is not None
    try:
        yield
    finally:
        api.set_variable(VARIABLE, kept)


def add_connection(api: AirflowApi, conn_id: str, url: str) -> None:
    """Add an Airflow connection to a Postgres database, given by its libpq URI; there may be one of that id already."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    body = {
        "connection_id": conn_id, "conn_type": "postgres", "host": parts["host"], "port": int(parts["port"]),
        "login": parts.get("user"), "password": parts.get("password"), "schema": parts["dbname"],
    }  # fmt: skip
    try:
        api.request("POST", "/connections", json=body)
    except ApiError as error:
        if error.status != httpx.codes.CONFLICT:
            raise
