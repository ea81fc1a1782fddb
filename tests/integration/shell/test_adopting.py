"""Adopting on a live list: imports with reasons and dates, the preview, and the page whose commands all run."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ses_bounces.__main__ import main
from ses_bounces.actions.action import Action
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.base.settings import parse
from ses_bounces.ledger.protection import mirror_settings
from ses_bounces.people.enforcing import preview
from ses_bounces.people.sync import sync
from ses_bounces.shell import import_blocked, import_file
from ses_bounces.shell.context import actor
from tests.kit.builders import bounce, complaint
from tests.kit.seeding import address_id, dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "adopting.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]
SETTINGS: dict[str, Any] = {"queue_urls": ["https://sqs.us-east-1.amazonaws.com/1/q"], "enforce": False}
AT = datetime(2026, 1, 10, 8, 0, 5, tzinfo=UTC)
FILES = {
    "blocked.csv": "email,why,since\nann@example.com,hard bounce,2026-01-10T08:00:05Z\nbea@example.com,Spam,2026-01-10 08:00:05\n",
    "postmark.csv": "EmailAddress,SuppressionReason,Origin,CreatedAt\n"
    "cal@example.com,HardBounce,Recipient,2026-01-10T08:00:05Z\n"
    "dan@example.com,SpamComplaint,Recipient,2026-01-10T03:00:05-05:00\n"
    "eve@example.com,ManualSuppression,Customer,2026-01-10T08:00:05Z\n",
    "bounces.csv": 'status,reason,email,created\n5.1.1,"550 5.1.1 unknown, sorry",fay@example.com,1768032005\n',
    "spam_reports.csv": "email,ip,created\ngus@example.com,192.0.2.1,1768032005\n",
    "unsubscribes.csv": "email,created\nhal@example.com,1768032005\n",
    "suppressed.json": json.dumps(
        {
            "SuppressedDestinationSummaries": [
                {"EmailAddress": "ida@example.com", "Reason": "BOUNCE", "LastUpdateTime": "2026-01-10T08:00:05+00:00"},
                {"EmailAddress": "jon@example.com", "Reason": "COMPLAINT", "LastUpdateTime": 1768032005.0},
            ]
        }
    ),
    "page1.json": json.dumps(
        {
            "SuppressedDestinationSummaries": [
                {"EmailAddress": "moe@example.com", "Reason": "BOUNCE", "LastUpdateTime": 1768032005.0}
            ],
            "NextToken": "more",
        }
    ),
    "page2.json": json.dumps(
        {
            "SuppressedDestinationSummaries": [
                {"EmailAddress": "ned@example.com", "Reason": "COMPLAINT", "LastUpdateTime": 1768032005.0}
            ]
        }
    ),
    "contacts.json": json.dumps(
        {
            "Contacts": [
                {"EmailAddress": "oda@example.com", "UnsubscribeAll": True, "LastUpdatedTimestamp": 1768032005.0},
                {"EmailAddress": "pat@example.com", "UnsubscribeAll": False, "LastUpdatedTimestamp": 1768032005.0},
            ]
        }
    ),
    "crm.csv": "mail;note;day\nkim@example.com;Mailbox closed;2026-01-10\nleo@example.com;asked by phone;2026-01-10\n",
}
MIDNIGHT = AT.replace(hour=0, minute=0, second=0)
EXPECTED = {
    "ann@example.com": ("permanent_bounce", AT),
    "bea@example.com": ("complaint", AT),
    "cal@example.com": ("permanent_bounce", AT),
    "dan@example.com": ("complaint", AT),
    "eve@example.com": ("stop_request", AT),
    "fay@example.com": ("permanent_bounce", AT),
    "gus@example.com": ("complaint", AT),
    "hal@example.com": ("unsubscribed", AT),
    "ida@example.com": ("permanent_bounce", AT),
    "jon@example.com": ("complaint", AT),
    "kim@example.com": ("permanent_bounce", MIDNIGHT),
    "leo@example.com": ("stop_request", MIDNIGHT),
    "moe@example.com": ("permanent_bounce", AT),
    "ned@example.com": ("complaint", AT),
    "oda@example.com": ("unsubscribed", AT),
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Path:
    """The exports in the working directory, and what Airflow knows."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_POSTGRES", database_url)
    monkeypatch.setenv(
        "AIRFLOW_CONN_SES_BOUNCES_AWS", "aws://a:b@/?region_name=us-east-1&endpoint_url=http%3A%2F%2F127.0.0.1%3A9"
    )
    monkeypatch.setenv("AIRFLOW_VAR_SES_BOUNCES", json.dumps(SETTINGS))
    return tmp_path


