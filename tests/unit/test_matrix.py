"""What ``make matrix`` runs is there, and its pins are of what they say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dev import matrix, servers

ROOT = Path(__file__).resolve().parents[2]
MWAA = ("3.2.1", "3.3.1")


def pins(name: str) -> dict[str, str]:
    """Package and version of each line of a file of pins."""
    lines = (matrix.PINS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = [line.partition("==") for line in lines if line and not line.startswith("#")]
    named = {canonicalize_name(package): version for package, _, version in found}
    assert len(named) == len(found), "a package is pinned twice"
    return named


def needed() -> list[Requirement]:
    """What the project asks for, its extra included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(text) for text in (*project["dependencies"], *project["optional-dependencies"]["s3"])]


@pytest.mark.parametrize("version", MWAA)
def test_the_project_admits_the_pins_of_an_image(version: str) -> None:
    found = pins(f"mwaa-{version}")
    assert found["apache-airflow"] == found["apache-airflow-core"] == version
    refused = [str(one) for one in needed() if not one.specifier.contains(found[canonicalize_name(one.name)])]
    assert refused == []


def test_the_lowest_airflow_is_one_of_the_oldest_minor_version_that_the_docs_name() -> None:
    [airflow] = [one for one in needed() if one.name == "apache-airflow"]
    oldest = str(airflow.specifier).removeprefix(">=")
    for page in ("README.md", "docs/install.md", "docs/setup.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert re.findall(r"You need Airflow (\S+)\s+or\s+later", text) == [oldest], page


def test_every_test_that_it_names_is_there() -> None:
    named = [test for environment in matrix.ENVIRONMENTS.values() for test in environment.tests]
    named += [test for tests in matrix.QUICK.values() for test in tests]
    for test in named:
        path, _, function = test.partition("::")
        assert (ROOT / path).exists(), test
        assert not function or f"def {function}(" in (ROOT / path).read_text(encoding="utf-8"), test


def test_the_quick_part_is_of_the_oldest() -> None:
    assert set(matrix.QUICK) == {"lowest", f"postgres-{min(servers.PACKAGED)}"}


def test_every_server_is_in_the_matrix() -> None:
    majors = {one.postgres for one in matrix.ENVIRONMENTS.values() if one.postgres}
    assert majors == set(servers.PACKAGED) == set(range(14, 19))
    for major, version in servers.PACKAGED.items():
        assert version.startswith(f"{major}.")


@pytest.mark.parametrize("value", ["13", "fourteen", "14.2", "-14"])
def test_a_server_that_is_not_there_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(servers.VARIABLE, value)
    with pytest.raises(ValueError, match=f"POSTGRES_MAJOR is '{value}'; it must be one of 14, 15, 16, 17, 18"):
        servers.wanted()


def test_without_a_wish_the_server_is_the_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(servers.VARIABLE, raising=False)
    assert servers.wanted() is None
    monkeypatch.setenv(servers.VARIABLE, "16")
    assert servers.wanted() == 16


def test_the_page_has_every_environment() -> None:
    text = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8").partition("Each environment runs")[0]
    rows = re.findall(r"^\| (`.+?`) \| (\S.*?) \|", text, re.MULTILINE)
    airflow = {name: version for names, version in rows for name in re.findall(r"`([^`]+)`", names)}
    assert list(airflow) == list(matrix.ENVIRONMENTS)
    for name, environment in matrix.ENVIRONMENTS.items():
        if environment.airflow or environment.pins:
            assert airflow[name] == (environment.airflow or pins(environment.pins or "")["apache-airflow"]), name
