"""Policy for every DAG file: it parses, lightly, and whoever is on call can use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DAGS = Path(__file__).parents[2] / "dags"
HEAVY = ("boto3", "botocore", "fastapi", "pygal", "psycopg", "pandas", "alembic")
PROVIDERS = ("airflow.providers.amazon", "airflow.providers.postgres")

PARSE = """
import importlib.util, json, sys
from airflow.sdk import DAG
before = set(sys.modules)
spec = importlib.util.spec_from_file_location("parsed_dag", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from airflow.sdk.definitions.dag import DAG
dags = []
import gc
for dag in [o for o in gc.get_objects() if type(o) is DAG]:
    dags.append({
        "id": dag.dag_id, "doc": dag.doc_md, "tags": sorted(dag.tags), "catchup": dag.catchup,
        "tasks": [{"id": t.task_id, "owner": t.owner, "retries": t.retries if not t.is_mapped else
                   t.partial_kwargs["retries"], "doc": t.doc_md} for t in dag.tasks],
    })
print(json.dumps({"dags": dags, "new": sorted(set(sys.modules) - before)}))
"""


@pytest.mark.parametrize("path", sorted(DAGS.glob("*.py")), ids=lambda path: path.stem)
def test_dag_file(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PARSE, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["dags"]) == 1
    [dag] = found["dags"]
    assert dag["id"] == path.stem
    assert len(dag["doc"]) > 1_000
    assert dag["tags"]
    assert dag["catchup"] is False
    for task in dag["tasks"]:
        assert task["owner"] != "airflow", f"{task['id']} has no owner of ours"
        assert task["doc"], f"{task['id']} has no doc_md"
        assert task["retries"] >= 1 or task["id"] == "check_run", f"{task['id']} has no retries"
        assert f"`{task['id']}`" in dag["doc"], f"the runbook does not say what to do when {task['id']} fails"
    heavy = [name for name in found["new"] if name.partition(".")[0] in HEAVY or name.startswith(PROVIDERS)]
    assert heavy == []
    # What Airflow looks for before it reads a file at all.
    text = path.read_text(encoding="utf-8").lower()
    assert "dag" in text
    assert "airflow" in text
