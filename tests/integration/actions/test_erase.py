"""Erasure of a person: nothing of the address is left anywhere, the block stays, and others keep what they have."""

from __future__ import annotations

import gzip
import html
import json
import re
import unicodedata
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest

from ses_bounces.actions import erase_texts as erasure_texts
from ses_bounces.actions.action import Action
from ses_bounces.actions.erase import Erased, erase
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.actions.previews import preview_blocks, preview_stops
from ses_bounces.actions.quarantine import retry_messages
from ses_bounces.actions.stops import request_stops
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.erasure_secret import CONN_ID, Secret, is_pseudonym
from ses_bounces.base.exceptions import MissingConnectionError, SettingsError
from ses_bounces.base.sites import Site
from ses_bounces.classify.entry import Entry
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger.brake.decisions import decide, decide_messages
from ses_bounces.ledger.erased import guard
from ses_bounces.ledger.erased.candidates import keys_in
from ses_bounces.ledger.erased.spelling import ERASED
from ses_bounces.ledger.lists.engine.search import grams, keep_text, kept_text
from ses_bounces.ledger.lists.lookup import lookup
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.promotion import promote_expired
from ses_bounces.ledger.protection import mirror_settings
from ses_bounces.ledger.rebuild import verify
from ses_bounces.ledger.replay import replay, try_replay
from ses_bounces.ledger.search_index import index_addresses
from ses_bounces.ledger.writing import writing
from ses_bounces.report.making import make_report
from ses_bounces.suppression.drift import report_drift
from ses_bounces.suppression.ses_list import SuppressedAddress, SuppressionPage
from tests.kit.builders import bounce, complaint, sns
from tests.kit.spellings import spellings

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

SECRET = "a secret of the tests, long enough to be one"
PERSON = "Anna.Testperson+news@Bücher.example"
KEY = "anna.testperson+news@xn--bcher-kva.example"
NAME = Secret(SECRET).pseudonym(KEY)
OTHER = "bo@example.com"
# However it is spelled, this is in it.
MARK = "testperson"
# Files that were made before are listed, not rewritten.
FILES = {("report_day", "csv"), ("report_day", "html"), ("suppression_drift", "csv")}


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", json.dumps({"conn_type": "generic", "password": SECRET}))
    guard._known.clear()
    yield
    guard._known.clear()


def action(reason: str = "asked for it by letter") -> Action:
    return Action("admin", reason, str(uuid.uuid4()))


def land(connection: Connection, body: Any, outcome: str = "pending") -> int:
    text = body if isinstance(body, str) else json.dumps(sns(body))
    row = connection.execute(
        "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome)"
        " VALUES ('id', 'queue', %s, now(), %s) RETURNING message_id",
        [text, outcome],
    ).fetchone()
    assert row is not None
    id_: int = row[0]
    return id_


def event(number: int, body: dict[str, Any]) -> dict[str, Any]:
    (body.get("bounce") or body["complaint"])["feedbackId"] = f"feedback-{number}"
    return body


def spelled(connection: Connection) -> list[str]:
    """Where anything of the schema still spells the address: each column that can hold a text, of any table."""
    columns = connection.execute(
        "SELECT c.relname, a.attname, a.atttypid = 'bytea'::regtype FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = 'ses_bounces'::regnamespace AND c.relkind IN ('r', 'p', 'm') AND a.attnum > 0"
        " AND NOT a.attisdropped AND NOT c.relispartition"
    ).fetchall()
    assert ("address_event", "diagnostic_code", False) in columns
    found = []
    for table, column, is_binary in columns:
        if (table, column) in FILES:
            continue
        for (value,) in connection.execute(f'SELECT t."{column}" FROM ses_bounces."{table}" t').fetchall():
            text = bytes(value).decode("latin-1") if is_binary and value is not None else str(value)
            # The search index holds a text in pieces of three bytes, as numbers.
            if MARK in text.lower() or (isinstance(value, list) and set(grams(MARK)) <= set(value)):
                found.append(f"{table}.{column}: {text}")
    return found


def blocks(connection: Connection) -> set[tuple[str, str]]:
    return set(
        connection.execute(
            "SELECT b.address, b.reason FROM ses_bounces.blocked_list b WHERE b.unblocked_at IS NULL"
        ).fetchall()
    )


