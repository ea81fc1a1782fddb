"""An Airflow as Amazon MWAA sets it up: FAB for users, Celery over an SQS queue that exists already, no shell."""

import json
import secrets
from pathlib import Path

from dev import processes
from dev.airflow import STARTER, LocalAirflow
from dev.airflow_api import AirflowApi
from dev.aws import EmulatedAws
from dev.emulators import as_json
from dev.endpoint import ACCESS_KEY, REGION, SECRET_KEY
from dev.fab_users import FAB, grant
from dev.mwaa.image import Image
from dev.parts import Parts
from dev.ports import LOOPBACK
from dev.postgres import EmbeddedPostgres
from dev.ses import FakeSes
from ses_bounces.base.sites import Site

METADATA = "airflow"
TASK_QUEUE = "airflow-celery"
# The three lines of docs/mwaa.md.
DAG_FILE = """# An Airflow DAG file: without these words Airflow does not read it.
from ses_bounces.dags import build_dags

build_dags(schedule={"ses_bounces": None})
"""
# MWAA's file says the same: a queue that is there, and the longest time-out that SQS knows.
CELERY = """from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG

CELERY_CONFIG = {**DEFAULT_CELERY_CONFIG, **%s}
"""
# By role: the user who has it.
USERS = {"Public": "pia", "Viewer": "vic", "User": "uli", "Op": "opa", "Admin": "ada"}
ADMIN = USERS["Admin"]
STOP_SECONDS = 20


class MwaaStack(Parts):
    """PostgreSQL, the AWS emulator, Airflow's components and one Celery worker, in the environment of an image."""

    def __init__(self, image: Image, data: Path) -> None:
        """Nothing is started yet. `data` is a folder for this time only."""
        super().__init__()
        self.image = image
        self.data = data.resolve()
        self.postgres = EmbeddedPostgres(self.data / "postgres")
        self.aws = EmulatedAws(self.data / "aws", preferred_port=None)
        self.password = secrets.token_urlsafe(12)
        self.workers: list[processes.Service] = []

    def connect(self, database: str) -> None:
        """Let the connection to Postgres lead to a database, as an administrator does in the UI."""
        self._add_connection(Site().postgres_conn_id, as_json(self.postgres.url(database)))

    def start_worker(self) -> processes.Service:
        """Start a Celery worker beside those that run, without waiting for it."""
        name = f"worker{len(self.workers) + 1}"
        # With a name of its own it would ask the others for theirs, through a queue that SQS doesn't have.
        options = ["--concurrency", "2", "--skip-serve-logs", "--without-mingle", "--without-gossip"]
        command = [str(self.image.python), "-c", STARTER, "celery", "worker", *options]
        log = self.data / f"{name}.log"
        worker = processes.spawn(f"Celery {name}", command, self.airflow.environment, log, self.data)
        self.workers.append(worker)
        return worker

    def _start(self) -> None:
        for part in (self.postgres, self.aws):
            self._exit.enter_context(part)
        self.ses = self._exit.enter_context(FakeSes(self.aws))
        for database in (METADATA, "celery"):
            self.postgres.create_database(database)
        queue_url = self.aws.client("sqs").create_queue(QueueName=TASK_QUEUE)["QueueUrl"]
        home = self.data / "airflow"
        for folder in ("dags", "plugins", "config"):
            (home / folder).mkdir(parents=True)
        (home / "dags" / "email_bounces.py").write_text(DAG_FILE)
        (home / "config" / "mwaa_celery.py").write_text(CELERY % repr(self._celery(queue_url)))
        metadata_url = self.postgres.url(METADATA)
        self.airflow = LocalAirflow(
            home,
            metadata_url,
            dags=home / "dags",
            plugins=home / "plugins",
            components=("api-server", "scheduler", "dag-processor"),
            preferred_port=0,
            python=self.image.python,
            environment={
                "AIRFLOW__CORE__AUTH_MANAGER": FAB,
                "AIRFLOW__FAB__CACHE_TTL": "0",
                "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
                "AIRFLOW__CORE__EXECUTE_TASKS_NEW_PYTHON_INTERPRETER": "True",
                "AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS": "mwaa_celery.CELERY_CONFIG",
                "AIRFLOW__CELERY__OPERATION_TIMEOUT": "20",
                "AIRFLOW__OPERATORS__DEFAULT_QUEUE": TASK_QUEUE,
            },
        )
        self._exit.callback(lambda: processes.stop(self.workers, STOP_SECONDS))
        self._exit.enter_context(self.airflow)
        grant(self.airflow, self.password, {}, {user: role for role, user in USERS.items()})
        self.airflow.api = AirflowApi(self.airflow.url, ADMIN, self.password, metadata_url)
        self._add_connection(Site().aws_conn_id, self.ses.connection_json())
        self.start_worker()

    def _celery(self, queue_url: str) -> dict[str, object]:
        return {
            "broker_url": f"sqs://{ACCESS_KEY}:{SECRET_KEY}@{LOOPBACK}:{self.aws.port}",
            "broker_transport_options": {
                "predefined_queues": {TASK_QUEUE: {"url": queue_url}},
                "is_secure": False,
                "region": REGION,
                "visibility_timeout": 43_200,
            },
            "result_backend": self.postgres.url("celery").replace("postgresql://", "db+postgresql+psycopg2://"),
            # SQS can't: it would make queues for it.
            "worker_enable_remote_control": False,
        }

    def _add_connection(self, conn_id: str, as_json: str) -> None:
        wanted = json.loads(as_json)
        wanted |= {"connection_id": conn_id, "extra": json.dumps(wanted.get("extra") or {})}
        known = self.airflow.api.request("GET", "/connections", params={"limit": 100})["connections"]
        if conn_id in {one["connection_id"] for one in known}:
            self.airflow.api.request("PATCH", f"/connections/{conn_id}", json=wanted)
        else:
            self.airflow.api.request("POST", "/connections", json=wanted)
