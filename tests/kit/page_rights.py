"""Every route of the pages with the right that it asks for, and data to try them with: for tests at real servers."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import psycopg
from starlette.routing import Mount

from dev.pages_server import QUEUE_URL, SETTINGS, PagesServer
from ses_bounces.actions.action import Action
from ses_bounces.actions.lifts import lift_blocks
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.settings import parse
from ses_bounces.classify import classify_body
from ses_bounces.classify.entry import Entry
from ses_bounces.ledger.writing import writing
from ses_bounces.people.sync import sync
from ses_bounces.report.making import make_report
from tests.kit.builders import bounce

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

Right = Literal["read", "edit", "settings"]
TOKEN = "token"
REASON = "tried by a test"
# Ids of people are above it: found on a page, they are nothing else.
PEOPLE_FROM = 700_000_000


@dataclass(frozen=True)
class Case:
    """How a route is asked so that it answers with ``status`` to whom it lets through.

    ``url`` and the texts of ``body`` are filled in with what :func:`seed` returns. ``changes``: it then writes to our
    database or to the Variable.
    """

    right: Right
    url: str
    body: Mapping[str, Any] | None = None
    status: int = 200
    changes: bool = False

    def path(self, data: Mapping[str, str]) -> str:
        """The path, below the root of the pages."""
        return self.url.format_map(data)

    def fields(self, data: Mapping[str, str]) -> dict[str, Any]:
        """The body without a token."""
        return {name: _filled(value, data) for name, value in (self.body or {}).items()}


def _filled(value: Any, data: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(item, data) for item in value]
    if not isinstance(value, str):
        return value
    text = value.format_map(data)
    # In JSON an id is a number; `#` marks it.
    return int(text[1:]) if value.startswith("#{") else text


_WHY = {"reason": REASON}
# docs/access.md has the same, in words.
CASES: dict[str, Case] = {
    "GET /": Case("read", ""),
    "GET /queues": Case("read", "queues"),
    "GET /preview": Case("read", "preview"),
    "GET /figures": Case("read", "figures?days=90&by=campaign"),
    "GET /bounces": Case("read", "bounces"),
    "POST /bounces/search": Case("read", "bounces/search", {"text": "@example.com"}, 303, changes=True),
    "GET /bounces.csv": Case("edit", "bounces.csv"),
    "POST /transients/delete": Case("edit", "transients/delete", {"id": "{deleted}"}),
    "POST /transients/delete/done": Case(
        "edit", "transients/delete/done", {"id": "{deleted}", **_WHY}, changes=True
    ),
    "POST /transients/extend": Case("edit", "transients/extend", {"id": "{extended}"}),
    "POST /transients/extend/done": Case(
        "edit", "transients/extend/done", {"id": "{extended}", "days": "20", **_WHY}, changes=True
    ),
    "GET /addresses/{address_id}": Case("read", "addresses/{lifted}"),
    "GET /messages/{message_id}": Case("edit", "messages/{retried}?near={near}"),
    "GET /blocked": Case("read", "blocked"),
    "POST /blocked/search": Case("read", "blocked/search", {"text": "@example.com"}, 303, changes=True),
    "GET /blocked.csv": Case("edit", "blocked.csv"),
    "GET /check": Case("read", "check"),
    "POST /check": Case("read", "check", {"text": "{name}-lifted@example.com"}),
    "POST /check.csv": Case("read", "check.csv", {"text": "{name}-lifted@example.com"}),
    "GET /lifts": Case("read", "lifts"),
    # The setting is off: nobody gets further.
    "POST /lifts/ask": Case("edit", "lifts/ask", {"id": "{lifted}"}, 400),
    "POST /lifts/preview": Case("edit", "lifts/preview", {"id": "{lifted}"}),
    "POST /lifts/done": Case(
        "edit", "lifts/done", {"id": "{lifted}", "cause": "permanent_bounce", **_WHY}, changes=True
    ),
    # SES is not asked where nothing waits for it.
    "POST /lifts/retry": Case("edit", "lifts/retry", {"address_id": "{deleted}"}, 400),
    "POST /lifts/retract": Case("edit", "lifts/retract", {"lift_id": "{deleted}", **_WHY}, 400),
    "GET /lifts/progress": Case("read", "lifts/progress?first=1&last=2"),
    "GET /undo": Case("edit", "undo"),
    "POST /undo/preview": Case(
        "edit", "undo/preview", {"first": "2026-01-01T00:00", "last": "2026-01-01T01:00"}
    ),
    "GET /stops": Case("edit", "stops"),
    "POST /stops/preview": Case("edit", "stops/preview", {"text": "{name}-stopped@example.com"}),
    "POST /stops/done": Case(
        "edit", "stops/done", {"text": "{name}-stopped@example.com", **_WHY}, changes=True
    ),
    "GET /people": Case("read", "people"),
    "POST /people/switch-on": Case("edit", "people/switch-on", {"flag_change_id": "{on}", **_WHY}, changes=True),
    "POST /people/leave-off": Case("edit", "people/leave-off", {"flag_change_id": "{off}", **_WHY}, changes=True),
    "GET /reports": Case("read", "reports"),
    "GET /reports/yesterday": Case("read", "reports/yesterday"),
    "GET /reports/{day}": Case("edit", "reports/{day}"),
    "GET /reports/{day}/document": Case("edit", "reports/{day}/document"),
    "GET /reports/{day}/blocked_report.csv": Case("edit", "reports/{day}/blocked_report.csv"),
    "GET /charts/{name}.svg": Case("read", "charts/history.svg"),
    "GET /quarantine": Case("read", "quarantine"),
    "POST /quarantine/{what}": Case("edit", "quarantine/retry", {"id": "{retried}"}),
    "POST /quarantine/{what}/done": Case(
        "edit", "quarantine/dismiss/done", {"id": "{dismissed}", **_WHY}, changes=True
    ),
    "POST /held/{what}": Case("edit", "held/confirm", {"id": "{brake}"}),
    "POST /held/{what}/done": Case("edit", "held/dismiss/done", {"id": "{brake}", **_WHY}, changes=True),
    "GET /settings": Case("read", "settings"),
    # Fields that say nothing valid: the form is shown again, with what is wrong.
    "POST /settings/preview": Case("settings", "settings/preview", {"queue_urls": "no URL"}, 400),
    # The Variable is as when the form was shown only where the digest says so.
    "POST /settings/done": Case(
        "settings", "settings/done", {"settings": "{settings}", "digest": "{digest}", **_WHY}, changes=True
    ),
    "GET /api/openapi.json": Case("read", "api/openapi.json"),
    "POST /api/lookup": Case("read", "api/lookup", {"address": "{name}-lifted@example.com"}),
    "POST /api/check": Case("read", "api/check", {"addresses": ["{name}-lifted@example.com"]}),
    "GET /api/bounces": Case("read", "api/bounces"),
    "POST /api/bounces/search": Case("read", "api/bounces/search", {"text": "@example.com"}),
    "GET /api/blocked": Case("read", "api/blocked"),
    "POST /api/blocked/search": Case("read", "api/blocked/search", {"text": "@example.com"}),
    "POST /api/block": Case(
        "edit", "api/block", {"addresses": ["{name}-api-stopped@example.com"], **_WHY}, changes=True
    ),
    "POST /api/lift": Case(
        "edit", "api/lift", {"address_ids": ["#{api_lifted}"], "causes": ["permanent_bounce"], **_WHY}, changes=True
    ),
    "POST /api/transients/delete": Case(
        "edit", "api/transients/delete", {"address_ids": ["#{api_deleted}"], **_WHY}, changes=True
    ),
    "POST /api/transients/extend": Case(
        "edit", "api/transients/extend", {"address_ids": ["#{api_extended}"], "days": 20, **_WHY}, changes=True
    ),
}  # fmt: skip


def single_routes(routes: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Yield every single route of an app, and of what is mounted in it, with the path of the mount."""
    for route in routes:
        if isinstance(route, Mount):
            yield from ((f"{route.path}{mount}", one) for mount, one in single_routes(route.routes or []))
        elif included := getattr(route, "effective_route_contexts", None):
            # From FastAPI 0.137 on, an included router is one route of the app, and knows its own.
            yield from (("", one) for one in included())
        else:
            yield "", route