class List:
    """One of SES's lists."""

    account, region = "123456789012", "eu-west-1"

    def __init__(self, *addresses: str) -> None:
        self.entries = [
            SuppressedAddress(address, "BOUNCE", datetime(2026, 1, 12, tzinfo=UTC)) for address in addresses
        ]

    def page(self, *_: Any) -> SuppressionPage:
        return SuppressionPage(self.entries, None)


def read_ses(connection: Connection, *addresses: str) -> None:
    from ses_bounces.suppression.reading import Bounds, read_list

    read_list(connection, List(*addresses), Bounds(full=True))  # type: ignore[arg-type]


@pytest.fixture
def ledger(database: Connection) -> Connection:
    """The person is named in everything that there is."""
    domain = PERSON.partition("@")[2]
    events = [
        bounce([PERSON, OTHER], recipient={"diagnosticCode": f"550 <{PERSON}> is unknown"}),
        complaint(PERSON, mail_fields={"tags": {"who": [PERSON]}, "headers": [{"name": "To", "value": PERSON}]}),
        bounce("cy@example.com", type_="Transient", recipient={"diagnosticCode": f"452 {PERSON.lower()} is full"}),
        bounce(PERSON, type_="Transient", destination=["dora@example.com", OTHER]),
        bounce("eve@example.com", mail_fields={"source": f"bounces+anna.testperson+news={domain}@example.com"}),
    ]
    for number, body in enumerate(events):
        land(database, event(number, body))
    classify_pending(database, Rules())
    land(database, event(8, bounce([PERSON, "kept@example.com"])), "held")
    land(database, event(9, bounce([PERSON, "quarantined@example.com"])), "quarantined")
    land(database, f"no JSON, but it is about {PERSON}", "quarantined")
    database.execute(
        "INSERT INTO ses_bounces.quarantine (message_id, sqs_message_id, queue_url, body, sent_at, received_at, outcome)"
        " VALUES (999999, 'id', 'queue', %s, now(), now(), 'held')",
        [json.dumps(sns(event(10, bounce([PERSON, "old@example.com"]))))],
    )
    request_stops(database, action(f"{PERSON} phoned"), [PERSON, "fay@example.com"])
    read_ses(database, PERSON, KEY, "gus@example.com")
    mirror_settings(database, True, [KEY])
    mirror_settings(database, True, [])
    mirror_settings(database, True, [KEY])
    promote_expired(database)
    index_addresses(database)
    keep_text(database, PERSON, "7")
    database.execute(
        "INSERT INTO ses_bounces.finding (area, check_name, subject, severity, found, meaning, todo)"
        " VALUES ('ledger', 'x', 'y', 'ok', %s, '', '')",
        [f"mail to {KEY}"],
    )
    return database


def test_nothing_is_left_of_the_address(ledger: Connection) -> None:
    others = {block for block in blocks(ledger) if block[0] != KEY}
    mine = {reason for address, reason in blocks(ledger) if address == KEY}
    assert mine == {"complaint", "stop_request"}
    assert len(spelled(ledger)) > 20
    done = erase(ledger, action(f"{PERSON} wrote"), [PERSON])
    assert spelled(ledger) == []
    assert [(result.outcome, result.line) for result in done.results] == [("done", 1)]
    assert done.counts["messages"] >= 4
    # Still blocked, by the same causes; nobody else changed.
    assert blocks(ledger) == others | {(NAME, reason) for reason in mine}
    assert not verify(ledger).differ
    assert lookup(ledger, [PERSON])[0].is_blocked
    row = ledger.execute(
        "SELECT a.address, a.address_as_reported FROM ses_bounces.address a WHERE a.address = %s", [NAME]
    )
    assert row.fetchone() == (NAME, NAME)
    assert is_pseudonym(NAME)
    # Who, why, and which row.
    kind, actor, results = ledger.execute(
        "SELECT a.kind, a.actor, a.results FROM ses_bounces.admin_action a WHERE a.kind LIKE 'erase%'"
    ).fetchone() or ("", "", {})
    assert (kind, actor, list(results)) == ("erase_addresses", "admin", [str(done.results[0].target_id)])


