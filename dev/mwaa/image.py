"""A Python environment with the packages of an image of Amazon MWAA, and this package's wheel in it."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dev.airflow import REPOSITORY
from dev.matrix import PINS, interpreter

PYTHON = "3.12"
# What both images have and this package works with.
HAS = (
    "apache-airflow", "apache-airflow-providers-amazon", "apache-airflow-providers-celery",
    "apache-airflow-providers-fab", "apache-airflow-providers-http", "apache-airflow-providers-postgres",
    "apache-airflow-providers-smtp", "celery[sqs]", "psycopg2-binary",
)  # fmt: skip
# The last image that lacks it is that of 3.2.1.
PSYCOPG = ("psycopg", "psycopg-binary")
# The section of the pins with what the image lacks and this package needs.
_ADDED = re.compile(r"^# What this package adds to the image\.\n(.*?)\n\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Image:
    """An image by Airflow's version, such as ``3.3.1``; `folder` is of its environment and of the wheels."""

    version: str
    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.folder / "venv" / "bin" / "python"

    @property
    def pins(self) -> Path:
        """The constraints that MWAA applies."""
        return PINS / f"mwaa-{self.version}.txt"

    def make(self) -> list[str]:
        """Make the environment, and install the wheel as docs/mwaa.md says: from a folder, without an index.

        :returns: what the installation added or changed, as `name==version`.
        :raises CalledProcessError: the wheel or what it needs can't be installed under the constraints.
        """
        uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        if uv is None:
            raise RuntimeError("uv is missing; `make test` puts it into .venv")
        if not self.python.exists():
            _run(uv, "venv", "--quiet", "--python", interpreter(PYTHON), str(self.folder / "venv"))
        has = HAS if "psycopg" in self.added() else (*HAS, *PSYCOPG)
        install = [uv, "pip", "install", "--quiet", "--python", str(self.python), "--constraint", str(self.pins)]
        _run(*install, "--compile-bytecode", *has)
        _run(uv, "pip", "uninstall", "--quiet", "--python", str(self.python), "airflow-ses-bounces", *self.added())
        before = self._installed(uv)
        wheels = self.folder / "wheels"
        shutil.rmtree(wheels, ignore_errors=True)
        _run(uv, "build", "--quiet", "--wheel", "--out-dir", str(wheels))
        added = [f"{name}=={version}" for name, version in self.added().items()]
        _run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
             "--python-version", PYTHON, "--dest", str(wheels), *added)  # fmt: skip
        _run(*install, "--no-index", "--find-links", str(wheels), "airflow-ses-bounces", *self.added())
        return sorted(self._installed(uv) - before)

    def added(self) -> dict[str, str]:
        """Return what the package adds to the image, with the version of each."""
        found = _ADDED.search(self.pins.read_text(encoding="utf-8"))
        assert found, self.pins
        return {name: version for name, _, version in (line.partition("==") for line in found[1].splitlines())}

    def _installed(self, uv: str) -> set[str]:
        done = subprocess.run(
            [uv, "pip", "freeze", "--python", str(self.python)], check=True, capture_output=True, text=True
        )
        return {re.sub(r" @ .*/", " from ", line) for line in done.stdout.splitlines()}


def _run(*command: str) -> None:
    subprocess.run(command, cwd=REPOSITORY, check=True)
