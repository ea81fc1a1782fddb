"""The mailer's helper: any spelling, any driver, no Airflow; and the page that tells of it."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import psycopg2
import pytest

from ses_bounces import mailer
from ses_bounces.classify.address import address_key
from ses_bounces.ledger.protection import mirror_settings
from tests.kit.builders import bounce, complaint
from tests.kit.seeding import dated, receive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ses_bounces.base.database.connection import Connection

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mailer.md"
DSN = "postgresql://mailer@db.example.com/app"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def ledger(database: Connection) -> Connection:
    """Anna is free, Bo bounced, Cy complained and bounced, Dee has a transient problem, Emil lives at an IDN."""
    receive(
        database,
        dated(bounce("bo@example.com"), 3),
        dated(bounce("cy@example.com"), 3),
        dated(complaint("Cy@Example.com"), 1),
        dated(bounce("dee@example.com", "Transient", "MailboxFull"), 1),
        dated(bounce("emil@bücher.example"), 1),
    )
    return database


@pytest.fixture(params=["psycopg", "psycopg2"])
def connection(request: pytest.FixtureRequest, database_url: str) -> Iterator[Any]:
    driver = psycopg if request.param == "psycopg" else psycopg2
    with contextlib.closing(driver.connect(database_url)) as opened:
        yield opened


def test_is_blocked_in_any_spelling(ledger: Connection, connection: Any) -> None:
    for email in (
        "bo@example.com",
        "BO@EXAMPLE.COM",
        "Bo <bo@example.com>",
        "emil@xn--bcher-kva.example",
        "Emil@Bücher.Example",
    ):
        assert mailer.is_blocked(connection, email), email
    for email in ("anna@example.com", "dee@example.com", "bo+news@example.com", "no address", "", "bo@example.com\x00"):
        assert not mailer.is_blocked(connection, email), email


def test_blocked_names_the_reason_that_weighs_most(ledger: Connection, connection: Any) -> None:
    asked = ["anna@example.com", "Cy <CY@example.com>", "bo@example.com", "bo@example.com"]
    found = mailer.blocked(connection, asked)
    assert {email: why.reason for email, why in found.items()} == {
        "Cy <CY@example.com>": "complaint",
        "bo@example.com": "permanent_bounce",
    }
    since = dict(ledger.execute("SELECT d.address, d.since FROM ses_bounces.do_not_email d").fetchall())
    assert found["bo@example.com"].since == since["bo@example.com"]
    assert mailer.blocked(connection, []) == {}


def test_in_observe_mode_nobody_is_blocked(ledger: Connection, connection: Any) -> None:
    mirror_settings(ledger, enforce=False, never_block=[])
    assert mailer.blocked(connection, ["bo@example.com"]) == {}


def test_sendable_asks_again_while_the_mailing_goes_on(ledger: Connection, database_url: str) -> None:
    everybody = [f"person{n}@example.com" for n in range(5)] + ["bo@example.com"]
    sent = []
    with psycopg.connect(database_url, autocommit=True) as asking:
        for email in mailer.sendable(asking, iter(everybody), at_once=2):
            sent.append(email)
            if email == "person1@example.com":
                receive(ledger, dated(bounce("person4@example.com"), 0.1))
    assert sent == everybody[:4]


def test_a_key_is_looked_up_by_the_index(ledger: Connection) -> None:
    ledger.execute(
        "INSERT INTO ses_bounces.blocked_list (address_id, address, reason, blocked_at, event_id)"
        " SELECT n, 'x' || n || '@example.org', 'complaint', now(), 1 FROM generate_series(1000, 30000) n"
    )
    ledger.execute("ANALYZE ses_bounces.blocked_list")
    emails = [f"x{n}@example.org" for n in range(2000, 2100)]
    plan = "\n".join(
        line
        for (line,) in ledger.execute(
            "EXPLAIN (ANALYZE, TIMING off, SUMMARY off) " + mailer.statement("mailer/select_blocked_emails"),
            (emails, [None] * len(emails)),
        )
    )
    assert "blocked_list_address_idx" in plan
    assert "Seq Scan on blocked_list" not in plan


def test_it_needs_no_airflow(ledger: Connection, database_url: str, tmp_path: Path) -> None:
    program = tmp_path / "mailer.py"
    program.write_text(
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('airflow', 'sqlalchemy', 'boto3', 'fastapi', 'pydantic', 'msgspec'):\n"
        "            raise ImportError(f'{name} is not there')\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "import psycopg\n"
        "from ses_bounces.mailer import is_blocked, sendable\n"
        "with psycopg.connect(sys.argv[1], autocommit=True) as connection:\n"
        "    print(is_blocked(connection, 'Bo@example.com'), *sendable(connection, ['anna@example.com', 'cy@example.com']))\n"
    )
    done = subprocess.run([sys.executable, str(program), database_url], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True anna@example.com\n", "")


def test_the_role_of_the_page_may_ask_and_nothing_else(ledger: Connection, database_url: str) -> None:
    ledger.execute("CREATE ROLE mailer")
    try:
        for statement in re.findall(r"^GRANT .+?;", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            ledger.execute(statement)
        ledger.execute("SET ROLE mailer")
        assert mailer.is_blocked(ledger, "bo@example.com")
        for query in (
            "SELECT 1 FROM ses_bounces.address_event",
            "DELETE FROM ses_bounces.blocked_list",
            "UPDATE ses_bounces.setting SET enforce = false",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                ledger.execute(query)
    finally:
        ledger.execute("RESET ROLE")
        ledger.execute("DROP OWNED BY mailer")
        ledger.execute("DROP ROLE mailer")


def test_the_page_describes_what_is_there() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert {name for name in mailer.__all__ if name != "Blocked"} == set(
        re.findall(r"^\| `(\w+)\((?:connection, )?emails?\)` \| (?!may|a view|the key)", page, re.MULTILINE)
    )
    assert address_key("Anna@Bücher.example") == "anna@xn--bcher-kva.example"
    assert "`anna@xn--bcher-kva.example`" in page


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_examples_of_the_page_run(
    number: int, ledger: Connection, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.execute("CREATE TABLE public.people (id int PRIMARY KEY, email text, allow_group_email boolean)")
    rows = [
        (1, "Anna <anna@example.com>", True),
        (2, "bo@example.com", True),
        (3, "dee@example.com", True),
        (4, "x@example.com", False),
    ]
    ledger.cursor().executemany("INSERT INTO public.people VALUES (%s, %s, %s)", rows)
    assert DSN in EXAMPLES[number]
    sent: list[str] = []
    exec(compile(EXAMPLES[number].replace(DSN, database_url), PAGE.name, "exec"), {"send": sent.append})
    assert (sent, capsys.readouterr().out.count("is blocked since")) == [
        (["anna@example.com"], 2),
        (["Anna <anna@example.com>", "dee@example.com"], 0),
    ][number]