def blocked(connection: Connection) -> dict[str, tuple[str, datetime]]:
    query = "SELECT b.address, b.reason, b.blocked_at FROM ses_bounces.blocked_list b WHERE b.unblocked_at IS NULL"
    return {address: (reason, at) for address, reason, at in connection.execute(query)}


def entries(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM ses_bounces.address_event").fetchone()
    assert row is not None
    return int(row[0])


def test_every_command_of_the_page_runs(files: Path, database: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(COMMANDS) >= 12
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        before = entries(database)
        status = main(arguments)
        said = capsys.readouterr()
        assert program == "ses-bounces"
        # The doctor finds that there are no queues here.
        assert status in ((0, 3) if arguments[0] in ("doctor", "check") else (0,)), f"{command}\n{said.out}{said.err}"
        if "--dry-run" in arguments or arguments[0] != "import":
            assert entries(database) == before, command
    assert blocked(database) == EXPECTED
    # Once more changes nothing.
    before = entries(database)
    for command in COMMANDS:
        if " import " in command:
            assert main(shlex.split(command)[1:]) == 0
    assert entries(database) == before
    assert blocked(database) == EXPECTED


def imported(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    capsys.readouterr()
    assert main(["import", "blocked", *arguments, "--reason", "old system", "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_reasons_dates_and_who_are_on_record(
    files: Path, database: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = (
        "--address-column",
        "email",
        "--reason-column",
        "reason",
        "--date-column",
        "created",
        "--cause",
        "permanent_bounce",
    )
    assert imported(capsys, "bounces.csv", *columns, "--dry-run")["new"] == {"permanent_bounce": 1}
    assert entries(database) == 0
    assert imported(capsys, "bounces.csv", *columns)["blocked"] == 1
    query = "SELECT e.kind, e.occurred_at, e.reason, e.actor FROM ses_bounces.address_event e"
    assert database.execute(query).fetchall() == [
        ("permanent_bounce", AT, "old system: 550 5.1.1 unknown, sorry", actor())
    ]
    again = imported(capsys, "bounces.csv", *columns, "--dry-run")
    assert (again["new"], again["already"]) == ({}, 1)


def test_a_lifted_block_does_not_come_back(
    files: Path, database: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "undated.csv").write_text("email,reason\nmia@example.com,bounce\n")
    arguments = ("undated.csv", "--reason-column", "reason")
    assert imported(capsys, *arguments)["blocked"] == 1
    lift = {address_id(database, "mia@example.com"): ["permanent_bounce"]}
    assert [result.outcome for result in lift_blocks(database, Action("ops", "mended", "0" * 31 + "1"), lift)] == [
        "done"
    ]
    again = imported(capsys, *arguments)
    assert (again["new"], again["already"], again["blocked"]) == ({}, 1, 0)
    assert blocked(database) == {}


def test_lines_that_can_not_be_used_are_told_by_number(
    files: Path, database: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "odd.csv").write_text(
        "email,why,when\nnobody,bounce,\na@example.com,full moon,\nb@example.com,bounce,not a day\nc@example.com,bounce,2999-01-01\n"
    )
    arguments = ("odd.csv", "--reason-column", "why", "--date-column", "when")
    said = imported(capsys, *arguments, status=3)
    assert said["refused"] == 4
    assert list(said["lines"]) == ["line 2", "line 3", "line 4", "line 5"]
    assert "@" not in json.dumps(said)
    assert entries(database) == 0
    mapped = imported(capsys, *arguments, "--map", "Full Moon=complaint", status=3)
    assert (mapped["new"], mapped["refused"]) == ({"complaint": 1}, 3)


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("email,why\n", ("--map", "x=nothing"), "must be TEXT=CAUSE"),
        ("email,why\n", ("--reason-column", "none"), "no such column"),
        ('{"other": 1}', (), "no list that is known"),
        ("{", (), "Line 1 of the file is not JSON"),
    ],
)
def test_what_it_refuses(
    files: Path, capsys: pytest.CaptureFixture[str], text: str, arguments: tuple[str, ...], said: str
) -> None:
    (files / "x.csv").write_text(text + "a@example.com,b\n" * (not text.startswith("{")))
    assert main(["import", "blocked", "x.csv", *arguments, "--reason", "r"]) == 1
    assert said in capsys.readouterr().err


def test_our_own_export_moves_a_list_to_another_database(
    files: Path, database: Connection, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(
        [
            "import",
            "blocked",
            "postmark.csv",
            *shlex.split(
                "--address-column EmailAddress --reason-column SuppressionReason --date-column CreatedAt --reason x"
            ),
        ]
    )
    capsys.readouterr()
    assert main(["export", "blocked", "-o", "ours.csv"]) == 0
    before = blocked(database)
    database.execute("TRUNCATE ses_bounces.address_event, ses_bounces.blocked_list, ses_bounces.bounce_list")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO((files / "ours.csv").read_bytes()))))
    said = imported(capsys, "-", "--reason-column", "reason", "--date-column", "blocked_at")
    assert sum(said["new"].values()) == 3
    assert blocked(database) == before


def test_an_interrupted_import_is_gone_on_with(
    files: Path, database: Connection, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (files / "many.csv").write_text("email\n" + "".join(f"p{n}@example.com\n" for n in range(250)))
    monkeypatch.setattr(import_file, "ROWS_AT_ONCE", 100)
    write, chunks = import_blocked._write, []

    def interrupted(*arguments: Any) -> None:
        if len(chunks) == 2:
            raise KeyboardInterrupt
        chunks.append(write(*arguments))

    monkeypatch.setattr(import_blocked, "_write", interrupted)
    assert main(["import", "blocked", "many.csv", "--cause", "complaint", "--reason", "r"]) == 130
    monkeypatch.setattr(import_blocked, "_write", write)
    said = imported(capsys, "many.csv", "--cause", "complaint")
    assert (said["new"], said["already"]) == ({"complaint": 50}, 200)


@pytest.fixture
def observed(database: Connection) -> Connection:
    """A list in observe mode: four addresses at two domains, and people at some of them."""
    receive(
        database,
        *(dated(bounce(f"p{n}@example.com"), 3) for n in range(3)),
        dated(complaint("p0@example.com"), 1),
        dated(bounce("q@example.org"), 2),
        dated(bounce("t@example.org", "Transient"), 1),
    )
    mirror_settings(database, enforce=False, never_block=[])
    database.execute(
        "CREATE TABLE public.people (id serial PRIMARY KEY, email text, allow_group_email boolean DEFAULT true)"
    )
    database.execute(
        "INSERT INTO public.people (email, allow_group_email) VALUES ('P0@example.com', true), ('p0@example.com', true),"
        " ('p1@example.com', false), ('q@example.org', true), ('t@example.org', true), ('free@example.org', true)"
    )
    return database


WITH_PEOPLE = parse(SETTINGS | {"people_table": "public.people"})


def test_the_preview_is_what_enforcing_does(observed: Connection) -> None:
    seen = preview(observed, WITH_PEOPLE)
    assert (seen.enforced, seen.addresses, seen.people) == (False, 4, 3)
    assert seen.by_reason == {"complaint": 1, "permanent_bounce": 3}
    assert (seen.domains, seen.domains_in_all) == ({"example.com": 3, "example.org": 1}, 2)
    ids = {name: address_id(observed, name) for name in ("p0@example.com", "p1@example.com", "q@example.org")}
    assert {one.address_id: one.people for one in seen.sample if one.address_id in ids.values()} == {
        ids["p0@example.com"]: 2,
        ids["p1@example.com"]: 0,
        ids["q@example.org"]: 1,
    }
    assert "@" not in repr(seen)
    assert [one.address_id for one in preview(observed, WITH_PEOPLE, sample=2).sample] == [
        one.address_id for one in seen.sample[:2]
    ]
    mirror_settings(observed, enforce=True, never_block=[])
    enforcing = parse(SETTINGS | {"people_table": "public.people", "enforce": True})
    assert sync(observed, enforcing).switched_off == seen.people
    row = observed.execute("SELECT count(*) FROM ses_bounces.do_not_email").fetchone()
    assert row == (seen.addresses,)
    after = preview(observed, enforcing)
    assert (after.enforced, after.people) == (True, 0)


def test_the_preview_counts_an_address_of_several_causes_once(observed: Connection) -> None:
    """The numbers are those of the list that programs ask, whatever an address is blocked for."""
    names = [f"m{n}@example.net" for n in range(7)]
    receive(observed, *(dated(kind(name), day) for name in names for kind, day in ((bounce, 4), (complaint, 2))))
    observed.execute(
        "INSERT INTO ses_bounces.blocked_list (address_id, address, reason, blocked_at, event_id)"
        " SELECT b.address_id, b.address, c.reason, b.blocked_at, b.event_id FROM ses_bounces.blocked_list b"
        " CROSS JOIN unnest(ARRAY['stop_request', 'unsubscribed', 'ses_suppression', 'expired_transient']) c(reason)"
        " WHERE b.reason = 'complaint' AND b.address = ANY (%s)",
        [names[:6]],
    )
    mirror_settings(observed, enforce=True, never_block=[])
    told = {
        address_id(observed, address): (address, reason, since)
        for address, reason, since in observed.execute("SELECT * FROM ses_bounces.do_not_email")
    }
    domains = Counter(address.partition("@")[2] for address, *_ in told.values())
    for sample in range(len(told) + 2):
        seen = preview(observed, WITH_PEOPLE, sample=sample)
        assert (seen.addresses, seen.by_reason) == (len(told), Counter(reason for _, reason, _ in told.values()))
        assert (seen.domains, seen.domains_in_all) == (domains, len(domains))
        assert list(seen.domains.values()) == sorted(domains.values(), reverse=True)
        assert len(seen.sample) == min(sample, len(told))
        assert {(one.address_id, one.reason, one.since) for one in seen.sample} <= {
            (id_, reason, since) for id_, (_, reason, since) in told.items()
        }
    whole = [one.address_id for one in seen.sample]
    assert [one.address_id for one in preview(observed, WITH_PEOPLE, sample=4).sample] == whole[:4]


def test_the_preview_without_people_and_with_too_many(observed: Connection) -> None:
    without = preview(observed, parse(SETTINGS))
    assert (without.people, without.people_took_too_long, without.sample[0].people) == (None, False, None)
    observed.execute(
        "INSERT INTO public.people (email) SELECT 'Ü' || n || '@bücher.example' FROM generate_series(1, 20000) n"
    )
    late = preview(observed, WITH_PEOPLE, seconds=0.05)
    assert (late.people, late.people_took_too_long, late.addresses) == (None, True, 4)


def test_the_preview_in_the_shell(
    files: Path, observed: Connection, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_SES_BOUNCES", json.dumps(SETTINGS | {"people_table": "public.people"}))
    assert main(["preview", "--sample", "1"]) == 0
    said = capsys.readouterr().out
    for told in (
        "4 addresses would be blocked",
        "3  permanent_bounce",
        "switched off for 3 people",
        "3  example.com",
        "1 of them by id",
    ):
        assert told in said
    assert "@" not in said
    assert main(["preview", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["people"] == 3
    assert main(["preview", "--sample", "-1"]) == 1


def test_a_line_for_each_reason_is_an_entry_for_each(
    files: Path, database: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"ann@example.com,{reason},2026-03-01" for reason in ("bounce", "spam", "bounce")]
    (files / "twice.csv").write_text("\n".join(["email,reason,date", *rows]))
    columns = ("--reason-column", "reason", "--date-column", "date")
    said = imported(capsys, "twice.csv", *columns)
    assert (said["new"], said["already"]) == ({"permanent_bounce": 1, "complaint": 1}, 1)
    reasons = database.execute("SELECT b.reason FROM ses_bounces.blocked_list b ORDER BY 1").fetchall()
    assert reasons == [("complaint",), ("permanent_bounce",)]
