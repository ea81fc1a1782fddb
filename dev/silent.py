"""Servers that are there and never answer: what a page or a task meets when a host, a network or a disk is gone."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from dev.ports import LOOPBACK
from dev.postgres import EmbeddedPostgres

# A connection that is taken is there within less.
_TAKEN_SECONDS = 0.2


@contextmanager
def full_backlog() -> Iterator[int]:
    """Listen on a port whose queue of connections is full: what connects now waits, as for a host that is gone.

    Gives the port.
    """
    with socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        listening.listen(0)
        address = listening.getsockname()
        waiting = []
        try:
            while True:
                waiting.append(socket.socket())
                waiting[-1].settimeout(_TAKEN_SECONDS)
                try:
                    waiting[-1].connect(address)
                except TimeoutError:
                    break
            yield address[1]
        finally:
            for opened in waiting:
                opened.close()


@contextmanager
def never_answering() -> Iterator[int]:
    """Listen on a port, take every connection and say nothing on it, as a process that hangs. Gives the port."""
    taken: list[socket.socket] = []

    def take(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                taken.append(listening.accept()[0])

    with socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        listening.listen(512)
        taking = threading.Thread(target=take, args=[listening], daemon=True)
        taking.start()
        try:
            yield listening.getsockname()[1]
        finally:
            # Closing alone does not end an accept() that waits.
            listening.shutdown(socket.SHUT_RDWR)
            taking.join()
            for opened in taken:
                opened.close()


@contextmanager
def frozen(postgres: EmbeddedPostgres) -> Iterator[None]:
    """Stop a server's processes where they are, as a disk that hangs would; they go on at the end."""
    assert postgres.pid is not None
    postmaster = psutil.Process(postgres.pid)
    stopped = []
    for process in (postmaster, *postmaster.children()):
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGSTOP)
            stopped.append(process.pid)
    try:
        yield
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
