"""The hourly DAG's tasks, in this process: its own functions, with a context as Airflow gives it to them."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ses_bounces.base.database.connection import connect_url
from ses_bounces.classify.rules import Rules
from ses_bounces.feed.landing import Landing

QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/ses-bounces-queue"
TASKS = ("classify_bounces", "promote_expired_transients", "sync_allow_group_email", "emit_blocked_report")
LAND_MESSAGES = 500


class Hour:
    """A database, its settings, and the tasks on it."""

    def __init__(self, url: str, aws: str | None = None, **settings: Any) -> None:
        """Set this process's environment; nothing is run yet.

        :param aws: the connection to AWS, as JSON.
        :param settings: more of the Variable's keys.
        """
        self.url = url
        environment = {
            "AIRFLOW_CONN_SES_BOUNCES_POSTGRES": url,
            "AIRFLOW_VAR_SES_BOUNCES": json.dumps({"queue_urls": [QUEUE_URL], **settings}),
            # Connections and Variables are those of the environment; no other Airflow is asked.
            "_AIRFLOW_PROCESS_CONTEXT": "server",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        }
        if aws:
            environment["AIRFLOW_CONN_SES_BOUNCES_AWS"] = aws
        if "AIRFLOW_HOME" not in os.environ:
            environment["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="ses-bounces-airflow-")
            atexit.register(shutil.rmtree, environment["AIRFLOW_HOME"], ignore_errors=True)
        os.environ.update(environment)

    def land(self, bodies: Iterable[str]) -> int:
        """Land bodies as the drain does what it received, without SQS; returns how many."""
        landed, texts = 0, iter(bodies)
        sent = str(int(datetime.now(UTC).timestamp() * 1000))
        with connect_url(self.url) as connection:
            landing = Landing(connection, QUEUE_URL, Rules(), keep_no_effect_bodies=False)
            while batch := list(islice(texts, LAND_MESSAGES)):
                attributes = {"SentTimestamp": sent, "ApproximateReceiveCount": "1"}
                landing.land(
                    [{"MessageId": str(landed + n), "Body": t, "Attributes": attributes} for n, t in enumerate(batch)]
                )
                landed += len(batch)
        return landed

    def run(self, task: str, *arguments: Any) -> Any:
        """Run one task and return its counts."""
        from ses_bounces.dags.tasks import hourly

        return getattr(hourly, task)(self.context(task), *arguments)

    def context(self, task_id: str, **params: Any) -> Any:
        """The context of a task of a scheduled run of the last hour."""
        now = datetime.now(UTC)
        run = SimpleNamespace(
            run_type="scheduled", run_id="scheduled__1", run_after=now, triggering_user_name=None,
            data_interval_start=now - timedelta(hours=1), data_interval_end=now,
        )  # fmt: skip
        ti = SimpleNamespace(
            run_id=run.run_id, task_id=task_id, map_index=-1, try_number=1, dag_id="ses_bounces",
            get_task_states=lambda **_asked: {run.run_id: {}},
        )  # fmt: skip
        return {"params": params, "dag_run": run, "ti": ti, "run_id": run.run_id}


def peak_memory() -> float:
    """Return the most memory that this process ever had, in MB."""
    # ru_maxrss of a process that was started by a larger one is that one's.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) / 1024
