"""What a team on Amazon MWAA does, in the environment of one of its images: `python -m dev.mwaa.trial 3.3.1`.

Installs the wheel under the image's pins, makes and upgrades the schema and makes the feed by the set-up DAG, runs the
hourly DAG, asks the pages as a user of each of FAB's roles, and ends a Celery worker by SIGTERM while it drains. Tasks
go through an SQS queue. What each step led to is printed and kept in a log; the status is 0 only if all is right.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import httpx
import psycopg

from dev import launcher, processes, released
from dev.airflow import REPOSITORY
from dev.aws import Feed
from dev.celery_lists import Lists
from dev.generate import bodies
from dev.mwaa.image import Image
from dev.mwaa.stack import USERS, MwaaStack
from ses_bounces.base.database import schema
from ses_bounces.base.sites import HOURLY, SETUP, Site

FOLDER = REPOSITORY / ".run" / "mwaa"
VERSIONS = ("3.2.1", "3.3.1")
DOMAIN = "example.com"
# Pending in the database of 0.1.0, of the first run, and of the one that a worker is ended in.
FORMER, FIRST, MANY = 20, 50, 4_000
LANDED_BEFORE = 500
RUN_SECONDS, WORKER_SECONDS, DAG_SECONDS = 600, 120, 180
# What each role may do: the overview, the downloads of addresses, and a form of the settings.
PATHS = {"GET ": "read", "GET blocked.csv": "edit", "POST settings/preview": "settings"}
MAY = {
    "Public": set[str](),
    "Viewer": {"read"},
    "User": {"read", "edit"},
    "Op": {"read", "edit", "settings"},
    "Admin": {"read", "edit", "settings"},
}
Say = Callable[[str], None]


class WrongError(RuntimeError):
    """A step led to something else than it must."""


class Trial:
    """The steps, in their order, on a started stack."""

    def __init__(self, stack: MwaaStack, say: Say) -> None:
        self.stack = stack
        self.say = say
        self.lists = Lists()
        self.sent = 0

    def make_schema(self) -> None:
        """In an empty database, by the DAG: no task but the one of the database runs."""
        self.stack.postgres.create_database("fresh")
        self.stack.connect("fresh")
        self.stack.airflow.api.wait_for_dag(SETUP, DAG_SECONDS)
        self._set_up(only_database=True)
        self.expect("schema revision", self._one("fresh", schema_revision()), f"{schema.LAST_REVISION:04}")

    def upgrade(self) -> None:
        """In a database of 0.1.0, with messages that wait."""
        self.stack.postgres.create_database("app")
        url = self.stack.postgres.url("app")
        released.make(url)
        waiting = list(islice(bodies(FORMER, seed=7), FORMER))
        self.sent += len(list(self.lists.take_in(waiting)))
        with psycopg.connect(url) as connection, connection.cursor().copy(released.LAND) as copy:
            for number, body in enumerate(waiting):
                now = datetime.now(UTC)
                copy.write_row((f"former-{number}", "http://127.0.0.1/1/q", None, body, now, 1, "pending", None))
        self.expect("schema revision before", self._one("app", schema_revision()), "0001")
        self.stack.connect("app")
        self._set_up(only_database=True)
        self.expect("schema revision after", self._one("app", schema_revision()), f"{schema.LAST_REVISION:04}")
        self.expect("messages kept", self._one("app", "SELECT count(*) FROM ses_bounces.message"), FORMER)

    def make_feed(self) -> Feed:
        """By the DAG: a plan, then all of it; the Variable has what the log says."""
        api, variable = self.stack.airflow.api, Site().variable
        settings: dict[str, Any] = {"feeds": [DOMAIN]}
        api.set_variable(variable, json.dumps(settings))
        self._set_up()
        self._set_up(apply=True)
        sqs, sns = self.stack.ses.client("sqs"), self.stack.ses.client("sns")
        urls = {url.rpartition("/")[2]: url for url in sqs.list_queues()["QueueUrls"]}
        [topic] = [one["TopicArn"] for one in sns.list_topics()["Topics"]]
        self.say(f"queues: {', '.join(sorted(urls))}; topic: {topic}")
        feed = Feed(self.stack.aws, topic, urls["ses-bounces-queue"], urls["ses-bounces-dead-letter-queue"])
        settings |= {"queue_urls": [feed.queue_url], "lift_at_ses": False}
        api.set_variable(variable, json.dumps(settings))
        return feed

    def run_hour(self, feed: Feed) -> None:
        """The first run lands and classifies what is new and what 0.1.0 has left."""
        self._send(feed, FIRST, seed=8)
        self._run(HOURLY, {})
        self._compare()

    def ask_pages(self) -> None:
        """Each role gets what it may, and nothing else."""
        url = f"{self.stack.airflow.url}/{Site().slug}/"
        for role, user in USERS.items():
            sent = {"username": user, "password": self.stack.password}
            answer = httpx.post(f"{self.stack.airflow.url}/auth/token", json=sent, timeout=60, trust_env=False)
            token = answer.json()["access_token"]
            with httpx.Client(base_url=url, cookies={"_token": token}, timeout=60, trust_env=False) as client:
                form = {"token": _token(client), "queue_urls": "no URL"}
                statuses = {
                    asked: client.request(method, path, data=form if method == "POST" else None).status_code
                    for asked, (method, path) in ((asked, asked.split(" ")) for asked in PATHS)
                }
            let_in = {right for asked, right in PATHS.items() if statuses[asked] != httpx.codes.FORBIDDEN}
            self.say(f"{role}: {', '.join(f'{asked} {status}' for asked, status in statuses.items())}")
            self.expect(f"rights of {role}", let_in, MAY[role])
            faults = [asked for asked, status in statuses.items() if status >= httpx.codes.INTERNAL_SERVER_ERROR]
            self.expect(f"faults for {role}", faults, [])
        self.expect("status without a login", httpx.get(url, timeout=60, trust_env=False).status_code, 401)

    def end_a_worker(self, feed: Feed) -> None:
        """SIGTERM while it drains: it keeps nothing to itself, and another worker does the rest."""
        self._send(feed, MANY, seed=9)
        before = self._one("app", "SELECT count(*) FROM ses_bounces.message")
        api = self.stack.airflow.api
        run_id = api.trigger(HOURLY, {})
        deadline = time.monotonic() + RUN_SECONDS
        landed = 0
        while landed < LANDED_BEFORE:
            landed = self._one("app", "SELECT count(*) FROM ses_bounces.message") - before
            if time.monotonic() > deadline:
                raise WrongError(f"only {landed} messages had landed after {RUN_SECONDS} s")
            time.sleep(processes.POLL_SECONDS)
        worker = self.stack.workers[0]
        began = time.monotonic()
        worker.process.terminate()
        status = worker.process.wait(WORKER_SECONDS)
        ended = time.monotonic() - began
        held = self._in_flight(feed)
        self.say(f"SIGTERM when {landed:,} messages had landed: the worker ended with {status} after {ended:.1f} s")
        self.expect("messages that it held", held, 0)
        self.stack.start_worker()
        self.say(f"run: {api.wait_for_run(HOURLY, run_id, RUN_SECONDS)}")
        for _ in range(3):
            if feed.depth() == 0 and not self._one("app", pending()):
                break
            self._run(HOURLY, {})
        self._compare()

    def _set_up(self, **conf: bool) -> None:
        """Run the set-up DAG; only the tasks that the form asks for do anything."""
        self._run(SETUP, conf)

    def _run(self, dag_id: str, conf: dict[str, Any]) -> None:
        api = self.stack.airflow.api
        api.wait_for_dag(dag_id, DAG_SECONDS)
        api.pause(dag_id, False)
        began = time.monotonic()
        run_id = api.trigger(dag_id, conf)
        state = api.wait_for_run(dag_id, run_id, RUN_SECONDS)
        states = {task: sorted(map(str, found)) for task, found in api.task_states(dag_id, run_id).items()}
        told = ", ".join(f"{task} {'/'.join(found)}" for task, found in states.items())
        self.say(f"{dag_id} {json.dumps(conf)}: {state} in {time.monotonic() - began:.0f} s ({told})")
        if state != "success":
            for task in (task for task, found in states.items() if "failed" in found):
                self.say(api.task_log(dag_id, run_id, task)[-2_000:])
        self.expect(f"state of {dag_id}", state, "success")

    def _send(self, feed: Feed, number: int, seed: int) -> None:
        # Each of an address of its own: none that was there before.
        texts = [text.replace("@domain", f"@s{seed}-domain") for text in bodies(number, seed)]
        feed.send_bodies(texts)
        self.sent += len(list(self.lists.take_in(texts)))

    def _compare(self) -> None:
        """The lists are what all messages lead to, and none is there twice."""
        entries = "SELECT count(*) FROM ses_bounces.address_event WHERE superseded_at IS NULL"
        messages = "SELECT count(DISTINCT sqs_message_id) FROM ses_bounces.message"
        self.expect("messages", self._one("app", messages), self.sent)
        self.expect("entries", self._one("app", entries), self.sent)
        self.expect("messages that wait", self._one("app", pending()), 0)
        self.expect("differences of the lists", self.lists.differences(self.stack.postgres.url("app")), [])
        self.say(f"{len(self.lists.blocked):,} blocked, of {self.sent:,} messages")

    def _in_flight(self, feed: Feed) -> int:
        name = "ApproximateNumberOfMessagesNotVisible"
        sqs = self.stack.aws.client("sqs")
        return int(sqs.get_queue_attributes(QueueUrl=feed.queue_url, AttributeNames=[name])["Attributes"][name])

    def _one(self, database: str, query: Any) -> Any:
        with psycopg.connect(self.stack.postgres.url(database)) as connection:
            row = connection.execute(query).fetchone()
        return row and row[0]

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Say what was found. WrongError if it isn't what it must be."""
        if found != wanted:
            raise WrongError(f"{what}: {found}; it must be {wanted}")
        self.say(f"{what}: {found}")


