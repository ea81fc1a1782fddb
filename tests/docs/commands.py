"""Whether the commands of a shell script would be understood, each asked of the program's own parser where it has one.

Nothing is executed here.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import itertools
import json
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import botocore.session
import yaml
from botocore import xform_name
from botocore.validate import ParamValidator
from packaging.requirements import Requirement

from ses_bounces.shell.arguments import parser
from tests.docs.blocks import ROOT

# Programs of the reader's machine: that the script is well formed is all there is to check.
WELL_KNOWN = {
    "apt-get": "the reader's operating system",
    "cat": "prints",
    "cd": "changes the folder",
    "cp": "copies; its source is looked for",
    "createdb": "of PostgreSQL",
    "curl": "asks a server of the reader",
    "echo": "prints",
    "export": "sets a variable",
    "helm": "the reader's cluster",
    "git": "the reader's copy of this repository",
    "jq": "reads an answer",
    "ls": "prints",
    "mkdir": "makes a folder",
    "sudo": "the reader's operating system",
}
_SEPARATORS = set("();&|")
_REDIRECTION = set("<>")


@dataclass
class Command:
    """One command of a script. ``reads``, ``writes``: the files of its redirections."""

    words: list[str] = field(default_factory=list)
    reads: str | None = None
    writes: str | None = None

    @property
    def program(self) -> str:
        """What is run, also where the environment is named."""
        # The reader has two environments: that of the checkout, and one as MWAA makes it.
        return self.words[0].removeprefix(".venv/bin/").removeprefix("mwaa/bin/")


def commands(script: str) -> Iterator[Command]:
    """Each command: of pipelines, of lists, of substitutions; without assignments and comments."""
    lexer = shlex.shlex(re.sub(r"\\\n", " ", script).replace("\n", " ;\n"), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    # Only a word of its own begins a comment.
    lexer.commenters = ""
    command, redirection, is_comment = Command(), "", False
    for word in lexer:
        is_comment = word == "#" or (is_comment and word.strip(";") != "")
        if is_comment:
            continue
        if set(word) <= _SEPARATORS:
            yield from _whole(command)
            command = Command()
        elif set(word) <= _REDIRECTION | {"&"}:
            redirection = word
        elif redirection:
            name = "reads" if redirection == "<" else "writes"
            setattr(command, name, word)
            redirection = ""
        else:
            command.words.append(word)
    yield from _whole(command)


def _whole(command: Command) -> Iterator[Command]:
    while command.words and re.match(r"[A-Za-z_]\w*=", command.words[0]):
        del command.words[0]
    if command.words:
        yield command


def problem(command: Command) -> str | None:
    """What is wrong with a command, None if nothing is."""
    if command.program in CHECKS:
        return CHECKS[command.program](command.words[1:])
    if command.program in WELL_KNOWN:
        return None
    return f"nothing here knows the program {command.program}: teach tests/docs/commands.py to check it"


def _accepted(by: argparse.ArgumentParser, arguments: list[str]) -> str | None:
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            by.parse_args(arguments)
        except SystemExit as stop:
            return said.getvalue() if stop.code else None
    return None


def _ses_bounces(arguments: list[str]) -> str | None:
    return _accepted(parser(), arguments)


@functools.cache
def _airflow_parsers() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """Airflow's own, and the one of the FAB auth manager's commands."""
    from airflow.cli.cli_parser import get_parser
    from airflow.providers.fab.cli.definition import get_parser as get_fab_parser

    return get_parser(), get_fab_parser()


def _airflow(arguments: list[str]) -> str | None:
    own, fab = _airflow_parsers()
    return _accepted(fab if arguments[:1] in (["roles"], ["users"]) else own, arguments)


def make_commands(target: str, **variables: str) -> list[list[str]]:
    """The commands of a target of the Makefile, as `make` would run them with these variables."""
    values = dict(re.findall(r"^(\w+) \??:?= ?(.*)$", _makefile(), re.MULTILINE)) | variables
    recipe = re.search(rf"^{target}:.*\n((?:\t.+\n)+)", _makefile(), re.MULTILINE)
    assert recipe, f"the Makefile has no target {target}"
    lines = [line.lstrip("\t@") for line in recipe[1].splitlines()]
    return [shlex.split(re.sub(r"\$\((\w+)\)", lambda found: values[found[1]], line)) for line in lines]


def _makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")


def _make(arguments: list[str]) -> str | None:
    targets = set(re.findall(r"^([a-z-]+):", _makefile(), re.MULTILINE))
    unknown = [word for word in arguments if "=" not in word and word not in targets]
    return f"no such target: {unknown}" if unknown else None


# Options of pip whose value is the next word.
_PIP_VALUES = ("--constraint", "--dest", "--find-links", "--wheel-dir")


def pip_problem(arguments: list[str]) -> str | None:
    """What is wrong with what pip is asked for; raises InvalidRequirement."""
    if arguments[:1] not in (["install"], ["download"]):
        return f"only pip install and download are known, not {arguments[:1]}"
    for before, word in itertools.pairwise(arguments):
        if not word.startswith("-") and before not in _PIP_VALUES and word != "." and not word.endswith(".whl"):
            Requirement(word)
    return None


def _aws(arguments: list[str]) -> str | None:
    """Ask botocore's model of the service: AWS's own command makes its options of the same."""
    service, operation, *options = arguments
    # The command calls this service by another name than botocore.
    service = "s3" if service == "s3api" else service
    try:
        model = botocore.session.get_session().get_service_model(service)
    except botocore.exceptions.UnknownServiceError:
        return f"no such service: {service}"
    named = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in named:
        return f"no such operation of {service}: {operation}"
    shape = model.operation_model(named[operation]).input_shape
    known = {xform_name(name, "-") for name in (shape.members if shape else ())} | {"region", "query", "output"}
    given = {word.removeprefix("--") for word in options if word.startswith("--")}
    required = {xform_name(name, "-") for name in (shape.required_members if shape else ())}
    wrong = sorted(given - known) + [f"without --{name}" for name in sorted(required - given)]
    for option, value in itertools.pairwise(options):
        if shape and option.startswith("--") and value.startswith("{"):
            members = {xform_name(name, "-"): member for name, member in shape.members.items()}
            report = ParamValidator().validate(json.loads(value), members[option.removeprefix("--")])
            wrong += [report.generate_report()] if report.has_errors() else []
    return f"{operation}: {wrong}" if wrong else None


def _python(arguments: list[str]) -> str | None:
    if arguments[:1] == ["-m"]:
        name = arguments[1]
        if name == "pip":
            return pip_problem(arguments[2:])
        if name in ("venv", "zipfile"):
            return None
        folders = [ROOT, ROOT / "plugins"]
        paths = [folder / name.replace(".", "/") for folder in folders]
        there = any(path.with_suffix(".py").exists() or (path / "__main__.py").exists() for path in paths)
        return None if there else f"no module to run: {name}"
    return None if arguments and (ROOT / arguments[0]).exists() else f"no such file: {arguments[:1]}"


def _pytest(arguments: list[str]) -> str | None:
    for word in arguments:
        path, _, name = word.partition("::")
        if word.startswith("-") or not path.startswith("tests"):
            continue
        if not (ROOT / path).exists():
            return f"no such file: {path}"
        if name and f"def {name.partition('[')[0]}(" not in (ROOT / path).read_text(encoding="utf-8"):
            return f"no such test: {word}"
    return None


def _compose(arguments: list[str]) -> str | None:
    text = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
    services = yaml.safe_load(text)["services"].values()
    profiles = {name for service in services for name in service.get("profiles", ())}
    unknown = {b for a, b in itertools.pairwise(arguments) if a == "--profile"} - profiles
    return f"no such profile: {unknown}" if unknown else None


def _docker(arguments: list[str]) -> str | None:
    if arguments[0] == "push":
        return None
    return None if arguments[0] == "build" and (ROOT / arguments[-1] / "Dockerfile").exists() else "no Dockerfile there"


def _kubectl(arguments: list[str]) -> str | None:
    """What runs in the pod is a command as any other."""
    if "--" not in arguments:
        return None
    return problem(Command(arguments[arguments.index("--") + 1 :]))


def _tool(name: str) -> Callable[[list[str]], str | None]:
    def check(_arguments: list[str]) -> str | None:
        there = shutil.which(name, path=f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}")
        return None if there else f"{name} is not in the environment"

    return check


def _psql(arguments: list[str]) -> str | None:
    files = [b for a, b in itertools.pairwise(arguments) if a in ("--file", "-f")]
    missing = [name for name in files if not (ROOT / name).exists()]
    return f"no such file: {missing}" if missing else None


def _uv(arguments: list[str]) -> str | None:
    known = (["pip", "compile"], ["pip", "install"], ["build", "--wheel"])
    return None if arguments[:2] in known else f"known of uv are {known}"


CHECKS: dict[str, Callable[[list[str]], str | None]] = {
    "airflow": _airflow,
    "alembic": _tool("alembic"),
    "aws": _aws,
    "docker": _docker,
    "docker-compose": _compose,
    "kubectl": _kubectl,
    "make": _make,
    "mypy": _tool("mypy"),
    "pip": pip_problem,
    "pre-commit": _tool("pre-commit"),
    "psql": _psql,
    "pytest": _pytest,
    "python": _python,
    "python3": _python,
    "python3.12": _python,
    "ruff": _tool("ruff"),
    "ses-bounces": _ses_bounces,
    "uv": _uv,
}
