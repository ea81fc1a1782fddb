"""The shell command ``ses-bounces``; see docs/shell.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    :returns: the exit status: 0 done, 1 not done (a sentence on stderr says why), 2 wrong usage, 3 done and the answer
        is for a person to look at, 130 interrupted.
    """
    from ses_bounces.shell.command import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
