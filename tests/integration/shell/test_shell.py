"""The shell command, on a real database and an emulated AWS: same rules, same ledger, answers and exit statuses."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dev.ses import FakeSes
from ses_bounces.__main__ import main
from ses_bounces.base.database import schema
from ses_bounces.classify.entry import SendingStatus
from ses_bounces.classify.rules import Rules
from ses_bounces.doctor.finding import open_findings
from ses_bounces.ledger.lists.blocked import BlockedFilter, stream_blocked
from ses_bounces.ledger.lists.checked import check_keys
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.protection import mirror_settings
from ses_bounces.ledger.sending_status import note_sending
from ses_bounces.shell import block, import_file, import_stop_requests
from ses_bounces.shell.context import actor
from ses_bounces.suppression.lifting import left_to_dag
from tests.kit.builders import bounce, complaint, sns
from tests.kit.page_rights import hold
from tests.kit.seeding import dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

REGION, ACCOUNT = "us-east-1", "000000000000"
ME = actor()


@pytest.fixture
def ses(server: FakeSes) -> Iterator[FakeSes]:
    server.refuse.clear()
    yield server
    server.refuse.clear()
    server.account.clear()
    server.aws.reset()
    for kept in (server.region().topics, server.region().forwarding, server.region().listed):
        kept.clear()


@pytest.fixture
def shell(database_url: str, ses: FakeSes, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Airflow knows: the connections, and the settings (to be changed by a test)."""
    queue = ses.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    settings: dict[str, Any] = {"queue_urls": [queue], "ses_regions": [REGION]}
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_POSTGRES", database_url)
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", ses.connection_json(region=REGION))
    monkeypatch.setenv("AIRFLOW_VAR_SES_BOUNCES", json.dumps(settings))
    return settings


