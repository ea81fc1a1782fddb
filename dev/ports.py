"""TCP ports on the loopback interface."""

import random
import socket
import sys

LOOPBACK = "127.0.0.1"
# Below those that systems give to outgoing connections: none of these takes a port that was found free.
CHOICE = range(20_000, 32_000)

_claims: dict[int, socket.socket | None] = {}


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set this as well; without it a port that was closed a minute ago would count as busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError):
            return False
    return True


def free_port(preferred: int | None = None) -> int:
    """A port that nobody listens on: the preferred one if it is free, else any.

    No other process gets it from here until this one has ended, so that several may start servers at once.
    """
    if preferred and is_free(preferred) and _claim(preferred):
        return preferred
    while True:
        port = random.choice(CHOICE)
        if port not in _claims and is_free(port) and _claim(port):
            return port


def _claim(port: int) -> bool:
    """Whether the port is this process's."""
    if port in _claims:
        return True
    claim = None
    if sys.platform == "linux":
        # A name that only one process has, and that goes with it.
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0ses-bounces-port-{port}")
        except OSError:
            claim.close()
            return False
    _claims[port] = claim
    return True