def _token(client: httpx.Client) -> str:
    """The token of a form, as any page shows it to a user who may read; empty for another."""
    found = re.search(r'name="token" value="([^"]+)"', client.get("bounces").text)
    return found[1] if found else ""


def schema_revision() -> str:
    """The query of the schema's revision."""
    return "SELECT version_num FROM ses_bounces.alembic_version"


def pending() -> str:
    """The query of how many messages wait to be classified."""
    return "SELECT count(*) FROM ses_bounces.message WHERE outcome = 'pending'"


def run(version: str, say: Say) -> None:
    """Run all steps on an image. WrongError, RuntimeError or TimeoutError where one doesn't lead to what it must."""
    folder = FOLDER / version
    image = Image(version, folder)
    say(f"The image's packages, and the wheel under its pins: {', '.join(image.make())}")
    data = folder / f"data-{datetime.now(UTC):%H%M%S}"
    say("PostgreSQL, AWS emulator, Airflow with FAB, a Celery worker over SQS")
    with MwaaStack(image, data) as stack:
        trial = Trial(stack, say)
        say("A schema from nothing, by the set-up DAG")
        trial.make_schema()
        say("A schema of 0.1.0 upgraded, by the set-up DAG")
        trial.upgrade()
        say("The feed, by the set-up DAG")
        feed = trial.make_feed()
        say("The first run")
        trial.run_hour(feed)
        say("The pages for each role of FAB")
        trial.ask_pages()
        say("A worker ended by SIGTERM")
        trial.end_a_worker(feed)


def main(arguments: Iterable[str]) -> int:
    """Returns 0 if everything is as it must be."""
    parser = argparse.ArgumentParser(prog="python -m dev.mwaa.trial", description=__doc__)
    parser.add_argument("versions", nargs="*", metavar="|".join(VERSIONS), help="of Airflow (default: all)")
    versions = parser.parse_args([*arguments]).versions or VERSIONS
    if unknown := set(versions) - set(VERSIONS):
        parser.error(f"there are {', '.join(VERSIONS)}, not {', '.join(sorted(unknown))}")
    wrong = 0
    launcher.watch()
    for version in versions:
        log = FOLDER / f"{version}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with log.open("w", encoding="utf-8") as file:

            def say(text: str, began: float = began, file: Any = file) -> None:
                line = f"{time.monotonic() - began:6.1f} s  {text}"
                print(line, flush=True)
                print(line, file=file, flush=True)

            say(f"Airflow {version}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
            try:
                run(version, say)
                say("all is right")
            except (WrongError, RuntimeError, TimeoutError) as error:
                say(f"WRONG: {error}")
                wrong += 1
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
