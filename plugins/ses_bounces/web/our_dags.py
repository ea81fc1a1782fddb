"""What Airflow knows of our DAGs now: which are paused, and how their last runs went. Asked of its own database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from fastapi import Depends
from sqlalchemy import select, union_all

from ses_bounces.base.sites import DAG_NAMES, current
from ses_bounces.web.access import ReaderDep, Viewer

RUNS_OF_A_DAG = 10


@dataclass(frozen=True)
class AirflowRun:
    """A run of one of our DAGs; times are aware, ``ended_at`` None: it has not ended.

    ``name``: what its DAG is called where there is one site, e.g. ``ses_lift_blocks``. ``failed``: the tasks that
    failed, of the newest ended run of a DAG only. ``may_open``: whether who asks sees runs of this DAG in Airflow.
    """

    name: str
    dag_id: str
    run_id: str
    run_type: str
    state: str
    began_at: datetime
    ended_at: datetime | None
    failed: tuple[str, ...] = ()
    may_open: bool = False

    @property
    def path(self) -> str:
        """Where Airflow shows it, below the root of its pages."""
        return f"dags/{self.dag_id}/runs/{self.run_id}"

    @property
    def seconds(self) -> float | None:
        """How long it took; None: it has not ended."""
        return None if self.ended_at is None else (self.ended_at - self.began_at).total_seconds()


@dataclass(frozen=True)
class OurDag:
    """One of our DAGs. ``is_there``: Airflow has it; ``may_edit``: who asks may pause and unpause it."""

    name: str
    dag_id: str
    is_there: bool
    is_paused: bool
    may_edit: bool


@dataclass(frozen=True)
class OurDags:
    """The DAGs of a site by name (see :data:`ses_bounces.base.sites.DAG_NAMES`), and their last runs, newest first."""

    dags: Mapping[str, OurDag] = field(default_factory=dict)
    runs: tuple[AirflowRun, ...] = ()

    def stands(self, name: str) -> bool:
        """Whether a DAG does nothing: it is paused, or not there."""
        dag = self.dags[name]
        return dag.is_paused or not dag.is_there

    def last_ended(self, name: str) -> AirflowRun | None:
        """Return the newest run of a DAG that has ended; None: there is none."""
        return next((run for run in self.runs if run.name == name and run.ended_at is not None), None)


def our_dags(viewer: ReaderDep) -> OurDags:
    """Return what Airflow knows of the site's DAGs, for a user who may read the pages."""
    names = {current().dag_id(name): name for name in DAG_NAMES}
    with create_session() as session:
        query = select(DagModel.dag_id, DagModel.is_paused).where(
            DagModel.dag_id.in_(list(names)), DagModel.is_stale.is_(False)
        )
        paused = {dag_id: bool(is_paused) for dag_id, is_paused in session.execute(query)}
        runs = _runs(session, names)
        failed = _failed_tasks(session, _newest_failures(runs))
    dags = {
        name: OurDag(name, dag_id, dag_id in paused, paused.get(dag_id, False), _may_edit(viewer, dag_id))
        for dag_id, name in names.items()
    }
    may_open = {dag_id: _may_see_runs(viewer, dag_id) for dag_id in {run.dag_id for run in runs}}
    shown = [
        replace(run, failed=tuple(sorted(failed.get((run.dag_id, run.run_id), ()))), may_open=may_open[run.dag_id])
        for run in runs
    ]
    return OurDags(dags, tuple(sorted(shown, key=lambda run: run.began_at, reverse=True)))


OurDagsDep = Annotated[OurDags, Depends(our_dags)]


def _runs(session: Any, names: Mapping[str, str]) -> list[AirflowRun]:
    """Return the newest runs of each DAG: a backfill's hours are long over, so it is by when a run was made."""
    columns = (DagRun.dag_id, DagRun.run_id, DagRun.run_type, DagRun.state, DagRun.start_date, DagRun.queued_at,
               DagRun.run_after, DagRun.end_date)  # fmt: skip
    newest = [
        select(
            select(*columns).where(DagRun.dag_id == dag_id).order_by(DagRun.id.desc()).limit(RUNS_OF_A_DAG).subquery()
        )
        for dag_id in names
    ]
    return [
        AirflowRun(names[dag_id], dag_id, run_id, str(run_type), str(state), start or queued or after, end)
        for dag_id, run_id, run_type, state, start, queued, after, end in session.execute(union_all(*newest))
    ]


def _newest_failures(runs: Iterable[AirflowRun]) -> list[AirflowRun]:
    last: dict[str, AirflowRun] = {}
    for run in sorted(runs, key=lambda run: run.began_at):
        if run.ended_at is not None:
            last[run.dag_id] = run
    return [run for run in last.values() if run.state == "failed"]


def _failed_tasks(session: Any, runs: Iterable[AirflowRun]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for run in runs:
        query = select(TaskInstance.task_id).where(
            TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id, TaskInstance.state == "failed"
        )
        found[run.dag_id, run.run_id] = set(session.scalars(query))
    return found


def _may_edit(viewer: Viewer, dag_id: str) -> bool:
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    return get_auth_manager().is_authorized_dag(method="PUT", details=details, user=viewer.user) is True


def _may_see_runs(viewer: Viewer, dag_id: str) -> bool:
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    manager = get_auth_manager()
    return (
        manager.is_authorized_dag(method="GET", access_entity=DagAccessEntity.RUN, details=details, user=viewer.user)
        is True
    )
