"""The wheel alone, in an environment of its own, by what the README says: pages and DAGs are there, and a run is green.

The commands are those of the README's blocks, in their order. The values that each reader has of their own
(connections, the URL of the queue) are replaced by those of the emulator; uv stands in for pip, which would take minutes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from dev import people
from dev.airflow import REPOSITORY, LocalAirflow
from dev.aws import EmulatedAws
from dev.item import simulator
from dev.pages_server import migrated_metadata
from dev.postgres import EmbeddedPostgres
from dev.ses import FakeSes
from ses_bounces.dags import DAG_NAMES

pytestmark = pytest.mark.e2e

REGION = "eu-west-1"
PREFIX = "mail_"
SOURCES = ("plugins", "include", "dags", "pyproject.toml", "README.md", "LICENSE", "constraints.txt")
BLOCK = r"```{language}\n(.*?)```"
# One process that asks Airflow's own manager, without the app.
LOAD = """
import json, airflow.plugins_manager as manager
plugins, errors = manager._get_plugins()
ours = [p for p in plugins if p.name == "ses_bounces"]
import ses_bounces
print(json.dumps([len(ours), errors, ses_bounces.__file__]))
"""


@dataclass(frozen=True)
class Fresh:
    """A checkout, and an environment with nothing but its wheel."""

    checkout: Path
    venv: Path

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    def shell(self, script: str, environment: dict[str, str] | None = None, status: int = 0) -> str:
        """What a shell prints in the checkout, with the environment active; its exit status must be this one."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
        own |= {"PATH": f"{self.venv / 'bin'}:{own['PATH']}", "VIRTUAL_ENV": str(self.venv)} | (environment or {})
        done = subprocess.run(
            ["bash", "-eu", "-c", script], cwd=self.checkout, env=own, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def blocks(path: str, section: str, language: str) -> list[str]:
    """The code of a section of a page, in its order."""
    text = (REPOSITORY / path).read_text(encoding="utf-8")
    [part] = re.findall(rf"^#+ {re.escape(section)}\n(.*?)(?=^##+ |\Z)", text, re.DOTALL | re.MULTILINE)
    return re.findall(BLOCK.format(language=language), part, re.DOTALL)


README = "Use it with your AWS account and your Postgres"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """The first of the README's steps."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert uv, "uv is not installed; dev/environment.py does it"
    checkout = tmp_path_factory.mktemp("checkout")
    ignore = shutil.ignore_patterns("__pycache__")
    for name in SOURCES:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, checkout / name, ignore=ignore)
        else:
            shutil.copy(source, checkout)
    made = Fresh(checkout, tmp_path_factory.mktemp("fresh") / "venv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, made.venv], check=True)
    for name, arguments in (("uv", '"$@"'), ("pip", 'pip "$@" --compile-bytecode --constraint constraints.txt')):
        shim = made.venv / "bin" / name
        shim.write_text(f'#!/bin/sh\nexec "{uv}" {arguments}\n')
        shim.chmod(0o755)
    install = blocks("README.md", README, "sh")[0]
    assert install.startswith("uv build --wheel\npip install dist/*.whl\nexport ")
    made.shell(install)
    return made


@pytest.fixture(scope="module")
def bundles(fresh: Fresh) -> dict[str, str]:
    """The variables that the README's first step exports."""
    export = blocks("README.md", README, "sh")[0].partition("export ")[2]
    name = export.partition("=")[0]
    value = fresh.shell(f'export {export}\nprintf %s "${name}"')
    json.loads(value)
    return {name: value}


@dataclass(frozen=True)
class Started:
    """A running Airflow of that environment, with what it works on."""

    airflow: LocalAirflow
    ses: FakeSes
    database_url: str
    environment: dict[str, str]


@pytest.fixture(scope="module")
def started(
    fresh: Fresh, bundles: dict[str, str], postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Started]:
    """Both ways to the DAGs at once, and the project's plugins folder mounted as well."""
    postgres.create_database("wheel")
    postgres.create_database("wheel_airflow", migrated_metadata(tmp_path_factory.mktemp("metadata"), postgres))
    people.create(postgres.url("wheel"))
    folder = tmp_path_factory.mktemp("dags")
    [lines, _] = blocks("docs/install.md", "With what is different at your place", "python")
    (folder / "email_bounces.py").write_text(lines)
    with EmulatedAws(tmp_path_factory.mktemp("aws")) as aws, FakeSes(aws) as ses:
        connections = {
            "AIRFLOW_CONN_SES_BOUNCES_AWS": ses.connection_json(REGION),
            "AIRFLOW_CONN_SES_BOUNCES_POSTGRES": postgres.url("wheel"),
        }
        airflow = LocalAirflow(
            tmp_path_factory.mktemp("airflow"),
            postgres.url("wheel_airflow"),
            dags=folder,
            plugins=fresh.checkout / "plugins",
            environment={**bundles, **connections},
            components=("api-server", "scheduler", "dag-processor"),
            python=fresh.python,
        )
        airflow.note_migrated()
        with airflow:
            yield Started(airflow, ses, postgres.url("wheel"), connections)


@pytest.mark.parametrize("mounted", [False, True], ids=["wheel", "wheel, and the project's plugins folder"])
def test_there_is_one_plugin_and_no_import_error(fresh: Fresh, tmp_path: Path, mounted: bool) -> None:
    folder = fresh.checkout / "plugins" if mounted else tmp_path / "none"
    environment = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    printed = fresh.shell(f"python - <<'E'\n{LOAD}E\n", environment).splitlines()[-1]
    number, errors, file = json.loads(printed)
    assert (number, errors) == (1, {})
    assert str(fresh.venv) in file


def test_both_ways_the_dags_are_there(started: Started) -> None:
    api = started.airflow.api
    for name in DAG_NAMES:
        api.wait_for_dag(name)
        api.wait_for_dag(f"{PREFIX}{name}")
    assert api.import_errors() == {}
    found = {dag["dag_id"]: dag for dag in api.request("GET", "/dags", params={"limit": 100})["dags"]}
    assert sorted(found) == sorted([*DAG_NAMES, *(f"{PREFIX}{name}" for name in DAG_NAMES)])
    assert {dag["bundle_name"] for dag_id, dag in found.items() if dag_id in DAG_NAMES} == {"ses-bounces"}
    ours, theirs = found["ses_bounces"], found[f"{PREFIX}ses_bounces"]
    assert (ours["owners"], theirs["owners"]) == (["email"], ["deliverability"])
    assert (ours["timetable_description"], theirs["timetable_description"]) == ("Every hour", "Every 30 minutes")
    assert {tag["name"] for tag in theirs["tags"]} == {"mail", "ses_bounces"}


def test_the_pages_are_there_once(started: Started) -> None:
    api = started.airflow.api
    assert api.request("GET", "/plugins/importErrors")["import_errors"] == []
    plugins = api.request("GET", "/plugins", params={"limit": 100})["plugins"]
    assert [plugin["name"] for plugin in plugins].count("ses_bounces") == 1
    with httpx.Client(base_url=started.airflow.url, trust_env=False) as http:
        assert http.get("/ses-bounces/static/icon.svg").status_code == 200
        assert http.get("/ses-bounces/").status_code == 401


def wait_for_bounce(started: Started, queue_url: str) -> None:
    """Until SES's report of a bounce is in the queue."""
    sqs, deadline = started.ses.client("sqs", REGION), time.monotonic() + 20
    names = ["ApproximateNumberOfMessages"]
    while time.monotonic() < deadline:
        found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
        if int(found["Attributes"][names[0]]):
            return
        time.sleep(0.1)
    raise AssertionError("no report arrived")


def is_blocked(started: Started, address: str) -> bool:
    with psycopg.connect(started.database_url) as connection:
        row = connection.execute("SELECT ses_bounces.is_blocked(%s)", [address]).fetchone()
    assert row is not None
    return bool(row[0])


def run(started: Started) -> str:
    return started.airflow.api.wait_for_run("ses_bounces", started.airflow.api.trigger("ses_bounces"))


def test_the_first_run_is_green(fresh: Fresh, started: Started) -> None:
    api = started.airflow.api
    environment = started.airflow.settings | started.environment
    look, apply = blocks("README.md", README, "sh")[1].splitlines()
    # It looks only; there is something to do.
    assert "--apply does it" in fresh.shell(look, environment)
    printed = fresh.shell(apply, environment)
    assert "the feed works" in printed
    [url] = set(re.findall(r'"(http://[^"]+/ses-bounces-queue)"', printed))
    variable: dict[str, Any] = json.loads(blocks("README.md", README, "json")[0])
    assert variable["enforce"] is False
    variable["queue_urls"] = [url]
    api.set_variable("ses_bounces", json.dumps(variable))
    address = simulator("bounce+first")
    text = {"Subject": {"Data": "News"}, "Body": {"Text": {"Data": "Hello"}}}
    mail = {"Source": "news@example.com", "Destination": {"ToAddresses": [address]}, "Message": text}
    started.ses.client("ses", REGION).send_email(**mail)
    wait_for_bounce(started, url)
    # Unpaused while a run by hand is there: no other run is then under way.
    run_id = api.trigger("ses_bounces")
    api.pause("ses_bounces", False)
    assert api.wait_for_run("ses_bounces", run_id) == "success"
    assert not is_blocked(started, address)
    api.set_variable("ses_bounces", json.dumps(variable | {"enforce": True}))
    assert run(started) == "success"
    assert is_blocked(started, address)
