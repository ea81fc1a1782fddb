"""A machine that can have no browser and no pooler: a sentence for each before the first test, and a failure."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Where Playwright has put its browser, its Node.js may lack a library of the system.
SENTENCE = re.compile(
    r"The browser tests need (a browser, which can't be set up \(there is no chromium, |Playwright's Node)"
)


@pytest.fixture
def refusing(tmp_path: Path) -> dict[str, str]:
    """An environment with no browser, no apt and a server of downloads that nobody runs."""
    return {
        **os.environ,
        "PATH": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "browsers"),
        "PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:1",
    }


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_make_test_says_so_in_a_line_for_each(refusing: dict[str, str]) -> None:
    done = run(refusing, "dev.tools")
    assert done.returncode == 1
    line, of_the_pooler = done.stderr.splitlines()
    assert of_the_pooler.startswith("The tests of Postgres behind a pooler need a pgbouncer, which can't be set up (")
    assert of_the_pooler.endswith("; install it: pgbouncer, with the package manager of this system")
    assert SENTENCE.match(line)
    # Where the system lacks a library of Playwright's Node.js, nothing is downloaded.
    assert "ECONNREFUSED" in line or "package libatomic1: apt-get is missing" in line
    assert "apt-get is missing" in line
    assert line.endswith("; install it: chromium and libatomic1, with the package manager of this system")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["in one process", "in two"])
def test_pytest_runs_no_test(refusing: dict[str, str], workers: tuple[str, ...]) -> None:
    done = run(refusing, "pytest", "-q", *workers, "tests/unit/classify/test_address.py", "tests/browser/test_look.py")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout
    assert len(SENTENCE.findall(done.stdout)) == 1
    assert "no tests ran" in done.stdout
    assert "passed" not in done.stdout


def test_tests_that_need_no_browser_run(refusing: dict[str, str]) -> None:
    done = run(refusing, "pytest", "-q", "tests/unit/actions/test_pasted.py")
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
