"""A browser and a broker for the tests that need one: there before the first test runs, or one sentence and the end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from dev import tools
from dev.finder import ToolError
from dev.launcher import REPOSITORY as ROOT

# Which tool the tests of a folder or a file need.
NEEDED_BY = {
    "tests/browser/": "browser",
    "tests/e2e/test_grid_picture.py": "browser",
    "tests/e2e/test_celery.py": "broker",
    "tests/integration/base/test_pooler.py": "pooler",
    "tests/integration/ledger/test_walk.py": "pooler",
}


def needed(paths: Iterable[str]) -> list[str]:
    """Name the tools that some tests need.

    :param paths: of files of tests, relative to the repository.
    """
    return sorted({tool for path in set(paths) for beginning, tool in NEEDED_BY.items() if path.startswith(beginning)})


def pytest_collection_finish(session: pytest.Session) -> None:
    """After the tests are known; where workers run them, only they know them so."""
    if not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        paths = (item.path for item in session.items)
        _provide(session.config, (path.relative_to(ROOT).as_posix() for path in paths if path.is_relative_to(ROOT)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """The same where workers run the tests: none has begun when the first of them knows its own."""
    _provide(node.config, (test.partition("::")[0] for test in ids))


def _provide(config: pytest.Config, paths: Iterable[str]) -> None:
    for name in needed(paths):
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        try:
            tools.path(name, reporter.write_line if reporter else print)
        except ToolError as error:
            pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
