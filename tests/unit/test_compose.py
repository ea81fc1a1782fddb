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

from dev.endpoint import SECRET_KEY
from ses_bounces.base.settings import Settings, parse
from ses_bounces.shell.arguments import parser as _parser

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yaml"
COMPONENTS = {"api-server", "scheduler", "dag-processor", "triggerer", "worker"}
ONE_SHOT = {"databases", "init", "local-aws-queue"}
PROFILES = {"local-aws": "local-aws", "local-aws-queue": "local-aws", "redis": "celery", "worker": "celery"}
START = "/opt/airflow/compose/start.py"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services, with the defaults of their ${NAME:-default}."""
    text = re.sub(r"(?<!\$)\$\{\w+:-([^}]*)\}", r"\1", FILE.read_text(encoding="utf-8")).replace("$$", "$")
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
@pytest.mark.parametrize("profiles", ["", "local-aws", "celery", "local-aws celery"])
def test_docker_compose_accepts_it(profiles: str) -> None:
    chosen = [part for profile in profiles.split() for part in ("--profile", profile)]
    command = ["docker-compose", *chosen, "--file", str(FILE), "config", "-q"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_every_variable_has_a_default() -> None:
    assert not re.findall(r"(?<!\$)\$(?!\$|\{\w+:-)[\w{]\S*", FILE.read_text(encoding="utf-8").replace("$$", ""))


def test_services(services: dict[str, Any]) -> None:
    assert set(services) == COMPONENTS | ONE_SHOT | {"postgres", "redis", "local-aws"}
    for name, service in services.items():
        assert ("healthcheck" in service) == (name not in ONE_SHOT), name
        assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped"), name
        assert service.get("profiles") == ([PROFILES[name]] if name in PROFILES else None), name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
        for other in service.get("depends_on", {}):
            assert other in services


def test_images_are_pinned_to_a_patch_version(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+(\.\d+)?-[\w.-]+", service["image"]), name
    # Not what is installed: the tests also run with other versions.
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    assert "--require-hashes --requirement /compose/local_aws.txt" in services["local-aws"]["command"][-1]
    assert services["init"]["image"].partition(":")[2].startswith(f"{pins['apache-airflow']}-")


def test_mounted_folders_exist(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source, _, rest = volume.partition(":")
            if source.startswith("."):
                assert rest.endswith(":ro"), f"{name} may write into {source}"
                assert source == "./secrets" or (ROOT / source).is_dir(), name
    for name in COMPONENTS | {"init"}:
        mounted = {volume.partition(":")[0] for volume in services[name]["volumes"]}
        assert mounted == {"./compose", "./dags", "./plugins", "./include", "./secrets", "logs"}


def test_commands_exist(services: dict[str, Any]) -> None:
    from airflow.cli.cli_config import core_commands

    known = {command.name for command in core_commands}
    for name in COMPONENTS - {"worker"}:
        assert services[name]["command"] == ["python", START, "airflow", name]
        assert name in known
    assert services["worker"]["command"] == ["python", START, "airflow", "celery", "worker"]
    for name in ("dag-processor", "triggerer"):
        check = services[name]["healthcheck"]["test"]
        assert check[:5] == ["CMD", "python", START, "--check", "airflow"]
        assert _airflow_parser().parse_args(check[5:]).job_type in check
    migrate, upgrade = services["init"]["command"][-1].split(" && ")
    assert migrate == "airflow db migrate"
    program, arguments = shlex.split(upgrade)[:3], shlex.split(upgrade)[3:]
    assert program == ["python", "-m", "ses_bounces"]
    assert _parser().parse_args(arguments).action == "upgrade"
    assert any(script.name == "ministack" for script in metadata.entry_points(group="console_scripts"))


def test_the_worker_is_one_of_the_celery_provider(services: dict[str, Any]) -> None:
    from airflow.providers.celery.cli.definition import get_parser
    from airflow.providers.celery.executors import celery_executor
    from celery import Celery

    worker = services["worker"]
    assert get_parser().parse_args(worker["command"][3:]).func is not None
    application = re.search(r"--app (\S+)", worker["healthcheck"]["test"][1])
    assert application
    module, _, name = application[1].rpartition(".")
    assert module == celery_executor.__name__
    assert isinstance(getattr(celery_executor, name), Celery)


def _airflow_parser() -> Any:
    from airflow.cli.cli_parser import get_parser

    return get_parser()


def test_shell_is_well_formed(services: dict[str, Any]) -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "compose").glob("*.sh")]
    texts += [service["command"][-1] for service in services.values() if service.get("command", [""])[0] == "sh"]
    texts += [check["test"][1] for check in map(_check_of, services.values()) if check["test"][0] == "CMD-SHELL"]
    assert len(texts) >= 8
    for text in texts:
        done = subprocess.run(["sh", "-n", "-c", text], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{text}"


def _check_of(service: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = service.get("healthcheck", {"test": ["NONE"]})
    return found


def test_every_secret_is_named_at_the_head_of_the_file() -> None:
    head = FILE.read_text(encoding="utf-8").partition("x-airflow")[0]
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "compose").glob("*.*"))
    secrets = set(re.findall(r"\bsecret(?:\(['\"]| )([a-z]+_[a-z_]+)", scripts))
    secrets |= set(re.findall(r'^    "(\w+)": "AIRFLOW_', scripts, re.MULTILINE))
    assert len(secrets) == 9
    assert {name for name in secrets if name not in head} == set()


def _pinned(name: str) -> dict[str, str]:
    """The packages of a file with their versions; each has hashes, nothing else is in it."""
    text = (ROOT / "compose" / name).read_text(encoding="utf-8")
    pins = {}
    for block in re.split(r"(?<!\\)\n", text.strip()):
        first, *hashes = [line.strip().removesuffix("\\").strip() for line in block.splitlines()]
        package, _, version = first.partition(" ;")[0].partition("==")
        assert hashes, first
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes), first
        pins[package] = version
    return pins


@pytest.mark.parametrize("name", ["requirements.txt", "local_aws.txt"])
def test_what_is_installed_has_the_versions_of_the_constraints(name: str) -> None:
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    allowed = {tuple(line.partition(" ;")[0].split("==")) for line in constraints.splitlines()}
    assert set(_pinned(name).items()) <= allowed


def test_all_that_the_project_needs_beside_airflow_is_installed() -> None:
    """With what that needs: nothing is looked for at the start."""
    from packaging.requirements import Requirement

    with (ROOT / "pyproject.toml").open("rb") as file:
        needed = [Requirement(text) for text in tomllib.load(file)["project"]["dependencies"]]
    pins, seen = _pinned("requirements.txt"), set()
    waiting = [(one.name, extra) for one in needed if not one.name.startswith("apache-airflow")
               for extra in ("", *one.extras)]  # fmt: skip
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        assert name in pins, name
        # The tests also run with other versions, which need other packages.
        is_pinned = metadata.version(name) == pins[name]
        for text in (metadata.requires(name) or []) if is_pinned else []:
            other = Requirement(text)
            if other.marker is None or other.marker.evaluate({"extra": extra, "sys_platform": "linux"}):
                waiting += [(other.name.lower().replace("_", "-"), one) for one in ("", *other.extras)]
    deeper = {"psycopg-binary": "psycopg", "starlette": "fastapi"}
    reached = {name for name, of in deeper.items() if metadata.version(of) == pins[of]}
    assert {name for name, _ in seen} >= {"msgspec", *reached}
    assert "apache-airflow" not in pins
    assert "ministack" in _pinned("local_aws.txt")


def test_nobody_is_an_administrator_without_a_password(services: dict[str, Any]) -> None:
    environment = services["api-server"]["environment"]
    assert environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "false"
    assert environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == "admin:admin"
    # No default: Airflow makes one.
    assert not environment["AIRFLOW_ADMIN_PASSWORD"]


def test_default_settings_and_connections_are_valid(services: dict[str, Any]) -> None:
    environment = services["scheduler"]["environment"]
    settings = parse(environment["AIRFLOW_VAR_SES_BOUNCES"])
    default = Settings.model_fields["transient_grace_days"].get_default()
    assert (settings.enforce, settings.transient_grace_days) == (True, default)
    assert f'"{settings.queue_urls[0].name}"' in (ROOT / "compose" / "local_queue.py").read_text(encoding="utf-8")
    aws = urlsplit(environment["AIRFLOW_CONN_SES_BOUNCES_AWS"])
    endpoint = urlsplit(parse_qs(aws.query)["endpoint_url"][0])
    assert (aws.scheme, endpoint.hostname) == ("aws", "local-aws")
    assert str(endpoint.port) == services["local-aws"]["environment"]["GATEWAY_PORT"]
    for name in ("AIRFLOW_DB_PASSWORD", "SES_BOUNCES_DB_PASSWORD"):
        assert environment[name] == services["databases"]["environment"][name]
    assert environment["REDIS_PASSWORD"] == services["redis"]["environment"]["REDIS_PASSWORD"]


def test_airflow_masks_the_secret_of_the_emulator(services: dict[str, Any]) -> None:
    """One that is too short is a warning in the log of every task that asks AWS, in `make run` as well."""
    from airflow.sdk.log import mask_secret, redact

    default = re.search(r"aws://[^:]+:([^@]+)@", services["scheduler"]["environment"]["AIRFLOW_CONN_SES_BOUNCES_AWS"])
    assert default
    for secret in (default[1], services["local-aws-queue"]["environment"]["AWS_SECRET_ACCESS_KEY"], SECRET_KEY):
        mask_secret(secret)
        assert secret not in str(redact(f"the secret is {secret}"))