def test_a_dry_run_counts_and_changes_nothing(ledger: Connection) -> None:
    before = spelled(ledger)
    dry = erase(ledger, action(), [PERSON], dry_run=True)
    assert spelled(ledger) == before
    assert blocks(ledger) >= {(KEY, "complaint")}
    assert dry.counts["address_event.diagnostic_code"] == 3
    assert dry.counts["messages"] == 9
    assert ledger.execute("SELECT count(*) FROM ses_bounces.erased_address").fetchone() == (0,)


def test_others_keep_what_waits_and_the_person_stays_recognised(ledger: Connection) -> None:
    land(ledger, event(20, bounce([PERSON, "pending@example.com"])))
    erase(ledger, action(), [PERSON])
    classify_pending(ledger, Rules())
    ids = [
        id_
        for (id_,) in ledger.execute(
            "SELECT m.message_id FROM ses_bounces.message m WHERE m.outcome IN ('held', 'quarantined')"
            " UNION SELECT q.message_id FROM ses_bounces.quarantine q"
        )
    ]
    retry_messages(ledger, action(), ids)
    classify_pending(ledger, Rules())
    blocked = {address for address, _ in blocks(ledger)}
    waited = {f"{name}@example.com" for name in ("pending", "kept", "quarantined", "old")}
    assert waited <= blocked
    assert spelled(ledger) == []
    entries = ledger.execute(
        "SELECT e.feedback_id FROM ses_bounces.address_event e JOIN ses_bounces.address a USING (address_id)"
        " WHERE a.address = %s AND e.kind = 'permanent_bounce'",
        [NAME],
    ).fetchall()
    assert {feedback_id for (feedback_id,) in entries} == {f"feedback-{number}" for number in (0, 8, 9, 10, 20)}
    assert len(entries) == 5


def test_a_new_message_is_recognised_and_not_spelled(ledger: Connection) -> None:
    erase(ledger, action(), [PERSON])
    before = ledger.execute("SELECT count(*) FROM ses_bounces.address").fetchone()
    with_details = {"diagnosticCode": f"550 {PERSON}"}
    id_ = land(ledger, event(30, bounce([PERSON.upper(), OTHER], recipient=with_details)))
    land(ledger, event(31, bounce(OTHER, recipient={"diagnosticCode": f"forwarded to {KEY}"})))
    land(ledger, f"not JSON: {KEY}")
    assert classify_pending(ledger, Rules()).outcomes == {"applied": 2, "quarantined": 1}
    assert spelled(ledger) == []
    assert ledger.execute("SELECT count(*) FROM ses_bounces.address").fetchone() == before
    row = ledger.execute(
        "SELECT e.diagnostic_code, e.message_id FROM ses_bounces.address_event e"
        " JOIN ses_bounces.address a USING (address_id) WHERE a.address = %s AND e.feedback_id = 'feedback-30'",
        [NAME],
    ).fetchone()
    assert row == (None, id_)
    body = ledger.execute(
        "SELECT m.body, m.erased_at IS NOT NULL FROM ses_bounces.message m WHERE m.message_id = %s", [id_]
    )
    assert body.fetchone() == (None, True)
    other = ledger.execute(
        "SELECT e.diagnostic_code FROM ses_bounces.address_event e WHERE e.feedback_id = 'feedback-31'"
    ).fetchone()
    assert other == ("forwarded to [erased]",)


def test_no_spelling_of_the_person_is_left(ledger: Connection) -> None:
    """Whichever way a text or a body writes the address: what was there before, and what comes in afterwards."""

    def land_all(first: int) -> None:
        for number, text in enumerate(spellings().values(), first):
            land(ledger, event(number, bounce(OTHER, recipient={"diagnosticCode": f"550 {text} is unknown"})))
            land(
                ledger, event(number + 500, complaint(OTHER, mail_fields={"headers": [{"name": "To", "value": text}]}))
            )
            land(ledger, f"not JSON: {text}")

    def left() -> list[str]:
        query = "SELECT e.diagnostic_code FROM ses_bounces.address_event e UNION ALL SELECT m.body FROM ses_bounces.message m"
        return [text for (text,) in ledger.execute(query) if text and MARK in readable(text)]

    land_all(1_000)
    classify_pending(ledger, Rules())
    assert len(left()) > 3 * len(spellings()) - 3
    erase(ledger, action(), [PERSON])
    assert left() == []
    land_all(2_000)
    assert classify_pending(ledger, Rules()).messages == 3 * len(spellings())
    assert left() == []
    assert spelled(ledger) == []
    # Nothing else of the diagnostic is gone where the word could be told.
    query = "SELECT count(*) FROM ses_bounces.address_event e WHERE e.diagnostic_code LIKE '550 % is unknown'"
    assert ledger.execute(query).fetchone()[0] > len(spellings())  # type: ignore[index]


