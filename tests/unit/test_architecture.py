"""Which folder may import which: as docs/architecture.md shows it, and as the code does it."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "plugins" / "ses_bounces"

# From the top to the ground. A file imports from its own folder and from the floors below, and from nowhere else.
FLOORS = (
    ("__main__.py", "plugin.py"),
    ("dags", "shell", "web"),
    ("actions", "doctor"),
    ("feed", "people", "report", "suppression"),
    ("ledger", "mailer.py"),
    ("base",),
    ("classify",),
)
# What the rest of the repository may import, beside itself.
OUTSIDE = {
    "tests": {"benchmarks", "dev", "ses_bounces", "tests"},
    "benchmarks": {"benchmarks", "dev", "ses_bounces"},
    "dev": {"dev", "ses_bounces"},
    "dags": {"ses_bounces"},
    "plugins": {"ses_bounces"},
}

Arrows = set[tuple[str, str]]


def modules() -> dict[str, str]:
    """The package's files, by the names of their modules."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        file = path.relative_to(PACKAGE).as_posix()
        found[f"ses_bounces/{file}".removesuffix(".py").removesuffix("/__init__").replace("/", ".")] = file
    return found


def imports() -> Arrows:
    """Each import of one file of the package by another, also those within functions and for type checkers only."""
    files = modules()
    found = set()
    for file in files.values():
        for name in imported((PACKAGE / file).read_text(encoding="utf-8")):
            module = name if name in files else name.rpartition(".")[0]
            if module in files:
                found.add((file, files[module]))
    return {(one, other) for one, other in found if one != other}


def imported(source: str) -> set[str]:
    """Every name that a source imports, with the module that it is taken from."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole module"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(file: str) -> str:
    """The folder, or the file, at the top of the package."""
    return file.split("/")[0]


def floor(file: str) -> int:
    """The place in FLOORS: the greater, the lower."""
    return next(number for number, rooms in enumerate(FLOORS) if room(file) in rooms)


def test_everything_has_its_floor() -> None:
    there = {path.name for path in PACKAGE.iterdir()} - {"__init__.py", "__pycache__", "py.typed"}
    assert there == {name for rooms in FLOORS for name in rooms}
    assert len(there) <= 15


def test_imports_lead_to_lower_floors_only() -> None:
    arrows = imports()
    assert len(arrows) > 200
    # The version, which the package's own __init__ holds, is everybody's.
    arrows = {(one, other) for one, other in arrows if "__init__.py" not in (one, other)}
    wrong = {(one, other) for one, other in arrows if room(one) != room(other) and floor(one) >= floor(other)}
    assert not wrong


def test_no_files_import_each_other() -> None:
    arrows = imports()
    in_order(arrows)
    one, other = min(arrows)
    with pytest.raises(CycleError):
        in_order(arrows | {(other, one)})


def in_order(arrows: Arrows) -> None:
    """Do nothing if the files can be put in an order in which each imports only what comes before it.

    :raises CycleError: they can't.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for one, other in arrows:
        sorter.add(one, other)
    sorter.prepare()


def test_packages_only_say_what_is_in_them() -> None:
    """An ``__init__`` that hands names on makes whoever wants one module load them all."""
    # Public names; the routers; the one metadata that every table must have been added to.
    more = {"__init__.py", "classify/__init__.py", "dags/__init__.py", "web/routes/__init__.py"} | {
        "base/database/tables/__init__.py"
    }
    for path in PACKAGE.rglob("__init__.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        file = path.relative_to(PACKAGE).as_posix()
        assert ast.get_docstring(ast.Module(body, [])), f"{file} doesn't say what the folder holds"
        assert (len(body) > 1) == (file in more), file


def test_the_package_knows_nothing_of_what_is_built_around_it() -> None:
    ours = {name for names in OUTSIDE.values() for name in names}
    for folder, allowed in OUTSIDE.items():
        for path in (ROOT / folder).rglob("*.py"):
            found = {name.split(".")[0] for name in imported(path.read_text(encoding="utf-8"))} & ours
            assert found <= allowed, path.relative_to(ROOT)


def test_the_page_shows_the_floors() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, _, section = page.partition("\n## The house\n")
    shown: dict[int, set[str]] = {}
    for number, name in re.findall(r"^\| (\d) \| `(\S+)` \| .+ \|$", section.partition("\n## ")[0], re.MULTILINE):
        shown.setdefault(int(number), set()).add(name)
    assert shown == {len(FLOORS) - above: set(rooms) for above, rooms in enumerate(FLOORS)}


def sources() -> list[Path]:
    """The modules that people work on; a released migration stays as it is."""
    found = [path for top in ("plugins", "dev", "benchmarks") for path in (ROOT / top).rglob("*.py")]
    return [path for path in found if "migrations" not in path.parts]


def test_no_module_is_longer_than_300_lines() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()
    }
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    lengths = {
        f"{path.relative_to(ROOT).as_posix()}: {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length > 60} == {}
