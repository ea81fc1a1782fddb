"""Every example of the documentation is run, or checked as far as that goes. None is passed over in silence."""

from __future__ import annotations

import ast
import configparser
import importlib
import io
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml
from airflow.sdk.exceptions import ParamValidationError
from dockerfile_parse import DockerfileParser

from ses_bounces.__main__ import main
from ses_bounces.base.exceptions import SesBouncesError
from ses_bounces.base.settings import SettingsForSetup, parse
from ses_bounces.dags.hourly import _PARAMS
from tests.docs.blocks import ROOT, Block, blocks, spans
from tests.docs.commands import Command, commands, pip_problem, problem
from tests.integration.shell.test_adopting import FILES as EXPORTS

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

STATEMENT = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
# Commands of ours that are accepted by the parser, and run elsewhere.
NOT_RUN = {
    "setup": "needs an AWS account: tests/integration/feed/test_setup.py, test_shell.py",
    "doctor": "needs an AWS account: tests/integration/doctor/test_doctor.py, test_shell.py",
    "report": "needs a report that is kept: tests/integration/shell/test_records.py",
}
# Roles that the examples name, beside the one that they make.
ROLES = ("mailer", "application")
# Exit statuses of what was done; see docs/shell.md.
DONE = (0, 3)
FILES = {
    "addresses.txt": "anna@example.com\nBo <bo@example.com>\n",
    "unsubscribed.csv": "cy@example.com\n",
    "suppressions.csv": "email,reason,created\ndora@example.com,asked,2026-01-01T00:00:00Z\n",
}
FILES |= EXPORTS
# The largest id that an example names.
ADDRESSES = 50


def check_commands(block: Block) -> None:
    """The shell can read it, and each command would be understood."""
    done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = list(commands(block.text))
    assert found, "no command in it"
    for command in found:
        assert problem(command) is None, f"{command.words}: {problem(command)}"


def check_json(block: Block) -> None:
    """A policy (tests/unit/test_docs.py compares its actions with what is called), the form of a run, or the settings."""
    value = json.loads(block.text)
    if isinstance(value, dict) and "Statement" in value:
        assert value["Version"] == "2012-10-17"
        for statement in value["Statement"]:
            assert statement["Effect"] == "Allow"
            assert {"Action", "Resource"} <= set(statement) <= STATEMENT
    elif isinstance(value, dict) and value and set(value) <= set(_PARAMS):
        for name, given in value.items():
            _PARAMS[name].resolve(given)
    elif isinstance(value, dict) and set(value) == {"feeds"}:
        # What there is before the setup has made a queue.
        assert parse(value, model=SettingsForSetup).feeds
    else:
        assert parse(value).queue_urls


def check_python(block: Block) -> None:
    """It compiles, and what it imports is there."""
    for node in ast.walk(ast.parse(block.text, block.where)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            module = importlib.import_module(node.module)
            missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
            assert not missing, f"{node.module} has no {missing}"


def check_yaml(block: Block) -> None:
    """It can be read, and is not empty."""
    assert yaml.safe_load(block.text)


def check_toml(block: Block) -> None:
    """It can be read, and is not empty."""
    assert tomllib.loads(block.text)


def check_ini(block: Block) -> None:
    """It can be read, and has sections."""
    parser = configparser.ConfigParser()
    parser.read_string(block.text)
    assert parser.sections()


def check_dockerfile(block: Block) -> None:
    """It can be read, and what it has pip do would be understood."""
    parsed = DockerfileParser(fileobj=io.BytesIO(block.text.encode()), cache_content=True).structure
    assert parsed
    for one in parsed:
        assert one["instruction"] in ("ARG", "COPY", "FROM", "RUN", "USER", "WORKDIR"), one["content"]
        if one["instruction"] == "RUN":
            words = shlex.split(re.sub(r"\$\{\w+\}", "1.0", one["value"]))
            assert words[0] == "pip"
            assert pip_problem(words[1:]) is None


CHECKS: dict[str, Callable[[Block], None]] = {
    "sh": check_commands,
    "json": check_json,
    "python": check_python,
    "yaml": check_yaml,
    "toml": check_toml,
    "ini": check_ini,
    "dockerfile": check_dockerfile,
}
# What has no check of each block, and why.
OTHERWISE = {
    "sql": "test_sql_runs takes all of them",
    "text": "no input: what a program answers, a drawing, a tree of files",
    "{toctree}": "test_site: the generator refuses what is wrong in it",
}


def test_every_language_is_checked() -> None:
    unknown = {f"{block.where}: {block.language}" for block in blocks() if block.language not in {*CHECKS, *OTHERWISE}}
    assert not unknown, "give CHECKS a check of such blocks, or OTHERWISE a reason why there is none"


@pytest.mark.parametrize("block", blocks(*CHECKS), ids=lambda block: block.where)
def test_a_block_is_good(block: Block) -> None:
    CHECKS[block.language](block)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sh", "ses-bounces chekc anna@example.com"),
        ("sh", "ses-bounces check anna@example.com | ses-bounces exprot"),
        ("sh", "token=$(curl -s http://127.0.0.1 | jqq .)"),
        ("sh", "make tset"),
        ("sh", "airflow dags tirgger ses_bounces"),
        ("sh", "aws sesv2 send-email --from-email-address a@example.com --content '{\"Simpel\": {}}'"),
        ("sh", "pytest tests/unit/classify/test_body.py::test_none_of_that_name"),
        ("sh", "if true; then"),
        ("sh", "frobnicate --all"),
        ("json", '{"queue_urls": []}'),
        ("json", '{"reprocess": "yes"}'),
        ("json", '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}]}'),
        ("python", "from ses_bounces.base.settings import prase"),
        ("python", "def"),
        ("yaml", "a: b: c"),
        ("toml", "a ="),
        ("ini", "a = 1"),
    ],
)
def test_a_bad_block_is_refused(language: str, text: str) -> None:
    with pytest.raises(
        (
            AssertionError,
            ValueError,
            SyntaxError,
            SesBouncesError,
            yaml.YAMLError,
            configparser.Error,
            ParamValidationError,
        )
    ):
        CHECKS[language](Block(ROOT / "README.md", 1, language, text))


