"""A whole Airflow on the loopback interface: scheduler, DAG processor, triggerer and API server with LocalExecutor."""

import base64
import json
import os
import secrets
import shlex
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Self

import httpx

from dev import metadata, processes
from dev.airflow_api import AirflowApi, ApiError
from dev.ports import LOOPBACK, free_port

REPOSITORY = Path(__file__).resolve().parent.parent
PREFERRED_PORT = 8080
START_SECONDS = 180
# What a running task gets to finish its work, and the API server to answer its last requests.
TASKS_STOP_SECONDS = 3
SERVER_STOP_SECONDS = 2

AUTH_MANAGER = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
ADMIN = "admin"
USERS = {ADMIN: "admin", "vera": "viewer"}

# A third of the API server's start, and a quarter of the others', is the search for garbage among what they import.
STARTER = "import gc; gc.set_threshold(100_000, 10, 10); from airflow.__main__ import main; main()"
# In the order of their start. `--skip-serve-logs`: their log servers would listen on all interfaces.
COMPONENTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
# What the API server calls them; it answers itself as soon as its database does.
HEALTH_OF = {
    "api-server": "metadatabase",
    "scheduler": "scheduler",
    "dag-processor": "dag_processor",
    "triggerer": "triggerer",
}


class LocalAirflow:
    """Airflow's components as child processes, with their files under one directory.

    >>> with LocalAirflow(Path("build/airflow"), postgres.url("airflow"), environment=connections) as airflow:
    ...     airflow.api.pause("ses_bounces", False)
    ...     airflow.api.wait_for_run("ses_bounces", airflow.api.trigger("ses_bounces"))
    """

    def __init__(
        self,
        home: Path,
        metadata_url: str,
        *,
        dags: Path = REPOSITORY / "dags",
        plugins: Path = REPOSITORY / "plugins",
        environment: Mapping[str, str] | None = None,
        components: Sequence[str] = tuple(COMPONENTS),
        users: Mapping[str, str] = MappingProxyType(USERS),
        base_path: str = "",
        preferred_port: int = PREFERRED_PORT,
        python: Path = Path(sys.executable),
    ) -> None:
        """`metadata_url` is the libpq URI of its own database; `environment` are more variables for every component.

        `components` are those to start, the API server first; `users` are the roles by login name, the first one is
        whose API this is; `base_path` is where the UI will be, like `/airflow`. Takes the port of the last time, or
        else the preferred one, if it is free; any other if not. `python` is that of the environment that Airflow is
        installed in. Nothing is started yet.
        """
        self.python = python
        self._metadata_url = metadata_url
        self.home = home.resolve()
        self.port = self._load_port(preferred_port)
        self.url = f"http://{LOOPBACK}:{self.port}{base_path}"
        self.components = tuple(components)
        self.passwords = self._load_passwords(users)
        first = next(iter(users))
        self.api = AirflowApi(self.url, first, self.passwords[first], metadata_url)
        self._services: dict[str, processes.Service] = {}
        self._migration: processes.Service | None = None
        self.settings = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            # The executor forks that many workers at once; 32 are the default.
            "AIRFLOW__CORE__PARALLELISM": "4",
            # The default of 1 s is most of what a short task costs.
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25",
            # Whether a task's process has ended is looked at when its pipes close. If it takes a moment longer to end,
            # that is noticed at the next heartbeat: after 5 s by default, which was half of the time of a run.
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__CORE__AUTH_MANAGER": AUTH_MANAGER,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in users.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._passwords_file),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__API__HOST": LOOPBACK,
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            # Each component would compare the revisions again.
            "AIRFLOW__DATABASE__CHECK_MIGRATIONS": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata_url.replace("postgresql://", "postgresql+psycopg2://"),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "NO_PROXY": f"{LOOPBACK},localhost",
            **self._load_secrets(),
            **(environment or {}),
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every component, and of a shell command that is to work on this Airflow."""
        # The user's own Airflow must not leak in; without .pyc files every start takes three times as long.
        foreign = ("AIRFLOW", "PYTHONDONTWRITEBYTECODE")
        own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {**own, **self.settings}

    def write_shell_environment(self, path: Path) -> None:
        """Writes a file that a shell can source to have the `airflow` command work on this Airflow."""
        path.touch(mode=0o600)
        path.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in self.settings.items()))

    def note_migrated(self) -> None:
        """Notes that the metadata database is a copy of one that these versions have brought up to date."""
        self._migrated.parent.mkdir(parents=True, exist_ok=True)
        self._migrated.write_text(migrating_versions())

    def begin_migration(self) -> None:
        """Starts to bring the metadata database up to date, if these versions have not done it before."""
        if self._migrated.exists() and self._migrated.read_text() == migrating_versions():
            return
        command, log = self._command("db", "migrate"), self.home / "migrate.log"
        self._migration = processes.spawn("airflow db migrate", command, self.environment, log, self.home)

    def finish_migration(self) -> None:
        """Waits for what `begin_migration` started. RuntimeError with the end of its log if it failed."""
        if self._migration is None:
            return
        if self._migration.process.wait(START_SECONDS) != 0:
            raise RuntimeError(f"airflow db migrate failed; its end:\n{self._migration.log_tail()}")
        self._migration = None
        self.note_migrated()

    def stop_leftovers(self) -> None:
        """Ends what a killed process has left running."""
        processes.stop_leftovers(self.home, TASKS_STOP_SECONDS)

    def spawn(self, *names: str) -> None:
        """Starts these components, or all that are not started, without waiting for them."""
        for name in names or [name for name in self.components if name not in self._services]:
            if name == "scheduler":
                metadata.end_schedulers(self._metadata_url)
            command = self._command(*COMPONENTS[name], *self._more_arguments(name))
            log = self.home / "components" / f"{name}.log"
            self._services[name] = processes.spawn(f"airflow {name}", command, self.environment, log, self.home)

    def wait_ready(self) -> None:
        """Waits until all started components are healthy. RuntimeError with the end of a log if one ended or hangs."""
        is_warm = "scheduler" not in self._services
        deadline = time.monotonic() + START_SECONDS
        health: dict[str, str] = {}
        while time.monotonic() < deadline:
            self.check_alive()
            with suppress(httpx.TransportError, ApiError):
                if not is_warm:
                    # While the others still start.
                    self.api.warm_up()
                    is_warm = True
                health = self.api.health()
                if all(health.get(HEALTH_OF[name]) == "healthy" for name in self._services):
                    return
            time.sleep(processes.POLL_SECONDS * 4)
        raise RuntimeError(f"Airflow was not healthy in {START_SECONDS} s: {health}; its logs are in {self.home}")

    def check_alive(self) -> None:
        """Raises RuntimeError with the end of its log if a component has ended."""
        for service in self._services.values():
            service.check_alive()

    def start(self) -> None:
        """Migrates, starts and waits until all of it is healthy."""
        try:
            self.stop_leftovers()
            self.begin_migration()
            self.finish_migration()
            self.spawn()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends all components and their tasks. Does nothing when they don't run."""
        self.api.close()
        # The API server last: what the tasks have to report on their way out goes through it.
        server = [self._services.pop("api-server")] if "api-server" in self._services else []
        processes.stop(self._services.values(), TASKS_STOP_SECONDS)
        processes.stop(server, SERVER_STOP_SECONDS)
        self._services.clear()
        # One whose start was interrupted is in no list.
        processes.stop_leftovers(self.home, 0)

    def run_command(self, *arguments: str) -> str:
        """The output of an `airflow` command. CalledProcessError, with the output, if it fails."""
        return subprocess.run(
            self._command(*arguments),
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def _more_arguments(self, component: str) -> list[str]:
        if component == "api-server" and "scheduler" not in self.components:
            # Without the API of tasks, which takes a fifth of its start.
            return ["--apps", "core"]
        return []

    def _command(self, *arguments: str) -> list[str]:
        return [str(self.python), "-c", STARTER, *arguments]

    @property
    def _migrated(self) -> Path:
        return self.home / "migrated"

    @property
    def _passwords_file(self) -> Path:
        return self.home / "passwords.json"

    def _load_port(self, preferred: int) -> int:
        file = self.home / "port"
        port = free_port(int(file.read_text()) if file.exists() else preferred)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(port))
        return port

    def _load_passwords(self, users: Mapping[str, str]) -> dict[str, str]:
        passwords = {name: secrets.token_urlsafe(9) for name in users}
        return _remember(self._passwords_file, passwords)

    def _load_secrets(self) -> dict[str, str]:
        # Given to all components at once: otherwise the first one to start writes a configuration file with its own.
        fresh = {
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        }
        return _remember(self.home / "secrets.json", fresh)


def migrating_versions() -> str:
    """Names and versions of what is installed here and decides what the metadata database is, a line each.

    Each provider may have tables of its own.
    """
    deciding = ("apache_airflow", "alembic-", "sqlalchemy-")
    installed = (path.stem for path in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
    return "\n".join(sorted(name for name in installed if name.startswith(deciding)))


def _remember(path: Path, fresh: dict[str, str]) -> dict[str, str]:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(fresh))
    kept: dict[str, str] = json.loads(path.read_text())
    return kept
