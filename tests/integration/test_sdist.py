"""The source distribution holds what its tests need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from dev.airflow import REPOSITORY

# What git keeps and a source distribution does not need.
LEFT_OUT = {".gitignore"}


def test_its_tests_run_from_it(tmp_path: Path) -> None:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert uv, "uv is not installed; dev/environment.py does it"
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    checkout = tmp_path / "checkout"
    for name in tracked.split("\n"):
        if name and (REPOSITORY / name).exists():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / name, checkout / name)
    subprocess.run([uv, "build", "--quiet", "--sdist", "--out-dir", tmp_path, checkout], check=True)
    [packed] = tmp_path.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        # Made a moment ago, by us; the first releases of Python 3.11 know no filter.
        archive.extractall(tmp_path)
    unpacked = tmp_path / packed.name.removesuffix(".tar.gz")
    there = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert {name for name in tracked.split() if (REPOSITORY / name).exists()} - there <= LEFT_OUT

    # The package of this environment is another checkout's: the unpacked one comes first.
    environment = os.environ | {"PYTHONPATH": str(unpacked / "plugins")}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    for arguments in (["--collect-only"], ["tests/unit/test_architecture.py"]):
        run = [*command, *arguments]
        done = subprocess.run(run, cwd=unpacked, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]
