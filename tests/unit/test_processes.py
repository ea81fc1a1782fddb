"""Which part of the package each program imports, at its start and later: docs/processes.md."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.unit.dags.test_preload import JOB, PARSER, SCHEDULER, TASK, TRIGGERER, modules_imported
from tests.unit.test_architecture import PACKAGE, imports, modules, room

ROOT = Path(__file__).resolve().parents[2]
PARSE = f"""
import runpy
from pathlib import Path
for path in Path({str(ROOT / "dags")!r}).glob("*.py"):
    runpy.run_path(str(path))
"""
APP = "from ses_bounces.plugin import SesBouncesPlugin\nassert SesBouncesPlugin().fastapi_apps"
SHELL = "from ses_bounces.__main__ import main\nimport contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()):\n    main(['--help'])"
MAILER = "import ses_bounces.mailer"
OURS = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"


def started(code: str) -> set[str]:
    """The modules that a program of its own has imported by its end."""
    done = subprocess.run([sys.executable, "-c", code + OURS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return set(json.loads(done.stdout.splitlines()[-1]))


def at_the_start(program: str, tmp_path: Path) -> set[str]:
    """The modules that one of the programs of the page imports when it starts."""
    commands = {
        "DAG processor": (PARSER, JOB + PARSE, "LocalExecutor"),
        "scheduler": (SCHEDULER, JOB, "LocalExecutor"),
        "triggerer": (TRIGGERER, JOB, "LocalExecutor"),
        "worker, for each task": (SCHEDULER, TASK + PARSE, "LocalExecutor"),
    }
    if case := commands.get(program):
        return modules_imported([case], tmp_path)[case]
    return started({"API server": APP, "`ses-bounces`": SHELL, "a mailer": MAILER}[program])


def reached(files: Iterable[str]) -> set[str]:
    """The files that these may import by any import that is written in them, and so on."""
    arrows = imports()
    found = set(files)
    todo = list(found)
    while todo:
        one = todo.pop()
        new = {other for importer, other in arrows if importer == one} - found
        found |= new
        todo += new
    return found


# What works on when a program has started; of the others nothing is called but what Airflow's listener is.
WORKING = {
    "worker, for each task": ("dags/tasks/",),
    "API server": ("web/",),
    "`ses-bounces`": ("shell/",),
    "a mailer": ("mailer.py",),
}


def rows() -> dict[str, tuple[set[str], set[str]]]:
    """The table of the page: by program, what it imports at its start and what later."""
    page = (ROOT / "docs" / "processes.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| .+ \|$", page, re.MULTILINE)[1:]
    return {
        program: (set(re.findall(r"`(\S+?)`", start)), set(re.findall(r"`(\S+?)`", later)))
        for program, start, later in table
    }


def rooms(names: Iterable[str]) -> set[str]:
    """The folders, or files, at the top of the package that some of its modules are in."""
    files = modules()
    return {room(files[name]) for name in names if name in files} - {"__init__.py"}


@pytest.mark.parametrize("program", rows())
def test_the_page_says_what_a_program_imports(program: str, tmp_path: Path) -> None:
    start, later = rows()[program]
    assert rooms(at_the_start(program, tmp_path)) == start
    working = [file for file in modules().values() if file.startswith(WORKING.get(program, ("nothing",)))]
    assert {room(file) for file in reached(working)} - {"__init__.py"} - start == later


def test_every_program_is_there() -> None:
    assert {"DAG processor", "scheduler", "triggerer"} | set(WORKING) == set(rows())
    assert all((PACKAGE / name).exists() for start, later in rows().values() for name in start | later)


def test_a_mailer_loads_little() -> None:
    found = started(MAILER)
    assert {name for name in found if name.split(".")[0] == "ses_bounces"} == {
        "ses_bounces",
        "ses_bounces.base",
        "ses_bounces.base.database",
        "ses_bounces.base.database.statements",
        "ses_bounces.classify",
        "ses_bounces.classify.address",
        "ses_bounces.mailer",
    }
    assert found.isdisjoint({"airflow", "boto3", "fastapi", "psycopg", "sqlalchemy"})
