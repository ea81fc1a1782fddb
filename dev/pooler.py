"""A pgbouncer on a loopback port, in transaction mode: each transaction may go by another session of Postgres."""

import os
import pwd
import shutil
import time
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from dev import processes, tools
from dev.ports import LOOPBACK, free_port, is_free

PREFERRED_PORT = 6432
START_SECONDS = 15
STOP_SECONDS = 5
# It refuses to run as root.
_USER = "nobody"


class LocalPooler:
    """A pool of sessions with one server, for all its databases."""

    def __init__(self, directory: Path, server_url: str, sessions: int = 3) -> None:
        """Everything that it writes goes under `directory`. Nothing is started yet."""
        self.directory = directory.resolve()
        self.port = free_port(PREFERRED_PORT)
        self._server = urlsplit(server_url)
        self._sessions = sessions
        self._service: processes.Service | None = None

    def __enter__(self) -> Self:
        executable = tools.path("pooler")
        self.directory.mkdir(parents=True, exist_ok=True)
        processes.stop_leftovers(self.directory, STOP_SECONDS)
        config = self.directory / "pgbouncer.ini"
        config.touch(mode=0o600)
        server = self._server
        config.write_text(
            "[databases]\n"
            f"* = host={server.hostname} port={server.port} user={server.username} password={server.password}\n"
            "[pgbouncer]\n"
            f"listen_addr = {LOOPBACK}\nlisten_port = {self.port}\nunix_socket_dir =\n"
            # Whoever reaches it is the user of the server: it is for tests, for as long as one takes.
            "auth_type = any\npool_mode = transaction\nserver_round_robin = 1\n"
            f"default_pool_size = {self._sessions}\nmin_pool_size = {self._sessions}\n"
        )
        command = [str(executable), str(config)]
        if os.geteuid() == 0:
            shutil.chown(config, _USER)
            # Temporary folders are for their owner alone.
            os.chown(self.directory, pwd.getpwnam(_USER).pw_uid, -1)
            command[1:1] = ["-u", _USER]
        self._service = processes.spawn("pgbouncer", command, {}, self.directory / "pgbouncer.log", self.directory)
        deadline = time.monotonic() + START_SECONDS
        while is_free(self.port):
            self._service.check_alive()
            if time.monotonic() > deadline:
                raise RuntimeError(f"pgbouncer was not there in {START_SECONDS} s:\n{self._service.log_tail()}")
            time.sleep(processes.POLL_SECONDS)
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._service:
            processes.stop([self._service], STOP_SECONDS)

    def url(self, database: str) -> str:
        """The libpq URI of one of the server's databases."""
        return f"postgresql://{self._server.username}@{LOOPBACK}:{self.port}/{database}"
