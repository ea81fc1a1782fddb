"""Wall time, and CPU time of this process and of a Postgres backend."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Seconds."""

    wall: float
    own_cpu: float
    backend_cpu: float = 0.0


class Stopwatch:
    """Started when made; :meth:`cost` tells what was spent since."""

    def __init__(self, backend_pid: int | None = None) -> None:
        self._pid = backend_pid
        self._began = self._now()

    def cost(self) -> Cost:
        """Return the seconds spent since the start."""
        wall, own, backend = self._now()
        return Cost(wall - self._began[0], own - self._began[1], backend - self._began[2])

    def _now(self) -> tuple[float, float, float]:
        return time.perf_counter(), time.process_time(), _cpu_of(self._pid) if self._pid else 0.0


def _cpu_of(pid: int) -> float:
    # In nanoseconds; the ticks of /proc/…/stat are longer than most queries.
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
