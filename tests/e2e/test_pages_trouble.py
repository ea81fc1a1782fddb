"""The pages when something is wrong, or another user changes the same: what they say, and that no change is partial."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from dev.aws import temporary_aws
from dev.pages_server import SETTINGS, PagesServer, make_database
from dev.ports import free_port
from dev.postgres import EmbeddedPostgres
from dev.ses import FakeSes
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.settings import parse
from ses_bounces.suppression.lifting import open_lists
from ses_bounces.suppression.reading import read_list
from tests.e2e.shared import add_connection, own_settings
from tests.kit.builders import bounce
from tests.kit.seeding import add_people, address_id, dated, receive

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

pytestmark = pytest.mark.e2e

REGION = "eu-west-1"
LISTED = "listed@example.com"


@pytest.fixture(scope="module")
def ses() -> Iterator[FakeSes]:
    with temporary_aws() as aws, FakeSes(aws) as started:
        yield started


@pytest.fixture(scope="module")
def server(server: PagesServer, postgres: EmbeddedPostgres, ses: FakeSes) -> Iterator[PagesServer]:
    """The server of all, whose settings lead to a database and an SES of this module's."""
    api, database_url = server.airflow.api, make_database(postgres, "pages_trouble")
    postgres.create_database("unmigrated")
    add_connection(api, "trouble", database_url)
    add_connection(api, "unmigrated", postgres.url("unmigrated"))
    add_connection(api, "unreachable", f"postgres://nobody:secret@127.0.0.1:{free_port()}/nothing")
    aws = json.loads(ses.connection_json(region=None))
    api.request("POST", "/connections", json={**aws, "connection_id": "trouble_aws", "extra": json.dumps(aws["extra"])})
    with own_settings(api):
        ours = {"ses_regions": [REGION], "postgres_conn_id": "trouble", "aws_conn_id": "trouble_aws"}
        api.set_variable("ses_bounces", json.dumps(SETTINGS | ours))
        yield replace(server, database_url=database_url)


@pytest.fixture
def connection(server: PagesServer) -> Iterator[Connection]:
    with connect_url(server.database_url) as opened:
        yield opened


@pytest.fixture
def variable(server: PagesServer) -> Iterator[dict[str, Any]]:
    """The settings, put back afterwards."""
    kept = server.airflow.api.variable("ses_bounces") or ""
    yield json.loads(kept)
    server.airflow.api.set_variable("ses_bounces", kept)


@pytest.fixture
def anna(server: PagesServer) -> Iterator[httpx.Client]:
    with server.client("anna") as client:
        yield client


