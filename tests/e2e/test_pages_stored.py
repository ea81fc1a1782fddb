"""What stored values, files, URLs and logs of the administrators' pages hold: no markup of others, no formula, no address."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urljoin
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest

from dev.pages_server import PagesServer
from ses_bounces.base.database.connection import connect_url
from ses_bounces.report.making import make_report
from tests.kit.page_rights import CASES, REASON, ask, fill_settings, parsed, quarantine, record, seed, token_of
from tests.kit.page_secrets import SECRET, crawl, variants

pytestmark = pytest.mark.e2e

SCRIPT = '"><script>alert(1)</script>'
HANDLER = "' onmouseover='alert(2)"
FORMULA = "=HYPERLINK(alert)"
ADDRESS = re.compile(r"[\w.+-]+(@|%40|%2540)[\w-]+\.(com|net|org|example)", re.IGNORECASE)


@pytest.fixture(scope="module")
def evil(server: PagesServer, secrets: dict[str, str]) -> dict[str, str]:
    """Markup, an attribute's end and a formula wherever something can be stored."""
    with connect_url(server.database_url) as connection:
        reported = dict.fromkeys(
            ("reason", "feedback_id", "ses_message_id", "status", "diagnostic_code", "source", "configuration_set"),
            SCRIPT,
        )
        types = {"bounce_type": "Transient", "bounce_sub_type": HANDLER}
        moment = datetime.now(UTC) - timedelta(days=3)
        ids = {
            "evil": record(
                connection, "transient_bounce", f"{SCRIPT}@example.com", mail_sent_at=moment, **reported, **types
            ),
            "evil_handler": record(connection, "complaint", f"{HANDLER}@example.com", feedback_type=SCRIPT, **reported),
            "evil_domain": record(
                connection, "permanent_bounce", f"someone@x{SCRIPT}.example", actor=SCRIPT, **reported
            ),
            "evil_formula": record(
                connection,
                "transient_bounce",
                f"{FORMULA}@example.com",
                configuration_set="+1+1",
                bounce_sub_type="-1-1",
            ),
        }
        record(connection, "permanent_bounce", f"@{FORMULA}@example.com")
        record(
            connection,
            "unblocked",
            f"@{FORMULA}@example.com",
            1,
            actor=FORMULA,
            reason="\t=1",
            lifts=["permanent_bounce"],
        )
        record(connection, "unblocked", f"{HANDLER}@example.com", 1, actor=SCRIPT, reason=SCRIPT, lifts=["complaint"])
        message = quarantine(connection, SCRIPT, SCRIPT, f"http://127.0.0.1:9/0/{SCRIPT}")
        connection.execute("UPDATE ses_bounces.message SET event_type = %s WHERE message_id = %s", [SCRIPT, message])
        connection.execute(
            "INSERT INTO ses_bounces.queue VALUES (%s, 'q', now(), now())", [f"http://q/{HANDLER}{SCRIPT}"]
        )
        connection.execute(
            "INSERT INTO ses_bounces.run (run_id, task_id, started_at, counts) VALUES (%s, %s, now(), %s)",
            [SCRIPT, SCRIPT, json.dumps({SCRIPT: 7})],
        )
        connection.execute(
            "INSERT INTO ses_bounces.finding (area, check_name, subject, severity, found, meaning, todo)"
            " VALUES ('ledger', %(t)s, %(t)s, 'warning', %(t)s, %(t)s, %(t)s)",
            {"t": SCRIPT},
        )
        connection.execute(
            "INSERT INTO ses_bounces.unblock_request (address_id, lifts, actor, reason, result, finished_at)"
            " VALUES (%s, '{permanent_bounce}', %s, %s, %s, now())",
            [ids["evil"], SCRIPT, SCRIPT, SCRIPT],
        )
        for days_ago in (2, 1):
            make_report(connection, datetime.now(UTC).date() - timedelta(days=days_ago), ZoneInfo("UTC"))
    return secrets | ids | {"evil_message": message}


def _check_markup(answer: httpx.Response) -> None:
    page = parsed(answer.text)
    # Their own policies let them have their style in them.
    is_document = answer.url.path.endswith(("/document", ".svg"))
    assert not "".join(page.scripts).strip() or is_document, answer.url
    for tag, values in page.elements:
        names = [name for name in values if name.startswith("on") or (name == "style" and not is_document)]
        assert not names, (answer.url, tag, values)
        if tag == "script":
            assert values["src"].endswith("static/pages.js"), answer.url
            assert answer.headers["content-type"].startswith("text/html"), answer.url
        assert tag not in ("object", "embed", "base", "applet", "style") or is_document, answer.url
        for name in ("href", "src", "action", "formaction", "data-load", "srcset", "poster", "data", "xlink:href"):
            target = values.get(name, "")
            assert not re.match(r"\s*([a-z][a-z0-9+.-]*:|//|\\)", target, re.IGNORECASE) or (
                is_document and target.startswith("data:image/")
            ), (answer.url, name, target)