def test_no_writer_waits_while_bodies_and_texts_are_searched(
    ledger: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase(ledger, action(), [PERSON])
    with connect_url(database_url) as other:
        held = []

        def search(text: str) -> set[str]:
            if "filler" in text or text == said:
                held.append(other.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone())
            return keys_in(text)

        said = f"550 5.1.1 {OTHER}: no such mailbox, said once"
        monkeypatch.setattr(guard, "keys_in", search)
        with_text = bounce([PERSON, OTHER], mail_fields={"headers": ["filler"]}, recipient={"diagnosticCode": said})
        id_ = land(ledger, event(40, with_text))
        classify_pending(ledger, Rules())
    # The body, and the text of both its entries.
    assert held == [(0,), (0,)]
    body = ledger.execute("SELECT m.body FROM ses_bounces.message m WHERE m.message_id = %s", [id_])
    assert body.fetchone() == (None,)


def test_a_body_is_searched_later_where_the_first_address_was_erased_meanwhile(ledger: Connection) -> None:
    id_ = land(ledger, event(41, bounce([PERSON, OTHER])), "applied")
    body = ledger.execute("SELECT m.body FROM ses_bounces.message m WHERE m.message_id = %s", [id_]).fetchone()
    assert body is not None
    assert guard.names_in(ledger, [(id_, body[0])]) == {}
    erase(ledger, action(), [PERSON])
    ledger.execute("UPDATE ses_bounces.message SET body = %s WHERE message_id = %s", [body[0], id_])
    with writing(ledger):
        assert guard.conceal_bodies(ledger, [(id_, body[0], [])], {}) == 1
    assert spelled(ledger) == []


def readable(text: str) -> str:
    """A text as a person reads it: escapes undone, letters of all widths alike, nothing invisible."""
    for _ in range(4):
        text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), unquote(html.unescape(text)))
    return re.sub("[\u00ad\u200b-\u200f\u2060\ufeff]", "", unicodedata.normalize("NFKC", text)).lower()


def test_copies_of_what_came_before_count_once(ledger: Connection) -> None:
    erase(ledger, action(), [PERSON])
    query = "SELECT count(*), count(DISTINCT e.dedup_key) FROM ses_bounces.address_event e"
    before = ledger.execute(query).fetchone()
    for number, body in enumerate([bounce([PERSON, OTHER]), complaint(PERSON)]):
        land(ledger, event(number, body))
    classify_pending(ledger, Rules())
    read_ses(ledger, PERSON, "gus@example.com")
    assert ledger.execute(query).fetchone() == before
    assert spelled(ledger) == []


def test_people_find_it_by_typing_it(ledger: Connection) -> None:
    erase(ledger, action(), [PERSON])
    (found,) = preview_blocks(ledger, PERSON).blocked
    assert found.address_id is not None
    assert [cause.reason for cause in found.causes] == ["stop_request", "complaint"]
    assert len(preview_stops(ledger, PERSON).already) == 1
    assert [result.outcome for result in request_stops(ledger, action(), [PERSON])] == ["already"]
    assert kept_text(ledger, keep_text(ledger, PERSON, "7")) == NAME
    (result,) = lift_blocks(ledger, action(), {found.address_id: ["stop_request", "complaint"]}, ses_first=True)
    assert result.outcome == "done"
    assert "take it off there yourself" in result.message
    assert not lookup(ledger, [PERSON])[0].is_blocked
    (stopped,) = request_stops(ledger, action(f"{PERSON} wrote again"), [KEY])
    assert (stopped.outcome, stopped.target_id) == ("done", found.address_id)
    assert lookup(ledger, [PERSON])[0].is_blocked
    assert spelled(ledger) == []


