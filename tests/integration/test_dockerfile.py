"""The Dockerfile, as far as it goes without a daemon: it parses, its files are there, and its commands run with pip."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from dockerfile_parse import DockerfileParser

from tests.docs.blocks import ROOT

WHEELS = "/tmp/wheels/"


def _parsed() -> DockerfileParser:
    # Without a file of its own it would write one beside the original.
    return DockerfileParser(path=str(ROOT / "Dockerfile"), cache_content=True)


def _instructions(name: str) -> list[str]:
    return [one["value"] for one in _parsed().structure if one["instruction"] == name]


def _defaults() -> dict[str, str]:
    return dict(value.split("=") for value in _instructions("ARG") if "=" in value)


def _copied() -> list[tuple[list[str], str]]:
    """Sources in the repository, and the target, of each COPY from there."""
    found = []
    for value in _instructions("COPY"):
        words = shlex.split(value)
        paths = [word for word in words if not word.startswith("--")]
        if not any(word.startswith("--from=") for word in words):
            found.append((paths[:-1], paths[-1]))
    assert found
    return found


def _command(word: str) -> list[str]:
    [line] = [value for value in _instructions("RUN") if value.split()[:2] == ["pip", word]]
    return shlex.split(re.sub(r"\$\{(\w+)\}", lambda name: _defaults()[name[1]], line))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first stage makes, of nothing but the files that it copies."""
    source, wheels = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    for paths, target in _copied():
        for path in paths:
            if (ROOT / path).is_dir():
                shutil.copytree(ROOT / path, source / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / path, source / target)
    command = [word.replace(WHEELS.rstrip("/"), str(wheels)) for word in _command("wheel")]
    done = subprocess.run([sys.executable, "-m", *command], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [made] = wheels.glob("*.whl")
    return made


def test_stages_are_airflow_s_image_in_one_version() -> None:
    """The version that docker-compose has, and that constraints.txt pins."""
    compose = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["x-airflow"]["image"]
    image = "apache/airflow:{AIRFLOW_VERSION}-python{PYTHON_VERSION}".format(**_defaults())
    assert image in compose
    assert f"apache-airflow=={_defaults()['AIRFLOW_VERSION']}\n" in (ROOT / "constraints.txt").read_text(
        encoding="utf-8"
    )
    stages = [value.split(" AS ")[0] for value in _instructions("FROM")]
    assert [re.sub(r"\$\{(\w+)\}", lambda name: _defaults()[name[1]], stage) for stage in stages] == [image, image]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    copied = {path.rstrip("/") for paths, _ in _copied() for path in paths}
    assert "*" in lines
    assert copied == kept
    assert all((ROOT / path).exists() for path in copied)


def test_the_wheel_is_whole(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / "plugins" / "ses_bounces"
    wanted = {
        f"ses_bounces/{path.relative_to(source)}" for path in source.rglob("*.*") if "__pycache__" not in path.parts
    }
    wanted |= {
        f"ses_bounces/sql/{path.relative_to(ROOT / 'include/sql')}" for path in (ROOT / "include/sql").rglob("*.sql")
    }
    wanted |= {f"ses_bounces/dag_files/{path.name}" for path in (ROOT / "dags").glob("*.py")}
    assert not wanted - names


def test_pip_installs_it_beside_that_airflow(wheel: Path, tmp_path: Path) -> None:
    """Nothing is downloaded: what the tests' environment has satisfies the wheel, and Airflow keeps its version."""
    report = tmp_path / "report.json"
    pattern = next(word for word in _command("install") if word.startswith(WHEELS))
    assert wheel.match(pattern.removeprefix(WHEELS))
    command = [str(wheel) if word == pattern else word for word in _command("install")]
    options = ["--dry-run", "--no-index", "--report", str(report)]
    done = subprocess.run([sys.executable, "-m", *command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed = json.loads(report.read_text(encoding="utf-8"))["install"]
    assert [one["metadata"]["name"] for one in installed] == [project["name"]]
