"""Each statement of include/sql: its header says what it does, takes and locks, and its own folder of the package runs it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.kit.statements import Statement, statements

PACKAGE = Path(__file__).resolve().parents[2] / "plugins" / "ses_bounces"

# Folders of include/sql that are named otherwise than the part of the package that runs them.
RUN_BY = {"mailer": "mailer.py", "runs": "dags", "functions": "base"}

by_name = pytest.mark.parametrize("one", statements(), ids=lambda one: one.name)


@by_name
def test_the_header_says_what_it_does_and_locks(one: Statement) -> None:
    text = " ".join(line.removeprefix("--").strip() for line in one.header)
    assert re.match(r"[A-Za-z_]", text), "it begins with what the statement does"
    assert text.count("Locks: ") == 1
    assert all(len(line) <= 120 for line in one.header)


@by_name
def test_the_header_names_exactly_the_parameters(one: Statement) -> None:
    assert set(one.parameters) == one.used
    # Drivers that the mailer uses bind these, which have no name.
    assert text_has_unnamed(one) == (one.name == "mailer/select_blocked_emails")


def text_has_unnamed(one: Statement) -> bool:
    """Whether a parameter is bound by its place."""
    return re.search(r"%s", one.text) is not None


def runs() -> set[tuple[str, str]]:
    """Each statement with each file of the package that names it."""
    names = {one.name for one in statements()}
    return {
        (node.value, path.relative_to(PACKAGE).as_posix())
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names
    }


def test_each_is_used() -> None:
    assert {one.name for one in statements()} == {name for name, _ in runs()}


def test_each_is_run_from_its_own_folder() -> None:
    folders = ((name, file, name.split("/")[0]) for name, file in runs())
    elsewhere = {(name, file) for name, file, top in folders if file.split("/")[0] != RUN_BY.get(top, top)}
    assert not elsewhere