def _check_headers(answer: httpx.Response) -> None:
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy["frame-ancestors"] == "'self'", answer.url
    assert policy["default-src"] == "'none'", answer.url
    assert policy.get("script-src", "'none'") in ("'none'", "'self'"), answer.url
    assert not re.search(r"https?:|\*|unsafe-eval", " ".join(policy.values())), answer.url
    assert answer.headers["x-content-type-options"] == "nosniff", answer.url
    if "/static/" not in answer.url.path and "/charts/" not in answer.url.path:
        assert answer.headers["cache-control"] == "no-store", answer.url


@pytest.mark.parametrize("user", ["anna", "vera", None])
def test_every_page_of_all_has_its_headers_and_no_markup_of_others(
    server: PagesServer, evil: dict[str, str], user: str | None
) -> None:
    paths = [*variants(evil), "static/pages.js", "static/pages.css", "static/icon.svg"]
    paths += [f"addresses/{value}" for name, value in evil.items() if name.startswith("evil")]
    paths += [f"messages/{evil['evil_message']}?near={evil['near'][:4]}-12-31"]
    texts = []

    def check(answer: httpx.Response) -> None:
        _check_headers(answer)
        kind = answer.headers.get("content-type", "")
        if kind.startswith(("text/html", "image/svg")):
            _check_markup(answer)
        if kind.startswith("text/html"):
            texts.append(parsed(answer.text).text)
        assert answer.status_code < 500, answer.url

    with server.client(user) as client:
        for answer in crawl(client, paths):
            check(answer)
        if user:
            # What is answered to a form and to the API.
            for route in CASES:
                if route.startswith("POST "):
                    check(ask(client, route, evil))
                    check(client.post(CASES[route].path(evil), content=b"x"))
            for path, fields in _previews(evil):
                check(client.post(path, data=fields | {"token": token_of(client)}))
    if user == "anna":
        text = " ".join(texts)
        assert text.count(SCRIPT) > 50
        assert HANDLER in text


