"""How `make test` is spread over workers: the tables name what is there, and one module needs no worker."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path

import pytest

from tests.kit import distribution

ROOT = Path(__file__).resolve().parents[3]


def test_the_tables_name_modules_that_are_there() -> None:
    shared = list(chain.from_iterable(distribution.GROUPS.values()))
    assert len(set(shared)) == len(shared)
    first = [name for name in distribution.FIRST if name not in distribution.GROUPS]
    assert [name for name in (*shared, *first, *distribution.FREE) if not (ROOT / name).is_file()] == []


def test_a_module_stays_together_unless_its_tests_are_free() -> None:
    assert distribution.group_of("tests/unit/test_address.py::test_key[a@b::c]") == "tests/unit/test_address.py"
    [(name, modules), *_] = distribution.GROUPS.items()
    assert {distribution.group_of(f"{module}::test") for module in modules} == {name}
    free = f"{distribution.FREE[0]}::test[1]"
    assert distribution.group_of(free) == free


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (["tests/unit/test_address.py"], 0),
        (["tests/unit/test_address.py::test_key", "tests/unit/test_docs.py"], 0),
        (["tests"], 4),
    ],
)
def test_workers_are_started_where_they_are_worth_it(
    arguments: list[str], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert distribution.workers(arguments, ROOT) == number