def routes(app: Any) -> Iterator[tuple[str, str]]:
    """Yield method and path of every route of an app and of what is mounted in it; static files are left out."""
    for mount, route in single_routes(app.routes):
        for method in sorted(getattr(route, "methods", None) or ()):
            yield method, f"{mount}{route.path}"


def ask(client: httpx.Client, route: str, data: Mapping[str, str], token: str | None = None) -> httpx.Response:
    """Ask a route as its case says."""
    case = CASES[route]
    method, path = route.split(" ")
    if method == "GET":
        return client.get(case.path(data))
    if path.startswith("/api/"):
        return client.request(method, case.path(data), json=case.fields(data))
    fields = case.fields(data) | ({TOKEN: token} if token is not None else {})
    return client.request(method, case.path(data), data=fields)


def token_of(client: httpx.Client) -> str:
    """The token of a form as the page shows it to whoever may read."""
    return str(Page(client.get("bounces").text).fields[TOKEN])


class Page(HTMLParser):
    """What a browser would make of a page: ``elements`` with their attributes, its ``text``, its forms' ``fields``."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._texts: list[str] = []
        self.fields: dict[str, str] = {}
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        """All that is read on it."""
        return "".join(self._texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        values = {name: value or "" for name, value in attrs}
        self.elements.append((tag, values))
        self._open.append(tag)
        if tag == "input" and "name" in values:
            self.fields.setdefault(values["name"], values.get("value", ""))

    def handle_data(self, data: str) -> None:
        """Keep text; that of a script apart."""
        if self._open and self._open[-1] in ("script", "style"):
            self.scripts.append(data)
        else:
            self._texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        if tag in self._open:
            del self._open[len(self._open) - 1 - self._open[::-1].index(tag) :]


@functools.lru_cache(maxsize=4)
def parsed(html: str) -> Page:
    """The page, for several who look at the same one in turn: to parse it takes longer than to get it."""
    return Page(html)


def record(connection: Connection, kind: str, address: str, days_ago: float = 2, **fields: Any) -> str:
    """Append an entry to the ledger; returns the address's id."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    actor, lifts = fields.pop("actor", "ses"), fields.pop("lifts", None)
    if kind == "transient_bounce":
        fields = {"deadline": at + timedelta(days=14), "policy": "age", "bounce_type": "Transient"} | fields
    with writing(connection) as writer:
        writer.append([(Entry(kind, address, address, at, os.urandom(16), **fields), None)], actor, lifts)
    row = connection.execute("SELECT address_id FROM ses_bounces.address WHERE address = %s", [address]).fetchone()
    assert row is not None
    return str(row[0])


