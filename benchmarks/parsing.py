"""How long does Airflow take to read the DAG files, beyond importing ``airflow.sdk``?

Most of it is Airflow's: the first ``@task`` and the timetable load modules of their own. A DAG of one empty task on the
same timetable is read beside.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.showing import comparison

if TYPE_CHECKING:
    from rich.table import Table

DAGS = Path(__file__).resolve().parent.parent / "dags"
ROUNDS = 5
MILLISECONDS = 100
# As the DAG processor does: airflow.sdk is imported already, the file is executed.
_PARSE = """
import json, runpy, sys, time
import airflow.sdk
began = time.perf_counter()
runpy.run_path(sys.argv[1])
print(json.dumps((time.perf_counter() - began) * 1000))
"""


_ONE_TASK = """
from airflow.sdk import CronDataIntervalTimetable, dag, task


@dag(schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"), catchup=False)
def one_task():
    @task
    def nothing():
        pass

    nothing()


one_task()
"""


def table(rounds: int = ROUNDS, files: str = "*.py") -> Table:
    """Measure each DAG file, in processes of its own, and return the medians."""
    shown = comparison(f"DAG file, beyond importing airflow.sdk: ms, median of {rounds}", "DAG of one task")
    with tempfile.TemporaryDirectory() as folder:
        one_task = Path(folder) / "one_task.py"
        one_task.write_text(_ONE_TASK)
        bare = _median(one_task, rounds)
    for path in sorted(DAGS.glob(files)):
        ours = _median(path, rounds)
        is_reached = "yes" if ours <= MILLISECONDS else "[bold red]no"
        row = (f"{ours:.0f}", f"{bare:.0f}", f"{ours / bare:.2f}", f"≤ {MILLISECONDS} ms", is_reached)
        shown.add_row(path.name, *row)
    return shown


def _median(path: Path, rounds: int) -> float:
    return statistics.median(_parse(path) for _ in range(rounds))


def _parse(path: Path) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", _PARSE, str(path)], env=environment, capture_output=True, text=True, check=True
    )
    return float(json.loads(done.stdout.splitlines()[-1]))
