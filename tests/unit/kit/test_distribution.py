"""How `make test` is spread over workers: the tables name what is there, and one module needs no worker."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

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


class Worker:
    """One that is told which tests to run, by their place in the collection."""

    shutting_down = False

    def __init__(self, number: int) -> None:
        self.gateway = SimpleNamespace(id=f"gw{number}")
        self.tests: list[int] = []

    def send_runtest_some(self, tests: list[int]) -> None:
        self.tests += tests

    def shutdown(self) -> None:
        self.shutting_down = True


def test_each_test_is_run_once_and_few_airflows_at_once_while_there_is_something_else() -> None:
    heavy = [f"tests/e2e/test_{letter}.py::test_{number}" for letter in "abcde" for number in range(3)]
    light = [f"tests/unit/test_{letter}.py::test_{number}" for letter in "klmnop" for number in range(3)]
    config = SimpleNamespace(
        option=SimpleNamespace(loadscopereorder=False), getvalue=lambda _name: ["popen"] * 4, rootpath=ROOT
    )
    scheduler = distribution.Scheduler(config, log=MagicMock())
    workers = [Worker(number) for number in range(4)]
    collection = heavy + light
    for worker in workers:
        scheduler.add_node(worker)
        scheduler.add_node_collection(worker, collection)
    scheduler.schedule()
    done: list[str] = []
    while scheduler.has_pending:
        running = [collection[worker.tests[0]] for worker in workers if worker.tests]
        waiting = [test for test in light if test not in done and test not in running]
        assert sum(map(distribution.is_heavy, running)) <= distribution.MOST_HEAVY or not waiting
        for worker in workers:
            # It begins a test only when it knows of the next one, or that there is none.
            assert len(worker.tests) > 1 or worker.shutting_down
            if worker.tests:
                done.append(collection[worker.tests[0]])
                scheduler.mark_test_complete(worker, worker.tests.pop(0))
    assert sorted(done) == sorted(collection)
