"""Runs a command that ends with whoever started it, even if that is killed: `python3 dev/tied.py COMMAND…`.

It needs nothing but the standard library, of any Python from 3.6: `make test` checks with it, before it starts tests.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(command):
    """Become the command, which gets SIGTERM when our parent ends."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the process that started this one has ended")
    os.execvp(command[0], command)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
