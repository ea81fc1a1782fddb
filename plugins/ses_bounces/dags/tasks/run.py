"""What the tasks of every DAG have in common: settings, the database, and a note of what was done."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ses_bounces.base.exceptions import RunError

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ses_bounces.base.database.connection import Connection
    from ses_bounces.base.settings import Settings

log = logging.getLogger(__name__)

# What a task returns, notes and shows; no address is in it.
Counts = dict[str, Any]

FAILED_STATES = ("failed", "upstream_failed")


def settings_of(context: Context) -> Settings:
    """Read the settings; a manual run's Params may lower the limits of a run.

    :raises AirflowSkipException: when processing is switched off.
    """
    from airflow.sdk.exceptions import AirflowSkipException

    # Its model takes a fifth of the time that a DAG file takes to be read.
    from ses_bounces.base.settings import load

    settings = load(context["params"])
    if not settings.enabled:
        raise AirflowSkipException("Email bounce processing is switched off (enabled is false)")
    return settings


def refuse_params(context: Context, removed: Mapping[str, str]) -> None:
    """Refuse what the form had once: a run that passed it over would do something else than what was asked for.

    :param removed: what to do instead, by Param.
    :raises SettingsError: naming each, and that.
    """
    from ses_bounces.base.exceptions import SettingsError

    # Airflow lets a run's conf have keys that are no Params. The values are not shown: anything may be in them.
    given = {name: context["params"].get(name) for name in removed}
    # What a form leaves empty; 0 is something.
    given = {name: value for name, value in given.items() if value not in (None, [], "") and value is not False}
    if given:
        raise SettingsError("\n".join(f"{name} is no Param of this DAG any more: {removed[name]}." for name in given))


@contextlib.contextmanager
def recorded(context: Context, settings: Settings) -> Iterator[tuple[Connection, Counts]]:
    """Open the database, check its version, and note in ``ses_bounces.run`` what the task did, also when it fails."""
    from ses_bounces.base.database import schema
    from ses_bounces.base.database.connection import connect, name_of
    from ses_bounces.base.database.statements import statement

    counts: Counts = {}
    with connect(settings.postgres_conn_id) as connection:
        schema.check(connection)
        ti = context["ti"]
        map_index = -1 if ti.map_index is None else ti.map_index
        task = {"run_id": ti.run_id, "task_id": ti.task_id, "map_index": map_index, "try_number": ti.try_number}
        row = connection.execute(statement("runs/insert_run"), task).fetchone()

        def finish() -> None:
            finished = {"run_row_id": row[0] if row else None, "counts": json.dumps(counts)}
            connection.execute(statement("runs/finish_run"), finished)

        try:
            yield connection, counts
        except BaseException:
            # The task's own error is the one to be seen, should the connection be lost.
            try:
                finish()
            except Exception as error:
                log.warning("What the task did could not be noted in ses_bounces.run (%s)", name_of(error))
            raise
        finish()


def check_run(context: Context, besides: Collection[str] = ()) -> None:
    """Fail the run if anything before this failed: a run's state is that of its last task.

    :param besides: tasks that say themselves what is the matter, and are last as well.
    :raises RunError: naming the tasks that failed.
    """
    states = task_states(context)
    failed = sorted(task for task, state in states.items() if state in FAILED_STATES and task not in besides)
    if failed:
        raise RunError(
            f"Failed: {', '.join(failed)}. Their logs say what to do; what they left is done by the next run."
        )


def require_plan(context: Context, plan: str) -> None:
    """Skip the task unless the run's plan was made: with bad settings, or switched off, nothing else is to happen.

    :param plan: the task id of the plan.
    :raises AirflowSkipException: saying which of the two it is.
    """
    from airflow.sdk.exceptions import AirflowSkipException

    state = task_states(context, [plan]).get(plan)
    if state == "skipped":
        raise AirflowSkipException("Email bounce processing is switched off (enabled is false)")
    if state != "success":
        raise AirflowSkipException(f"{plan} did not succeed ({state}): see its log")


def task_states(context: Context, task_ids: list[str] | None = None) -> dict[str, str]:
    """Return the states of the run's tasks by id; of a mapped task, of its instances by ``id_index``."""
    ti: Any = context["ti"]
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id], task_ids=task_ids)
    return {task: str(state) for task, state in states.get(ti.run_id, {}).items()}