class Said:
    """What a command answered."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(shell: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> Said:
        capsys.readouterr()
        status = main(arguments)
        return Said(status, *capsys.readouterr())

    return run


@pytest.fixture
def ledger(database: Connection, shell: dict[str, Any]) -> Connection:
    """Anna bounced, Bo complained, Cy is suppressed by SES."""
    events = (
        bounce("anna@example.com"),
        complaint("bo@example.com"),
        bounce("Cy@example.com", sub_type="OnAccountSuppressionList"),
    )
    with database.cursor() as cursor:
        for number, event in enumerate(events):
            (event.get("bounce") or event["complaint"])["feedbackId"] = str(number)
            cursor.execute(
                "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome)"
                " VALUES ('id', 'queue', %s, now(), 'pending')",
                [json.dumps(sns(event))],
            )
    classify_pending(database, Rules())
    return database


def blocked(connection: Connection) -> set[tuple[str, str]]:
    return set(
        connection.execute(
            "SELECT b.address, b.reason FROM ses_bounces.blocked_list b WHERE b.unblocked_at IS NULL"
        ).fetchall()
    )


def entries(connection: Connection) -> list[tuple[str, str, str, str]]:
    return connection.execute(
        "SELECT a.address, e.kind, e.actor, e.reason FROM ses_bounces.address_event e"
        " JOIN ses_bounces.address a USING (address_id) WHERE e.actor <> 'ses' ORDER BY e.event_id"
    ).fetchall()


START = {
    ("anna@example.com", "permanent_bounce"),
    ("bo@example.com", "complaint"),
    ("cy@example.com", "ses_suppression"),
}


def test_check(run: Any, ledger: Connection) -> None:
    said = run("check", "Anna@Example.com", "free@example.com", "no address", "Bo <bo@example.com>, free@example.org")
    assert said.status == 3
    assert said.lines == [
        "Anna@Example.com: blocked: permanent bounce since 2026-01-10 08:00 UTC",
        "free@example.com: not known: nothing is on record about it",
        "no address: not an e-mail address",
        "Bo <bo@example.com>: blocked: complaint since 2026-01-10 08:00 UTC",
        "free@example.org: not known: nothing is on record about it",
    ]
    assert run("check", "free@example.com").status == 0
    found = run("check", "--json", "bo@example.com").json
    assert found == [
        {
            "given": "bo@example.com",
            "is_address": True,
            "is_blocked": True,
            "state": "blocked",
            "reasons": {"complaint": "2026-01-10T08:00:05+00:00"},
            "is_transient": False,
            "transient_until": None,
            "lifting_since": None,
            "lifting": [],
        }
    ]


def test_check_knows_what_is_transient_and_what_is_being_lifted(
    run: Any, ledger: Connection, database_url: str
) -> None:
    receive(ledger, dated(bounce("ed@example.com", type_="Transient", sub_type="General"), 1))
    (deadline,) = ledger.execute(
        "SELECT transient_fix_deadline FROM ses_bounces.bounce_list WHERE address = 'ed@example.com'"
    ).fetchall()[0]
    run("unblock", "anna@example.com", "--reason", "mended", "--url", database_url)
    said = run("check", "anna@example.com", "ed@example.com")
    assert said.status == 3
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert said.lines[0].startswith(
        f"anna@example.com: blocked: permanent bounce since 2026-01-10 08:00 UTC; being lifted since {today}"
    )
    assert said.lines[1:] == [
        f"ed@example.com: not blocked; transient until {deadline.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    ]
    states = [
        (row["state"], row["lifting"]) for row in run("check", "--json", "anna@example.com", "ed@example.com").json
    ]
    assert states == [("being_lifted", ["permanent_bounce", "ses_suppression"]), ("transient", [])]
    ledger.execute("UPDATE ses_bounces.bounce_list SET transient_fix_deadline = NULL WHERE address = 'ed@example.com'")
    assert run("check", "ed@example.com").lines == ["ed@example.com: not blocked; transient, no deadline"]


def test_check_hides_what_never_block_guards_from_readers(ledger: Connection) -> None:
    mirror_settings(ledger, True, ["guarded@example.com"])
    receive(ledger, dated(bounce("guarded@example.com"), 1))
    keys = ["guarded@example.com", "anna@example.com"]
    assert [one.state for some in check_keys(ledger, keys) for one in some] == ["not_blocked", "blocked"]
    hidden = [one for some in check_keys(ledger, keys, hide_guarded=True) for one in some]
    assert [(one.state, one.address_id is None) for one in hidden] == [("not_known", True), ("blocked", False)]


def test_check_many_from_stdin(run: Any, ledger: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [f"free{number}@example.com" for number in range(10_500)]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join([*many, "anna@example.com", ""])))
    said = run("check", "--json", "-")
    assert said.status == 3
    assert [(row["given"], row["is_blocked"]) for row in said.json if row["is_blocked"]] == [("anna@example.com", True)]
    assert len(said.json) == 10_501


def test_check_in_observe_mode_blocks_nobody(run: Any, ledger: Connection) -> None:
    ledger.execute("UPDATE ses_bounces.setting SET enforce = false")
    said = run("check", "anna@example.com")
    assert said.status == 0
    assert said.out.startswith(
        "anna@example.com: not blocked (enforce is false; else it would be: permanent bounce since"
    )


def test_block(run: Any, ledger: Connection) -> None:
    arguments = ("block", "Dee@example.com", "nonsense", "dee@EXAMPLE.com", "ed@example.com", "--reason", "asked us")
    dry = run(*arguments, "--dry-run")
    assert blocked(ledger) == START
    assert dry.lines[-1] == "2 would be done, 0 already so, 1 refused."
    said = run(*arguments)
    assert said.status == 3
    assert said.lines == [
        "1: done: Blocked: stop request.",
        "2: refused: This is not an e-mail address.",
        "4: done: Blocked: stop request.",
        "2 done, 0 already so, 1 refused.",
    ]
    assert blocked(ledger) == START | {("dee@example.com", "stop_request"), ("ed@example.com", "stop_request")}
    assert {entry[1:] for entry in entries(ledger)} == {("stop_request", ME, "asked us")}
    again = run("block", "dee@example.com", "--reason", "asked again", "--json")
    assert again.status == 0
    [result] = again.json["results"]
    assert result["outcome"] == "already"
    assert f"by {ME}" in result["message"]


def test_an_argument_may_hold_several_addresses(run: Any, ledger: Connection) -> None:
    said = run("block", "dee@example.com,ed@example.com", '"F, G" <fay@example.com>; x', " ", "--reason", "asked us")
    assert said.lines == [
        "1: done: Blocked: stop request.",
        "1: done: Blocked: stop request.",
        "2: done: Blocked: stop request.",
        "2: refused: A part of it is not an e-mail address, or unclear.",
        "3: refused: This is not an e-mail address.",
        "3 done, 0 already so, 2 refused.",
    ]
    wished = {address for address, reason in blocked(ledger) if reason == "stop_request"}
    assert wished == {"dee@example.com", "ed@example.com", "fay@example.com"}
    asked = run("check", "<dee@example.com> <free@example.com>", "ed@example.com, bo@")
    assert [line.partition(":")[0] for line in asked.lines] == [
        "<dee@example.com>",
        "<free@example.com>",
        "ed@example.com",
        "ed@example.com, bo@",
    ]
    assert asked.lines[-1] == "ed@example.com, bo@: not an e-mail address"


def test_a_dry_run_says_that_nothing_is_done(run: Any, ledger: Connection) -> None:
    for arguments in (("block", "dee@example.com"), ("unblock", "anna@example.com")):
        said = run(*arguments, "--reason", "why", "--dry-run")
        assert not any(line.startswith("1: done") for line in said.lines)
        tried = run(*arguments, "--reason", "why", "--dry-run", "--json").json
        assert [result["outcome"] for result in tried["results"]] == ["planned"]
    assert blocked(ledger) == START


def test_an_answer_about_a_change_shows_no_address(run: Any, ledger: Connection) -> None:
    for arguments in (
        ("block", "x@example.com", "y z@example.com"),
        ("unblock", "anna@example.com", "bo@example.com", "cy@example.com"),
    ):
        for more in ((), ("--json",), ("--dry-run",)):
            said = run(*arguments, "--reason", "why", *more)
            assert "@" not in said.out + said.err


def test_unblock_lifts_what_is_no_wish(run: Any, ledger: Connection, ses: FakeSes) -> None:
    # SES lists who bounced, whether or not we have read its list since.
    ses.region().listed |= dict.fromkeys(("Cy@example.com", "anna@example.com"), ("BOUNCE", datetime.now(UTC)))
    arguments = ("unblock", "anna@example.com", "bo@example.com", "CY@example.com", "free@example.com")
    dry = run(*arguments, "--reason", "mended", "--dry-run")
    assert dry.status == 3
    assert dry.lines[0] == "1: Would be lifted: permanent bounce."
    assert blocked(ledger) == START
    assert set(ses.region().listed) == {"Cy@example.com", "anna@example.com"}
    said = run(*arguments, "--reason", "mended")
    assert said.status == 3
    assert said.lines == [
        "1: done: Lifted, and taken off SES's own list.",
        "2: refused: The person's own wish blocks it; to lift it, say --cause complaint.",
        "3: done: Lifted, and taken off SES's own list.",
        "4: already: It is not blocked.",
        "2 done, 1 already so, 1 refused.",
    ]
    assert blocked(ledger) == {("bo@example.com", "complaint")}
    assert ses.region().listed == {}
    assert entries(ledger) == [
        ("anna@example.com", "unblocked", ME, "mended"),
        ("cy@example.com", "unblocked", ME, "mended"),
    ]
    wish = run("unblock", "bo@example.com", "--reason", "wrote to us", "--cause", "complaint")
    assert wish.status == 0
    assert blocked(ledger) == set()


def test_unblock_of_our_own_list_only(run: Any, ledger: Connection, shell: Any, ses: FakeSes, monkeypatch: Any) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_SES_BOUNCES", json.dumps(shell | {"lift_at_ses": False}))
    before = ses.calls["DeleteSuppressedDestination"]
    said = run("unblock", "anna@example.com", "--reason", "mended")
    assert said.lines[0] == "1: done: Lifted: permanent bounce."
    assert ses.calls["DeleteSuppressedDestination"] == before


def test_unblock_a_cause_that_is_not_there(run: Any, ledger: Connection) -> None:
    said = run("unblock", "anna@example.com", "--reason", "x", "--cause", "complaint", "--json")
    assert said.status == 3
    assert [r["message"] for r in said.json["results"]] == ["It is not blocked by complaint, but by permanent bounce."]
    assert blocked(ledger) == START


def test_unblock_refused_by_ses_leaves_the_block(run: Any, ledger: Connection, ses: FakeSes) -> None:
    ses.region().listed["Cy@example.com"] = ("BOUNCE", datetime.now(UTC))
    ses.refuse["DeleteSuppressedDestination"] = ("AccessDeniedException", None)
    said = run("unblock", "cy@example.com", "--reason", "mended")
    assert said.status == 3
    assert said.lines[0].startswith("1: refused: Not lifted yet: ses:DeleteSuppressedDestination")
    assert ("cy@example.com", "ses_suppression") in blocked(ledger)
    assert set(ses.region().listed) == {"Cy@example.com"}


def test_more_than_a_few_lifts_are_left_to_the_dag(
    run: Any, ledger: Connection, ses: FakeSes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ses_bounces.suppression.at_once.AT_ONCE", 0)
    said = run("unblock", "cy@example.com", "--reason", "mended")
    assert said.status == 0
    assert said.lines[-1].startswith("1 of them: SES's own list comes first: the next run of ses_lift_blocks")
    assert blocked(ledger) == START


def test_without_airflow_by_url(run: Any, ledger: Connection, database_url: str, shell: Any, monkeypatch: Any) -> None:
    for name in ("AIRFLOW_CONN_SES_BOUNCES_POSTGRES", "AIRFLOW_VAR_SES_BOUNCES", "AIRFLOW_CONN_SES_BOUNCES_AWS"):
        monkeypatch.delenv(name)
    where = ("--url", database_url)
    at_revision = f"Schema ses_bounces is at revision {schema.LAST_REVISION}; this version works with it.\n"
    assert run("db", "check", *where).out == at_revision
    assert run("db", "upgrade", *where).status == 0
    assert run("check", "anna@example.com", *where).status == 3
    assert run("block", "free@example.com", "--reason", "asked", *where).status == 0
    assert blocked(ledger) == START | {("free@example.com", "stop_request")}
    arguments = ("unblock", "free@example.com", "--cause", "stop_request", "--reason", "changed their mind")
    assert run(*arguments, *where).status == 0
    assert blocked(ledger) == START
    # SES is asked by the DAG, which knows the way.
    said = run("unblock", "anna@example.com", "--reason", "mended", *where)
    assert said.lines[-1] == f"1 of them: {left_to_dag()}"
    assert blocked(ledger) == START


def test_the_connection_of_the_settings_is_used(
    run: Any, ledger: Connection, database_url: str, shell: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SES_BOUNCES_POSTGRES")
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", database_url)
    monkeypatch.setenv("AIRFLOW_VAR_SES_BOUNCES", json.dumps(shell | {"postgres_conn_id": "other"}))
    for command in (("check", "a@example.com"), ("export", "blocked"), ("block", "a@example.com", "--reason", "x")):
        assert run(*command).status == 0, command


def test_flags_follow(run: Any, ledger: Connection, shell: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.execute("CREATE TABLE public.people (id bigint PRIMARY KEY, email text, allow_group_email boolean)")
    ledger.execute("INSERT INTO public.people VALUES (1, 'Free@example.com', true)")
    monkeypatch.setenv("AIRFLOW_VAR_SES_BOUNCES", json.dumps(shell | {"people_table": "public.people"}))

    def flag() -> Any:
        return ledger.execute("SELECT allow_group_email FROM public.people").fetchone()

    said = run("block", "free@example.com", "--reason", "asked", "--json")
    assert flag() == (False,)
    assert said.json["notes"] != []
    run("unblock", "free@example.com", "--reason", "asked", "--cause", "stop_request")
    assert flag() == (True,)


def test_a_busy_ledger_is_tried_again(
    run: Any, ledger: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ses_bounces.base.database.connection import connect_url

    monkeypatch.setattr("ses_bounces.actions.action.LOCK_TIMEOUT", "50ms")
    with connect_url(database_url) as other:
        other.execute("BEGIN; SELECT pg_advisory_xact_lock(1)")
        from ses_bounces.base.database.statements import statement

        other.execute(statement("ledger/lock_state"))
        waits: list[float] = []

        def wait(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                other.execute("COMMIT")

        monkeypatch.setattr(block.time, "sleep", wait)
        said = run("block", "free@example.com", "--reason", "asked")
    assert said.lines[-1] == "1 done, 0 already so, 0 refused."
    assert len(waits) == 2


CSV = """Email;Unsubscribe Reason;Created
Dee@example.com;no longer interested;2026-01-10 08:00:05
nobody;;2026-01-10 08:00:05
ed@example.com;;not a day
Fay <fay@example.com>;;1768032005
"dee@EXAMPLE.com";twice;2026-01-11 08:00:05
anna@example.com;wants no more;Sat, 10 Jan 2026 08:00:05 UTC
"""
COLUMNS = ("--address-column", "email", "--reason-column", "unsubscribe reason", "--date-column", "created")


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "export.csv"
    path.write_text(CSV, encoding="utf-8-sig")
    return str(path)


def test_import_of_another_providers_export(run: Any, ledger: Connection, file: str) -> None:
    arguments = ("import", "stop-requests", file, "--reason", "former provider", *COLUMNS)
    dry = run(*arguments, "--dry-run", "--json")
    assert blocked(ledger) == START
    assert (dry.json["new"], dry.json["refused"]) == (3, 2)
    said = run(*arguments)
    assert said.status == 3
    assert said.lines == [
        "line 3: not an e-mail address",
        "line 4: the date can't be read: ISO 8601, seconds since 1970, or as in an e-mail's header",
        "3 recorded, 3 of them block an address now; 0 were there already; 2 lines refused.",
    ]
    wishes = {(name, "stop_request") for name in ("anna@example.com", "dee@example.com", "fay@example.com")}
    assert blocked(ledger) == START | wishes
    rows = ledger.execute(
        "SELECT a.address, a.address_as_reported, e.occurred_at, e.reason, e.actor FROM ses_bounces.address_event e"
        " JOIN ses_bounces.address a USING (address_id) WHERE e.kind = 'stop_request' ORDER BY 1"
    ).fetchall()
    at = datetime(2026, 1, 10, 8, 0, 5, tzinfo=UTC)
    assert rows == [
        ("anna@example.com", "anna@example.com", at, "former provider: wants no more", ME),
        ("dee@example.com", "Dee@example.com", at, "former provider: no longer interested", ME),
        ("fay@example.com", "Fay <fay@example.com>", at, "former provider", ME),
    ]
    again = run(*arguments, "--json").json
    assert (again["new"], again["already"], again["repeated"], again["blocked"]) == (0, 3, 1, 0)


def test_a_dated_request_does_not_come_back_after_its_lift_an_undated_one_does(
    run: Any, ledger: Connection, file: str, tmp_path: Path
) -> None:
    arguments = ("import", "stop-requests", file, "--reason", "former provider", *COLUMNS)
    run(*arguments)
    assert run("unblock", "dee@example.com", "--reason", "came back", "--cause", "stop_request").status == 0
    again = run(*arguments, "--json").json
    assert (again["new"], again["already"], again["blocked"]) == (0, 3, 0)
    assert ("dee@example.com", "stop_request") not in blocked(ledger)
    plain = tmp_path / "plain.csv"
    plain.write_text("dee@example.com\n")
    said = run("import", "stop-requests", str(plain), "--reason", "asked once more")
    assert said.status == 0
    assert ("dee@example.com", "stop_request") in blocked(ledger)


def test_import_of_many_and_of_our_own_export(run: Any, ledger: Connection, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("".join(f"p{number}@example.com\n" for number in range(2_500)))
    said = run("import", "stop-requests", str(path), "--reason", "list", "--json").json
    assert (said["new"], said["blocked"], said["refused"]) == (2_500, 2_500, 0)
    out = tmp_path / "blocked.csv"
    assert run("export", "blocked", "--reason", "stop_request", "-o", str(out)).status == 0
    again = run("import", "stop-requests", str(out), "--reason", "list", "--json").json
    assert (again["new"], again["already"], again["refused"]) == (0, 2_500, 0)


def test_an_interrupted_import_is_gone_on_with(
    run: Any, ledger: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "many.csv"
    path.write_text("".join(f"p{number}@example.com\n" for number in range(250)))
    monkeypatch.setattr(import_file, "ROWS_AT_ONCE", 100)
    write, written = import_stop_requests._write, []

    def interrupted(*arguments: Any) -> Any:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(1)
        return write(*arguments)

    arguments = ("import", "stop-requests", str(path), "--reason", "list", "--json")
    monkeypatch.setattr(import_stop_requests, "_write", interrupted)
    said = run(*arguments)
    assert (said.status, said.out) == (130, "")
    # rich before 14 ends what was to be a bar with an empty line.
    assert said.err.lstrip("\n") == "Interrupted. What was done before stays done; it may be repeated.\n"
    monkeypatch.setattr(import_stop_requests, "_write", write)
    again = run(*arguments).json
    assert (again["new"], again["already"]) == (50, 200)
    assert len(blocked(ledger)) == len(START) + 250


def test_import_says_what_it_can_not_read(run: Any, tmp_path: Path) -> None:
    said = run("import", "stop-requests", str(tmp_path / "none.csv"), "--reason", "x")
    assert said.status == 1
    assert said.err.endswith("none.csv can't be read (No such file or directory). Name a file that is there.\n")
    path = tmp_path / "two.csv"
    path.write_text("name,phone\nAnna,1\n")
    said = run("import", "stop-requests", str(path), "--reason", "x")
    assert (said.status, said.out) == (1, "")
    assert "--address-column" in said.err


def test_erase(run: Any, ledger: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = {"conn_type": "generic", "password": "a secret of the tests, long enough to be one"}
    file = tmp_path / "addresses.txt"
    file.write_text("Bo@Example.com\nnobody\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("Anna <anna@example.com>\n"))
    assert "ses_bounces_erasure" in run("erase", "--reason", "a letter").err
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_ERASURE", json.dumps(secret))
    assert "There is no address" in run("erase", "--reason", "a letter").err
    dry = run("erase", str(file), "--reason", "a letter", "--dry-run", "--json")
    assert (dry.status, [row["outcome"] for row in dry.json["results"]]) == (3, ["planned", "refused"])
    assert dry.json["counts"]["messages"] == 1
    assert ("bo@example.com", "complaint") in blocked(ledger)
    monkeypatch.setattr("sys.stdin", io.StringIO("Anna <anna@example.com>\n"))
    said = run("erase", "--reason", "a letter")
    assert (said.status, said.lines[0]) == (0, "1: done: Erased.")
    assert "anna" not in said.out + said.err
    assert "anna@example.com" not in {address for address, _ in blocked(ledger)}
    assert run("check", "anna@example.com").status == 3
    assert "permanent bounce" in run("check", "anna@example.com").out
    lifted = run("unblock", "anna@example.com", "--reason", "wrote again")
    assert "take it off there yourself" in lifted.out
    assert run("check", "anna@example.com").status == 0


def test_export_as_of(run: Any, ledger: Connection) -> None:
    lines = list(csv.DictReader(io.StringIO(run("export", "blocked", "--as-of", "2026-01-31T12:00").out)))
    now = {json.loads(line)["address"] for line in run("export", "blocked", "--json").lines}
    assert {line["address"] for line in lines} == now
    assert {"since", "diagnostic", "source_identity"} <= set(lines[0])
    known = run("export", "blocked", "--as-of", "2026-01-31T12:00", "--known-at", "2026-01-31T12:00", "--json")
    assert (known.status, known.lines) == (0, [])
    later = ("--as-of", "2026-01-31T12:00", "--known-at", "2999-01-01")
    found = [json.loads(line) for line in run("export", "blocked", *later, "--reason", "complaint", "--json").lines]
    assert found
    assert {row["reason"] for row in found} == {"complaint"}
    assert "--known-at needs --as-of" in run("export", "blocked", "--known-at", "2026-01-31").err
    assert "--as-of goes with --reason only" in run("export", "blocked", *later, "--state", "lifted").err


def test_export(run: Any, ledger: Connection, tmp_path: Path) -> None:
    said = run("export", "blocked")
    assert said.status == 0
    assert said.out == "".join(stream_blocked(ledger, BlockedFilter()))
    assert len(said.lines) == 4
    assert [
        json.loads(line)["address"] for line in run("export", "blocked", "--json", "--reason", "complaint").lines
    ] == ["bo@example.com"]
    assert len(run("export", "bounces").lines) == 4
    assert len(run("export", "blocked", "--until", "2026-01-10T08:00:05").lines) == 1
    assert len(run("export", "blocked", "--since", "2026-01-10T08:00:05+00:00", "--text", "anna").lines) == 2
    out = tmp_path / "list.csv"
    out.write_text("before")
    out.chmod(0o644)
    assert run("export", "blocked", "--output", str(out)).out == ""
    assert out.read_bytes().decode() == said.out
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [out]
    bad = run("export", "blocked", "--reason", "whim")
    assert (bad.status, bad.out) == (1, "")
    assert "reason is 'whim'; it must be one of" in bad.err


def test_doctor(run: Any, ledger: Connection, shell: dict[str, Any]) -> None:
    dry = run("doctor", "--area", "ledger", "--dry-run")
    assert open_findings(ledger) == []
    assert any(line.startswith("warning   processing") for line in dry.lines)
    assert dry.status == 0
    # What SES said of itself, and is kept already.
    note_sending(ledger, [SendingStatus("eu-west-1", is_enabled=False, at=None)])
    assert "sending status" not in run("doctor", "--area", "ledger", "--json").out
    said = run("doctor", "--problems", "--json")
    assert said.status == 3
    found = {(f["check"], f["severity"]) for f in said.json}
    assert ("sending status", "critical") in found
    # A queue that nothing feeds.
    assert ("subscription", "critical") in found
    assert not any(severity == "ok" for _, severity in found)
    assert {(f.check, f.severity) for f in open_findings(ledger)} == found


def test_setup_and_teardown(run: Any, ledger: Connection, ses: FakeSes) -> None:
    names = ("--topic", "t", "--queue", "feed", "--dead-letter-queue", "d", "--region", REGION)
    plan = run("setup", "news@example.com", *names)
    assert plan.status == 0
    assert plan.lines[0] == "+ identity news@example.com: create"
    assert plan.lines[-1] == "Nothing was changed; --apply does it."
    assert ses.client("sns").list_topics()["Topics"] == []
    done = run("setup", "news@example.com", *names, "--apply", "--json").json
    assert done["done"] == 9
    assert done["revision"] == schema.LAST_REVISION
    variable = json.loads(done["variable"])
    assert [url.rpartition("/")[2] for url in variable["queue_urls"]] == ["q", "feed"]
    again = run("setup", "news@example.com", *names)
    assert again.lines[-1] == "There is nothing to do."
    # Anna's bounce was of mail from there.
    shown = run("setup", "news@example.com", *names, "--teardown")
    assert shown.status == 3
    assert "! identity news@example.com: in the way" in shown.lines
    assert "Mail of 1 FROM address was sent from it, the last on " in shown.out
    refused = run("setup", "news@example.com", *names, "--teardown", "--apply")
    assert refused.status == 1
    assert refused.err.rstrip().endswith("Nothing was changed.")
    assert len(ses.client("sns").list_topics()["Topics"]) == 1
    even = ("--teardown", "--even-in-use")
    assert run("setup", "news@example.com", *names, *even, "--json").json["to_do"] > 0
    down = run("setup", "news@example.com", *names, *even, "--apply")
    assert down.status == 0
    assert ses.client("sns").list_topics()["Topics"] == []
    assert ses.client("ses").list_identities()["Identities"] == []


def test_teardown_needs_a_second_word_where_the_ledger_cannot_be_asked(
    run: Any, ses: FakeSes, database: Connection
) -> None:
    names = ("--topic", "t", "--queue", "feed", "--dead-letter-queue", "d", "--region", REGION)
    assert run("setup", "news@example.com", *names, "--apply").status == 0
    nowhere = ("--url", "postgresql://nobody@127.0.0.1:1/none")
    shown = run("setup", "news@example.com", *names, *nowhere, "--teardown")
    assert shown.status == 3
    assert "Whether mail was sent from it can't be told: " in shown.out
    assert run("setup", "news@example.com", *names, *nowhere, "--teardown", "--even-in-use", "--apply").status == 0
    misplaced = run("setup", "news@example.com", *names, "--even-in-use", "--apply")
    assert misplaced.err.startswith("--even-in-use goes with --teardown.")
    assert run("setup", "news@example.com", *names, "--teardown").status == 0


@pytest.mark.parametrize("language", ["cloudformation", "terraform"])
def test_setup_prints_a_template_and_changes_nothing(run: Any, ses: FakeSes, language: str) -> None:
    asked = ("setup", "news@example.com", "--queue", "feed", "--region", REGION, "--print", language)
    printed = run(*asked)
    assert printed.status == 0
    resources = {key.lower(): value for key, value in printed.json.items()}[
        "resources" if language == "cloudformation" else "resource"
    ]
    assert "ses-bounces-dead-letter-queue" in json.dumps(resources)
    for more in ("--apply", "--teardown", "--json", "--prove"):
        refused = run(*asked, more)
        assert refused.status == 1
        assert refused.err.startswith("--print goes without --apply, --teardown, --prove and --json.")
    assert ses.client("sns").list_topics()["Topics"] == []


def test_setup_writes_no_settings_that_come_from_elsewhere(
    run: Any, ledger: Connection, ses: FakeSes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("--topic", "t", "--queue", "feed", "--dead-letter-queue", "d", "--region", REGION)
    for arguments in (("--write-settings",), ("--write-settings", "--teardown", "--apply")):
        refused = run("setup", "news@example.com", *names, *arguments)
        assert refused.status == 1
        assert refused.err.startswith("--write-settings goes with --apply, and not with --teardown.")
    assert ses.client("sns").list_topics()["Topics"] == []
    before = os.environ["AIRFLOW_VAR_SES_BOUNCES"]
    # It is in the environment here; and there is no database of Airflow's.
    refused = run("setup", "news@example.com", *names, "--apply", "--write-settings")
    assert refused.status == 1
    # The provider may say before that how it found its credentials.
    last = refused.err.splitlines()[-1]
    assert last.startswith('Airflow Variable "ses_bounces" ')
    assert os.environ["AIRFLOW_VAR_SES_BOUNCES"] == before


def test_the_shell_refuses_what_is_pinned(
    run: Any, ledger: Connection, shell: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__PEOPLE_FLAG_COLUMN", "allow_group_email")
    shown = run("preview", "--json")
    assert shown.status == 0
    wrong = shell | {"people_table": "public.people", "people_flag_column": "may_login"}
    monkeypatch.setenv("AIRFLOW_VAR_SES_BOUNCES", json.dumps(wrong))
    for command in (("preview",), ("doctor",), ("check", "anna@example.com")):
        refused = run(*command)
        assert refused.status == 1, command
        assert refused.err.startswith("people_flag_column can't be set to anything else: Airflow's configuration pins")


def test_setup_with_something_in_the_way(run: Any, ledger: Connection, ses: FakeSes) -> None:
    sns, sqs = ses.client("sns"), ses.client("sqs")
    other = sns.create_topic(Name="other")["TopicArn"]
    sns.subscribe(TopicArn=other, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:q")
    assert sqs.list_queues()["QueueUrls"]
    arguments = ("setup", "news@example.com", "--queue", "q", "--region", REGION)
    said = run(*arguments)
    assert said.status == 3
    assert "it is not ours alone" in said.out
    refused = run(*arguments, "--apply")
    assert refused.status == 1
    assert refused.err.endswith("Nothing was changed.\n")
    assert run("setup", "news@example.com", "--region", "eu-wset-1").err.endswith("Did you mean eu-west-1?\n")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("block", "a@example.com"),
        ("unblock", "a@example.com"),
        ("import", "stop-requests", "f.csv"),
        ("unblock", "a@example.com", "--reason", "x", "--cause", "whim"),
        ("check",),
        ("check", "a@example.com", "--url", "x", "--conn-id", "y"),
        ("export", "all"),
    ],
)
def test_wrong_usage(run: Any, arguments: tuple[str, ...]) -> None:
    said = run(*arguments)
    assert (said.status, said.out) == (2, "")
    assert "error:" in said.err


def test_refusals_are_one_sentence(run: Any, shell: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    blank = run("block", "a@example.com", "--reason", " ")
    assert (blank.status, blank.err) == (1, "The reason is missing; say in a few words why.\n")
    nowhere = run("check", "a@example.com", "--url", "postgresql://nobody@127.0.0.1:1/none")
    assert nowhere.status == 1
    assert nowhere.err.startswith("Postgres can't be reached through the given URL")
    monkeypatch.setenv("AIRFLOW_VAR_SES_BOUNCES", json.dumps(shell | {"transient_grace_days": 99}))
    wrong = run("doctor")
    assert wrong.status == 1
    assert wrong.err.startswith("transient_grace_days is 99; it must be a whole number from 0 to 30.")


def test_as_a_process(ledger: Connection, tmp_path: Path) -> None:
    """Nothing but the answer is on stdout, and the statuses are the process's own."""
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}

    def process(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ses_bounces", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **more)

    asked = process("check", "--json", "-", input="anna@example.com\nfree@example.com\n")
    assert asked.returncode == 3, asked.stderr
    assert [row["is_blocked"] for row in json.loads(asked.stdout)] == [True, False]
    changed = process("block", "free@example.com", "--reason", "asked", "--json")
    assert changed.returncode == 0, changed.stderr
    assert json.loads(changed.stdout)["results"][0]["outcome"] == "done"
    assert "@" not in changed.stderr
    environment.pop("AIRFLOW_VAR_SES_BOUNCES")
    missing = process("block", "free@example.com", "--reason", "asked")
    assert missing.returncode == 1
    assert 'Airflow Variable "ses_bounces"' in missing.stderr
    assert missing.stdout == ""


@pytest.mark.parametrize("command", [("check", "a@example.com"), ("doctor",)])
@pytest.mark.parametrize("conn", [None, "postgresql+psycopg2://nobody:secret@127.0.0.1:1/none"])
def test_where_airflows_database_can_not_be_asked_it_says_so_in_a_sentence(
    tmp_path: Path, command: tuple[str, ...], conn: str | None
) -> None:
    environment = {key: text for key, text in os.environ.items() if not key.startswith("AIRFLOW_")}
    environment |= {"AIRFLOW_HOME": str(tmp_path)} | ({"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": conn} if conn else {})
    said = subprocess.run(
        [sys.executable, "-m", "ses_bounces", *command], env=environment, capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout) == (1, "")
    [sentence] = said.stderr.splitlines()
    assert sentence.startswith("Airflow ")
    assert "can't be read from Airflow's database" in sentence
    assert ("OperationalError" if conn else "there is no ") in sentence
    assert "secret" not in sentence
    assert not (tmp_path / "airflow.db").exists()


@pytest.fixture
def braked(database: Connection, shell: dict[str, Any]) -> Connection:
    """Three bounces of one domain are held, and one of another."""
    hold(database, "down.example", 3)
    hold(database, "slow.example", 1)
    return database


def test_held_list(run: Any, braked: Connection) -> None:
    said = run("held", "list")
    assert said.status == 3
    assert said.lines[0].startswith("down.example: 3 bounces are held (3 messages, ")
    assert said.lines[0].endswith("Most said: 3 times “smtp; 550 5.1.1 user unknown”.")
    assert said.lines[1].startswith("slow.example: 1 bounce is held (1 message, ")
    as_json = run("held", "list", "--json").json
    assert [(one["domain"], one["bounces"], one["limit"], one["decision"]) for one in as_json] == [
        ("down.example", 3, 1, None),
        ("slow.example", 1, 1, None),
    ]
    assert "@" not in said.out


def test_held_is_confirmed_by_domain_and_the_next_run_applies_it(run: Any, braked: Connection) -> None:
    tried = run("held", "confirm", "down.example", "--reason", "gone", "--dry-run")
    assert tried.lines[0].startswith("down.example: Would be confirmed. down.example: 3 bounces are held")
    assert run("held", "list").status == 3
    said = run("held", "confirm", "@Down.example", "nothing.example", "--reason", "gone")
    assert said.status == 3
    assert said.lines == [
        "nothing.example: refused: Nothing of this domain is held.",
        "down.example: done: Confirmed: the next hourly run applies what is held, and the domain's count starts again.",
    ]
    classify_pending(braked, Rules(), max_new_blocks=1)
    assert len(blocked(braked)) == 3
    query = "SELECT decision, actor, reason FROM ses_bounces.brake WHERE domain = 'down.example'"
    assert braked.execute(query).fetchone() == ("confirmed", ME, "gone")


def test_held_is_dismissed_all_at_once(run: Any, braked: Connection) -> None:
    said = run("held", "dismiss", "--all", "--reason", "outage", "--json")
    assert said.status == 0
    assert {(one["what"], one["outcome"]) for one in said.json["results"]} == {
        ("down.example", "done"),
        ("slow.example", "done"),
    }
    outcomes = "SELECT outcome, count(*) FROM ses_bounces.message GROUP BY 1"
    assert braked.execute(outcomes).fetchall() == [("dismissed", 4)]
    assert run("held", "list").lines == ["No domain is over its limit of new blocks."]
    assert run("held", "dismiss", "--all", "--reason", "outage").lines == ["No domain is over its limit of new blocks."]


def test_held_messages_one_by_one(run: Any, braked: Connection) -> None:
    ids = [id_ for (id_,) in braked.execute("SELECT message_id FROM ses_bounces.held_entry ORDER BY 1").fetchall()]
    first, second = str(ids[0]), str(ids[1])
    assert run("held", "dismiss", "--message-id", first, "--reason", "known", "--dry-run").lines == [
        f"{first}: Would be dismissed."
    ]
    said = run("held", "dismiss", "--message-id", first, "--message-id", "99", "--reason", "known")
    assert (said.status, said.lines) == (3, ["99: refused: It is not held.", f"{first}: done: Dismissed."])
    assert run("held", "confirm", "--message-id", second, "--reason", "gone").status == 0
    classify_pending(braked, Rules(), max_new_blocks=1)
    assert blocked(braked) == {("user1@down.example", "permanent_bounce")}


@pytest.mark.parametrize("which", [[], ["--all", "down.example"], ["--all", "--message-id", "1"]])
def test_held_wants_to_know_which(run: Any, braked: Connection, which: list[str]) -> None:
    said = run("held", "confirm", *which, "--reason", "x")
    assert (said.status, said.err) == (1, "Say which: domains, --all, or --message-id; one of the three.\n")
