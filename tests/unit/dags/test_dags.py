"""Policy for every DAG file: it parses, lightly, and whoever is on call can use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DAGS = Path(__file__).parents[3] / "dags"
PATHS = sorted(DAGS.glob("*.py"))
HEAVY = ("boto3", "botocore", "fastapi", "pygal", "psycopg", "pandas", "alembic")
PROVIDERS = ("airflow.providers.amazon", "airflow.providers.postgres")

# Each file is read by a fork of a process that has imported what a DAG processor has: to import it takes seconds.
PARSE = """
import importlib.util, json, os, sys, traceback
import airflow.sdk
from airflow.sdk.definitions._internal.contextmanager import DagContext
before = set(sys.modules)

def parsed(path):
    spec = importlib.util.spec_from_file_location("parsed_dag", path)
    module = sys.modules["parsed_dag"] = importlib.util.module_from_spec(spec)
    # As Airflow does; a file need not keep its DAGs.
    DagContext.current_autoregister_module_name = "parsed_dag"
    spec.loader.exec_module(module)
    dags = []
    for dag, _ in DagContext.autoregistered_dags:
        dags.append({
            "id": dag.dag_id, "doc": dag.doc_md, "tags": sorted(dag.tags), "catchup": dag.catchup,
            "tasks": [{"id": t.task_id, "owner": t.owner, "retries": t.retries if not t.is_mapped else
                       t.partial_kwargs["retries"], "doc": t.doc_md} for t in dag.tasks],
        })
    return {"dags": dags, "before": sorted(before), "new": sorted(set(sys.modules) - before)}

for path in sys.argv[1:]:
    if os.fork() == 0:
        try:
            found = parsed(path)
        except BaseException:
            found = {"error": traceback.format_exc()}
        print(json.dumps([path, found]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def parsed() -> dict[str, Any]:
    """What is in each DAG file, and what reading it imports."""
    command = [sys.executable, "-c", PARSE, *map(str, PATHS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_dag_file(path: Path, parsed: dict[str, Any]) -> None:
    found = parsed[str(path)]
    assert "error" not in found, found["error"]
    assert len(found["dags"]) == 1
    [dag] = found["dags"]
    assert dag["id"] == path.stem
    assert len(dag["doc"]) > 1_000
    # Airflow shows it in a dialog, where a table has no room.
    assert "\n|" not in dag["doc"]
    assert dag["tags"]
    assert dag["catchup"] is False
    for task in dag["tasks"]:
        assert task["owner"] != "airflow", f"{task['id']} has no owner of ours"
        assert task["doc"], f"{task['id']} has no doc_md"
        assert task["retries"] >= 1 or task["id"] == "check_run", f"{task['id']} has no retries"
        assert f"`{task['id']}`" in dag["doc"], f"the runbook does not say what to do when {task['id']} fails"
    assert [name for name in found["before"] if name.partition(".")[0] in HEAVY] == []
    heavy = [name for name in found["new"] if name.partition(".")[0] in HEAVY or name.startswith(PROVIDERS)]
    assert heavy == []
    # What Airflow looks for before it reads a file at all.
    text = path.read_text(encoding="utf-8").lower()
    assert "dag" in text
    assert "airflow" in text
