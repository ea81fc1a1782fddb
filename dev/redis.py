"""Debian's redis-server on a loopback port, without a file: the broker of Celery."""

import shutil
import time
from pathlib import Path
from typing import Self

from dev import processes
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
        self._service: processes.Service | None = None

    def __enter__(self) -> Self:
        executable = shutil.which("redis-server")
        if executable is None:
            raise RuntimeError("redis-server is missing; on Debian and Ubuntu: apt-get install redis-server")
        self.directory.mkdir(parents=True, exist_ok=True)
        processes.stop_leftovers(self.directory, STOP_SECONDS)
        options = {"port": self.port, "bind": LOOPBACK, "dir": self.directory, "save": "", "appendonly": "no"}
        command = [executable, *(word for name, value in options.items() for word in (f"--{name}", str(value)))]
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
        return f"redis://{LOOPBACK}:{self.port}/0"