def text_of(response: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def bounced(connection: Connection, kind: str = "Permanent") -> tuple[int, str]:
    """A new address that bounced: its id, and itself."""
    address = f"{uuid4().hex}@example.com"
    receive(connection, dated(bounce(address, kind), 2))
    return address_id(connection, address), address


def token(client: httpx.Client) -> str:
    found = re.search(r'name="token" value="([^"]+)"', client.get("stops").text)
    assert found
    return found[1]


def lift(address: int, **fields: Any) -> dict[str, Any]:
    return {"address_ids": [address], "causes": ["permanent_bounce"], "reason": "mended", **fields}


def entries(connection: Connection, address: int) -> list[str]:
    query = "SELECT kind FROM ses_bounces.address_event WHERE address_id = %s ORDER BY event_id"
    return [kind for (kind,) in connection.execute(query, [address])]


@pytest.mark.parametrize(
    ("conn_id", "said"),
    [
        ("nowhere", 'Airflow connection "nowhere" is missing. Add it under Admin > Connections (type Postgres)'),
        ("unmigrated", 'Schema "ses_bounces" is not in this database. Run `ses-bounces db upgrade'),
        ("unreachable", 'Postgres can\'t be reached through Airflow connection "unreachable"'),
    ],
)
def test_a_database_that_is_not_ready(
    server: PagesServer, variable: dict[str, Any], anna: httpx.Client, conn_id: str, said: str
) -> None:
    server.airflow.api.set_variable("ses_bounces", json.dumps(variable | {"postgres_conn_id": conn_id}))
    for path in ("", "bounces", "blocked", "addresses/1", "quarantine", "lifts", "people"):
        answer = anna.get(path)
        assert answer.status_code == 503, path
        assert said in text_of(answer)
        assert "secret" not in answer.text
    problem = anna.get("api/bounces")
    assert problem.status_code == 503
    assert problem.headers["content-type"] == "application/problem+json"
    assert said in problem.json()["detail"]
    # What is wrong can be mended here.
    shown = anna.get("settings")
    assert shown.status_code == 200
    assert f'value="{conn_id}"' in shown.text


def test_readers_are_not_told_where_the_database_is_nor_what_was_refused(
    server: PagesServer, variable: dict[str, Any], anna: httpx.Client
) -> None:
    login = "http://scott:tiger@127.0.0.1:9/000000000000/queue"
    cases: dict[str, tuple[dict[str, Any], str, list[str], list[str]]] = {
        "unreachable": ({"postgres_conn_id": "unreachable"}, "does not answer", ["127.0.0.1"], ["nobody"]),
        "unmigrated": ({"postgres_conn_id": "unmigrated"}, "is not there, or does not answer", ["db upgrade"], []),
        "refused": ({"queue_urls": ["https://scott:tiger@h"]}, "wrong, in queue_urls.", ["queue_urls is"], ["tiger"]),
        "a login": ({"queue_urls": [login], "max_drainers": 0}, "wrong, in max_drainers.", ["max_drainers is 0"], []),
    }
    for name, (change, told, whole, nobody) in cases.items():
        server.airflow.api.set_variable("ses_bounces", json.dumps(variable | change))
        with server.client("vera") as vera:
            answers = {path: vera.get(path) for path in ("", "bounces", "addresses/1", "lifts", "api/bounces")}
            answers["lookup"] = vera.post("api/lookup", json={"address": "x@example.com"})
            settings = vera.get("settings")
        for path, answer in answers.items():
            assert answer.status_code == 503, (name, path)
            assert told in text_of(answer), (name, path)
            for secret in (*whole, *nobody, "127.0.0.1", "scott"):
                assert secret not in text_of(answer), (name, path, secret)
        assert "tiger" not in settings.text
        assert "scott" not in settings.text
        shown = text_of(anna.get("bounces"))
        for text in whole:
            assert text in shown, name
        # A password is nobody's to see in an error.
        assert "tiger" not in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "is a list; it must be a JSON object"),
        ("{}", "queue_urls is missing"),
        ('{"queue_urls": ["http://127.0.0.1/q"], "transient_grace_days": 45}', "transient_grace_days is 45"),
    ],
)
def test_settings_that_are_wrong(
    server: PagesServer, variable: dict[str, Any], anna: httpx.Client, text: str, said: str
) -> None:
    server.airflow.api.set_variable("ses_bounces", text)
    assert said in text_of(anna.get("bounces"))
    assert anna.get("bounces").status_code == 503
    shown = anna.get("settings")
    assert shown.status_code == 200
    assert said in text_of(shown)


def test_settings_that_another_user_changed_are_not_overwritten(
    server: PagesServer, variable: dict[str, Any], anna: httpx.Client
) -> None:
    digest = re.search(r'name="digest" value="(\w+)"', anna.get("settings").text)
    assert digest
    server.airflow.api.set_variable("ses_bounces", json.dumps(variable | {"max_drainers": 7}))
    sent = {"token": token(anna), "digest": digest[1], "settings": json.dumps(variable), "reason": "why not"}
    answer = anna.post("settings/done", data=sent)
    assert answer.status_code == 400
    assert "Another person has changed the settings since" in text_of(answer)
    assert json.loads(server.airflow.api.variable("ses_bounces") or "")["max_drainers"] == 7


def test_a_person_whose_row_is_held_follows_within_the_hour(
    server: PagesServer, connection: Connection, anna: httpx.Client
) -> None:
    id_, address = bounced(connection, "Transient")
    add_people(connection, p100=address)
    with psycopg.connect(server.database_url) as application:
        application.execute("SELECT FROM public.people WHERE id = 100 FOR UPDATE")
        answer = anna.post("api/block", json={"addresses": [address], "reason": "asked"}).json()
    assert answer["results"][0]["outcome"] == "done"
    assert "follows within the hour" in answer["allow_group_email"]
    assert connection.execute("SELECT count(*) FROM ses_bounces.flag_due WHERE address_id = %s", [id_]).fetchone() == (
        1,
    )


