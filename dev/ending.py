"""Ends processes: asks them first, and kills those that are left."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

POLL_SECONDS = 0.02

Find = Callable[[], list[psutil.Process]]


def end(find: Find, patience_seconds: float) -> None:
    """Asks the processes that `find` returns to end, waits for that, and kills the rest and those that it returns then.

    One that is left may not be found again: what told whose it is may have ended.
    """
    processes = find()
    pids = {process.pid for process in processes}
    for process in processes:
        with suppress(ProcessLookupError, psutil.Error):
            _ask(process, pids)
    _wait(processes, patience_seconds)
    kill(lambda: [*filter(is_running, processes), *find()])


def kill(find: Find) -> None:
    """Kills the processes that `find` returns until it returns none: one may fork while we look."""
    while left := find():
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        _wait(left, 1)


def is_running(process: psutil.Process) -> bool:
    """Whether the process is alive; a zombie, which only waits for its parent, is not."""
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _wait(processes: list[psutil.Process], seconds: float) -> None:
    # Not with psutil, for which a zombie is alive: where nobody takes care of orphans they stay zombies for long.
    deadline = time.monotonic() + seconds
    while any(map(is_running, processes)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _ask(process: psutil.Process, pids: set[int]) -> None:
    # A service ends its own workers, which hold locks that it needs for that: only the head of a group is asked.
    group = os.getpgid(process.pid)
    if group != process.pid and group in pids:
        return
    if process.name() != "postgres":
        process.terminate()
        return
    # SIGTERM would wait for all clients. Each session leads a group of its own; the server ends its sessions.
    parent = process.parent()
    if parent is None or parent.name() != "postgres":
        process.send_signal(signal.SIGQUIT)
