"""How long does Airflow take to read the DAG files, beyond importing ``airflow.sdk``?"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from rich.table import Table

from benchmarks.showing import add_limit

DAGS = Path(__file__).resolve().parent.parent / "dags"
ROUNDS = 7
MILLISECONDS = 100
# As the DAG processor does: airflow.sdk is imported already, the file is executed.
_PARSE = """
import json, runpy, sys, time
import airflow.sdk
times = {}
began = time.perf_counter()
runpy.run_path(sys.argv[1])
print(json.dumps((time.perf_counter() - began) * 1000))
"""


def table(rounds: int = ROUNDS, files: str = "*.py") -> Table:
    """Measure each DAG file, in processes of its own, and return the medians."""
    shown = Table(title=f"DAG file, beyond importing airflow.sdk: median of {rounds}")
    for column in ("", "ours", "", "ratio", "aim", "reached"):
        shown.add_column(column, justify="left" if not column else "right")
    for path in sorted(DAGS.glob(files)):
        add_limit(shown, path.name, statistics.median(_parse(path) for _ in range(rounds)), MILLISECONDS, "ms")
    return shown


def _parse(path: Path) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", _PARSE, str(path)], env=environment, capture_output=True, text=True, check=True
    )
    return float(json.loads(done.stdout.splitlines()[-1]))