def test_it_stays_protected(ledger: Connection) -> None:
    with writing(ledger) as writer:
        entry = Entry("stop_request", "x@example.com", "x@example.com", datetime.now(UTC), b"x" * 16)
        writer.append([(entry, None)])
    erase(ledger, action(), [PERSON])
    mirror_settings(ledger, True, [KEY, "y@example.com"])
    patterns = {pattern for (pattern,) in ledger.execute("SELECT p.pattern FROM ses_bounces.protected p")}
    assert patterns == {NAME, "y@example.com"}
    assert spelled(ledger) == []


STEPS = (
    ("erase.erase_texts.erase", "before the texts are searched"),
    ("erase_texts._erase_bodies", "before the bodies"),
    ("erase._finish", "before it is noted"),
    ("erase._empty_bodies", "within the transaction"),
)


@pytest.mark.parametrize("step", [step for step, _ in STEPS], ids=[text for _, text in STEPS])
def test_killed_and_repeated(ledger: Connection, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(f"ses_bounces.actions.{step}", kill)
        with pytest.raises(Killed):
            erase(ledger, action(), [PERSON])
    done = erase(ledger, action(), [PERSON])
    assert [result.outcome for result in done.results] == ["done"]
    assert spelled(ledger) == []
    again = erase(ledger, action(), [PERSON])
    assert [result.outcome for result in again.results] == ["already"]
    assert again.counts == {}
    assert blocks(ledger) >= {(NAME, "complaint"), (NAME, "stop_request")}
    finished = ledger.execute("SELECT count(*) FROM ses_bounces.erased_address e WHERE e.finished_at IS NOT NULL")
    assert finished.fetchone() == (1,)


def test_a_lift_under_way_comes_first(ledger: Connection) -> None:
    (id_,) = (found.address_id for found in preview_blocks(ledger, "gus@example.com").blocked)
    assert id_ is not None
    lift_blocks(ledger, action(), {id_: ["ses_suppression"]})
    (result,) = erase(ledger, action(), ["gus@example.com"]).results
    assert result.outcome == "refused"
    assert "lift of its block is under way" in result.message
    assert ("gus@example.com", "ses_suppression") in blocks(ledger)


def test_reports_made_before_are_listed(ledger: Connection) -> None:
    today = datetime.now(UTC).date()
    make_report(ledger, today, ZoneInfo("UTC"))
    make_report(ledger, today - timedelta(days=400), ZoneInfo("UTC"))
    drift = report_drift(ledger, 45)
    done = erase(ledger, action(), [PERSON])
    assert done.reports == [f"report {today} csv html", f"suppression drift {drift.drift_id}"]
    make_report(ledger, today, ZoneInfo("UTC"))
    row = ledger.execute("SELECT r.csv FROM ses_bounces.report_day r ORDER BY r.day DESC LIMIT 1").fetchone()
    assert row is not None
    assert MARK not in gzip.decompress(row[0]).decode()
    assert NAME in gzip.decompress(row[0]).decode()


def test_replay_over_erased_rows(ledger: Connection) -> None:
    erase(ledger, action(), [PERSON])
    before = blocks(ledger)
    now = datetime.now(UTC)
    window = (now - timedelta(days=1), now + timedelta(days=1))
    try_replay(ledger, Rules(), window)
    replayed = replay(ledger, Rules(), window)
    assert replayed.messages > 0
    assert spelled(ledger) == []
    # What waited in quarantine is read again: it blocks whom it names.
    assert blocks(ledger) >= before
    assert not verify(ledger).differ
    assert try_replay(ledger, Rules(), window).found == {}


def test_without_the_secret_nothing_is_recorded_and_the_error_says_what_to_do(
    ledger: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase(ledger, action(), [PERSON])
    guard._known.clear()
    monkeypatch.delenv(f"AIRFLOW_CONN_{CONN_ID.upper()}")
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    land(ledger, event(40, bounce(PERSON)))
    with pytest.raises(MissingConnectionError, match="Admin > Connections") as raised:
        classify_pending(ledger, Rules())
    assert MARK not in str(raised.value).lower()
    other = json.dumps({"conn_type": "generic", "password": f"another {SECRET}"})
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", other)
    with pytest.raises(SettingsError, match="Put the former secret back"):
        classify_pending(ledger, Rules())
    with pytest.raises(SettingsError, match="Put the former secret back"):
        erase(ledger, action(), ["cy@example.com"], secret=Secret(f"another {SECRET}"))
    row = ledger.execute("SELECT m.outcome FROM ses_bounces.message m ORDER BY m.message_id DESC LIMIT 1").fetchone()
    assert row == ("pending",)


def test_a_given_secret_is_used_without_airflow(ledger: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"AIRFLOW_CONN_{CONN_ID.upper()}")
    erase(ledger, action(), [PERSON], secret=Secret(SECRET))
    land(ledger, event(50, bounce(PERSON)))
    assert classify_pending(ledger, Rules()).changes.entries == {"permanent_bounce": 1}
    assert spelled(ledger) == []


def test_an_address_that_is_not_on_record(ledger: Connection) -> None:
    land(ledger, "not JSON, about zoe.unknown@example.com", "dismissed")
    done: Erased = erase(ledger, action(), ["zoe.unknown@example.com", "nobody"])
    assert [(result.outcome, result.line) for result in done.results] == [("done", 1), ("refused", 2)]
    assert done.counts == {"messages": 1}
    assert ledger.execute("SELECT count(*) FROM ses_bounces.erased_address").fetchone() == (0,)


def test_every_column_that_can_hold_a_text_is_searched(database: Connection) -> None:
    database.execute("ALTER TABLE ses_bounces.run ADD COLUMN later text, ADD COLUMN many text[], ADD COLUMN j jsonb")
    database.execute("INSERT INTO ses_bounces.run (run_id, task_id, started_at, later, many, j) VALUES ('r', 't', now(), %s, %s, %s)", [KEY, [f"<{PERSON}>"], json.dumps({PERSON: [f"line\n{KEY}"]})])  # fmt: skip
    erase(database, action(), [PERSON])
    row = database.execute("SELECT later, many, j FROM ses_bounces.run").fetchone()
    assert row == ("[erased]", ["<[erased]>"], {"[erased]": ["line\n[erased]"]})
    assert spelled(database) == []
    assert erasure_texts._columns(database)["run"].keys() >= {"later", "many", "j", "counts"}


def test_sql_and_the_mailer_know_it_with_the_secret(ledger: Connection) -> None:
    from ses_bounces.mailer import blocked, is_blocked, sendable

    erase(ledger, action(), [PERSON])
    asked = "SELECT ses_bounces.is_blocked(%s), ses_bounces.erased_key(%s)"
    assert ledger.execute(asked, [PERSON, PERSON]).fetchone() == (False, None)
    assert not is_blocked(ledger, PERSON)
    assert is_blocked(ledger, PERSON, SECRET)
    assert blocked(ledger, [PERSON, OTHER, "nobody@example.com"], SECRET)[PERSON].reason == "stop_request"
    assert list(sendable(ledger, [PERSON, OTHER, "nobody@example.com"], erasure_secret=SECRET)) == [
        "nobody@example.com"
    ]
    with ledger.transaction():
        ledger.execute("SELECT set_config('ses_bounces.erasure_secret', %s, true)", [SECRET])
        assert ledger.execute(asked, [PERSON, PERSON]).fetchone() == (True, NAME)
        assert ledger.execute(asked, ["nobody@example.com", "x"]).fetchone() == (False, None)
        assert is_blocked(ledger, PERSON)
    assert ledger.execute(asked, [PERSON, PERSON]).fetchone() == (False, None)
    assert ledger.execute("SELECT count(*) FROM ses_bounces.do_not_email WHERE address = %s", [NAME]).fetchone() == (1,)


def test_sql_says_so_where_the_secret_is_missing_and_somebody_who_was_erased_is_blocked(ledger: Connection) -> None:
    said: list[str] = []
    ledger.add_notice_handler(lambda told: said.append(f"{told.severity_nonlocalized}: {told.message_primary}"))

    def ask() -> set[str]:
        said.clear()
        ledger.execute("SELECT ses_bounces.is_blocked(%s)", [OTHER]).fetchone()
        # Postgres asks when it plans as well.
        return set(said)

    assert ask() == set()
    erase(ledger, action(), [PERSON])
    missing = "ses_bounces.erasure_secret is not set: blocked addresses that were erased are not recognised"
    assert ask() == {f"WARNING: {missing}"}
    with ledger.transaction():
        ledger.execute("SELECT set_config('ses_bounces.erasure_secret', %s, true)", [SECRET])
        assert ask() == set()
    # As after the transaction of another client of a pooler.
    assert ask() == {f"WARNING: {missing}"}
    ledger.execute("UPDATE ses_bounces.blocked_list SET unblocked_at = now() WHERE address LIKE '%@erased.invalid'")
    assert ask() == set()


@pytest.mark.parametrize("secret", ["x" * 32, "y" * 64, "ü" * 40, "a longer one " * 30], ids=len)
def test_sql_and_python_agree_on_the_digest(database: Connection, secret: str) -> None:
    with database.transaction():
        database.execute("SELECT set_config('ses_bounces.erasure_secret', %s, true)", [secret])
        for key in (KEY, OTHER, "ünicode@example.com"):
            found = database.execute("SELECT ses_bounces.erased_key(%s)", [key]).fetchone()
            assert found == (Secret(secret).pseudonym(key),)


def test_people_at_an_erased_address(ledger: Connection) -> None:
    from ses_bounces.base.settings import parse
    from ses_bounces.people.sync import sync

    ledger.execute("CREATE TABLE public.people (id bigint PRIMARY KEY, email text, allow_group_email boolean)")
    query = "SELECT p.id, p.allow_group_email FROM public.people p ORDER BY 1"
    ledger.execute("INSERT INTO public.people VALUES (1, %s, true), (2, 'free@example.com', true)", [KEY])
    settings = parse(json.dumps({"queue_urls": ["https://sqs.eu-west-1.amazonaws.com/123456789012/q"], "people_table": "public.people"}))  # fmt: skip
    sync(ledger, settings)
    assert ledger.execute(query).fetchall() == [(1, False), (2, True)]
    erase(ledger, action(), [PERSON])
    # Registered anew, in another spelling.
    ledger.execute("INSERT INTO public.people VALUES (3, %s, true)", [PERSON])
    compare = "UPDATE ses_bounces.setting SET people_compared_at = NULL"
    ledger.execute(compare)
    assert sync(ledger, settings.model_copy(update={"enforce": False})).switched_off == 0
    assert ledger.execute(query).fetchall() == [(1, False), (2, True), (3, True)]
    ledger.execute(compare)
    assert sync(ledger, settings).switched_off == 1
    assert ledger.execute(query).fetchall() == [(1, False), (2, True), (3, False)]
    (found,) = preview_blocks(ledger, PERSON).blocked
    lift_blocks(ledger, action(), {found.address_id or 0: ["stop_request", "complaint"]})
    sync(ledger, settings)
    assert ledger.execute(query).fetchall() == [(1, True), (2, True), (3, True)]
    ledger.execute(compare)
    assert sync(ledger, settings).switched_off == 0
    assert ledger.execute(query).fetchall() == [(1, True), (2, True), (3, True)]


def test_a_decision_about_a_brake_does_not_spell_it(ledger: Connection) -> None:
    erase(ledger, action(), [PERSON])
    made = "INSERT INTO ses_bounces.brake (domain, day, max_new_blocks) VALUES ('down.example', now(), 1) RETURNING brake_id"
    [(brake_id,)] = ledger.execute(made).fetchall()
    [(other_id,)] = ledger.execute(made.replace("down.", "other.")).fetchall()
    id_ = land(ledger, event(30, bounce("one@other.example")), "held")
    ledger.execute(
        "INSERT INTO ses_bounces.held_entry (message_id, dedup_key, brake_id, occurred_at) VALUES (%s, 'k', %s, now())",
        [id_, other_id],
    )
    with writing(ledger) as writer:
        assert decide(writer, [brake_id], "dismissed", "alice", f"{PERSON} told us") == [brake_id]
        assert decide_messages(writer, [id_], "confirmed", "alice", f"{PERSON} told us") == {id_}
    assert spelled(ledger) == []
    assert ledger.execute("SELECT b.reason FROM ses_bounces.brake b").fetchall() == [(f"{ERASED} told us",)] * 2


def test_nothing_is_pushed_to_ses_in_its_place(ledger: Connection) -> None:
    from ses_bounces.suppression.pushing import push_blocked

    pushed = []

    class Taking(List):
        region = "us-east-1"

        def put(self, address: str, _reason: str) -> None:
            pushed.append(address)

    erase(ledger, action(), [PERSON])
    push_blocked(ledger, Taking())  # type: ignore[arg-type]
    assert OTHER in pushed
    assert not any(map(is_pseudonym, pushed))


@pytest.mark.parametrize("decision", ["confirmed", "dismissed"])
def test_what_the_brake_holds_is_decided_as_before(ledger: Connection, decision: str) -> None:
    from ses_bounces.ledger.brake import decisions
    from ses_bounces.ledger.brake import held as brakes

    held = "held.testperson@braked.example"
    name = Secret(SECRET).pseudonym(held)
    land(ledger, event(60, bounce(["first@braked.example", held, "third@braked.example"])))
    classify_pending(ledger, Rules(), max_new_blocks=1)
    assert ("first@braked.example", "permanent_bounce") in blocks(ledger)
    assert (held, "permanent_bounce") not in blocks(ledger)
    erase(ledger, action(), [held])
    with writing(ledger) as writer:
        decisions.decide(writer, [one.brake_id for one in brakes.undecided(ledger)], decision, "admin", "real")  # type: ignore[arg-type]
    decisions.settle(ledger)
    # A copy that comes later is decided like it.
    land(ledger, event(60, bounce(["first@braked.example", held, "third@braked.example"])))
    classify_pending(ledger, Rules(), max_new_blocks=9)
    expected = {(address, "permanent_bounce") for address in ("third@braked.example", name)}
    assert (expected <= blocks(ledger)) == (decision == "confirmed")
    assert (expected & blocks(ledger) == set()) == (decision == "dismissed")
    assert not any("held.testperson" in text for text in spelled(ledger))


def test_what_is_held_of_ses_list_is_confirmed_without_spelling(ledger: Connection) -> None:
    from ses_bounces.ledger.brake import decisions
    from ses_bounces.ledger.brake import held as brakes
    from ses_bounces.suppression.reading import read_list

    held = "listed.testperson@braked.example"
    listing = List("first@braked.example", held)
    read_list(ledger, listing, max_new_blocks=1)  # type: ignore[arg-type]
    assert ledger.execute("SELECT count(*) FROM ses_bounces.held_entry h WHERE h.listing IS NOT NULL").fetchone() == (
        1,
    )
    erase(ledger, action(), [held])
    with writing(ledger) as writer:
        decisions.decide(writer, [one.brake_id for one in brakes.undecided(ledger)], "confirmed", "admin", "real")
    decisions.settle(ledger)
    name = Secret(SECRET).pseudonym(held)
    assert (name, "ses_suppression") in blocks(ledger)
    before = ledger.execute("SELECT count(*) FROM ses_bounces.address_event").fetchone()
    read_list(ledger, listing, max_new_blocks=9)  # type: ignore[arg-type]
    assert ledger.execute("SELECT count(*) FROM ses_bounces.address_event").fetchone() == before
    assert not any("listed.testperson" in text for text in spelled(ledger))


def test_two_sites_of_one_process_have_a_secret_each(ledger: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the API server and in a scheduler that forks: neither pushes the other's out, nor is taken for it."""
    news = Site("news")
    texts = {CONN_ID: SECRET, f"{news.key}_erasure": f"another {SECRET}"}
    asked: list[str] = []

    def connection(conn_id: str) -> Any:
        asked.append(conn_id)
        return SimpleNamespace(password=texts[conn_id])

    monkeypatch.setattr("airflow.sdk.BaseHook.get_connection", connection)
    checks = {name: [Secret(text).check] for name, text in texts.items()}
    for _ in range(3):
        ours = guard.match(checks[CONN_ID])
        with news.current():
            theirs = guard.match(checks[f"{news.key}_erasure"])
        assert ours is not None
        assert theirs is not None
        assert (ours.pseudonym(KEY), theirs.pseudonym(KEY)) == (NAME, Secret(f"another {SECRET}").pseudonym(KEY))
    assert asked == list(texts)
    # The right secret of another site is none of this one.
    with news.current(), pytest.raises(SettingsError, match="ses_bounces_news_erasure"):
        guard.match(checks[CONN_ID])
