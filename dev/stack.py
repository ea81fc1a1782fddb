"""Everything that `make run` starts, in order, with its data under one directory."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from dev import people, processes, results, sample, template
from dev.airflow import COMPONENTS, REPOSITORY, TASKS_STOP_SECONDS, USERS, LocalAirflow
from dev.airflow_api import AirflowApi, Json
from dev.aws import EmulatedAws, Feed
from dev.item import Expected
from dev.parts import Parts
from dev.postgres import EmbeddedPostgres
from dev.ses import FakeSes
from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect_url

DAG_ID = "ses_bounces"
# It needs a form that is filled in.
BY_HAND = "ses_bounces_setup"
VARIABLE = "ses_bounces"
POSTGRES_CONNECTION = "ses_bounces_postgres"
METADATA_DATABASE = "airflow"
DATABASE = "ses_bounces"
RUN_SECONDS = 600
# The hourly DAG's.
SCHEDULE = timedelta(hours=1)

DEFAULT_DATA = REPOSITORY / ".run"
CELERY = "celery"


class AlreadyRunningError(RuntimeError):
    """Another launcher works on the same directory."""


def report_next(api: AirflowApi) -> None:
    """Have a run of the DAG begin from now on: one that has begun may have made its reports already."""
    if all(run["state"] != "queued" for run in api.runs(DAG_ID)):
        api.trigger(DAG_ID)


class Stack(Parts):
    """PostgreSQL, the AWS emulator with the sample in its queue, and Airflow with the DAG.

    Entering it starts all that; leaving it, for whatever reason, ends every process. `say` is told of each step.
    """

    def __init__(
        self,
        data: Path = DEFAULT_DATA,
        say: Callable[[str], None] = lambda _step: None,
        dags: Path = REPOSITORY / "dags",
        plugins: Path = REPOSITORY / "plugins",
        environment: Mapping[str, str] | None = None,
        components: Sequence[str] = tuple(COMPONENTS),
        postgres_settings: Mapping[str, str] | None = None,
        users: Mapping[str, str] = MappingProxyType(USERS),
    ) -> None:
        """Nothing is started yet; data of an earlier time in the directory are gone on with.

        `environment` are more variables for Airflow, `components` those of Airflow to start, `users` the roles of its
        users by login name.
        """
        super().__init__()
        self.data = data.resolve()
        self.reports = self.data / "reports"
        self.postgres = EmbeddedPostgres(
            self.data / "postgres", postgres_settings, template=lambda: template.ready(say)
        )
        self.aws = EmulatedAws(self.data / "aws", persist=True)
        self._say = say
        self._environment = dict(environment or {})
        self._folders = {"dags": dags, "plugins": plugins}
        self._components = tuple(components)
        self._users = users
        self._sample_marker = self.data / "sample.json"

    @property
    def database_url(self) -> str:
        """The libpq URI of the database with our schema and the people."""
        return self.postgres.url(DATABASE)

    def run_once(self, watch: Callable[[list[Json]], None] | None = None) -> tuple[str, str]:
        """Triggers the DAG and waits for the end of that run; its id, and `success` or `failed`."""
        # Unpaused, the DAG also gets a scheduled run of the last hour. One at a time runs, the longest due first.
        due = datetime.now(UTC) - SCHEDULE
        run_id = self.airflow.api.trigger(DAG_ID, {"report_today": True}, run_after=due)
        # A run that was triggered while the DAG is paused starts when it no longer is.
        self.airflow.api.pause(DAG_ID, False)
        state = self.airflow.api.wait_for_run(DAG_ID, run_id, RUN_SECONDS, watch)
        # The triggerer: none of our tasks needs it.
        self.airflow.spawn()
        return run_id, state

    def go_on(self) -> None:
        """Has the last days reported, and unpauses what doesn't run by hand only: the first time, after a run."""
        marker = self.data / "unpaused"
        if marker.exists():
            return
        sample.note_earlier_drains(self.database_url)
        report_next(self.airflow.api)
        for path in sorted(self._folders["dags"].glob("*.py")):
            if path.stem != BY_HAND:
                self.airflow.api.wait_for_dag(path.stem)
                self.airflow.api.pause(path.stem, False)
        marker.touch()

    def check_alive(self) -> None:
        """Raises RuntimeError, with the end of a log, if a part of it has ended."""
        if self.postgres.pid is None:
            raise RuntimeError(f"PostgreSQL has ended; its log is {self.postgres.log}")
        self.aws.check_alive()
        self.ses.check_alive()
        self.airflow.check_alive()

    def expected(self) -> Expected:
        """What the sample must have led to by now."""
        return sample.expected(self.sample_sent_at, self.feed.topic_arn, datetime.now(UTC))

    def _start(self) -> None:
        self._exit.enter_context(only_one(self.data))
        # Its port is wanted again.
        processes.stop_leftovers(self.data / "airflow", TASKS_STOP_SECONDS)
        self._say("PostgreSQL, AWS emulator")
        self._exit.callback(self.aws.stop)
        self.aws.begin()
        self._exit.enter_context(self.postgres)
        is_copy = self.postgres.rename_database(template.MIGRATED, METADATA_DATABASE)
        if not is_copy:
            self.postgres.create_database(METADATA_DATABASE)
        self.ses = FakeSes(self.aws)
        # AWS's default.
        self.ses.account["SuppressionAttributes"] = {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]}
        self.airflow = self._airflow()
        self._exit.callback(self.airflow.stop)
        if is_copy:
            self.airflow.note_migrated()
        self.airflow.begin_migration()
        self.airflow.finish_migration()
        self._say("Airflow: API server, DAG processor")
        # The first one takes longest: all else is done meanwhile, on another processor.
        self.airflow.spawn("api-server", "dag-processor")
        self._say("Database schema, people, sample mail")
        self._fill()
        self._say("Airflow: scheduler")
        self.airflow.spawn("scheduler")
        self.airflow.wait_ready()
        self._write_settings()
        self.airflow.api.wait_for_dag(DAG_ID)

    def _airflow(self) -> LocalAirflow:
        airflow = LocalAirflow(
            self.data / "airflow",
            self.postgres.url(METADATA_DATABASE),
            **self._folders,
            components=self._components,
            users=self._users,
            environment={
                "AIRFLOW_CONN_SES_BOUNCES_AWS": self.ses.connection_json(),
                f"AIRFLOW_CONN_{POSTGRES_CONNECTION.upper()}": self.database_url,
                **self._environment,
            },
        )
        airflow.write_shell_environment(self.data / "environment.sh")
        return airflow

    def _fill(self) -> None:
        self.postgres.create_database(DATABASE)
        with connect_url(self.database_url) as connection:
            schema.upgrade(connection)
        people.create(self.database_url)
        self.aws.wait_ready()
        self._exit.enter_context(self.ses)
        self.feed = Feed.create(self.ses)
        self.sample_sent_at = self._send_sample()

    def _send_sample(self) -> datetime:
        # The marker is written last; and the emulator, if it was killed, has forgotten what nobody drained.
        lost = self.feed.depth() == 0 and not results.has_messages(self.database_url)
        if lost or not self._sample_marker.exists():
            self.feed.purge()
            self._sample_marker.write_text(json.dumps({"sent_at": sample.send(self.feed).isoformat()}))
        return datetime.fromisoformat(json.loads(self._sample_marker.read_text())["sent_at"])

    def _write_settings(self) -> None:
        # What a user changed in the UI stays, except the queue: its port may differ this time.
        kept = json.loads(self.airflow.api.variable(VARIABLE) or "{}")
        defaults = {"people_table": people.TABLE, "report_url": self.reports.as_uri()}
        settings = {**defaults, **kept, "queue_urls": [self.feed.queue_url]}
        if settings != kept:
            self.airflow.api.set_variable(VARIABLE, json.dumps(settings, indent=2))


def clean(data: Path = DEFAULT_DATA) -> None:
    """Ends what a killed launcher left running and removes the directory. AlreadyRunningError if one is at work."""
    if not data.exists():
        return
    with only_one(data):
        # What `python -m dev celery` left.
        clean(data / CELERY)
        for directory in filter(Path.is_dir, data.iterdir()):
            processes.stop_leftovers(directory, 0)
        EmbeddedPostgres(data / "postgres").stop("immediate")
        shutil.rmtree(data)


def only_one(data: Path) -> ExitStack:
    """Holds the directory's lock until it is closed."""
    data.mkdir(parents=True, exist_ok=True)
    try:
        # Not closed on purpose here: the lock lives as long as the file is open.
        lock = (data / "lock").open("a+")
    except PermissionError:
        raise RuntimeError(f"{data} belongs to another user: remove it, or run as that user") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise AlreadyRunningError(f"it runs already, as process {lock.read() or '?'}") from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    stack = ExitStack()
    stack.callback(lock.close)
    return stack
