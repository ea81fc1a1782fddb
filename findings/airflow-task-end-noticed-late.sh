#!/usr/bin/env bash
# The supervisor of an Airflow task can notice the task's end up to [workers] min_heartbeat_interval too late.
#
# Seen on 2026-11-30 with apache-airflow-core 3.3.2, apache-airflow-task-sdk 1.3.2, psutil 7.2.2 and Python 3.11 on Linux.
#
# airflow.sdk.execution_time.supervisor waits for the child's pipes, not for the child. It asks whether the child has
# ended each time the pipes wake it, the last time when they close. If the process cannot be reaped at that instant,
# nothing is left that could wake the supervisor, and it asks again only when min_heartbeat_interval (5 s) has passed.
#
# Why it matters: a task whose work takes 1 s takes about 1 s or about 6 s, and its worker slot is held as long. Whoever
# measures or schedules short tasks sees both figures; a lower min_heartbeat_interval shortens the longer one, at the
# price of more heartbeats.
#
# A child that closes its pipes and ends 0.3 s later shows it every time. From the closing of the pipes until the end was
# noticed, it took:
#   min_heartbeat_interval 5: 5.0 s
#   min_heartbeat_interval 1: 1.0 s
# A supervisor that waits for the process itself would take 0.3 s with both.
#
# A child that only returns shows it by chance, since the kernel closes a process's pipes a moment before the process can
# be reaped: on a busy machine with 2 cores, 2 of 15 such ends were noticed late, then 6 of 15. The count is printed, not
# judged.
#
# Needs python3 (3.10 or newer) and a package registry. Exits 0 if the end is still noticed late, 1 if not, and with
# another code if the demonstration could not run.
set -euo pipefail
trap 'exit 2' ERR # 1 says that the behaviour has changed.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export AIRFLOW_HOME="$work/airflow" AIRFLOW__CORE__LOAD_EXAMPLES=False AIRFLOW__LOGGING__LOGGING_LEVEL=ERROR

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check \
    apache-airflow-core==3.3.2 apache-airflow-task-sdk==1.3.2 psutil==7.2.2

cat >"$work/late.py" <<'PYTHON'
"""Print how many seconds pass from the last act of a child until its supervisor's wait() returns.

Arguments: the expected min_heartbeat_interval in seconds; "closes" for the median of children that close their pipes and
then end, or "returns" for the count of late ends among children that only return.
"""

import mmap
import os
import statistics
import struct
import sys
import time
import uuid

import httpx
from airflow.sdk.api.client import Client
from airflow.sdk.api.datamodels._generated import BundleInfo, TaskInstance
from airflow.sdk.execution_time.supervisor import MIN_HEARTBEAT_INTERVAL, ActivitySubprocess

SECONDS_FROM_CLOSE_TO_END = 0.3

# The child writes here when it closed its pipes, or when it returns; the monotonic clock is the same in both processes.
last_act_at = mmap.mmap(-1, struct.calcsize("d"))


def api_server(request):
    """Answer what the supervisor asks the API server: to start the task, and to take its heartbeats."""
    if not request.url.path.endswith("/run"):
        return httpx.Response(204)
    unset = ("logical_date", "data_interval_start", "data_interval_end", "start_date", "end_date", "partition_key")
    run = dict.fromkeys(unset) | {
        "dag_id": "d",
        "run_id": "r",
        "run_after": "2026-01-01T00:00:00Z",
        "run_type": "manual",
        "state": "running",
        "consumed_asset_events": [],
    }
    return httpx.Response(200, json={"dag_run": run, "max_tries": 0})


def closes_its_pipes_then_ends():
    os.read(0, 65536)  # The message that starts the task: from then on the supervisor is in wait().
    os.closerange(0, 1024)
    struct.pack_into("d", last_act_at, 0, time.monotonic())
    time.sleep(SECONDS_FROM_CLOSE_TO_END)
    os._exit(0)


def only_returns():
    os.read(0, 65536)
    struct.pack_into("d", last_act_at, 0, time.monotonic())


def seconds_to_notice(child):
    task = ActivitySubprocess.start(
        what=TaskInstance(
            id=uuid.uuid4(), task_id="t", dag_id="d", run_id="r", try_number=1, dag_version_id=uuid.uuid4()
        ),
        dag_rel_path="d.py",
        bundle_info=BundleInfo(name="b"),
        client=Client(base_url="http://localhost", token="", transport=httpx.MockTransport(api_server)),
        target=child,
    )
    code = task.wait()
    noticed_at = time.monotonic()
    if code != 0:
        sys.exit(f"the child ended with {code}, not 0")
    return noticed_at - struct.unpack_from("d", last_act_at)[0]


interval, child = int(sys.argv[1]), sys.argv[2]
if interval != MIN_HEARTBEAT_INTERVAL:
    sys.exit(f"min_heartbeat_interval is {MIN_HEARTBEAT_INTERVAL}, not {interval}")
if child == "closes":
    print(f"{statistics.median(seconds_to_notice(closes_its_pipes_then_ends) for _ in range(3)):.2f}")
else:
    print(sum(seconds_to_notice(only_returns) >= 0.9 * interval for _ in range(15)), "of 15")
PYTHON

"$work/venv/bin/python" - <<'PYTHON'
import platform
from importlib.metadata import version

names = ("apache-airflow-core", "apache-airflow-task-sdk", "psutil")
print(*(f"{name} {version(name)}" for name in names), f"Python {platform.python_version()}", sep=", ")
PYTHON

measure() { # INTERVAL CHILD
    AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL=$1 "$work/venv/bin/python" "$work/late.py" "$1" "$2"
}

changed=0
for interval in 5 1; do
    seconds=$(measure "$interval" closes)
    echo "min_heartbeat_interval $interval: a child ends 0.3 s after its pipes closed; noticed after $seconds s"
    # A tenth of the interval is left for rounding and for the clock.
    awk -v seconds="$seconds" -v interval="$interval" 'BEGIN { exit !(seconds >= 0.9 * interval) }' || changed=1
done
late=$(measure 1 returns)
echo "min_heartbeat_interval 1: $late children that only return are noticed late"

if ((changed)); then
    echo "CHANGED: the supervisor now notices the end before min_heartbeat_interval has passed"
else
    echo "as seen: the end is noticed only when min_heartbeat_interval has passed"
fi
exit "$changed"
