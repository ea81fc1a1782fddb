"""What the administrators' pages give away: to readers, to other sites, to scripts in stored values, and to logs."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urljoin
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest

from dev.pages_server import SETTINGS, PagesServer
from ses_bounces.database.connection import connect_url
from ses_bounces.ledger import mirror_settings
from ses_bounces.pending import classify_pending
from ses_bounces.report import make_report
from ses_bounces.rules import Rules
from tests.builders import bounce, sns
from tests.page_rights import (
    CASES,
    REASON,
    Page,
    ask,
    differing,
    everything,
    fill_settings,
    quarantine,
    record,
    seed,
    token_of,
)

if TYPE_CHECKING:
    from ses_bounces.database.connection import Connection

pytestmark = pytest.mark.e2e

# Stands in everything that a reader must not see, and in nothing else.
SECRET = "keepitquiet"
GUARDED = [f"boss.{SECRET}@example.net", f"@{SECRET}-guarded.example"]
SCRIPT = '"><script>alert(1)</script>'
HANDLER = "' onmouseover='alert(2)"
FORMULA = "=HYPERLINK(alert)"
ADDRESS = re.compile(r"[\w.+-]+(@|%40|%2540)[\w-]+\.(com|net|org|example)", re.IGNORECASE)


@pytest.fixture(scope="module")
def data(server: PagesServer) -> dict[str, str]:
    """Secrets wherever one can be stored."""
    found = seed(server, "plain")
    with connect_url(server.database_url) as connection:
        found |= _secrets(connection)
        _reported(connection)
        mirror_settings(connection, True, GUARDED)
    _set_variable(server, {**SETTINGS, "never_block": GUARDED})
    with server.client("anna") as client:
        fields = {"settings": json.dumps({**SETTINGS, "never_block": GUARDED, "report_days_kept": 46}),
                  "digest": Page(client.get("settings").text).fields["digest"],
                  "reason": f"because of {SECRET}", "token": token_of(client)}  # fmt: skip
        assert client.post("settings/done", data=fields).status_code == 200
    return found


def _set_variable(server: PagesServer, values: dict[str, Any]) -> None:
    answer = httpx.patch(
        f"{server.airflow.url}/api/v2/variables/ses_bounces",
        json={"key": "ses_bounces", "value": json.dumps(values)},
        headers={"Authorization": f"Bearer {server.token('anna')}"},
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text


def _secrets(connection: Connection) -> dict[str, str]:
    reported = {
        "diagnostic_code": f"smtp; 550 {SECRET} unknown",
        "source": f"news.{SECRET}@example.com",
        "mail_sent_at": datetime.now(UTC) - timedelta(days=3),
        "reason": f"said {SECRET}",
    }
    ids = {
        "secret": record(connection, "transient_bounce", f"a.{SECRET}1@example.com", **reported),
        "secret_blocked": record(connection, "permanent_bounce", f"b.{SECRET}2@example.com", **reported),
        "secret_guarded": record(connection, "permanent_bounce", GUARDED[0], **reported),
        "secret_lifting": record(connection, "ses_suppression", f"d.{SECRET}3@example.com"),
    }
    record(connection, "permanent_bounce", f"e.{SECRET}4@example.com", days_ago=3)
    ids["secret_lifted"] = record(
        connection, "unblocked", f"e.{SECRET}4@example.com", 1, actor="alice", lifts=["permanent_bounce"],
        reason=f"{SECRET} told me",
    )  # fmt: skip
    ids["secret_message"] = quarantine(connection, f"not JSON, from f.{SECRET}5@example.com")
    query = (
        "INSERT INTO ses_bounces.unblock_request (address_id, lifts, actor, reason, finished_at, result)"
        " VALUES (%s, '{ses_suppression}', 'alice', %s, %s, %s)"
    )
    connection.execute(query, [ids["secret_lifting"], f"{SECRET} called", None, None])
    connection.execute("INSERT INTO public.people (id, email) VALUES (900001, %s)", [f"b.{SECRET}2@example.com"])
    return ids


def _reported(connection: Connection) -> None:
    """A message as SES sends it, with a subject and a diagnostic."""
    event = bounce(
        f"g.{SECRET}6@example.com",
        recipient={"diagnosticCode": f"smtp; 550 5.1.1 <g.{SECRET}6@example.com> unknown"},
        mail_fields={"commonHeaders": {"subject": f"To {SECRET}", "to": [f"g.{SECRET}6@example.com"]}},
    )
    connection.execute(
        "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, outcome)"
        " VALUES ('a', 'q', %s, now(), 'pending')",
        [json.dumps(sns(event))],
    )
    assert classify_pending(connection, Rules()).outcomes == {"applied": 1}


def _crawl(client: httpx.Client, first: list[str]) -> Iterator[httpx.Response]:
    """Get some pages, and all that they lead to with GET, frames, images and files too; nothing is elsewhere."""
    root = str(client.base_url)
    waiting = [urljoin(root, path) for path in first]
    seen = set(waiting)
    while waiting:
        answer = client.get(waiting.pop())
        yield answer
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        for tag, values in Page(answer.text).elements:
            for name in ("href", "src", "action", "formaction", "data-load"):
                if name not in values:
                    continue
                url = urldefrag(urljoin(str(answer.url), values[name])).url
                assert url.startswith(root), f"{answer.url} leads to {url}"
                if name in ("action", "formaction") or url in seen:
                    continue
                assert tag != "form"
                seen.add(url)
                assert len(seen) < 2_000
                waiting.append(url)


def _variants(data: dict[str, str]) -> list[str]:
    """Lists in every order and state, and pages that answer with an error."""
    paths = [CASES[route].path(data) for route in CASES if route.startswith("GET ")]
    for path in ("bounces", "api/bounces"):
        for sort in ("date", "address", "deadline"):
            for state in ("open", "closed"):
                paths += [f"{path}?sort={sort}&state={state}&direction={d}" for d in ("ascending", "descending")]
        paths += [f"{path}?kind={kind}" for kind in ("transient", "permanent", "complaint", "nonsense")]
    for path in ("blocked", "api/blocked"):
        for state in ("open", "lifted"):
            paths += [f"{path}?sort={sort}&state={state}" for sort in ("date", "address", "nonsense")]
        paths += [f"{path}?domain={domain}" for domain in ("example.com", "example.net", "@example.com")]
    paths += [f"addresses/{value}" for name, value in data.items() if name.startswith("secret")]
    paths += ["addresses/999999999", "addresses/x", "nothing", "bounces?after=x", "bounces?filter=x"]
    paths += ["charts/domains.svg", "charts/days_left.svg?theme=dark", "quarantine?group=x"]
    return paths


def _texts(answer: httpx.Response) -> Iterator[str]:
    yield from (answer.text, html.unescape(answer.text), unquote(answer.text), str(answer.headers))


def test_readers_see_nothing_whole(server: PagesServer, data: dict[str, str]) -> None:
    pages = 0
    with server.client("vera") as client:
        for answer in _crawl(client, _variants(data)):
            pages += answer.status_code == 200
            for text in _texts(answer):
                assert SECRET not in text.lower(), answer.url
            # The API's description has an example.
            if not answer.url.path.endswith("openapi.json"):
                assert not re.search(r"[\w.-]{2,}@example\.(com|net)", answer.text), answer.url
    assert pages > 60


def test_readers_answers_of_the_api_are_masked(server: PagesServer, data: dict[str, str]) -> None:
    with server.client("vera") as client:
        for path, body in (
            ("bounces/search", {"text": "@example.com"}),
            ("blocked/search", {"text": "@example"}),
            ("lookup", {"address": f"b.{SECRET}2@example.com"}),
            ("check", {"addresses": [f"b.{SECRET}2@example.com", GUARDED[0], "nobody@example.com"]}),
        ):
            answer = client.post(f"api/{path}", json=body)
            assert answer.status_code == 200
            assert SECRET not in answer.text
        rows = client.post("api/bounces/search", json={"text": "@example.com"}).json()["rows"]
        assert "a•••@example.com" in [row["address"] for row in rows]


def test_editors_see_what_readers_do_not(server: PagesServer, data: dict[str, str]) -> None:
    """So that the tests above look at pages which have something to hide."""
    expected = {
        f"addresses/{data['secret']}": (f"a.{SECRET}1@example.com", f"550 {SECRET} unknown", f"said {SECRET}",
                                        f"news.{SECRET}@example.com"),
        f"addresses/{data['secret_lifted']}": (f"{SECRET} told me",),
        f"addresses/{data['secret_guarded']}": ("protected by never_block",),
        f"messages/{data['secret_message']}?near={data['near'][:4]}-12-31": (f"f.{SECRET}5@example.com",),
        "lifts": (f"d.{SECRET}3@example.com", f"{SECRET} called"),
        "blocked?state=lifted": (f"e.{SECRET}4@example.com", f"{SECRET} told me"),
        "bounces": (f"g.{SECRET}6@example.com",),
        "bounces.csv": (f"a.{SECRET}1@example.com",),
        "settings": (GUARDED[0], GUARDED[1], f"because of {SECRET}"),
        "api/bounces?limit=500": (f"a.{SECRET}1@example.com",),
    }  # fmt: skip
    with server.client("anna") as client:
        for path, texts in expected.items():
            shown = html.unescape(client.get(path).text)
            for text in texts:
                assert text in shown, (path, text)


def test_a_wrong_never_block_is_not_shown_to_readers(server: PagesServer, data: dict[str, str]) -> None:
    _set_variable(server, {**SETTINGS, "never_block": [f"{SECRET}: no address", *GUARDED]})
    try:
        with server.client("vera") as client:
            answers = [client.get(path) for path in ("", "bounces", "queues", "settings", "api/bounces")]
            answers.append(client.post("api/lookup", json={"address": "a@example.com"}))
    finally:
        _set_variable(server, {**SETTINGS, "never_block": GUARDED})
    assert [answer.status_code for answer in answers] == [503, 503, 503, 200, 503, 503]
    for answer in answers:
        assert "never_block" in answer.text
        assert SECRET not in html.unescape(answer.text), answer.url


PARTS = [SECRET, f"a.{SECRET}1@example.com", "a", "a.", f"{SECRET}1@", f" {SECRET}", "%@example.com", "a@example.com",
         f"\x00{SECRET}", "_@", "'@example.com", ".@example.com"]  # fmt: skip


@pytest.mark.parametrize("text", PARTS)
def test_readers_find_no_address_by_a_part(server: PagesServer, data: dict[str, str], text: str) -> None:
    with server.client("vera") as client:
        before = everything(server)
        for path in ("bounces", "blocked"):
            answer = client.post(f"{path}/search", data={"text": text, "token": token_of(client)})
            assert answer.status_code == 400, path
            answer = client.post(f"api/{path}/search", json={"text": text})
            assert answer.status_code == 400, path
        assert differing(before, everything(server)) == []


def test_a_domain_is_no_pattern_and_finds_no_local_part(server: PagesServer, data: dict[str, str]) -> None:
    def count(text: str) -> int:
        return int(client.post("api/bounces/search", json={"text": text}).json()["count"])

    with server.client("vera") as client:
        everybody = count("@example.com")
        assert everybody > 5
        assert count("@exam") >= everybody
        for text in ("@%", "@%ample.com", "@e_ample.com", "@*", f"@%{SECRET}%", f"@{SECRET}1", f"@example.com{SECRET}",
                     f"@x'||'{SECRET}", "@.com", "@xample.com"):  # fmt: skip
            assert count(text) == 0, text
        # What is before another @ says nothing, whether there is such an address or not.
        assert count(f"@a.{SECRET}1@example.com") == count("@nobody@example.com")
        assert count(f"@\x00a.{SECRET}1@example.com") == count("@\x00nobody@example.com")
        # Not the whole secret: what a test writes into a URL is in the server's log.
        for domain in ("%", "e_ample.com", SECRET[:5], f"a.{SECRET[:5]}", "*"):
            assert client.get("api/blocked", params={"domain": domain}).json()["count"] == 0, domain


def test_readers_cannot_use_the_search_of_an_editor(server: PagesServer, data: dict[str, str]) -> None:
    with server.client("anna") as client:
        answer = client.post("bounces/search", data={"text": f"{SECRET}1", "token": token_of(client)})
        filter_id = answer.headers["location"].partition("filter=")[2].partition("&")[0]
        assert client.get("api/bounces", params={"filter": filter_id}).json()["count"] == 1
    with server.client("vera") as client:
        for path in ("bounces", "blocked", "api/bounces", "api/blocked"):
            answer = client.get(path, params={"filter": filter_id})
            assert answer.status_code == 400
            assert SECRET not in answer.text


def test_parameters_that_are_none_filter_nothing(server: PagesServer, data: dict[str, str]) -> None:
    with server.client("vera") as client:
        for path in ("api/bounces", "api/blocked"):
            everybody = client.get(path).json()["count"]
            for name in ("text", "address", "q", "search", "local", "close_reason", "diagnostic_code"):
                assert client.get(path, params={name: SECRET[:5]}).json()["count"] == everybody, name
            for name in ("sort", "direction", "state"):
                assert client.get(path, params={name: "diagnostic_code"}).status_code == 422


def test_the_place_in_a_list_holds_no_address(server: PagesServer, data: dict[str, str]) -> None:
    with server.client("anna") as client:
        for path in ("api/bounces", "api/blocked"):
            after = client.get(path, params={"sort": "address", "limit": 1}).json()["after"]
            assert re.fullmatch(r"\d*\.\d+", after)


@pytest.mark.parametrize("field", ["domain", "configuration_set", "sub_type", "sort", "state", "reason", "kind"])
def test_an_address_in_another_field_of_a_search_reaches_no_url(server: PagesServer, field: str) -> None:
    with server.client("anna") as client:
        for path in ("bounces", "blocked"):
            answer = client.post(f"{path}/search", data={field: "someone@example.com", "token": token_of(client)})
            assert "someone" not in answer.headers.get("location", "")
            assert "someone" not in answer.text


@pytest.fixture(scope="module")
def evil(server: PagesServer, data: dict[str, str]) -> dict[str, str]:
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
    return data | ids | {"evil_message": message}


def _check_markup(answer: httpx.Response) -> None:
    page = Page(answer.text)
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
    paths = [*_variants(evil), "static/pages.js", "static/pages.css", "static/icon.svg"]
    paths += [f"addresses/{value}" for name, value in evil.items() if name.startswith("evil")]
    paths += [f"messages/{evil['evil_message']}?near={evil['near'][:4]}-12-31"]
    with server.client(user) as client:
        answers = list(_crawl(client, paths))
        if user:
            # What is answered to a form and to the API.
            for route in CASES:
                if route.startswith("POST "):
                    answers += [ask(client, route, evil), client.post(CASES[route].path(evil), content=b"x")]
            for path, fields in _previews(evil):
                answers.append(client.post(path, data=fields | {"token": token_of(client)}))
    for answer in answers:
        _check_headers(answer)
        if answer.headers.get("content-type", "").startswith(("text/html", "image/svg")):
            _check_markup(answer)
        assert answer.status_code < 500, answer.url
    if user == "anna":
        texts = " ".join(
            Page(answer.text).text for answer in answers if "text/html" in answer.headers.get("content-type", "")
        )
        assert texts.count(SCRIPT) > 50
        assert HANDLER in texts


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


def test_each_change_leaves_an_entry_of_row_ids_in_the_audit_log(server: PagesServer, data: dict[str, str]) -> None:
    ids = seed(server, "audited")
    entries = _done(server, ids)
    expected = {
        "POST /transients/delete/done": ("delete_transients", "deleted"),
        "POST /transients/extend/done": ("extend_deadlines", "extended"),
        "POST /lifts/done": ("lift_blocks", "lifted"),
        "POST /people/switch-on": ("switch_on", "on"),
        "POST /people/leave-off": ("leave_off", "off"),
        "POST /quarantine/{what}/done": ("dismiss_messages", "dismissed"),
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


def test_no_address_is_in_a_log_or_a_url(server: PagesServer, data: dict[str, str]) -> None:
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
