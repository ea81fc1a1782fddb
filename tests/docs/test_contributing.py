"""What a developer is told holds: the hooks are the checks of the CI, the paths lead through files that are there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.docs.blocks import ROOT
from tests.docs.commands import make_commands

CONFIG = ROOT / ".pre-commit-config.yaml"
CHANGELOG = ROOT / "CHANGELOG.md"
HEADINGS = ("Breaking", "Added", "Changed", "Fixed", "Removed", "Security", "Deprecated")


def test_the_hook_is_what_contributing_recommends() -> None:
    repositories = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["repos"]
    # Nothing is fetched from elsewhere.
    assert [repository["repo"] for repository in repositories] == ["local"]
    hooks = repositories[0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert [hook["entry"] for hook in hooks] == ["make check"]
    assert "make check" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    # Lint comes before them.
    ((*_, unit, docs),) = make_commands("check")
    assert (unit, docs) == ("tests/unit", "tests/docs")


def test_the_ci_does_nothing_but_make() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]
    made = ["make test", "make matrix ARGS=--quick"]
    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', *made]
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert all(f"`{command}`" in text for command in made)


def test_pre_commit_accepts_the_file() -> None:
    command = [str(Path(sys.executable).parent / "pre-commit"), "validate-config", str(CONFIG)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_changelog_begins_with_what_comes_and_names_the_schema_of_each_version() -> None:
    text = CHANGELOG.read_text(encoding="utf-8")
    versions = re.findall(r"^## \[([^\]]+)\]", text, re.MULTILINE)
    assert versions[0] == "Unreleased"
    assert "0.1.0" in versions
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        assert re.search(r"[Ss]chema revision \d", part), part.splitlines()[0]
    assert set(re.findall(r"^### (\w+)", text, re.MULTILINE)) <= set(HEADINGS)
