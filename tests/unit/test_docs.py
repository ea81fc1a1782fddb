"""What the documentation says is so: keys, defaults, options, permissions, tasks, checks, metrics. Examples: tests/docs."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ses_bounces.base.settings import MEANINGS, Settings
from ses_bounces.classify.causes import CAUSES
from ses_bounces.classify.rules import BOUNCE_KINDS
from ses_bounces.dags import build_dags
from ses_bounces.doctor.feed_checks import SENDING_STATUS
from ses_bounces.shell.arguments import EXIT_STATUS, parser
from ses_bounces.web.setting_texts import BY_KEY
from tests.docs.blocks import blocks_of

ROOT = Path(__file__).resolve().parents[2]
NO_DEFAULT = "–"

_ROW = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.MULTILINE)


def test_settings_table() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = {key: cells.split(" | ") for key, cells in _ROW.findall(text)}
    for key, field in Settings.model_fields.items():
        assert key in rows, f"{key} is not in the table"
        default = NO_DEFAULT if field.is_required() else f"`{json.dumps(field.get_default())}`"
        assert rows[key][0] == default, key


def test_settings_of_the_readme_have_the_defaults_of_the_page() -> None:
    page = dict(_ROW.findall((ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Settings")[2]
    readme = dict(_ROW.findall(text))
    assert "queue_urls" in readme
    for key, cells in readme.items():
        assert cells.split(" | ")[0] == page[key].split(" | ")[0], key


def test_settings_page_has_nothing_else_and_the_ranges() -> None:
    rows = dict(_ROW.findall((ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
    assert list(rows) == list(Settings.model_fields)
    for key, meaning in MEANINGS.items():
        assert rows[key].split(" | ")[1] == meaning, key


def test_shell_page_has_every_command_option_and_status() -> None:
    page = (ROOT / "docs" / "shell.md").read_text(encoding="utf-8")
    assert all(f"## {name}" in page or f"`{name}" in page for name in _commands_of(parser()))
    for option in {option for one in _parsers(parser()) for action in one._actions for option in action.option_strings}:
        assert option in ("-h", "--help") or option in page, option
    told = dict(re.findall(r"^\| (\d+) \| (.+?) \|$", page, re.MULTILINE))
    assert list(told) == re.findall(r"^  (\d+) ", EXIT_STATUS, re.MULTILINE)


def _commands_of(of: argparse.ArgumentParser) -> list[str]:
    return [name for action in of._actions if isinstance(action.choices, dict) for name in action.choices]


def _parsers(of: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield of
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from _parsers(one)


# IAM's name of what a boto3 client calls, where it is not the method's own; boto3 needs no permission for the first.
IAM_NAMES = {"sts:GetCallerIdentity": None, "sqs:DeleteMessageBatch": "sqs:DeleteMessage"} | {
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility"
}
# What tagging at creation needs besides.
TAGGING = {"sqs:TagQueue", "ses:TagResource"}


def _iam_policies() -> list[dict[str, Any]]:
    return [json.loads(block.text) for block in blocks_of(ROOT / "docs" / "iam.md") if block.language == "json"]


def _actions(*names: str) -> set[str]:
    return {
        action
        for block in _iam_policies()
        for statement in block["Statement"]
        if statement.get("Sid") in names
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def _called(files: str, services: dict[str, str]) -> set[str]:
    """The IAM actions of the calls in some modules, by the name of the client's variable and what it is for."""
    found = set()
    for path in (ROOT / "plugins" / "ses_bounces").glob(files):
        source = path.read_text(encoding="utf-8")
        for variable, service in services.items():
            methods = re.findall(rf"\b{variable}\.(?:get_paginator\(\"(\w+)\"|(\w+)\()", source)
            found |= {f"{service}:{''.join(part.title() for part in (a or b).split('_'))}" for a, b in methods}
    assert found, files
    return {action for name in found if (action := IAM_NAMES.get(name, name))}


def test_iam_policies_are_what_is_called() -> None:
    assert _actions("DrainSesBounces") == _called("feed/sqs/queue.py", {"client": "sqs"})
    assert _actions("SuppressionList") == _called("suppression/ses_list.py", {"client": "ses"})
    assert _actions("FilesOfImportJobs") == _called("suppression/import_files.py", {"client": "s3"})
    clients = {"sns": "sns", "sqs": "sqs", "ses": "ses", "sesv2": "ses", "cloudwatch": "cloudwatch"}
    looking = _called("doctor/*.py", clients)
    assert _actions("Doctor") == looking - _actions("DrainSesBounces", "SuppressionList")
    # The doctor tries what the job does, but for what would leave something behind.
    assert _actions("DrainSesBounces", "SuppressionList") - looking == {"ses:CreateImportJob"}
    clients["kms"] = "kms"
    setting_up = _called("feed/setup/*.py", clients)
    assert _actions("SetUpSending", "SetUpTopic", "SetUpQueues", "LookAtKey") == setting_up | TAGGING


def test_iam_page_explains_each_action() -> None:
    path = ROOT / "docs" / "iam.md"
    explained = set(re.findall(r"^\| `(sqs:\w+)` \|", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert explained == set(_iam_policies()[0]["Statement"][0]["Action"])


def test_runbook_has_every_task() -> None:
    tasks = build_dags()["ses_bounces"].task_ids
    assert len(tasks) == 8
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for task in tasks:
        assert f"| `{task}` |" in runbook, task


def test_runbook_has_every_check_of_the_doctor() -> None:
    modules = (ROOT / "plugins" / "ses_bounces" / "doctor").glob("*.py")
    source = "\n".join(path.read_text(encoding="utf-8") for path in modules)
    checks = set(re.findall(r'findings\.(?:ok|add|trying)\(\s*"([a-z ]+)"', source))
    checks |= set(re.findall(r'^\s+\(?\("([a-z ]+)", ', source, re.MULTILINE))
    # This one is found by whoever reads the event.
    checks.add(SENDING_STATUS)
    assert len(checks) > 25
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("## The doctor")[2]
    told = set(re.findall(r"^\| (\*.+?) \|", runbook.partition("\n## ")[0], re.MULTILINE))
    assert checks == set(re.findall(r"\*([a-z ]+)\*", " ".join(told)))


def test_semantics_have_every_cause_and_subtype() -> None:
    text = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == CAUSES
    for type_, sub_type in BOUNCE_KINDS:
        assert type_ in text
        assert sub_type is None or sub_type in text


def test_the_settings_page_and_the_documentation_say_the_same() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    written = {key: cells.rpartition(" | ")[2] for key, cells in _ROW.findall(text)}
    assert {key: shown.purpose for key, shown in BY_KEY.items()} == written
