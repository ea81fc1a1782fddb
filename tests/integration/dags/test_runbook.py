"""What docs/operations.md tells to do, done: each of its commands runs, and does what the page says."""

from __future__ import annotations

import io
import json
import logging
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dev.aws import temporary_aws
from dev.ses import FakeSes
from ses_bounces.__main__ import main
from ses_bounces.base.exceptions import ReplayError
from ses_bounces.dags.tasks import hourly
from tests.kit.builders import bounce
from tests.kit.seeding import dated, receive
from tests.kit.tasks import Tasks

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

RUNBOOK = (Path(__file__).resolve().parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
OPERATIONS = ("After an outage", "After a restore", "Clear", "Backfill", "Rebuild", "Replay", "Undo")
DAY = timedelta(days=1)


def section(title: str) -> str:
    """The text under a heading."""
    return RUNBOOK.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def commands(program: str) -> list[str]:
    """Every command of the page: in blocks, and within its sentences."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", RUNBOOK, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```$", "", RUNBOOK, flags=re.MULTILINE | re.DOTALL)
    # A sentence may break a command.
    lines += [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    return list(dict.fromkeys(line for line in lines if line.startswith(f"{program} ")))


@pytest.mark.parametrize("title", OPERATIONS)
def test_each_operation_says_when_what_it_shows_and_how_it_is_taken_back(title: str) -> None:
    text = section(title)
    assert text, f"{title} is not on the page"
    if title != "After an outage":
        for told in ("**When**", "**What it shows**", "**To undo it**"):
            assert told in text, told
    assert "undo it" in text


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Tasks:
    """The tasks of a run, whose queue is not asked."""
    aws = '{"conn_type": "aws", "login": "none", "password": "none", "extra": {"region_name": "eu-west-1"}}'
    return Tasks(monkeypatch, database_url, aws, queue_urls=["http://127.0.0.1:9/000000000000/queue"])


@pytest.mark.parametrize("line", commands("ses-bounces"))
def test_its_shell_commands_run(
    line: str, tasks: Tasks, database: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MY_POSTGRES", database_url)
    secret = {"conn_type": "generic", "password": "a secret of forty characters, as it is long"}
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_ERASURE", json.dumps(secret))
    monkeypatch.chdir(tmp_path)
    Path("addresses.txt").write_text("a@example.com\n", encoding="utf-8")
    line, _, given = line.partition(" < ")
    if given:
        monkeypatch.setattr("sys.stdin", io.StringIO(Path(given).read_text(encoding="utf-8")))
    receive(database, dated(bounce("a@example.com"), 2))
    arguments = [database_url if word.startswith("postgresql://") else word for word in shlex.split(line)[1:]]
    if arguments[0] == "doctor":
        with temporary_aws() as aws, FakeSes(aws) as ses:
            monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", ses.connection_json())
            tasks.settings["queue_urls"] = [ses.client("sqs").create_queue(QueueName="q")["QueueUrl"]]
            tasks.context("")
            # A queue without a feed is critical.
            assert main(arguments) in (0, 3)
            return
    tasks.context("")
    # 3: what it names is not held here; a person has to look after a restore.
    assert main(arguments) in ((0, 3) if arguments[0] in ("held", "restored") else (0,))


def test_a_rebuild_repairs_what_a_hand_did(tasks: Tasks, database: Connection, capsys: Any) -> None:
    receive(database, dated(bounce("a@example.com"), 2))
    database.execute("DELETE FROM ses_bounces.blocked_list")
    tasks.context("")
    # 3: somebody should look.
    assert [main(words) for words in (["rebuild", "--verify"], ["rebuild"], ["rebuild", "--verify"])] == [3, 3, 0]
    assert database.execute("SELECT count(*) FROM ses_bounces.blocked_list WHERE is_open").fetchone() == (1,)
    assert "@" not in capsys.readouterr().out


def test_the_replay_of_the_page_is_refused_until_it_was_tried(
    tasks: Tasks, database: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    [text] = re.findall(r"^ +```json\n +(.*?)\n +```$", section("Replay"), re.MULTILINE | re.DOTALL)
    conf = json.loads(text)
    assert conf["reprocess"] is conf["dry_run"] is True
    # The days of the page are long over.
    now = datetime.now(UTC)
    conf |= {"reprocess_from": (now - 3 * DAY).isoformat(), "reprocess_to": (now + DAY).isoformat()}
    receive(database, dated(bounce("a@example.com"), 2))
    tasks.settings["allowed_topic_arns"] = ["arn:aws:sns:eu-west-1:123456789012:another"]
    really = conf | {"dry_run": False}
    with pytest.raises(ReplayError, match="was not tried"):
        hourly.classify_bounces(tasks.context("classify_bounces", **really))
    with caplog.at_level(logging.INFO):
        tried = hourly.classify_bounces(tasks.context("classify_bounces", **conf))
    assert "permanent_bounce → nothing" in caplog.text
    assert tried["replay_changes"] == {"permanent_bounce → nothing": 1}
    blocked = "SELECT count(*) FROM ses_bounces.blocked_list WHERE is_open"
    assert database.execute(blocked).fetchone() == (1,)
    assert hourly.classify_bounces(tasks.context("classify_bounces", **really))["superseded"] == 1
    assert database.execute(blocked).fetchone() == (0,)

    # To take it back.
    del tasks.settings["allowed_topic_arns"]
    for params in (conf, really):
        hourly.classify_bounces(tasks.context("classify_bounces", **params))
    assert database.execute(blocked).fetchone() == (1,)


def test_airflows_own_commands_are_accepted() -> None:
    from airflow.cli.cli_parser import get_parser

    [line] = commands("airflow")
    asked = get_parser().parse_args(shlex.split(line)[1:])
    assert (asked.dag_id, asked.max_active_runs) == ("ses_bounces", 4)
    assert asked.to_date - asked.from_date == timedelta(hours=47)
