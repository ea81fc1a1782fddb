"""What LocalExecutor's processes have imported before there is a task."""

from __future__ import annotations

import psutil
import psycopg_binary
import pytest

pytestmark = pytest.mark.e2e

WORKER = "airflow worker -- LocalExecutor"


def title(process: psutil.Process) -> str:
    """The name that it gave itself; nothing of one that has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def libraries(worker: psutil.Process) -> list[str]:
    """What a worker has loaded; once it ran a task only root may look, and its parent, which forked it, has the same."""
    try:
        maps = worker.memory_maps()
    except psutil.AccessDenied:
        maps = worker.parent().memory_maps()
    return [mapped.path for mapped in maps]


@pytest.mark.usefixtures("feed_stack")
def test_the_processes_that_fork_tasks_have_the_libraries_that_tasks_import() -> None:
    titles = {process: title(process) for process in psutil.Process().children(recursive=True)}
    workers = [process for process, text in titles.items() if text.startswith(WORKER)]
    assert workers, sorted(titles.values())
    for worker in workers:
        loaded = libraries(worker)
        assert any(path.startswith(psycopg_binary.__path__[0]) for path in loaded), loaded
