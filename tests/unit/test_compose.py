"""docker-compose.yaml: it is valid, complete, and what it starts exists."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from ses_bounces.settings import Settings, parse
from ses_bounces.shell.arguments import parser as _parser

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yaml"
COMPONENTS = {"api-server", "scheduler", "dag-processor", "triggerer"}
ONE_SHOT = {"databases", "init", "local-aws-queue"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services, with the defaults of their ${NAME:-default}."""
    text = re.sub(r"(?<!\$)\$\{\w+:-([^}]*)\}", r"\1", FILE.read_text(encoding="utf-8")).replace("$$", "$")
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
@pytest.mark.parametrize("profile", [(), ("--profile", "local-aws")], ids=["default", "local-aws"])
def test_docker_compose_accepts_it(profile: tuple[str, ...]) -> None:
    command = ["docker-compose", *profile, "--file", str(FILE), "config", "-q"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_every_variable_has_a_default() -> None:
    assert not re.findall(r"(?<!\$)\$(?!\$|\{\w+:-)[\w{]\S*", FILE.read_text(encoding="utf-8").replace("$$", ""))


def test_services(services: dict[str, Any]) -> None:
    assert set(services) == COMPONENTS | ONE_SHOT | {"postgres", "local-aws"}
    for name, service in services.items():
        assert ("healthcheck" in service) == (name not in ONE_SHOT), name
        assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped"), name
        assert ("profiles" in service) == name.startswith("local-aws"), name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
        for other in service.get("depends_on", {}):
            assert other in services


def test_mounted_folders_exist(services: dict[str, Any]) -> None:
    for name in COMPONENTS | {"init"}:
        mounted = {volume.split(":")[0] for volume in services[name]["volumes"] if volume.startswith(".")}
        assert mounted == {"./dags", "./plugins", "./include"}
        assert all((ROOT / folder).is_dir() for folder in mounted)


def test_commands_exist(services: dict[str, Any]) -> None:
    from airflow.cli.cli_config import core_commands

    known = {command.name for command in core_commands}
    for name in COMPONENTS:
        assert services[name]["command"][-2:] == ["airflow", name]
        assert name in known
    migrate, upgrade = services["init"]["command"][-1].split(" && ")
    assert migrate == "airflow db migrate"
    program, arguments = shlex.split(upgrade)[:3], shlex.split(upgrade)[3:]
    assert program == ["python", "-m", "ses_bounces"]
    assert _parser().parse_args(arguments).action == "upgrade"
    assert services["local-aws"]["command"][-1].endswith("exec ministack")
    assert any(script.name == "ministack" for script in metadata.entry_points(group="console_scripts"))


@pytest.mark.parametrize("name", ["databases", "init", "local-aws", *sorted(COMPONENTS)])
def test_shell_scripts_are_well_formed(services: dict[str, Any], name: str) -> None:
    shell, option, *scripts = services[name]["command"]
    assert option == "-c"
    done = subprocess.run([shell, "-n", "-c", scripts[0]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_python_script_is_well_formed(services: dict[str, Any]) -> None:
    compile(services["local-aws-queue"]["command"][-1], "local-aws-queue", "exec")


def test_requirements_are_the_projects(services: dict[str, Any]) -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        dependencies = tomllib.load(file)["project"]["dependencies"]
    wanted = {dependency for dependency in dependencies if not dependency.startswith("apache-airflow")}
    assert set(services["scheduler"]["environment"]["REQUIREMENTS"].split()) == wanted


def test_default_settings_and_connections_are_valid(services: dict[str, Any]) -> None:
    environment = services["scheduler"]["environment"]
    settings = parse(environment["AIRFLOW_VAR_SES_BOUNCES"])
    default = Settings.model_fields["transient_grace_days"].get_default()
    assert (settings.enforce, settings.transient_grace_days) == (True, default)
    assert settings.queue_urls[0].name in services["local-aws-queue"]["command"][-1]
    for conn_id in (settings.aws_conn_id, settings.postgres_conn_id):
        assert f"AIRFLOW_CONN_{conn_id}".upper() in environment
    aws = urlsplit(environment["AIRFLOW_CONN_SES_BOUNCES_AWS"])
    endpoint = urlsplit(parse_qs(aws.query)["endpoint_url"][0])
    assert (aws.scheme, endpoint.hostname) == ("aws", "local-aws")
    assert str(endpoint.port) == services["local-aws"]["environment"]["GATEWAY_PORT"]
    postgres = urlsplit(environment["AIRFLOW_CONN_SES_BOUNCES_POSTGRES"])
    assert postgres.hostname == "postgres"
    assert postgres.password == services["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert f"createdb {postgres.path[1:]}" in services["databases"]["command"][-1]
