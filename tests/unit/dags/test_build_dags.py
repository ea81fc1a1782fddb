"""``build_dags()``: what may be set is set in every DAG and task, and what may not is refused."""

from __future__ import annotations

import inspect
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, BaseNotifier, CronDataIntervalTimetable, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowFailException

from ses_bounces.base import sites
from ses_bounces.base.exceptions import DatabaseError, SettingsError
from ses_bounces.dags import DAG_NAMES, build_dags
from ses_bounces.dags.bundle import SesBouncesBundle, folder

DAGS = Path(__file__).resolve().parents[3] / "dags"


class Tell(BaseNotifier):
    """A notifier of somebody's own."""

    def notify(self, context: Any) -> None:
        """Say nothing."""


def tasks_of(dag: DAG) -> list[dict[str, Any]]:
    """What each task of a DAG was given, mapped ones too."""
    names = ("owner", "pool", "queue", "executor_config", "retries")
    return [
        {name: task.partial_kwargs.get(name) if task.is_mapped else getattr(task, name) for name in names}
        for task in dag.tasks
    ]


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SITES", "DAG_ID_PREFIX"):
        monkeypatch.delenv(f"AIRFLOW__SES_BOUNCES__{name}", raising=False)


def test_every_dag_has_a_file_of_its_name() -> None:
    assert sorted(build_dags()) == sorted(DAG_NAMES) == sorted(path.stem for path in DAGS.glob("*.py"))


def test_one_file_makes_one_dag() -> None:
    assert list(build_dags("ses_lift_blocks")) == ["ses_lift_blocks"]


def test_what_is_set_is_set_everywhere() -> None:
    pod = {"pod_override": {"spec": {}}}
    tell = Tell()
    made = build_dags(
        dag_id_prefix="mail_",
        owner="deliverability",
        pool="mail",
        queue="slow",
        executor_config=pod,
        tags=["mail"],
        default_args={"execution_timeout": timedelta(minutes=9)},
        on_failure_callback=[tell],
        max_active_tasks=3,
    )
    assert list(made) == [f"mail_{name}" for name in DAG_NAMES]
    for dag in made.values():
        assert dag.tags == {"mail", "ses_bounces"}
        assert dag.on_failure_callback == [tell]
        assert dag.max_active_tasks == 3
        for task in tasks_of(dag):
            given = {name: value for name, value in task.items() if name != "retries"}
            assert given == {"owner": "deliverability", "pool": "mail", "queue": "slow", "executor_config": pod}
    assert made["mail_ses_bounces"].get_task("plan_drain").execution_timeout == timedelta(minutes=9)
    # The page of the DAG says whose it is.
    assert "`mail_ses_bounces`" in (made["mail_ses_lift_blocks"].doc_md or "")


def test_what_is_not_set_stays() -> None:
    made = build_dags(owner="deliverability")
    assert [task["retries"] for task in tasks_of(made["ses_bounces"])] == [2, 2, 2, 2, 2, 2, 2, 0]
    assert made["ses_bounces"].tags == {"email", "ses", "ses_bounces"}
    assert (made["ses_bounces"].doc_md or "").startswith("\n# Email bounces, hourly")


def test_a_schedule_is_of_the_hourly_dag_unless_it_names_others() -> None:
    hourly = build_dags(schedule="*/30 * * * *")
    assert hourly["ses_bounces"].timetable == CronDataIntervalTimetable("*/30 * * * *", timezone="UTC")
    assert hourly["ses_bounces_doctor"].timetable == CronDataIntervalTimetable("50 6 * * *", timezone="UTC")
    theirs = CronTriggerTimetable("5 * * * *", timezone="Europe/Berlin")
    named = build_dags(schedule={"ses_bounces": theirs, "ses_suppression_sync": None})
    assert named["ses_bounces"].timetable == theirs
    assert named["ses_suppression_sync"].schedule is None
    assert named["ses_lift_blocks"].timetable == CronDataIntervalTimetable("40 * * * *", timezone="UTC")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"schedule": {"ses_bounce": "@daily"}}, "no DAG ses_bounce;", id="schedule of no DAG"),
        pytest.param({"catchup": True}, "catchup can't be set", id="catchup"),
        pytest.param({"dag_id": "x", "params": {}}, "dag_id, params can't be set", id="ids and params"),
        pytest.param({"dag_id_prefix": "a b"}, 'dag_id_prefix is "a b"', id="prefix"),
        pytest.param({"site": "news"}, 'no site "news"; there are: default', id="site that is not declared"),
    ],
)
def test_what_can_not_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        build_dags(**arguments)


def test_a_name_that_is_no_dag_is_refused() -> None:
    with pytest.raises(SettingsError, match="names: there is no DAG ses_hourly; there are: ses_bounces, "):
        build_dags("ses_hourly")


