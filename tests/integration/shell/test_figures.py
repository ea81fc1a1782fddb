"""``ses-bounces figures``: the figures of the page, in words and in JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from ses_bounces.__main__ import main
from ses_bounces.ledger.figures.counting import count_figures
from ses_bounces.ledger.figures.outages import find_outages
from tests.kit.builders import bounce, complaint, delivery
from tests.kit.seeding import dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


@pytest.fixture
def run(database_url: str, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        status = main(["figures", "--url", database_url, *arguments])
        said = capsys.readouterr()
        return status, said.out or said.err

    return run


def seed(database: Connection) -> None:
    events = [dated(bounce("a@gmail.com", recipient={"diagnosticCode": "smtp; 552 5.2.2 full 7"}), 1)]
    events += [dated(complaint("b@gmail.com"), 1), dated(bounce("c@one.example", "Transient", "MailboxFull"), 1)]
    events += [dated(delivery(f"d{number}@gmail.com"), 1) for number in range(19)]
    receive(database, *events)
    count_figures(database)


def test_in_words(database: Connection, run: Any) -> None:
    seed(database)
    status, out = run("--days", "7")
    assert status == 0
    lines = out.splitlines()
    assert lines[0].startswith("Bounce rate, by reported deliveries: 5.00 %. 1 bounce, 20 deliveries and bounces")
    table = [re.split(r"\s{2,}", line) for line in lines if line.startswith(("Recipient", "gmail  ", "one.example  "))]
    assert table == [
        ["Recipient provider", "Bounces", "Lifted", "Bounce rate", "Complaints", "Complaint rate", "Transients",
         "Not sent", "Trend"],
        ["gmail", "1", "0", "5.00 %", "1", "5.00 %", "0", "0", "new"],
        ["one.example", "0", "0", "–", "0", "–", "1", "0", "–"],
    ]  # fmt: skip
    assert "gmail: 1 × 552 5.2.2 full …" in lines
    assert lines[-1].startswith("Where no rate is shown")


@pytest.mark.parametrize(("by", "names"), [("identity", ["example.com"]), ("campaign", [""])])
def test_in_json(database: Connection, run: Any, by: str, names: list[str]) -> None:
    seed(database)
    status, out = run("--by", by, "--json")
    answer = json.loads(out)
    assert (status, answer["by"], [one["name"] for one in answer["figures"]]) == (0, by, names)
    assert answer["figures"][0]["bounce_rate"]["rate"] == 0.05
    assert answer["counted_at"]


def test_days(database: Connection, run: Any) -> None:
    seed(database)
    lines = run("--by", "day", "--days", "3")[1].splitlines()
    assert [re.split(r"\s{2,}", line)[1:] for line in lines[-3:]] == [
        ["0", "0", "0", "0", "0", "0", "–"],
        ["1", "0", "1", "1", "0", "19", "–"],
        ["0", "0", "0", "0", "0", "0", "–"],
    ]


def test_a_suggested_outage_is_for_a_person_to_look_at(database: Connection, run: Any) -> None:
    code = {"diagnosticCode": "smtp; 550 5.1.1 recipient rejected"}
    receive(database, *(dated(bounce(f"p{number}@northwind.example", recipient=code), 0.1) for number in range(25)))
    count_figures(database)
    find_outages(database)
    status, out = run()
    assert status == 3
    assert re.match(
        r"Perhaps an outage: northwind.example refused 25 addresses in the same words since .* UTC: 5.1.1 recipient rejected\n",
        out,
    )
    assert json.loads(run("--json")[1])["suggested_outages"][0]["addresses"] == 25


def test_nothing_was_counted_yet(database: Connection, run: Any) -> None:
    status, out = run()
    assert status == 0
    assert "Nothing says how much was sent" in out
    assert out.endswith("No bounce and no complaint in these days.\n")


@pytest.mark.parametrize("days", ["0", "1101", "-1", "1.5", "²", "9999999999999999999999"])
def test_days_that_there_are_none_of(run: Any, days: str) -> None:
    status, said = run(f"--days={days}")
    assert status == 2
    assert "is no whole number from 1 to 1100" in said
