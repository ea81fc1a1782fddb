"""Runs unit and integration tests with each supported Python, and with the lowest and newest versions of everything.

`python -m dev.matrix` runs all of it, `python -m dev.matrix lowest 3.13` some; what follows `--` goes to pytest:
`python -m dev.matrix newest -- tests/unit -x`. uv fetches a Python that is not there. One after the other: each is a
virtual environment of its own under .run/matrix, kept for the next time.
"""

import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from dev import launcher
from dev.airflow import REPOSITORY

FOLDER = REPOSITORY / ".run" / "matrix"
TESTS = ["tests/unit", "tests/integration"]
AMAZON = "apache-airflow-providers-amazon"


@dataclass(frozen=True)
class Environment:
    """A Python, and which versions of the dependencies: those of constraints.txt, or a resolution of uv's."""

    python: str
    resolution: str | None = None


ENVIRONMENTS = {
    "3.11": Environment("3.11"),
    "3.12": Environment("3.12"),
    "3.13": Environment("3.13"),
    # The lowest version that pyproject.toml admits of what it names.
    "lowest": Environment("3.11", "lowest-direct"),
    "newest": Environment("3.13", "highest"),
}


def main(arguments: list[str]) -> int:
    """Runs what is named, or all; 0 if all of it passed."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    names, pytest = arguments[:at], arguments[at + 1 :]
    if unknown := [name for name in names if name not in ENVIRONMENTS]:
        sys.exit(f"There is no environment {', '.join(unknown)}; there are: {', '.join(ENVIRONMENTS)}")
    launcher.watch()
    results = {}
    for name in names or ENVIRONMENTS:
        print(f"== {name}: {ENVIRONMENTS[name]}", flush=True)
        began = time.monotonic()
        status = run(name, pytest or TESTS)
        results[name] = f"{'passed' if status == 0 else f'failed ({status})':12} {time.monotonic() - began:6.0f} s"
    print("\n".join(f"{name:8} {result}" for name, result in results.items()))
    return int(not all(result.startswith("passed") for result in results.values()))


def run(name: str, pytest: list[str]) -> int:
    """Makes the environment, and runs the tests in it; returns the status of pytest, or of what failed before it."""
    python = FOLDER / name / "bin" / "python"
    own = {key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")}
    for command in chain(install(name, python), [[str(python), "-m", "pytest", "-q", *pytest]]):
        status = subprocess.run(command, cwd=REPOSITORY, env=own, check=False).returncode
        if status != 0:
            return status
    return 0


def install(name: str, python: Path) -> Iterator[list[str]]:
    """The commands that make an environment; each is made when those before it have run."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        sys.exit("uv is missing; `make test` puts it into .venv")
    environment = ENVIRONMENTS[name]
    if not python.exists():
        yield [uv, "venv", "--quiet", "--python", environment.python, str(python.parents[1])]
    pins, override = REPOSITORY / "constraints.txt", []
    if environment.resolution is not None:
        pins = FOLDER / f"{name}.txt"
        lowest = _lowest_amazon() if environment.resolution.startswith("lowest") else []
        # The project's own dependencies: the lowest pytest is nobody's concern.
        yield [uv, "pip", "compile", "--quiet", "pyproject.toml", "--python-version", environment.python,
               "--all-extras", "--resolution", environment.resolution, "--no-header", "--no-annotate", "--upgrade",
               *_overriding(f"{name}_project", lowest), "--output-file", str(pins)]  # fmt: skip
        # The emulator asks for one botocore, and works with others as well.
        botocore = [line for line in pins.read_text(encoding="utf-8").splitlines() if line.startswith("botocore==")]
        override = _overriding(f"{name}_tests", lowest + botocore)
    yield [uv, "pip", "install", "--quiet", "--python", str(python), "--compile-bytecode", "--constraint", str(pins),
           *override, "--editable", ".", "--group", "test"]  # fmt: skip


def _lowest_amazon() -> list[str]:
    """What the extra and the tests need of S3 would else raise the provider above what the project admits."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [lowest] = [line.partition(">=")[2] for line in project["dependencies"] if line.startswith(f"{AMAZON}>=")]
    return [f"{AMAZON}[s3fs]=={lowest}"]


def _overriding(name: str, requirements: list[str]) -> list[str]:
    if not requirements:
        return []
    path = FOLDER / f"{name}_override.txt"
    path.write_text("\n".join(requirements) + "\n", encoding="utf-8")
    return ["--override", str(path)]


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    sys.exit(main(sys.argv[1:]))
