"""Which worker of pytest-xdist runs which tests, and when: `make test` takes no longer than its longest chains."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest
from xdist.scheduler import LoadScopeScheduling

# What is tested waits half of the time.
WORKERS_PER_CORE = 2
MOST_WORKERS = 8
# A worker imports all that is tested: so many modules at least are worth one.
MODULES_PER_WORKER = 4

# Modules that share what takes long to start run one after the other on one worker, in the order of their names here.
# Every other module is a group of its own.
GROUPS = {
    "feed": (
        "tests/e2e/test_outages.py",
        "tests/e2e/test_doctor_dag.py",
        "tests/e2e/test_grid_picture.py",
        "tests/e2e/test_local_executor.py",
    ),
    "dags": (
        "tests/e2e/test_hourly_dag.py",
        "tests/e2e/test_aws_dags.py",
        "tests/e2e/test_send_report_dag.py",
        "tests/e2e/test_trigger_rights.py",
    ),
    "pages": (
        "tests/e2e/test_pages_access.py",
        "tests/e2e/test_pages_privacy.py",
        "tests/e2e/test_pages_stored.py",
        "tests/e2e/test_pages_trouble.py",
    ),
    "fab": ("tests/e2e/test_pages_fab.py", "tests/e2e/test_trigger_rights_fab.py", "tests/e2e/test_sites.py"),
    "browser": (
        "tests/browser/test_look.py",
        "tests/browser/test_pages.py",
        "tests/browser/test_pictures.py",
    ),
}

# Modules whose tests may go to different workers: each takes seconds, and none shares a start.
FREE = ("tests/integration/ledger/test_walk.py",)

# The longest groups, in the order in which they start. The others follow: those that start servers, then the short ones.
FIRST = (
    "feed",
    "dags",
    "tests/e2e/test_celery.py",
    "browser",
    "pages",
    "tests/e2e/test_wheel.py",
    "fab",
)
THEN = ("tests/e2e/", "tests/browser/", "tests/integration/", "tests/docs/", "tests/unit/")
# Groups that start an Airflow, which takes a gigabyte and waits much: not more at once, while there are others to run.
HEAVY = ("tests/e2e/", "tests/browser/")
MOST_HEAVY = 2

_GROUP_OF = {module: name for name, modules in GROUPS.items() for module in modules}


class Scheduler(LoadScopeScheduling):
    """Gives workers whole groups, in the order of the collection; the next one before the last test of the former."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)

    def _reschedule(self, node: object) -> None:
        # A worker needs to know which test comes after the one that it begins; a group that it is given earlier
        # would wait for two long tests.
        if not self.workqueue or self._pending_of(self.assigned_work[node]) <= 1:
            super()._reschedule(node)

    def _assign_work_unit(self, node: object) -> None:
        if self._heavy_elsewhere(node) >= MOST_HEAVY:
            light = [group for group in self.workqueue if not is_heavy(group)]
            if light:
                self.workqueue.move_to_end(light[0], last=False)
        super()._assign_work_unit(node)

    def _heavy_elsewhere(self, node: object) -> int:
        return sum(
            is_heavy(group) and not all(tests.values())
            for other, groups in self.assigned_work.items()
            if other is not node
            for group, tests in groups.items()
        )


def is_heavy(group: str) -> bool:
    """Whether the tests of a group start an Airflow."""
    return GROUPS.get(group, (group,))[0].startswith(HEAVY)


def group_of(nodeid: str) -> str:
    """The name of the group of a test: all of it runs on one worker."""
    module = nodeid.partition("::")[0]
    return nodeid if module in FREE else _GROUP_OF.get(module, module)


def sort(items: list[pytest.Item]) -> None:
    """Bring the tests into the order in which their groups start; within a group it stays."""
    items.sort(key=lambda item: _rank(group_of(item.nodeid)))


def shuffle(items: list[pytest.Item], seed: int) -> None:
    """Bring the groups, and the tests of each, into random order."""
    r = Random(seed)
    place = {group: r.random() for group in dict.fromkeys(group_of(item.nodeid) for item in items)}
    items.sort(key=lambda item: (place[group_of(item.nodeid)], r.random()))


def workers(arguments: Iterable[str], invoked_in: Path) -> int:
    """How many workers are worth their start for the files and folders that pytest was given; 0: none."""
    modules: set[Path] = set()
    for argument in arguments:
        path = invoked_in / argument.partition("::")[0]
        modules.update(path.rglob("test_*.py") if path.is_dir() else [path])
    most = min(WORKERS_PER_CORE * (os.cpu_count() or 1), MOST_WORKERS)
    number = min(most, len(modules) // MODULES_PER_WORKER)
    return number if number > 1 else 0


def _rank(group: str) -> int:
    if group in FIRST:
        return FIRST.index(group)
    folders = [number for number, folder in enumerate(THEN) if group.startswith(folder)]
    return len(FIRST) + (folders[0] if folders else len(THEN))
