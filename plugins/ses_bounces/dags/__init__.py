"""The DAGs, as they are or with your changes; docs/install.md has examples."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.sites import DAG_NAMES, DOCTOR, HOURLY, LIFT_BLOCKS, SEND_REPORT, SETUP, SUPPRESSION_SYNC, Site

if TYPE_CHECKING:
    from airflow.sdk import DAG

__all__ = ["DAG_NAMES", "build_dags"]

_MODULES = {
    HOURLY: "hourly",
    SETUP: "setup",
    DOCTOR: "doctor",
    SUPPRESSION_SYNC: "suppression",
    LIFT_BLOCKS: "lift",
    SEND_REPORT: "send",
}
# What the job relies on: runs by hand read the Params, and what is in a queue belongs to no hour that was missed.
_OURS = ("dag_id", "params", "catchup")


def build_dags(
    *names: str,
    site: str | None = None,
    dag_id_prefix: str | None = None,
    owner: str | None = None,
    schedule: Any = None,
    pool: str | None = None,
    queue: str | None = None,
    executor_config: Mapping[str, Any] | None = None,
    tags: Collection[str] | None = None,
    default_args: Mapping[str, Any] | None = None,
    **dag_arguments: Any,
) -> dict[str, DAG]:
    """Make the DAGs; those made while Airflow reads a file are the DAGs of that file.

    :param names: which of :data:`DAG_NAMES`; none: all.
    :param site: of which site; None: of each one that Airflow's configuration declares.
    :param dag_id_prefix: what every DAG id begins with; None: what the configuration says, else nothing.
    :param owner: of every task.
    :param schedule: of the hourly DAG, or of several by their names. A cron string is in UTC; anything else that a
        ``schedule`` of Airflow's may be.
    :param pool: that every task takes a slot of. Airflow runs nothing of a pool that is not there.
    :param queue: of the executor, that every task waits in.
    :param executor_config: of every task, e.g. a pod override of the Kubernetes executor.
    :param tags: instead of ours; that of the site is always there.
    :param default_args: of every task, over all of these.
    :param dag_arguments: further arguments of ``airflow.sdk.DAG`` for each, e.g. ``on_failure_callback`` with a
        notifier, ``access_control`` or ``max_active_tasks``.
    :returns: the DAGs by id.
    :raises SettingsError: there is no such DAG or site, or it is not for you to set.
    """
    from ses_bounces.dags.shape import TAGS, Shape

    _check(names, "names", DAG_NAMES)
    schedules = schedule if isinstance(schedule, Mapping) else {} if schedule is None else {HOURLY: schedule}
    _check(schedules, "schedule", DAG_NAMES)
    if refused := sorted(set(dag_arguments) & set(_OURS)):
        raise SettingsError(f"{', '.join(refused)} can't be set by build_dags(): the job relies on it.")
    given = {"owner": owner, "pool": pool, "queue": queue, "executor_config": executor_config}
    shared = {name: value for name, value in given.items() if value is not None} | dict(default_args or {})
    made = {}
    for one in _sites(site, dag_id_prefix):
        shape = Shape(one, schedules, TAGS if tags is None else tuple(tags), shared, dag_arguments)
        for name in names or DAG_NAMES:
            dag = importlib.import_module(f"ses_bounces.dags.{_MODULES[name]}").build(shape)
            made[dag.dag_id] = dag
    return made


def _sites(name: str | None, prefix: str | None) -> list[Site]:
    from ses_bounces.base import sites

    found = list(sites.declared()) if name is None else [sites.find(name)]
    if prefix is None:
        return found
    return [Site(site.name, sites.checked_prefix(prefix)) for site in found]


def _check(names: Collection[str], argument: str, known: Collection[str]) -> None:
    if unknown := [name for name in names if name not in known]:
        raise SettingsError(f"{argument}: there is no DAG {', '.join(unknown)}; there are: {', '.join(known)}.")
