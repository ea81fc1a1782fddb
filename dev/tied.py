"""Runs a command that ends with the process that started it, even if that is killed.

`exec python3 dev/tied.py $PPID COMMAND…` in a recipe of the Makefile: what make runs ends with make. It needs nothing
but the standard library, of any Python from 3.6.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent, command):
    """Become the command, which gets SIGTERM when the parent ends; end if it has ended already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(f"process {parent}, which started this one, has ended")
    os.execvp(command[0], command)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(int(sys.argv[1]), sys.argv[2:])
