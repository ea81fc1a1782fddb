"""Programs that a benchmark compares with or needs, which the project doesn't: uv makes an environment for each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def uv() -> str:
    """Return the path of uv.

    :raises RuntimeError: when it is not installed.
    """
    found = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise RuntimeError("uv is missing, which makes environments for what is compared: pip install uv")
    return found


def environment() -> dict[str, str]:
    """Return this process's environment without its Python's packages."""
    return {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}


def output(command: list[str], cwd: Path = REPOSITORY) -> str:
    """Run a command and return what it printed.

    :raises RuntimeError: when it failed, with what it said.
    """
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
