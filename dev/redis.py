"""A Redis, or a Valkey, on a loopback port, with a password: the broker of Celery."""

import secrets
import time
from pathlib import Path
from typing import Self

from dev import processes, tools
from dev.ports import LOOPBACK, free_port, is_free

PREFERRED_PORT = 6379
START_SECONDS = 15
STOP_SECONDS = 5


class LocalRedis:
    """A broker that forgets everything when it ends."""

    def __init__(self, directory: Path) -> None:
        """Everything that it writes goes under `directory`. Nothing is started yet."""
        self.directory = directory.resolve()
        self.port = free_port(PREFERRED_PORT)
        # Whoever may write to the broker may run tasks.
        self._password = secrets.token_hex(16)
        self._service: processes.Service | None = None

    def __enter__(self) -> Self:
        executable = tools.path("broker")
        self.directory.mkdir(parents=True, exist_ok=True)
        processes.stop_leftovers(self.directory, STOP_SECONDS)
        config = self.directory / "redis.conf"
        # In a file: a list of processes shows arguments. A title would overwrite the mark by which leftovers are found.
        config.touch(mode=0o600)
        config.write_text(
            f"bind {LOOPBACK}\nport {self.port}\nrequirepass {self._password}\nset-proc-title no\n"
            f'dir {self.directory}\nsave ""\nappendonly no\n'
        )
        command = [str(executable), str(config)]
        self._service = processes.spawn("Redis", command, {}, self.directory / "redis.log", self.directory)
        deadline = time.monotonic() + START_SECONDS
        while is_free(self.port):
            self._service.check_alive()
            if time.monotonic() > deadline:
                raise RuntimeError(f"Redis was not there in {START_SECONDS} s:\n{self._service.log_tail()}")
            time.sleep(processes.POLL_SECONDS)
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._service:
            processes.stop([self._service], STOP_SECONDS)

    @property
    def url(self) -> str:
        """Where Celery finds it."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"