def _previews(evil: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """Forms that show what was typed, or what is stored, before anything is done."""
    return [
        ("lifts/preview", {"text": f"{SCRIPT}@example.com\n{SCRIPT}\n{HANDLER}@example.com"}),
        ("lifts/preview", {"id": evil["evil_domain"]}),
        ("stops/preview", {"text": f"{SCRIPT}@example.com\n{SCRIPT}\nnew@example.com"}),
        ("transients/delete", {"id": evil["evil"]}),
        ("transients/extend", {"id": evil["evil"]}),
        ("transients/extend/done", {"id": evil["evil"], "days": SCRIPT, "reason": SCRIPT}),
        ("settings/preview", {"queue_urls": SCRIPT, "never_block": f"{SCRIPT}@example.com", "report_url": HANDLER}),
        ("bounces/search", {"text": f"@{SCRIPT}", "configuration_set": SCRIPT}),
        ("quarantine/retry", {"id": evil["evil_message"]}),
        (f"quarantine/{SCRIPT}", {"id": evil["evil_message"]}),
    ]


@pytest.mark.parametrize("path", ["bounces.csv", "bounces.csv?state=closed", "blocked.csv", "blocked.csv?state=lifted"])
def test_no_cell_of_a_file_is_a_formula(server: PagesServer, evil: dict[str, str], path: str) -> None:
    with server.client("anna") as client:
        answer = client.get(path)
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert len(rows) > 2 or "closed" in path
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell
    if path == "bounces.csv":
        assert any(row[0] == f"'{FORMULA}@example.com" for row in rows)
        assert any(f"{SCRIPT}@example.com" in row for row in rows)


def _done(server: PagesServer, data: dict[str, str]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Every change that a route can make, by anna; owner and extra of the Audit Log's entry of each, by route."""
    entries = {}
    with server.client("anna") as client, psycopg.connect(server.metadata_url, autocommit=True) as metadata:
        for route, case in CASES.items():
            if not route.startswith("POST "):
                continue
            if case.right == "settings":
                fill_settings(client, server, data)
            before = metadata.execute("SELECT coalesce(max(id), 0) FROM log").fetchone()
            assert before is not None
            answer = ask(client, route, data, token_of(client))
            assert answer.status_code == case.status, route
            for url in (answer.headers.get("location", ""), answer.headers.get("content-location", "")):
                assert not ADDRESS.search(url), route
            rows = metadata.execute(
                "SELECT event, owner, dag_id, extra FROM log WHERE id > %s AND event LIKE 'ses_bounces.%%'", before
            ).fetchall()
            assert len(rows) == (1 if case.changes and case.right != "read" else 0), route
            for event, owner, dag_id, extra in rows:
                assert (owner, dag_id) == ("anna", "ses_bounces"), route
                assert not ADDRESS.search(extra), extra
                assert REASON not in extra, extra
                entries[route] = (event.removeprefix("ses_bounces."), json.loads(extra))
    return entries


def test_who_reads_raw_messages_or_takes_files_away_leaves_an_entry(server: PagesServer) -> None:
    ids = seed(server, "taken")
    day = ids["day"]
    entries = {
        f"messages/{ids['retried']}?near={ids['near'][:4]}-12-31T23:59:59": ("read_message", {"message_id": int(ids["retried"])}),
        f"reports/{day}/document": ("read_report", {"day": day, "file": "blocked_report.html"}),
        f"reports/{day}/blocked_report.csv": ("read_report", {"day": day, "file": "blocked_report.csv"}),
        "bounces.csv?kind=permanent&sub_type=General": (
            "download_list", {"list": "bounces", "kind": "permanent", "sub_type": True}
        ),
        "blocked.csv?domain=example.com&since_from=2026-01-01": (
            "download_list", {"list": "blocked", "domain": True, "since_from": "2026-01-01"}
        ),
    }  # fmt: skip
    with server.client("anna") as client:
        for path, (event, extra) in entries.items():
            name = f"ses_bounces.{event}"
            before = len(server.audit_log(name))
            assert client.get(path).status_code == 200, path
            owner, said = server.audit_log(name)[before]
            assert (owner, json.loads(said)) == ("anna", extra), path
    with server.client("vera") as client:
        before = [len(server.audit_log(f"ses_bounces.{event}")) for event, _ in entries.values()]
        assert {client.get(path).status_code for path in entries} == {403}
    assert [len(server.audit_log(f"ses_bounces.{event}")) for event, _ in entries.values()] == before


def test_each_change_leaves_an_entry_of_row_ids_in_the_audit_log(server: PagesServer) -> None:
    ids = seed(server, "audited")
    entries = _done(server, ids)
    expected = {
        "POST /transients/delete/done": ("delete_transients", "deleted"),
        "POST /transients/extend/done": ("extend_deadlines", "extended"),
        "POST /lifts/done": ("lift_blocks", "lifted"),
        "POST /people/switch-on": ("switch_on", "on"),
        "POST /people/leave-off": ("leave_off", "off"),
        "POST /quarantine/{what}/done": ("dismiss_messages", "dismissed"),
        "POST /held/{what}/done": ("dismiss_held", "brake"),
        "POST /api/lift": ("lift_blocks", "api_lifted"),
        "POST /api/transients/delete": ("delete_transients", "api_deleted"),
        "POST /api/transients/extend": ("extend_deadlines", "api_extended"),
    }
    for route, (event, target) in expected.items():
        found, extra = entries.pop(route)
        assert found == event
        assert (extra["ids"], extra["counts"]) == ({"done": [int(ids[target])]}, {"done": 1}), route
    for route, name in (("POST /stops/done", "stopped"), ("POST /api/block", "api-stopped")):
        event, extra = entries.pop(route)
        address = f"audited-{name}@example.com"
        id_ = server.sql("SELECT address_id FROM ses_bounces.address WHERE address = %s", [address])[0][0]
        assert (event, extra["ids"]) == ("request_stops", {"done": [id_]})
    event, extra = entries.pop("POST /settings/done")
    assert event == "save_settings"
    assert "report_days_kept" in extra["keys"]
    assert entries == {}


def test_no_address_is_in_a_log_or_a_url(server: PagesServer, evil: dict[str, str]) -> None:
    # Beside what all tests of this server have sent: what goes wrong with an address in it.
    address = "logged.person@example.com"
    with server.client("anna") as client:
        token = token_of(client)
        for path, fields in (
            ("bounces/search", {"text": address}),
            ("blocked/search", {"text": address * 20}),
            ("lifts/done", {"id": address, "cause": "complaint", "reason": address}),
            ("lifts/done", {"id": "1", "cause": address, "reason": address}),
            ("stops/preview", {"text": f"{address}\nno address {address}"}),
            ("stops/done", {"text": address, "reason": f"{address} asked"}),
            ("people/switch-on", {"flag_change_id": address, "reason": address}),
            ("settings/preview", {"never_block": address, "queue_urls": address}),
            ("settings/done", {"settings": f'{{"never_block": ["{address}"]}}', "digest": address, "reason": address}),
        ):
            answer = client.post(path, data=fields | {"token": token})
            assert answer.status_code < 500
            assert "logged.person" not in unquote(answer.headers.get("location", ""))
        for path, body in (
            ("lookup", {"address": address}),
            ("lookup", {"address": [address]}),
            ("check", {"addresses": [address, f"no {address}"]}),
            ("block", {"addresses": [address], "reason": address}),
            ("lift", {"address_ids": [address], "causes": [address], "reason": address}),
            ("bounces/search", {"text": address, address: 1}),
        ):
            assert client.post(f"api/{path}", json=body).status_code < 500
        page = client.post("bounces/search", data={"text": address, "token": token}).headers["location"]
        followed = client.get(urljoin(str(client.base_url), page.removeprefix("../")))
        assert address in html.unescape(followed.text)
        assert "logged.person" not in str(followed.url)
    logs = server.logs()
    assert "/ses-bounces/bounces/search" in logs
    assert not ADDRESS.search(logs), ADDRESS.search(logs)
    assert SECRET not in logs
    with psycopg.connect(server.metadata_url) as connection:
        rows = connection.execute("SELECT l::text FROM log l WHERE l.event LIKE 'ses_bounces%'").fetchall()
    assert rows
    for (row,) in rows:
        assert not ADDRESS.search(row), row
        assert SECRET not in row