def test_each_declared_site_has_its_dags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__SITES", "default, news")
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__DAG_ID_PREFIX", "mail_")
    made = build_dags()
    news = ["", "_setup", "_doctor", "_suppression_sync", "_lift_blocks", "_send_report"]
    assert list(made) == [f"mail_{name}" for name in DAG_NAMES] + [f"mail_ses_bounces_news{kind}" for kind in news]
    assert made["mail_ses_bounces_news"].dag_display_name == "Email bounces: news"
    assert made["mail_ses_bounces_news"].tags == {"email", "ses", "ses_bounces_news"}
    assert "`ses_bounces_news_postgres`" in (made["mail_ses_bounces_news"].doc_md or "")
    assert [asset.name for asset in made["mail_ses_bounces_news"].get_task("emit_blocked_report").outlets] == [
        "ses_bounces_news_blocked_report"
    ]
    assert sorted(build_dags("ses_lift_blocks", site="news")) == ["mail_ses_bounces_news_lift_blocks"]


def test_a_task_is_of_its_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__SITES", "default,news")
    seen: list[sites.Site] = []
    monkeypatch.setattr("ses_bounces.dags.tasks.hourly.check_run", lambda _context: seen.append(sites.current()))
    monkeypatch.setattr("ses_bounces.dags.hourly.get_current_context", dict)
    for dag_id in ("ses_bounces", "ses_bounces_news"):
        build_dags()[dag_id].get_task("check_run").python_callable()
    assert seen == [sites.Site(), sites.Site("news")]
    assert sites.current() == sites.Site()


def test_what_a_person_must_mend_fails_a_task_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow retries a task that raises anything but its own AirflowFailException."""
    raised: Exception

    def check_run(_context: Any) -> None:
        raise raised

    monkeypatch.setattr("ses_bounces.dags.tasks.hourly.check_run", check_run)
    monkeypatch.setattr("ses_bounces.dags.hourly.get_current_context", dict)
    task = build_dags()["ses_bounces"].get_task("check_run")
    raised = SettingsError("queue_urls is empty")
    with pytest.raises(AirflowFailException, match=r"^queue_urls is empty$") as failure:
        task.python_callable()
    assert failure.value.__cause__ is raised
    assert sites.current() == sites.Site()
    raised = DatabaseError("Postgres can't be reached")
    with pytest.raises(DatabaseError):
        task.python_callable()


def test_every_task_is_of_its_site_and_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__SITES", "news")
    seen: list[sites.Site] = []

    def get_current_context() -> Any:
        seen.append(sites.current())
        raise SettingsError("queue_urls is empty")

    for module in ("doctor", "hourly", "lift", "send", "setup", "suppression"):
        monkeypatch.setattr(f"ses_bounces.dags.{module}.get_current_context", get_current_context)
    tasks = [task for dag in build_dags().values() for task in dag.tasks]
    for task in tasks:
        needed = dict.fromkeys(inspect.signature(task.python_callable).parameters)
        with pytest.raises(AirflowFailException):
            task.python_callable(**needed)
    assert seen == [sites.Site("news")] * len(tasks)


def test_the_bundle_is_the_folder_of_the_files() -> None:
    assert SesBouncesBundle(name="ses_bounces").path == folder() == DAGS


# What each Param of each DAG can do: docs/access.md says the same to people.
FLAG = {"type": "boolean"}
DAY = {"type": ["null", "string"], "format": "date"}
MOMENT = {"type": ["null", "string"], "format": "date-time"}
LIMIT = {"type": ["null", "integer"]}
PARAMS: dict[str, dict[str, dict[str, Any]]] = {
    "ses_bounces": {
        "report_today": FLAG, "reprocess": FLAG, "dry_run": FLAG, "reprocess_from": MOMENT, "reprocess_to": MOMENT,
        "max_seconds": LIMIT, "max_messages": LIMIT, "max_drainers": LIMIT,
    },
    "ses_bounces_setup": {"apply": FLAG, "prove": FLAG, "only_database": FLAG},
    "ses_bounces_doctor": {},
    "ses_suppression_sync": {"full": FLAG, "first_day": DAY, "last_day": DAY},
    "ses_lift_blocks": {},
    "ses_send_report": {"again": DAY},
}  # fmt: skip


@pytest.mark.parametrize("name", DAG_NAMES)
def test_no_param_takes_a_name_or_free_text(name: str) -> None:
    """Flags, dates and numbers choose no resource and hold no address, in the conf of a run and in Airflow's logs."""
    [dag] = build_dags(name).values()
    found = {
        param: {key: dag.params.get_param(param).schema[key] for key in shape} for param, shape in PARAMS[name].items()
    }
    assert found == PARAMS[name]
    assert set(dag.params) == set(PARAMS[name])
