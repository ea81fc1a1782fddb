"""Airflow with CeleryExecutor on this machine: a broker, and workers that share nothing but network and database."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from dev import processes, template
from dev.airflow import STARTER, LocalAirflow
from dev.aws import EmulatedAws, Feed
from dev.parts import Parts
from dev.postgres import EmbeddedPostgres
from dev.redis import LocalRedis
from dev.stack import DAG_ID, DATABASE, METADATA_DATABASE, POSTGRES_CONNECTION, VARIABLE, only_one
from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect_url

STOP_SECONDS = 10
# Tasks of one worker at a time.
CONCURRENCY = 2
COMPONENTS = ("api-server", "scheduler", "dag-processor")
# By hand only: what runs is what was triggered.
DAG_FILE = """# An Airflow DAG file.
from ses_bounces.feed.sqs import queue as queues
from ses_bounces.dags import build_dags

queues.VISIBILITY_SECONDS = %d
build_dags("ses_bounces", schedule={"ses_bounces": None})
"""
# A worker that was killed is missed after 20 s; Airflow's own default is 5 minutes.
NOTICE_SOON = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
}


@dataclass
class Worker:
    """A worker with a home, a folder for logs, one of DAG files and one for temporary files of its own."""

    name: str
    home: Path
    service: processes.Service | None = field(default=None)

    def start(self, airflow: LocalAirflow, visibility_seconds: int) -> None:
        """Starts it, without waiting for it."""
        scratch = self.home / "tmp"
        scratch.mkdir(parents=True)
        own = {
            "AIRFLOW_HOME": str(self.home / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder(self.home, visibility_seconds)),
            "HOME": str(self.home),
            "TMPDIR": str(scratch),
        }
        # Without the search for other workers, which takes seconds; `--skip-serve-logs`: it would listen everywhere.
        options = ["--celery-hostname", f"{self.name}@%h", "--concurrency", str(CONCURRENCY), "--skip-serve-logs",
                   "--without-mingle", "--without-gossip"]  # fmt: skip
        command = [sys.executable, "-c", STARTER, "celery", "worker", *options]
        environment = {**airflow.environment, **own}
        self.service = processes.spawn(
            f"Celery worker {self.name}", command, environment, self.home / "worker.log", self.home
        )

    def kill(self) -> int:
        """Ends it and its tasks at once, as a power cut would; returns how many processes."""
        assert self.service, "it does not run"
        killed = processes.kill(self.service)
        self.service = None
        return killed

    def attempts(self, task_id: str) -> int:
        """How many tries of a task have left a log on its disk."""
        return len(list(self._logs.glob(f"**/task_id={task_id}/**/attempt=*.log")))

    def has_tried(self, run_id: str, task_id: str, map_index: int, try_number: int) -> bool:
        """Whether the log of that try is on its disk."""
        task = self._logs / f"dag_id={DAG_ID}" / f"run_id={run_id}" / f"task_id={task_id}"
        return (task / f"map_index={map_index}" / f"attempt={try_number}.log").exists()

    @property
    def _logs(self) -> Path:
        return self.home / "airflow" / "logs"


class CeleryStack(Parts):
    """PostgreSQL, Redis, the AWS emulator with some empty queues, Airflow, and workers.

    Entering it starts all that; leaving it, for whatever reason, ends every process.
    """

    def __init__(self, data: Path, workers: int, queues: int, visibility_seconds: int) -> None:
        """Nothing is started yet. `data` is a folder for this time only.

        `visibility_seconds`: for how long SQS hides what a drain has received.
        """
        super().__init__()
        self.visibility_seconds = visibility_seconds
        self.data = data.resolve()
        self.postgres = EmbeddedPostgres(self.data / "postgres", template=template.ready)
        self.redis = LocalRedis(self.data / "redis")
        self.aws = EmulatedAws(self.data / "aws")
        self.workers = [Worker(f"worker{n}", self.data / f"worker{n}") for n in range(1, workers + 1)]
        self.feeds: list[Feed] = []
        self._queues = queues

    @property
    def database_url(self) -> str:
        """The libpq URI of the database with our schema."""
        return self.postgres.url(DATABASE)

    @property
    def metadata_url(self) -> str:
        """The libpq URI of Airflow's own database."""
        return self.postgres.url(METADATA_DATABASE)

    def depth(self) -> int:
        """Messages in all queues, those in flight included."""
        return sum(feed.depth() for feed in self.feeds)

    def _start(self) -> None:
        self._exit.enter_context(only_one(self.data))
        for part in (self.redis, self.postgres, self.aws):
            self._exit.enter_context(part)
        is_copy = self.postgres.rename_database(template.MIGRATED, METADATA_DATABASE)
        for database in (METADATA_DATABASE, DATABASE):
            self.postgres.create_database(database)
        with connect_url(self.database_url) as connection:
            schema.upgrade(connection)
        self.feeds = [Feed.create(self.aws, f"-{n}", f"news@n{n}.example.com") for n in range(self._queues)]
        result_backend = self.metadata_url.replace("postgresql://", "db+postgresql+psycopg2://")
        self.airflow = LocalAirflow(
            self.data / "airflow",
            self.metadata_url,
            dags=dags_folder(self.data, self.visibility_seconds),
            components=COMPONENTS,
            environment={
                "AIRFLOW_CONN_SES_BOUNCES_AWS": self.aws.connection_json(),
                f"AIRFLOW_CONN_{POSTGRES_CONNECTION.upper()}": self.database_url,
                "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
                "AIRFLOW__CORE__PARALLELISM": str(CONCURRENCY * len(self.workers)),
                "AIRFLOW__CELERY__BROKER_URL": self.redis.url,
                "AIRFLOW__CELERY__RESULT_BACKEND": result_backend,
                # Else a scheduler on a busy machine takes a task for not sent.
                "AIRFLOW__CELERY__OPERATION_TIMEOUT": "20",
                **NOTICE_SOON,
            },
        )
        if is_copy:
            self.airflow.note_migrated()
        self._exit.enter_context(self.airflow)
        self._exit.callback(self._stop_workers)
        for worker in self.workers:
            worker.start(self.airflow, self.visibility_seconds)
        settings = {"queue_urls": [feed.queue_url for feed in self.feeds], "lift_at_ses": False}
        self.airflow.api.set_variable(VARIABLE, json.dumps(settings))
        self.airflow.api.wait_for_dag(DAG_ID)
        self.airflow.api.pause(DAG_ID, False)

    def _stop_workers(self) -> None:
        processes.stop([worker.service for worker in self.workers if worker.service], STOP_SECONDS)


def dags_folder(owner: Path, visibility_seconds: int) -> Path:
    """Makes a folder of DAG files under a directory."""
    folder = owner / "dags"
    folder.mkdir(parents=True)
    (folder / "ses_bounces_celery.py").write_text(DAG_FILE % visibility_seconds)
    return folder
