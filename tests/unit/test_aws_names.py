"""Names in AWS are the same everywhere: what pages show, what policies allow, and what the set-up makes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ses_bounces.base.settings import SettingsForSetup, parse
from ses_bounces.base.sites import Site
from ses_bounces.dags.tasks.setup import options_of
from ses_bounces.feed import policies
from ses_bounces.feed.setup.options import Options
from ses_bounces.shell import setup as shell_setup
from ses_bounces.shell.arguments import parser
from tests.docs.blocks import PAGES, ROOT, blocks_of

IAM = ROOT / "docs" / "iam.md"
OURS = Options("example.com")
QUEUES = (OURS.queue, OURS.dead_letter_queue)
REGION, ACCOUNT = "eu-west-1", "123456789012"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:{OURS.topic}"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{OURS.queue}"

_QUEUE_ARN = re.compile(r"arn:aws[\w-]*:sqs:[\w-]+:\d{12}:([\w.*-]+)")
_QUEUE_URL = re.compile(r"https://sqs\.[\w.-]+/\d{12}/([\w.*-]+)")
_TOPIC_ARN = re.compile(r"arn:aws[\w-]*:sns:[\w-]+:\d{12}:([\w.*-]+)")


def _policies() -> list[dict[str, Any]]:
    return [json.loads(block.text) for block in blocks_of(IAM) if block.language == "json"]


def _resources(sid: str) -> set[str]:
    [found] = [one["Resource"] for policy in _policies() for one in policy["Statement"] if one.get("Sid") == sid]
    return {found} if isinstance(found, str) else set(found)


def test_every_page_names_what_the_setup_makes() -> None:
    named: list[tuple[str, str, str]] = []
    for page in [*PAGES, *(ROOT / "docs").rglob("*.sql")]:
        text = page.read_text(encoding="utf-8")
        named += [(page.name, "queue", name) for name in _QUEUE_ARN.findall(text) + _QUEUE_URL.findall(text)]
        named += [(page.name, "topic", name) for name in _TOPIC_ARN.findall(text)]
    assert len(named) > 15
    wrong = [one for one in named if one[2] not in (QUEUES if one[1] == "queue" else (OURS.topic,))]
    assert not wrong, f"the set-up makes {QUEUES} and {OURS.topic}"


def test_shell_and_dag_make_the_same_names() -> None:
    settings = parse({"feeds": ["example.com"]}, model=SettingsForSetup)
    by_dag = options_of(settings.feeds[0], settings)
    by_shell = shell_setup.options_of(parser().parse_args(["setup", "example.com"]))
    for name in ("topic", "queue", "dead_letter_queue"):
        assert getattr(OURS, name) == getattr(by_dag, name) == getattr(by_shell, name)
        with Site("news").current():
            assert getattr(options_of(settings.feeds[0], settings), name).startswith("ses-bounces-news-")


@pytest.mark.parametrize("sid", ["DrainSesBounces", "SetUpQueues"])
def test_policies_allow_the_queues_that_are_made(sid: str) -> None:
    """One that allows another name denies the first drain."""
    assert _resources(sid) == {f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}" for queue in QUEUES}


def test_access_policies_are_those_that_the_setup_writes() -> None:
    written = [statement for policy in _policies() for statement in policy["Statement"] if "Principal" in statement]
    made = [policies.queue_statement(QUEUE, TOPIC), policies.topic_statement(TOPIC, ACCOUNT)]
    assert written == [{key: value for key, value in one.items() if key != "Sid"} for one in made]