def test_a_form_that_the_hourly_job_is_in_the_way_of_may_be_sent_again(
    server: PagesServer, connection: Connection, anna: httpx.Client
) -> None:
    id_, _ = bounced(connection)
    form = {"token": token(anna), "id": id_, "cause": "permanent_bounce", "reason": "mended"}
    with psycopg.connect(server.database_url) as hourly:
        from ses_bounces.base.database.statements import statement

        hourly.execute(statement("ledger/lock_state"))
        answer = anna.post("lifts/done", data=form)
        assert answer.status_code == 200
        assert "Busy: the hourly job is writing. Nothing was changed" in text_of(answer)
        assert "Try those again" in text_of(answer)
    assert entries(connection, id_) == ["permanent_bounce"]
    # The page's own form once more: with the same id.
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))
    assert again == {name: str(value) for name, value in form.items()}
    for _ in range(2):
        assert "Lifted: permanent bounce." in text_of(anna.post("lifts/done", data=again))
    assert entries(connection, id_) == ["permanent_bounce", "unblocked"]


def test_two_administrators_at_once(server: PagesServer, connection: Connection) -> None:
    id_, _ = bounced(connection)
    together = threading.Barrier(2)

    def act(user: str) -> dict[str, Any]:
        with server.client(user) as client:
            together.wait()
            result: dict[str, Any] = client.post("api/lift", json=lift(id_)).json()["results"][0]
            return result

    with ThreadPoolExecutor() as pool:
        told = list(pool.map(act, ["anna", "otto"]))
    assert sorted(result["outcome"] for result in told) == ["already", "done"]
    later = next(result for result in told if result["outcome"] == "already")
    assert re.search(r"It is not blocked by permanent bounce: (anna|otto) lifted it on ", later["message"])
    assert entries(connection, id_) == ["permanent_bounce", "unblocked"]


def test_a_repeated_request_is_answered_the_same(connection: Connection, anna: httpx.Client) -> None:
    id_, _ = bounced(connection)
    body = lift(id_, action_id=str(uuid4()))
    first, second = anna.post("api/lift", json=body).json(), anna.post("api/lift", json=body).json()
    assert first["results"] == second["results"]
    assert entries(connection, id_) == ["permanent_bounce", "unblocked"]
    other = anna.post("api/transients/delete", json={k: v for k, v in body.items() if k != "causes"})
    assert other.status_code == 400
    assert "already used for something else" in other.json()["detail"]


def test_a_bounce_is_lifted_at_ses_too_though_its_list_was_not_read_since(
    server: PagesServer, connection: Connection, anna: httpx.Client, ses: FakeSes, variable: dict[str, Any]
) -> None:
    server.airflow.api.set_variable("ses_bounces", json.dumps(variable | {"lift_at_ses": True}))
    id_, address = bounced(connection)
    # SES does so by itself when a mail bounces.
    ses.region(REGION).listed[address] = ("BOUNCE", datetime.now(UTC))
    form = {"token": token(anna), "id": id_, "cause": "permanent_bounce", "reason": "mended"}
    assert "had 1 of them on its own list and took it off." in text_of(anna.post("lifts/done", data=form))
    assert address not in ses.region(REGION).listed
    assert connection.execute("SELECT ses_bounces.is_blocked(%s)", [address]).fetchone() == (False,)


def test_what_ses_suppresses_is_lifted_when_ses_has_let_go(
    server: PagesServer, connection: Connection, anna: httpx.Client, ses: FakeSes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", ses.connection_json(region=None))
    ses.region(REGION).listed[LISTED] = ("BOUNCE", datetime.now(UTC) - timedelta(days=3))
    (listing,) = open_lists(parse(SETTINGS | {"ses_regions": [REGION]}))
    read_list(connection, listing)
    id_ = address_id(connection, LISTED)
    ses.refuse["DeleteSuppressedDestination"] = ("AccessDeniedException", None)
    form = {"token": token(anna), "id": id_, "cause": "ses_suppression", "reason": "new mailbox"}
    shown = text_of(anna.post("lifts/done", data=form))
    assert "1 queued, 0 lifted so far." in shown
    assert "ses:DeleteSuppressedDestination" in shown
    assert "lifting" in text_of(anna.get(f"addresses/{id_}"))
    assert connection.execute("SELECT ses_bounces.is_blocked(%s)", [LISTED]).fetchone() == (True,)

    ses.refuse.clear()
    shown = text_of(anna.post("lifts/retry", data={"token": token(anna), "address_id": id_}))
    assert "had 1 of them on its own list and took it off." in shown
    assert LISTED not in ses.region(REGION).listed
    assert connection.execute("SELECT ses_bounces.is_blocked(%s)", [LISTED]).fetchone() == (False,)
    assert "There is no lift under way" in text_of(
        anna.post("lifts/retry", data={"token": token(anna), "address_id": id_})
    )
