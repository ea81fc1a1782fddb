"""Airflow's public REST API, as far as the launcher and the end-to-end tests need it."""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from dev import metadata
from dev.airflow_session import AirflowSession, ApiError, Json

POLL_SECONDS = 0.2
# Airflow looks every half minute which backfills are complete.
BACKFILL_NOTED_SECONDS = 60
_RUN = """
SELECT r.state, (
    SELECT coalesce(json_agg(t), '[]')
    FROM (
        SELECT i.task_id, i.map_index, i.state, i.try_number, i.duration, i.end_date
        FROM task_instance i
        WHERE i.dag_id = r.dag_id AND i.run_id = r.run_id
    ) t
)
FROM dag_run r
WHERE r.dag_id = %s AND r.run_id = %s
"""
RUN_END_STATES = frozenset({"success", "failed"})


class AirflowApi(AirflowSession):
    """A logged-in client. Every method raises ApiError when Airflow refuses, TimeoutError when it waited in vain."""

    def __init__(self, base_url: str, username: str, password: str, metadata_url: str) -> None:
        """Logs in with the first request. `metadata_url`: the libpq URI of Airflow's own database, to wait by it."""
        super().__init__(base_url, username, password)
        self._metadata_url = metadata_url

    def health(self) -> dict[str, str]:
        """The status of each component, by its name: `healthy`, `unhealthy` or empty."""
        response = self._http.get("/api/v2/monitor/health")
        if response.is_error:
            raise ApiError(response)
        return {name: component["status"] or "" for name, component in response.json().items()}

    def warm_up(self) -> None:
        """Lets the server build its execution API now, which takes seconds, instead of under the first task."""
        self._http.get("/execution/health")

    def wait_for_dag(self, dag_id: str, timeout: float = 60) -> None:
        """Waits until the DAG was parsed. RuntimeError with the import errors if it can't be."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                self.request("GET", f"/dags/{dag_id}")
                return
            except ApiError as error:
                if error.status != httpx.codes.NOT_FOUND:
                    raise
            if errors := self.import_errors():
                raise RuntimeError("\n".join(f"{name}:\n{text}" for name, text in errors.items()))
            time.sleep(POLL_SECONDS)
        raise TimeoutError(f"the DAG {dag_id} was not there after {timeout:.0f} s")

    def import_errors(self) -> dict[str, str]:
        """Stack traces of DAG files that can't be imported, by file name."""
        answer = self.request("GET", "/importErrors")
        return {error["filename"]: error["stack_trace"] for error in answer["import_errors"]}

    def pause(self, dag_id: str, paused: bool = True) -> None:
        """Pauses or, with False, unpauses a DAG."""
        self.request("PATCH", f"/dags/{dag_id}", json={"is_paused": paused})

    def trigger(
        self,
        dag_id: str,
        conf: Json | None = None,
        logical_date: datetime | None = None,
        run_after: datetime | None = None,
    ) -> str:
        """Starts a run by hand, which is due now or has been since `run_after`, and returns its id."""
        body: Json = {
            "conf": conf or {},
            "logical_date": logical_date.isoformat() if logical_date else None,
        }
        if run_after:
            # Its id says when it was started, as always.
            now = datetime.now(UTC).isoformat()
            body |= {"dag_run_id": f"manual__{now}", "run_after": run_after.isoformat()}
        run_id: str = self.request("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"]
        return run_id

    def run(self, dag_id: str, run_id: str) -> Json:
        """A run as Airflow describes it, with its `state`, `run_type`, `start_date` and so on."""
        answer: Json = self.request("GET", self._run_path(dag_id, run_id))
        return answer

    def runs(self, dag_id: str) -> list[Json]:
        """All runs of a DAG, newest first."""
        answer = self.request(
            "GET",
            f"/dags/{dag_id}/dagRuns",
            params={"order_by": "-run_after", "limit": 100},
        )
        found: list[Json] = answer["dag_runs"]
        return found

    def wait_for_run(
        self,
        dag_id: str,
        run_id: str,
        timeout: float = 300,
        watch: Callable[[list[Json]], None] | None = None,
    ) -> str:
        """Waits for the end of a run and returns `success` or `failed`.

        `watch` is shown the task instances: `task_id`, `map_index`, `state`, `try_number`, `duration` (seconds) and
        `end_date` (ISO) of each.
        """
        # Refused if there is no such run.
        self.run(dag_id, run_id)
        for [[state, instances]] in metadata.look(self._metadata_url, _RUN, [dag_id, run_id], timeout):
            if watch:
                watch(instances)
            if state in RUN_END_STATES:
                return str(state)
        raise TimeoutError(f"run {run_id} of {dag_id} had not ended after {timeout:.0f} s")

    def wait_for_task(
        self, dag_id: str, run_id: str, task_id: str, states: Collection[str], timeout: float = 60
    ) -> set[str | None]:
        """Waits until all instances of a task are in one of these states; returns those that they are in."""
        query = "SELECT state FROM task_instance WHERE dag_id = %s AND run_id = %s AND task_id = %s"
        found: set[str | None] = set()
        for rows in metadata.look(self._metadata_url, query, [dag_id, run_id, task_id], timeout):
            found = {state for (state,) in rows}
            if found and found <= set(states):
                return found
        raise TimeoutError(f"task {task_id} of run {run_id} of {dag_id} was {found} after {timeout:.0f} s")

    def task_pids(self, dag_id: str, run_id: str, task_id: str) -> list[int]:
        """The processes of a task's tries that run; anybody may ask Airflow's database, but not look into them."""
        query = "SELECT pid FROM task_instance WHERE (dag_id, run_id, task_id, state) = (%s, %s, %s, 'running')"
        rows = next(metadata.look(self._metadata_url, query, [dag_id, run_id, task_id], metadata.LOOK_SECONDS))
        return [pid for (pid,) in rows if pid is not None]

    def task_instances(self, dag_id: str, run_id: str) -> list[Json]:
        """The task instances of a run, mapped ones each for itself."""
        answer = self.request(
            "GET",
            f"{self._run_path(dag_id, run_id)}/taskInstances",
            params={"limit": 100},
        )
        instances: list[Json] = answer["task_instances"]
        return instances

    def task_states(self, dag_id: str, run_id: str) -> dict[str, list[str | None]]:
        """The states of a run's task instances by task id; a mapped task has several."""
        states: dict[str, list[str | None]] = {}
        for instance in self.task_instances(dag_id, run_id):
            states.setdefault(instance["task_id"], []).append(instance["state"])
        return states

    def task_log(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        try_number: int = 1,
        map_index: int = -1,
    ) -> str:
        """The log of one try, one line for each entry, with the text of any exception."""
        answer = self.request(
            "GET",
            f"{self._run_path(dag_id, run_id)}/taskInstances/{task_id}/logs/{try_number}",
            params={"map_index": map_index, "full_content": True},
            headers={"Accept": "application/json"},
        )
        return "\n".join(_log_line(entry) for entry in answer["content"])

    def xcoms(self, dag_id: str, run_id: str) -> list[Json]:
        """Every XCom of a run with `task_id`, `map_index`, `key` and `value`."""
        path = f"{self._run_path(dag_id, run_id)}/taskInstances"
        entries = self.request("GET", f"{path}/~/xcomEntries", params={"limit": 100})["xcom_entries"]
        return [
            self.request(
                "GET",
                f"{path}/{entry['task_id']}/xcomEntries/{quote(entry['key'])}",
                params={"map_index": entry["map_index"]},
            )
            for entry in entries
        ]

    def clear(
        self,
        dag_id: str,
        run_id: str,
        task_ids: Sequence[str | tuple[str, int]] = (),
        **options: Any,
    ) -> None:
        """Clears tasks of a run (each an id, or id and map index), or all of them; `options` go into Airflow's body."""
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "only_failed": False,
            "reset_dag_runs": True,
            **({"task_ids": list(task_ids)} if task_ids else {}),
            **options,
        }
        self.request("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)

    def backfill(
        self,
        dag_id: str,
        start: datetime,
        end: datetime,
        conf: Json | None = None,
        **options: Any,
    ) -> int:
        """Starts a backfill of the logical dates from start to end, both included, and returns its id.

        Waits for what Airflow notes every half minute: that the DAG's backfill before is complete.
        """
        body = {
            "dag_id": dag_id,
            "from_date": start.isoformat(),
            "to_date": end.isoformat(),
            "dag_run_conf": conf or {},
            "max_active_runs": 1,
            **options,
        }
        incomplete = "SELECT count(*) FROM backfill WHERE dag_id = %s AND completed_at IS NULL"
        for [[number]] in metadata.look(self._metadata_url, incomplete, [dag_id], BACKFILL_NOTED_SECONDS):
            if not number:
                break
        backfill_id: int = self.request("POST", "/backfills", json=body)["id"]
        return backfill_id

    def wait_for_backfill(self, backfill_id: int, timeout: float = 300) -> list[str | None]:
        """Waits for the end of all runs of a backfill; their states, by date: None where no run could be made."""
        query = (
            "SELECT r.state FROM backfill_dag_run b LEFT JOIN dag_run r ON r.id = b.dag_run_id"
            " WHERE b.backfill_id = %s ORDER BY b.logical_date"
        )
        states: list[str | None] = []
        for rows in metadata.look(self._metadata_url, query, [backfill_id], timeout):
            states = [state for (state,) in rows]
            if states and RUN_END_STATES.union({None}).issuperset(states):
                return states
        raise TimeoutError(f"the runs of backfill {backfill_id} were {states} after {timeout:.0f} s")

    def variable(self, key: str) -> str | None:
        """The text of a Variable; None if there is none of that name."""
        try:
            value: str = self.request("GET", f"/variables/{key}")["value"]
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise
        return value

    def set_variable(self, key: str, value: str) -> None:
        """Makes a Variable, or changes it."""
        body = {"key": key, "value": value}
        if self.variable(key) is None:
            self.request("POST", "/variables", json=body)
        else:
            self.request("PATCH", f"/variables/{key}", json=body)

    @staticmethod
    def _run_path(dag_id: str, run_id: str) -> str:
        return f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"


def _log_line(entry: Json | str) -> str:
    if isinstance(entry, str):
        return entry
    parts = [str(entry.get(name) or "") for name in ("timestamp", "level", "event")]
    errors = [f"{error.get('exc_type')}: {error.get('exc_value')}" for error in entry.get("error_detail") or []]
    return " ".join([*filter(None, parts), *errors])
