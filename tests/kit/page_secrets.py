"""Secrets in a database, and a walk through the pages: for tests of what the pages give away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urljoin

import httpx

from dev.pages_server import SETTINGS, PagesServer
from ses_bounces.base.database.connection import connect_url
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger.pending import classify_pending
from ses_bounces.ledger.protection import mirror_settings
from tests.kit.builders import bounce, sns
from tests.kit.page_rights import CASES, PEOPLE_FROM, Page, hold, parsed, quarantine, record, seed, token_of

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Stands in everything that a reader must not see, and in nothing else.
SECRET = "keepitquiet"
PERSON = PEOPLE_FROM + 900_001
GUARDED = [f"boss.{SECRET}@example.net", f"@{SECRET}-guarded.example", "@guarded.example"]


def store_secrets(server: PagesServer) -> dict[str, str]:
    """Store a secret wherever one can be; returns the ids of rows, those of :func:`tests.kit.page_rights.seed` among them."""
    found = seed(server, "plain")
    with connect_url(server.database_url) as connection:
        # Before they bounce: what is guarded then is never blocked.
        mirror_settings(connection, True, GUARDED)
        found |= _secrets(connection)
        _reported(connection)
    set_variable(server, {**SETTINGS, "never_block": GUARDED})
    with server.client("anna") as client:
        fields = {"settings": json.dumps({**SETTINGS, "never_block": GUARDED, "report_days_kept": 46}),
                  "digest": Page(client.get("settings").text).fields["digest"],
                  "reason": f"because of {SECRET}", "token": token_of(client)}  # fmt: skip
        assert client.post("settings/done", data=fields).status_code == 200
    return found


def set_variable(server: PagesServer, values: dict[str, Any]) -> None:
    """Set the Variable as an administrator does it in Airflow."""
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
        "bounce_sub_type": f"Sub{SECRET}",
        "status": f"5.1.1 {SECRET}",
        "feedback_id": f"feedback-{SECRET}",
        "ses_message_id": f"message-{SECRET}",
    }
    ids = {
        "secret": record(connection, "transient_bounce", f"a.{SECRET}1@example.com", **reported),
        "secret_blocked": record(connection, "permanent_bounce", f"b.{SECRET}2@example.com", **reported),
        "secret_guarded": record(connection, "permanent_bounce", GUARDED[0], **reported),
        "secret_complaint": record(
            connection, "complaint", f"h.{SECRET}7@example.com", feedback_type=f"abuse of {SECRET}"
        ),
        "secret_lifting": record(connection, "ses_suppression", f"d.{SECRET}3@example.com"),
    }
    record(connection, "permanent_bounce", f"e.{SECRET}4@example.com", days_ago=3)
    ids["secret_lifted"] = record(
        connection, "unblocked", f"e.{SECRET}4@example.com", 1, actor="alice", lifts=["permanent_bounce"],
        reason=f"{SECRET} told me",
    )  # fmt: skip
    ids["secret_brake"] = hold(connection, "held.example")
    said = "UPDATE ses_bounces.held_entry SET diagnostic = %s WHERE brake_id = %s"
    connection.execute(said, [f"550 {SECRET} is unknown", ids["secret_brake"]])
    ids["secret_message"] = quarantine(connection, f"not JSON, from f.{SECRET}5@example.com")
    typed = "UPDATE ses_bounces.message SET event_type = %s WHERE message_id = %s"
    connection.execute(typed, [f"Type{SECRET}", ids["secret_message"]])
    query = (
        "INSERT INTO ses_bounces.unblock_request (address_id, lifts, actor, reason, finished_at, result)"
        " VALUES (%s, '{ses_suppression}', 'alice', %s, %s, %s)"
    )
    connection.execute(query, [ids["secret_lifting"], f"{SECRET} called", None, None])
    refused = [ids["secret_complaint"], "asked", datetime.now(UTC), f"SES refused: {SECRET}"]
    connection.execute(query, refused)
    connection.execute("INSERT INTO public.people (id, email) VALUES (%s, %s)", [PERSON, f"b.{SECRET}2@example.com"])
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


def crawl(client: httpx.Client, first: list[str]) -> Iterator[httpx.Response]:
    """Get some pages, and all that they lead to with GET, frames, images and files too; nothing is elsewhere."""
    root = str(client.base_url)
    waiting = [urljoin(root, path) for path in first]
    seen = set(waiting)
    while waiting:
        answer = client.get(waiting.pop())
        yield answer
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        for tag, values in parsed(answer.text).elements:
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


def variants(data: dict[str, str]) -> list[str]:
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
