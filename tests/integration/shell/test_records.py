"""The shell's commands for single records: transients, quarantined messages, daily reports."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from ses_bounces.__main__ import main
from ses_bounces.report.making import make_report
from tests.kit.builders import bounce
from tests.kit.days import today
from tests.kit.page_rights import hold, quarantine
from tests.kit.seeding import dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


class Shell:
    """Runs a command on the test's database; the last answer is kept."""

    def __init__(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.url, self.capsys, self.err = url, capsys, ""

    def __call__(self, *arguments: str) -> tuple[int, list[str]]:
        self.capsys.readouterr()
        status = main([*arguments, "--url", self.url])
        out, self.err = self.capsys.readouterr()
        return status, out.splitlines()

    def json(self, *arguments: str) -> Any:
        return json.loads("\n".join(self(*arguments, "--json")[1]))


@pytest.fixture
def run(database: Connection, database_url: str, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Ann and Bo have a transient problem, Cy a permanent one."""
    for address, more in (
        ("ann@example.com", {"type_": "Transient"}),
        ("bo@example.com", {"type_": "Transient"}),
        ("cy@example.com", {}),
    ):
        receive(database, dated(bounce(address, **more), 1))
    return Shell(database_url, capsys)


def open_transients(connection: Connection) -> dict[str, datetime]:
    query = (
        "SELECT address, transient_fix_deadline FROM ses_bounces.bounce_list"
        " WHERE kind = 'transient' AND closed_at IS NULL"
    )
    return dict(connection.execute(query).fetchall())


def test_a_transient_is_deleted(run: Shell, database: Connection) -> None:
    arguments = ("transient", "delete", "ann@example.com, cy@example.com", "free@example.com", "--reason", "back")
    before = open_transients(database)
    dry = run(*arguments, "--dry-run")
    assert dry == (
        3,
        [
            "1: Would be deleted.",
            "1: refused: It has no transient problem.",
            "2: refused: It has no transient problem.",
            "1 would be done, 0 already so, 2 refused.",
        ],
    )
    assert open_transients(database) == before
    status, lines = run(*arguments)
    assert (status, lines[0], lines[-1]) == (3, "1: done: Deleted.", "1 done, 0 already so, 2 refused.")
    assert lines[1] == "1: refused: It has no transient problem."
    assert set(open_transients(database)) == {"bo@example.com"}
    again = run("transient", "delete", "ann@example.com", "--reason", "back")
    assert again[0] == 0
    assert again[1][0].startswith("1: already: Nothing to delete: shell:")


def test_a_deadline_is_extended(run: Shell, database: Connection) -> None:
    arguments = ("transient", "extend", "ann@example.com", "cy@example.com", "--days", "30", "--reason", "they move")
    dry = run.json(*arguments, "--dry-run")
    assert [(one["line"], one["outcome"]) for one in dry["results"]] == [(1, "planned"), (2, "refused")]
    before = open_transients(database)
    done = run.json(*arguments)
    assert [(one["line"], one["outcome"]) for one in done["results"]] == [(1, "done"), (2, "refused")]
    after = open_transients(database)
    assert after["ann@example.com"] > before["ann@example.com"] + timedelta(days=10)
    assert after["bo@example.com"] == before["bo@example.com"]
    shorter = ("transient", "extend", "ann@example.com", "--days", "3", "--reason", "they move")
    assert run(*shorter, "--dry-run")[1][0].startswith("1: already: Its deadline is later than that: ")
    assert run(*shorter)[1][0].startswith("1: already: Its deadline is later than that: ")


def test_days_out_of_range_are_wrong_usage(run: Shell) -> None:
    assert run("transient", "extend", "ann@example.com", "--days", "31", "--reason", "x")[0] == 2
    assert "'31' is no whole number from 1 to 30" in run.err


def outcomes(connection: Connection) -> dict[str, str]:
    query = "SELECT message_id::text, outcome FROM ses_bounces.message WHERE outcome <> 'applied'"
    return dict(connection.execute(query).fetchall())


def test_quarantine(run: Shell, database: Connection) -> None:
    assert run("quarantine", "list") == (0, ["No message is quarantined."])
    first, second, third = (
        quarantine(database, body, reason) for body, reason in (("x", "not JSON"), ("y", "not JSON"), ("{}", "odd"))
    )
    hold(database, "down.example")
    status, lines = run("quarantine", "list")
    assert status == 3
    assert [" ".join(line.split()) for line in lines] == [
        "2 quarantined: not JSON",
        "1 held: down.example is over its limit of new blocks",
        "1 quarantined: odd",
    ]
    shown = run.json("quarantine", "list", "--messages", "--only", "not JSON", "--limit", "1")
    assert [str(one["message_id"]) for one in shown] == [second]
    tried = run("quarantine", "retry", first, "999", "--reason", "mended", "--dry-run")
    assert tried[1][:2] == [
        f"{first}: Would be retried: the next hourly run would classify it.",
        "999: refused: It is not quarantined.",
    ]
    assert outcomes(database)[first] == "quarantined"
    assert run("quarantine", "retry", first, "--reason", "mended")[0] == 0
    assert outcomes(database)[first] == "pending"
    assert run("quarantine", "dismiss", "--only", "not JSON", "--reason", "a test")[0] == 0
    assert outcomes(database)[second] == "dismissed"
    assert outcomes(database)[third] == "quarantined"
    assert run("quarantine", "dismiss", "--all", "--reason", "tests")[0] == 0
    # What the brake holds is not for `--all`.
    assert sorted(outcomes(database).values()) == ["dismissed", "dismissed", "held", "pending"]
    assert run("quarantine", "dismiss", "--all", "--reason", "tests")[1][0] == "No message is quarantined."


@pytest.mark.parametrize("which", [[], ["--all", "17"], ["--all", "--only", "odd"]])
def test_quarantine_wants_to_know_which(run: Shell, which: list[str]) -> None:
    assert run("quarantine", "retry", *which, "--reason", "x")[0] == 1
    assert run.err.startswith("Say which: the ids of messages, --only REASON, or --all")


def test_report(run: Shell, database: Connection, tmp_path: Path) -> None:
    assert run("report")[0] == 1
    assert run.err.startswith("No report is kept yet")
    yesterday = today() - timedelta(days=1)
    since = datetime.combine(yesterday - timedelta(days=3), datetime.min.time(), UTC)
    database.execute("INSERT INTO ses_bounces.queue VALUES ('q', 'q', %s, now(), now(), NULL)", [since])
    for day in (yesterday - timedelta(days=1), yesterday):
        make_report(database, day, ZoneInfo("UTC"))
    status, lines = run("report")
    assert status == 0
    assert lines[0].startswith(f"Email Blocked Report of {yesterday}: ")
    assert "@" not in "\n".join(lines)
    assert [line[:10] for line in run("report", "--list")[1]] == [
        str(yesterday),
        str(yesterday - timedelta(days=1)),
    ]
    assert run.json("report", str(yesterday - timedelta(days=1)))["day"] == str(yesterday - timedelta(days=1))
    file = tmp_path / "report.csv"
    assert run("report", "--format", "csv", "-o", str(file)) == (0, [])
    assert [row["address"] for row in csv.DictReader(io.StringIO(file.read_text()))] == ["cy@example.com"]
    assert run("report", "--format", "html")[1][0].lower().startswith("<!doctype html>")
    assert run("report", "2020-01-01")[0] == 1
    assert run.err.startswith("There is no report of 2020-01-01: kept are ")