def quarantine(connection: Connection, body: str, reason: str = "not JSON", queue_url: str = QUEUE_URL) -> str:
    """Put a message into the quarantine; returns its id."""
    row = connection.execute(
        "INSERT INTO ses_bounces.message (sqs_message_id, queue_url, body, sent_at, received_at, outcome, reason)"
        " VALUES ('a', %s, %s, now(), now(), 'quarantined', %s) RETURNING message_id",
        [queue_url, body, reason],
    ).fetchone()
    assert row is not None
    return str(row[0])


def hold(connection: Connection, domain: str, addresses: int = 1) -> str:
    """Brake a domain, with a held message for each of some addresses; returns the brake's id."""
    row = connection.execute(
        "INSERT INTO ses_bounces.brake (domain, day, max_new_blocks) VALUES (%s, current_date, 1) RETURNING brake_id",
        [domain],
    ).fetchone()
    assert row is not None
    for number in range(addresses):
        text = json.dumps(bounce(f"user{number}@{domain}"))
        message_id = quarantine(connection, text, f"{domain} is over its limit of new blocks")
        connection.execute("UPDATE ses_bounces.message SET outcome = 'held' WHERE message_id = %s", [message_id])
        [entry] = classify_body(text).entries
        connection.execute(
            "INSERT INTO ses_bounces.held_entry (message_id, dedup_key, brake_id, occurred_at, diagnostic)"
            " VALUES (%s, %s, %s, now(), 'smtp; 550 5.1.1 user unknown')",
            [message_id, entry.dedup_key, row[0]],
        )
    return str(row[0])


