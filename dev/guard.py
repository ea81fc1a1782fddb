"""Waits until a launcher ends, or the `make` that started it, and then ends all that is left: see `dev.launcher`.

`python -m dev.guard FOLDER LAUNCHER ANCESTOR…`, the last three as `dev.launcher.Identity`.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from dev import ending, launcher
from dev.launcher import Identity

POLL_SECONDS = 0.1
# `make run` ends its parts in order meanwhile; tests end at once.
LAUNCHER_SECONDS = 4.0


def main(folder: Path, me: Identity, ancestors: list[Identity]) -> None:
    """Returns when nothing of the launcher is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # The repository may go meanwhile.
    os.chdir("/")
    while me.is_alive and all(ancestor.is_alive for ancestor in ancestors):
        time.sleep(POLL_SECONDS)
    ending.end(lambda: _running(me), LAUNCHER_SECONDS)
    launcher.clean_up(me, folder)


def _running(identity: Identity) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(identity.pid)
        return [process] if identity.is_alive else []
    return []


if __name__ == "__main__":
    identities = [found for text in sys.argv[2:] if (found := Identity.parse(text))]
    main(Path(sys.argv[1]), identities[0], identities[1:])
