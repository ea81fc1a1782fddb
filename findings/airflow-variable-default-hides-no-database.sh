#!/usr/bin/env bash
# Where Airflow's metadata database can't be used, Variable.get(key, default) outside of a task returns the default, as if
# the Variable did not exist; with SQLite it also leaves an airflow.db without tables behind.
#
# Seen on 2026-12-01 with apache-airflow-core 3.3.2, apache-airflow-task-sdk 1.3.2 and Python 3.11.
#
# In a process of Airflow's server side (a plugin's command, for instance), airflow.sdk.Variable asks the metadata
# database itself. Its search through the secrets backends catches every error, logs it with a traceback, and goes on as
# if nothing was found: a caller with a default cannot tell "no such Variable" from "no database". Without a default the
# error says that the Variable was not found.
#
#   get("settings", default="{}") returned '{}'
#   get("settings") raised AirflowRuntimeError: VARIABLE_NOT_FOUND
#   airflow.db was made: 4096 bytes
#
# Needs python3 (3.10 or newer) and a package registry. Exits 0 if it still does so, 1 if not, and with another code if the
# demonstration could not run.
set -euo pipefail
trap 'exit 2' ERR # 1 says that the behaviour has changed.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export AIRFLOW_HOME="$work/airflow" AIRFLOW__CORE__LOAD_EXAMPLES=False AIRFLOW__LOGGING__LOGGING_LEVEL=CRITICAL
export _AIRFLOW_PROCESS_CONTEXT=server
mkdir "$AIRFLOW_HOME"

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check apache-airflow-core==3.3.2 apache-airflow-task-sdk==1.3.2

cat >"$work/ask.py" <<'PYTHON'
import os
import sys
from importlib.metadata import version
from pathlib import Path

from airflow.sdk import Variable

print("apache-airflow-core", version("apache-airflow-core"))
changed = False
try:
    returned = Variable.get("settings", default="{}")
    print(f'get("settings", default="{{}}") returned {returned!r}')
    changed |= returned != "{}"
except Exception as error:
    print(f'get("settings", default="{{}}") raised {type(error).__name__}')
    changed = True
try:
    Variable.get("settings")
    changed = True
except Exception as error:
    print(f'get("settings") raised {type(error).__name__}: {str(error).split(":")[0]}')
    changed |= "VARIABLE_NOT_FOUND" not in str(error)
made = Path(os.environ["AIRFLOW_HOME"], "airflow.db")
print("airflow.db was made:", f"{made.stat().st_size} bytes" if made.exists() else "no")
changed |= not made.exists()
print("CHANGED" if changed else "as seen: nothing says that there is no database")
sys.exit(changed)
PYTHON

"$work/venv/bin/python" "$work/ask.py"