def seed(server: PagesServer, name: str) -> dict[str, str]:
    """Make something for every route to act upon; returns the ids to fill the cases in with.

    :param name: begins each address, so that tests have some of their own.
    """
    data = {"name": name, "near": datetime.now(UTC).isoformat().replace("+00:00", "Z"), "digest": "", "settings": "{}"}
    with connect_url(server.database_url) as connection:
        for target in ("deleted", "extended", "api_deleted", "api_extended"):
            data[target] = record(connection, "transient_bounce", f"{name}-{target}@example.com")
        for target in ("lifted", "api_lifted"):
            data[target] = record(connection, "permanent_bounce", f"{name}-{target}@example.com")
        for target in ("retried", "dismissed"):
            data[target] = quarantine(connection, f"{name} is not JSON")
        data["brake"] = hold(connection, f"{name}.example")
        data |= _waiting_people(connection, name)
        today = datetime.now(UTC).date()
        connection.execute("INSERT INTO ses_bounces.queue VALUES ('q', 'q', now() - interval '5 days', now()) "
                           "ON CONFLICT DO NOTHING")  # fmt: skip
        for days_ago in (2, 1):
            make_report(connection, today - timedelta(days=days_ago), ZoneInfo("UTC"))
    return data | {"day": str(today - timedelta(days=1))}


def _waiting_people(connection: Connection, name: str) -> dict[str, str]:
    """Two people whose flag we switched off, whose address is free again, and whose row was touched since."""
    settings = parse(SETTINGS)
    people, ids = {}, []
    for target in ("on", "off"):
        address = f"{name}-{target}@example.com"
        row = connection.execute(
            "INSERT INTO public.people (id, email)"
            " SELECT coalesce(max(id), %s) + 1, %s FROM public.people RETURNING id",
            [PEOPLE_FROM, address],
        ).fetchone()
        assert row is not None
        people[target] = row[0]
        ids.append(int(record(connection, "permanent_bounce", address)))
    assert sync(connection, settings).switched_off >= len(people)
    connection.execute("UPDATE public.people SET email = email WHERE id = ANY (%s)", [list(people.values())])
    lift_blocks(connection, Action("alice", REASON, str(uuid4())), {id_: ["permanent_bounce"] for id_ in ids})
    sync(connection, settings)
    found = {}
    for target, person in people.items():
        query = "SELECT flag_change_id FROM ses_bounces.flag_change WHERE person_id = %s ORDER BY 1 DESC LIMIT 1"
        change = connection.execute(query, [str(person)]).fetchone()
        assert change is not None
        found[target] = str(change[0])
    return found | {"waiting_person": str(people["on"])}


def fill_settings(client: httpx.Client, server: PagesServer, data: dict[str, str]) -> None:
    """Let the settings be saved: the digest of the Variable as it is, and a change."""
    fields = Page(client.get("settings").text).fields
    days = server.sql("SELECT count(*) FROM ses_bounces.admin_action")[0][0] % 300 + 20
    data["digest"] = fields.get("digest", "")
    data["settings"] = f'{{"queue_urls": ["{QUEUE_URL}"], "people_table": "public.people", "report_days_kept": {days}}}'


def everything(server: PagesServer) -> dict[str, list[str]]:
    """The rows of all our tables, of the people, of the Variable, and of what the pages wrote into the Audit Log."""
    rows: dict[str, list[str]] = {}
    with psycopg.connect(server.database_url) as connection:
        tables = connection.execute(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind = 'r' AND n.nspname IN ('ses_bounces', 'public') ORDER BY 1"
        ).fetchall()
        assert len(tables) > 20
        for (table,) in tables:
            query = f"SELECT t::text FROM {table} t ORDER BY 1"
            rows[table] = [text for (text,) in connection.execute(query)]  # type: ignore[call-overload]
    with psycopg.connect(server.metadata_url) as connection:
        for name, query in (
            ("variable", "SELECT v::text FROM variable v ORDER BY 1"),
            ("log", "SELECT l::text FROM log l WHERE l.event LIKE 'ses_bounces.%' ORDER BY 1"),
        ):
            rows[name] = [text for (text,) in connection.execute(query)]
    return rows


def differing(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> list[str]:
    """The tables whose rows differ."""
    return [table for table in after if before.get(table) != after[table]]
