"""What docker-compose.yaml starts, started outside Docker, as far as that goes: scripts, roles, databases, migrations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from dev.aws import temporary_aws
from dev.postgres import EmbeddedPostgres
from dev.ses import FakeSes
from ses_bounces.base.database import schema

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "compose"
AWKWARD = 'it\'s 100% "quoted" /?#@'


@pytest.fixture
def place(postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of the containers, with every secret as a file but one."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "postgres_password").write_text(f"{postgres.password}\n")
    (secrets / "airflow_db_password").write_text(AWKWARD)
    (secrets / "airflow_jwt_secret").write_text("jwt")
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TZ") if name in os.environ}
    yield kept | {
        "PATH": f"{Path(sys.executable).parent}:{postgres.programs}:/usr/bin:/bin",
        "SECRETS": str(secrets), "SES_BOUNCES_DB_PASSWORD": AWKWARD[::-1], "REDIS_PASSWORD": "r",
        "AIRFLOW_FERNET_KEY": "", "AIRFLOW_SECRET_KEY": "k", "AIRFLOW_CONN_SES_BOUNCES_AWS": "aws://",
        "PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGUSER": "postgres",
        "POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": str(postgres.port),
        "AIRFLOW_HOME": str(tmp_path / "airflow"), "PYTHONPATH": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false", "AIRFLOW_VAR_SES_BOUNCES": '{"queue_urls": ["https://sqs/1/q"]}',
    }  # fmt: skip
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        for database in ("airflow", "ses_bounces"):
            admin.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        for role in ("airflow", "ses_bounces"):
            admin.execute(f"DROP ROLE IF EXISTS {role}")


def run(environment: dict[str, str], *command: str, status: int = 0) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stderr


def service(name: str) -> Any:
    return yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"][name]


def test_databases_roles_and_both_migrations(place: dict[str, str], postgres: EmbeddedPostgres) -> None:
    for _ in range(2):
        run(place, "sh", str(COMPOSE / "databases.sh"))
    command = service("init")["command"]
    assert command[:2] == ["python", "/opt/airflow/compose/start.py"]
    start = [sys.executable, str(COMPOSE / "start.py"), "--check"]
    said = run(place, *start, *command[2:])
    assert f"revision {schema.LAST_REVISION}" in said
    run(place, *start, "python", "-m", "ses_bounces", "db", "check")
    with psycopg.connect(postgres.url("ses_bounces")) as admin:
        owners = {
            owner
            for (owner,) in admin.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'ses_bounces'")
        }
        assert owners == {"ses_bounces"}
        role = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolcanlogin FROM pg_roles WHERE rolname = %s"
        assert admin.execute(role, ["ses_bounces"]).fetchone() == (False, False, False, True)
        assert admin.execute("SELECT has_database_privilege('ses_bounces', 'airflow', 'connect')").fetchone() == (
            False,
        )
        assert admin.execute("SELECT has_database_privilege('airflow', 'ses_bounces', 'connect')").fetchone() == (
            False,
        )
    with psycopg.connect(postgres.url("airflow")) as admin:
        assert admin.execute("SELECT count(*) > 20 FROM pg_tables WHERE tableowner = 'airflow'").fetchone() == (True,)


def test_secrets_reach_airflow(place: dict[str, str]) -> None:
    start = [sys.executable, str(COMPOSE / "start.py"), "--check"]
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    found = json.loads(run(place, *start, sys.executable, "-c", show))
    assert found["AIRFLOW__API_AUTH__JWT_SECRET"] == "jwt"
    assert found["AIRFLOW__API__SECRET_KEY"] == "k"
    assert found["AIRFLOW_CONN_SES_BOUNCES_AWS"] == "aws://"
    assert json.loads(found["AIRFLOW_CONN_SES_BOUNCES_POSTGRES"])["password"] == AWKWARD[::-1]
    assert "@127.0.0.1:" in found["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert found["AIRFLOW__CELERY__BROKER_URL"] == "redis://:r@redis:6379/0"
    assert found["AIRFLOW__CELERY__RESULT_BACKEND"] == f"db+{found['AIRFLOW__DATABASE__SQL_ALCHEMY_CONN']}"


def test_the_requirements_are_installed_first(place: dict[str, str], tmp_path: Path) -> None:
    installed = tmp_path / "pip.py"
    installed.write_text("import json, sys; open(sys.argv[0] + '.json', 'w').write(json.dumps(sys.argv[1:]))")
    environment = place | {"PYTHONPATH": str(tmp_path)}
    assert run(environment, sys.executable, str(COMPOSE / "start.py"), "echo", "started") == "started\n"
    arguments = json.loads((tmp_path / "pip.py.json").read_text())
    assert arguments[-4:] == ["--no-deps", "--require-hashes", "--requirement", str(COMPOSE / "requirements.txt")]


@pytest.mark.parametrize("password", ["", 'aw"kward'])
def test_the_password_of_the_administrator(place: dict[str, str], tmp_path: Path, password: str) -> None:
    (tmp_path / "pip.py").write_text("")
    (tmp_path / "airflow").mkdir()
    fake = tmp_path / "bin" / "airflow"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)
    environment = place | {"PYTHONPATH": str(tmp_path), "PATH": f"{fake.parent}:{place['PATH']}"}
    for _ in range(2):
        started = run(
            environment | {"AIRFLOW_ADMIN_PASSWORD": password}, sys.executable, str(COMPOSE / "start.py"), "airflow",
            "api-server",
        )  # fmt: skip
        assert started == "api-server\n"
    file = tmp_path / "airflow" / "simple_auth_manager_passwords.json.generated"
    assert file.exists() is bool(password)
    if password:
        assert json.loads(file.read_text()) == {"admin": password}
        assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user")
def test_a_secret_that_can_not_be_read_is_no_reason_for_a_default(place: dict[str, str]) -> None:
    file = Path(place["SECRETS"]) / "airflow_jwt_secret"
    file.chmod(0o600)
    for folder in (file.parent, *file.parents[1:4]):
        folder.chmod(0o755)
    drop = f"import os, runpy, sys; os.setuid(65534); sys.argv = ['start.py', '--check', 'true']; runpy.run_path({str(COMPOSE / 'start.py')!r}, run_name='__main__')"
    assert "can't be read by user 65534" in run(place, "/usr/bin/python3", "-c", drop, status=1)


@pytest.mark.parametrize(
    ("script", "program", "shows"),
    [("postgres.sh", "docker-entrypoint.sh", "postgres"), ("redis.sh", "docker-entrypoint.sh", "redis-server -")],
)
def test_starts_of_the_images(place: dict[str, str], tmp_path: Path, script: str, program: str, shows: str) -> None:
    fake = tmp_path / program
    fake.write_text('#!/bin/sh\necho "$@"\nprintenv POSTGRES_PASSWORD\nif [ "$1" = redis-server ]; then cat; fi\n')
    fake.chmod(0o755)
    said = run(
        place | {"PATH": f"{tmp_path}:{place['PATH']}"}, "sh", str(COMPOSE / script), *service("postgres")["command"]
    )
    secret = (Path(place["SECRETS"]) / "postgres_password").read_text().strip()
    expected = [shows, secret] if script == "postgres.sh" else [shows, 'requirepass "r"', 'save ""', "appendonly no"]
    assert said.splitlines() == expected


def test_the_queue_of_the_emulator(place: dict[str, str]) -> None:
    with temporary_aws() as aws, FakeSes(aws):
        environment = place | service("local-aws-queue")["environment"] | {"AWS_ENDPOINT_URL": aws.endpoint_url}
        for _ in range(2):
            url = run(environment, sys.executable, str(COMPOSE / "local_queue.py")).strip()
        attributes = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert attributes["MessageRetentionPeriod"] == "1209600"
        assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] == 1000
        assert url.endswith("/ses-bounces")
        check = service("local-aws")["healthcheck"]["test"]
        run(place, sys.executable, *[part.replace("4566", str(aws.port)) for part in check[2:]])
