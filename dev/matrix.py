"""Runs unit and integration tests and a whole run of the DAG with each version that is supported.

`python -m dev.matrix` runs all of it, `python -m dev.matrix lowest 3.13` some; what follows `--` goes to pytest:
`python -m dev.matrix newest -- tests/unit -x`. uv fetches a Python that is neither on the PATH nor one of pyenv's.
One after the other: each is a virtual environment of its own under .run/matrix, kept for the next time.
`python -m dev.matrix --quick` is what CI runs of it: the oldest versions, in a few minutes.
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
from dev.servers import VARIABLE as POSTGRES_VARIABLE

FOLDER = REPOSITORY / ".run" / "matrix"
PINS = REPOSITORY / "dev" / "pins"
UNIT, INTEGRATION, END_TO_END = "tests/unit", "tests/integration", "tests/e2e/test_hourly_dag.py"
AMAZON = "apache-airflow-providers-amazon"


@dataclass(frozen=True)
class Environment:
    """A Python, and which versions of the dependencies and of Postgres.

    :param python: its version; none: that of this interpreter.
    :param resolution: what uv resolves to; none: what is pinned.
    :param pins: of which file the versions are, in dev/pins; none: those of constraints.txt.
    :param airflow: a version of Airflow that the resolution has to keep to.
    :param postgres: the major version of a server; none: that of the wheel.
    :param tests: what pytest runs.
    """

    python: str = ""
    resolution: str | None = None
    pins: str | None = None
    airflow: str | None = None
    postgres: int | None = None
    tests: tuple[str, ...] = (UNIT, INTEGRATION, END_TO_END)


ENVIRONMENTS = {
    "3.11": Environment("3.11"),
    "3.12": Environment("3.12"),
    "3.13": Environment("3.13"),
    # The lowest version that pyproject.toml admits of what it names: Airflow 3.2.0.
    "lowest": Environment("3.11", "lowest-direct"),
    "mwaa-3.2.1": Environment("3.12", pins="mwaa-3.2.1"),
    "airflow-3.3.0": Environment("3.12", "highest", airflow="3.3.0"),
    "mwaa-3.3.1": Environment("3.12", pins="mwaa-3.3.1"),
    "newest": Environment("3.13", "highest"),
} | {f"postgres-{major}": Environment(postgres=major, tests=(INTEGRATION,)) for major in (14, 15, 16, 17, 18)}

# What depends on Airflow's version, and what makes use of Postgres as hardly anything else does.
QUICK = {
    "lowest": (
        "tests/unit/dags",
        "tests/unit/web/test_page_rights.py",
        "tests/unit/web/test_own_threads.py",
        "tests/integration/base/test_metrics.py",
        "tests/integration/dags",
        f"{END_TO_END}::test_the_sample_leads_to_what_it_must",
        f"{END_TO_END}::test_a_second_run_changes_nothing",
    ),
    "postgres-14": (
        "tests/integration/base/test_schema.py",
        "tests/integration/feed/test_drain.py",
    ),
}


def main(arguments: list[str]) -> int:
    """Runs what is named, or all; 0 if all of it passed."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    names, pytest = arguments[:at], arguments[at + 1 :]
    chosen = QUICK if names == ["--quick"] else {name: tuple(pytest) for name in names or ENVIRONMENTS}
    if unknown := [name for name in chosen if name not in ENVIRONMENTS]:
        sys.exit(f"There is no environment {', '.join(unknown)}; there are: {', '.join(ENVIRONMENTS)}")
    launcher.watch()
    results = {}
    for name, tests in chosen.items():
        print(f"== {name}: {ENVIRONMENTS[name]}", flush=True)
        began = time.monotonic()
        status = run(name, tests or ENVIRONMENTS[name].tests)
        results[name] = f"{'passed' if status == 0 else f'failed ({status})':12} {time.monotonic() - began:6.0f} s"
    print("\n".join(f"{name:14} {result}" for name, result in results.items()))
    return int(not all(result.startswith("passed") for result in results.values()))


def run(name: str, pytest: tuple[str, ...]) -> int:
    """Makes the environment, and runs the tests in it; returns the status of pytest, or of what failed before it."""
    environment = ENVIRONMENTS[name]
    own = {key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")}
    python, commands = FOLDER / name / "bin" / "python", install(name, FOLDER / name / "bin" / "python")
    if environment.postgres:
        # Only the server differs: this interpreter has the packages of constraints.txt.
        python, commands = Path(sys.executable), iter(())
        own[POSTGRES_VARIABLE] = str(environment.postgres)
    for command in chain(commands, [[str(python), "-m", "pytest", "-q", *pytest]]):
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
        yield [uv, "venv", "--quiet", "--python", interpreter(environment.python), str(python.parents[1])]
    pins, override = REPOSITORY / "constraints.txt", []
    if environment.pins is not None:
        pins = PINS / f"{environment.pins}.txt"
        override = _overriding(f"{name}_tests", _botocore(pins))
    if environment.resolution is not None:
        pins = FOLDER / f"{name}.txt"
        lowest = _lowest_amazon() if environment.resolution.startswith("lowest") else []
        airflow = [f"apache-airflow=={environment.airflow}"] if environment.airflow else []
        # The project's own dependencies: the lowest pytest is nobody's concern.
        yield [uv, "pip", "compile", "--quiet", "pyproject.toml", "--python-version", environment.python,
               "--all-extras", "--resolution", environment.resolution, "--no-header", "--no-annotate", "--upgrade",
               *_overriding(f"{name}_project", lowest + airflow), "--output-file", str(pins)]  # fmt: skip
        override = _overriding(f"{name}_tests", lowest + _botocore(pins))
    yield [uv, "pip", "install", "--quiet", "--python", str(python), "--compile-bytecode", "--constraint", str(pins),
           *override, "--editable", ".", "--group", "test"]  # fmt: skip


def interpreter(version: str) -> str:
    """One of pyenv's, whose command on the PATH may name none; else the version, for uv to find or fetch."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted((root / "versions").glob(f"{version}.*/bin/python{version}"))
    return str(found[-1]) if found else version


def _botocore(pins: Path) -> list[str]:
    """The emulator asks for one botocore, and works with others as well."""
    return [line for line in pins.read_text(encoding="utf-8").splitlines() if line.startswith("botocore==")]


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
