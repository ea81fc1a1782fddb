"""Policy for every DAG file: it parses, lightly, and whoever is on call can use it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests import forked

DAGS = Path(__file__).parents[2] / "dags"
HEAVY = ("boto3", "botocore", "fastapi", "pygal", "psycopg", "pandas", "alembic")
PROVIDERS = ("airflow.providers.amazon", "airflow.providers.postgres")

BEGINNING = """
import gc, importlib.util, json, sys
from airflow.sdk import DAG
before = set(sys.modules)
"""
PARSE = """
spec = importlib.util.spec_from_file_location("parsed_dag", {path!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
dags = []
for dag in [o for o in gc.get_objects() if type(o) is DAG]:
    dags.append({{
        "id": dag.dag_id, "doc": dag.doc_md, "tags": sorted(dag.tags), "catchup": dag.catchup,
        "tasks": [{{"id": t.task_id, "owner": t.owner, "retries": t.retries if not t.is_mapped else
                   t.partial_kwargs["retries"], "doc": t.doc_md}} for t in dag.tasks],
    }})
result = {{"dags": dags, "new": sorted(set(sys.modules) - before)}}
"""
FILES = sorted(DAGS.glob("*.py"))


@pytest.fixture(scope="module")
def parsed() -> dict[str, Any]:
    """What each file defines and imports, parsed alone."""
    return forked.results(BEGINNING, {path.name: ({}, PARSE.format(path=str(path))) for path in FILES}, os.environ)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_dag_file(path: Path, parsed: dict[str, Any]) -> None:
    found = parsed[path.name]
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