def test_commands_in_the_prose_are_understood() -> None:
    found = [
        (page, text) for page, text in spans() if re.match(r"(?:make|ses-bounces|airflow|pre-commit) [a-z-]", text)
    ]
    assert found
    for page, text in found:
        for command in commands(text):
            # Prose may name a command without what it needs.
            if (
                command.program == "ses-bounces"
                and command.words[1:]
                and not any(word.startswith("-") for word in command.words)
            ):
                command.words.append("--help")
            assert problem(command) is None, f"{page.name}: {text}: {problem(command)}"


def test_sql_runs(database: Connection) -> None:
    """Every statement, in the order of the documents, as an administrator; then what they grant is enough to ask."""
    name = database.info.dbname
    database.execute(
        "CREATE TABLE public.people (id bigint PRIMARY KEY, email varchar(320), allow_group_email boolean)"
    )
    found = blocks("sql")
    made = set(re.findall(r"^CREATE ROLE (\w+)", "\n".join(block.text for block in found), re.MULTILINE))
    for role in sorted(set(ROLES) - made):
        database.execute(f"CREATE ROLE {role}")
    try:
        for block in found:
            for statement in block.text.replace("DATABASE app", f"DATABASE {name}").split(";\n"):
                if statement.strip():
                    _execute(database, block, statement)
        database.execute("SET ROLE mailer")
        assert database.execute("SELECT ses_bounces.is_blocked('a@bücher.example')").fetchone() == (False,)
        assert database.execute("SELECT * FROM ses_bounces.do_not_email").fetchall() == []
        database.execute("RESET ROLE")
    finally:
        database.execute("RESET ROLE")
        for role in sorted(made | set(ROLES)):
            if database.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount:
                database.execute(f"DROP OWNED BY {role}")
                database.execute(f"DROP ROLE {role}")


def _execute(database: Connection, block: Block, statement: str) -> None:
    try:
        database.execute(statement)
    except psycopg.Error as error:
        pytest.fail(f"{block.where}: {error}\n{statement}")


@pytest.fixture
def shell(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder with the files of the examples, and Airflow's connections and Variable; the URL of the database."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_ERASURE", json.dumps({"conn_type": "generic", "password": "x" * 32}))
    settings = {"queue_urls": ["http://127.0.0.1:9/000000000000/ses-bounces-queue"], "lift_at_ses": False}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv("AIRFLOW_VAR_SES_BOUNCES", json.dumps(settings))
    for conn_id in ("SES_BOUNCES_POSTGRES", "MY_POSTGRES"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id}", database_url)
    return database_url


def test_shell_command_runs(
    shell: str, database: Connection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command that needs no AWS, in the order of the documents, on one database."""
    database.execute(
        "INSERT INTO ses_bounces.address (address, address_as_reported)"
        " SELECT format('a%%s@example.com', n), 'x' FROM generate_series(1, %s) n",
        [ADDRESSES],
    )
    ran = 0
    for block, command in _ours():
        if command.words[1] in NOT_RUN:
            continue
        monkeypatch.setattr("sys.stdin", io.StringIO(Path(command.reads).read_text() if command.reads else ""))
        arguments = [shell if word.startswith("postgresql://") else word for word in command.words[1:]]
        status = main(arguments)
        said = capsys.readouterr()
        assert status in DONE, f"{block.where}: {command.words}: {status}\n{said.err}"
        ran += 1
    assert ran > 15
    assert Path("lifted.csv").exists()


def _ours() -> Iterator[tuple[Block, Command]]:
    for block in blocks("sh"):
        for command in commands(block.text):
            if command.program == "ses-bounces":
                yield block, command


def test_what_is_not_run_is_run_elsewhere() -> None:
    assert {command.words[1] for _, command in _ours()} >= set(NOT_RUN)
    for reason in NOT_RUN.values():
        named = re.findall(r"tests/\S+\.py", reason)
        assert named
        assert all((ROOT / path).exists() for path in named)
