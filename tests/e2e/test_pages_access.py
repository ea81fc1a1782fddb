"""Who may do what on the administrators' pages: every route, at a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from itsdangerous import URLSafeTimedSerializer

from dev.pages_server import PagesServer, pages_server
from dev.postgres import EmbeddedPostgres
from tests.e2e.conftest import AWS
from tests.kit.page_rights import CASES, TOKEN, Page, ask, differing, everything, fill_settings, seed, token_of

pytestmark = pytest.mark.e2e

SECRET_KEY = "AIRFLOW__API__SECRET_KEY"
MAY = {
    "vera": {"read"},
    # Saving the Variable is the right of operators.
    "uma": {"read", "edit"},
    "otto": {"read", "edit", "settings"},
    "anna": {"read", "edit", "settings"},
}
GET = [route for route, case in CASES.items() if route.startswith("GET ")]
POST = [route for route in CASES if route.startswith("POST ")]
FORMS = [route for route in POST if not route.startswith("POST /api/")]
API = [route for route in POST if route.startswith("POST /api/")]


@pytest.fixture(scope="module")
def open_server(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesServer]:
    """A server that takes everybody for an administrator."""
    folder: Path = tmp_path_factory.mktemp("open")
    environment = {"AIRFLOW_CONN_SES_BOUNCES_AWS": AWS, "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True"}
    with pages_server(folder, postgres, "open", environment) as started:
        yield started


@pytest.fixture(scope="module")
def data(server: PagesServer) -> dict[str, str]:
    """What the matrix acts upon."""
    return seed(server, "matrix")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"Cookie": "_token=garbage"},
        {"Cookie": "_token=eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIn0."},
        {"Authorization": "Bearer garbage"},
        {"Authorization": "Basic YW5uYTphbm5h"},
    ],
    ids=lambda sent: " ".join(sent) or "nothing",
)
def test_nobody_gets_in_without_a_login(server: PagesServer, data: dict[str, str], sent: dict[str, str]) -> None:
    before = everything(server)
    with httpx.Client(base_url=server.root, headers=sent, timeout=60, trust_env=False) as client:
        for route in CASES:
            answer = ask(client, route, data)
            assert answer.status_code in (401, 403), route
            assert "example.com" not in answer.text
            assert "Location" not in answer.headers
    assert differing(before, everything(server)) == []


@pytest.mark.parametrize("what", ["too old", "of another key", "unsigned"])
def test_a_login_that_is_over_or_forged_is_none(server: PagesServer, data: dict[str, str], what: str) -> None:
    token = server.token("anna")
    method = jwt.get_unverified_header(token)["alg"]
    claims = jwt.decode(token, options={"verify_signature": False})
    key = server.airflow.settings["AIRFLOW__API_AUTH__JWT_SECRET"]

    def answers(forged: str) -> set[int]:
        with server.client(None) as client:
            as_bearer = client.get("bounces", headers={"Authorization": f"Bearer {forged}"})
            as_cookie = client.get("bounces", headers={"Cookie": f"_token={forged}"})
            return {as_bearer.status_code, as_cookie.status_code}

    # The same made well is let in: what follows is refused for what is wrong with it.
    assert answers(jwt.encode(claims, key, method, jwt.get_unverified_header(token))) == {200}
    if what == "too old":
        forged = jwt.encode(claims | {"exp": claims["iat"] - 60, "iat": claims["iat"] - 120}, key, method)
    elif what == "of another key":
        forged = jwt.encode(claims, "x" * len(key), method)
    else:
        forged = jwt.encode(claims, None, "none")
    assert answers(forged) <= {401, 403}


def test_other_methods_and_paths_give_nothing_to_the_anonymous(server: PagesServer, data: dict[str, str]) -> None:
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
    paths = {case.path(data) for case in CASES.values()} | {
        "docs", "redoc", "openapi.json", "api", "api/", "api/docs", "api/redoc", "bounces/", "settings/", "templates/",
        "static/../web/app.py", "static/%2e%2e/app.py", "nothing",
    }  # fmt: skip
    with server.client(None) as client:
        for path in sorted(paths):
            for method in methods:
                answer = client.request(method, path, json={} if method == "POST" else None)
                # 404 and 405: there is nothing to protect.
                assert answer.status_code in (401, 403, 404, 405), f"{method} {path}"
        assert client.get("static/pages.css").status_code == 200


def test_a_body_that_is_no_json_is_not_read_for_the_anonymous(server: PagesServer) -> None:
    with server.client(None) as client:
        answer = client.post("api/lookup", content=b"{", headers={"Content-Type": "application/json"})
        assert answer.status_code == 401


def test_the_matrix_of_roles(server: PagesServer, data: dict[str, str]) -> None:
    # The viewer first: what is refused must have changed nothing.
    for user, rights in MAY.items():
        with server.client(user) as client:
            token = token_of(client)
            for route, case in CASES.items():
                if case.right == "settings":
                    fill_settings(client, server, data)
                expected = case.status if case.right in rights else 403
                # A form's token is good for one action: each route gets its own.
                token = token_of(client) if route.startswith("POST ") else token
                before = everything(server) if expected == 403 else None
                answer = ask(client, route, data, token)
                assert answer.status_code == expected, (user, route, answer.text[-2000:])
                if before is not None:
                    assert differing(before, everything(server)) == [], (user, route)


@pytest.mark.parametrize("user", ["uma", "anna"])
def test_the_token_of_a_login_works_for_the_api_as_the_cookie_does(server: PagesServer, user: str) -> None:
    headers = {"Authorization": f"Bearer {server.token(user)}"}
    with httpx.Client(base_url=server.root, headers=headers, timeout=60, trust_env=False) as client:
        answer = client.post("api/check", json={"addresses": ["nobody@example.com", "no address"]})
        assert answer.status_code == 200
        assert [found["is_address"] for found in answer.json()["results"]] == [True, False]


def test_who_only_reads_learns_no_right_to_the_settings(server: PagesServer) -> None:
    with server.client("vera") as client:
        page = Page(client.get("settings").text)
    assert "digest" not in page.fields
    # That of the box for an address, which is on each page.
    assert len([values for tag, values in page.elements if tag == "button"]) == 1


def _signed(server: PagesServer, user: str, key: str | None = None, hours_ago: float = 0) -> str:
    class Earlier(URLSafeTimedSerializer):
        def make_signer(self, salt: Any = None) -> Any:
            signer = super().make_signer(salt)
            now = signer.get_timestamp()
            signer.get_timestamp = lambda: int(now - hours_ago * 3600)
            return signer

    made = Earlier(key or server.airflow.settings[SECRET_KEY], salt="ses-bounces form")
    return str(made.dumps([user, "6f1c3f0e-0000-4000-8000-000000000000"]))


def _attacks(server: PagesServer, user: str, good: str) -> dict[str, tuple[dict[str, str], dict[str, str], str]]:
    """Names of attacks with a token, headers, and how the form is encoded."""
    attacks: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
        "no token, urlencoded": ({}, {}, "urlencoded"),
        "no token, multipart": ({}, {}, "multipart"),
        "no token, text/plain": ({}, {}, "text/plain"),
        "token in text/plain": ({TOKEN: good}, {}, "text/plain"),
        "another's token": ({TOKEN: _signed(server, "somebody else")}, {}, "urlencoded"),
        "an old token": ({TOKEN: _signed(server, user, hours_ago=12.1)}, {}, "urlencoded"),
        "a token of another key": ({TOKEN: _signed(server, user, "another key")}, {}, "urlencoded"),
        "a damaged token": ({TOKEN: good[:-2]}, {}, "urlencoded"),
        "another site with a token": ({TOKEN: good}, {"Sec-Fetch-Site": "cross-site"}, "urlencoded"),
        "another port with a token": ({TOKEN: good}, {"Sec-Fetch-Site": "same-site"}, "multipart"),
    }
    # As browsers send a form of another site.
    other = {"Origin": "https://attacker.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    return attacks | {f"{name}, as a browser": (token, other, how) for name, (token, _, how) in attacks.items()}


def _send(client: httpx.Client, path: str, fields: dict[str, Any], headers: dict[str, str], how: str) -> httpx.Response:
    if how == "multipart":
        # A file makes it multipart.
        return client.post(path, data=fields, headers=headers, files={"unused": ("", b"")})
    if how == "text/plain":
        text = "\r\n".join(f"{name}={value}" for name, value in fields.items())
        return client.post(path, content=text, headers=headers | {"Content-Type": "text/plain"})
    return client.post(path, data=fields, headers=headers)


def _try_cross_site(server: PagesServer, user: str | None, name: str) -> None:
    data = seed(server, name)
    with server.client(user) as client:
        for route in FORMS:
            case = CASES[route]
            if case.right == "settings":
                fill_settings(client, server, data)
            good = token_of(client)
            user_id, _ = URLSafeTimedSerializer(server.airflow.settings[SECRET_KEY], salt="ses-bounces form").loads(
                good
            )
            path, before = case.path(data), everything(server)
            for attack, (token, headers, how) in _attacks(server, user_id, good).items():
                answer = _send(client, path, case.fields(data) | token, headers, how)
                assert answer.status_code == 403, (route, attack, answer.text[-500:])
            assert differing(before, everything(server)) == [], route
            # The same by our own page is let through, and changes what it is meant to.
            assert ask(client, route, data, good).status_code == case.status, route
            assert bool(differing(before, everything(server))) is case.changes, route


def _try_cross_site_api(server: PagesServer, user: str | None, name: str) -> None:
    data = seed(server, name)
    with server.client(user) as client:
        for route in API:
            case = CASES[route]
            path, before = case.path(data), everything(server)
            body = client.build_request("POST", path, json=case.fields(data)).content
            for kind in (
                "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/json",
                "text/plain; application/json", "application/vnd.api+json",
            ):  # fmt: skip
                answer = client.post(path, content=body, headers={"Content-Type": kind})
                assert answer.status_code == 415, (route, kind, answer.text)
            assert client.post(path, content=body).status_code == 415, route
            for site in ("cross-site", "same-site"):
                answer = client.post(path, json=case.fields(data), headers={"Sec-Fetch-Site": site})
                assert answer.status_code == 403, (route, site)
            # What a browser asks before it sends JSON to another site.
            asked = {"Origin": "https://attacker.example", "Access-Control-Request-Method": "POST",
                     "Access-Control-Request-Headers": "content-type"}  # fmt: skip
            answer = client.options(path, headers=asked)
            assert "access-control-allow-origin" not in answer.headers
            assert differing(before, everything(server)) == [], route
            assert ask(client, route, data).status_code == case.status, route
            assert bool(differing(before, everything(server))) is case.changes, route


def test_a_form_of_another_site_changes_nothing(server: PagesServer) -> None:
    _try_cross_site(server, "anna", "forged")


def test_a_form_of_another_site_changes_nothing_where_everybody_is_an_administrator(open_server: PagesServer) -> None:
    _try_cross_site(open_server, None, "forged")


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8080", 200), ("127.0.0.1", 200), ("[::1]:8080", 200), ("10.1.2.3", 200), ("LOCALHOST", 200),
     ("attacker.example", 403), ("127.0.0.1.attacker.example", 403), ("localhost.attacker.example:8080", 403),
     ("attacker.example:127", 403)],
)  # fmt: skip
def test_where_everybody_is_an_administrator_another_name_leads_nowhere(
    open_server: PagesServer, server: PagesServer, host: str, status: int
) -> None:
    headers = {"Host": host, "Sec-Fetch-Site": "same-origin"}
    with open_server.client(None) as client:
        for path in ("", "bounces", "api/bounces", "bounces.csv"):
            assert client.get(path, headers=headers).status_code == status, path
        assert client.post("api/lookup", json={"address": "x@example.com"}, headers=headers).status_code == status
    # Where people log in, a proxy may give whatever name.
    with server.client("anna") as client:
        assert client.get("bounces", headers=headers).status_code == 200


def test_the_api_takes_nothing_that_a_form_can_send(server: PagesServer) -> None:
    _try_cross_site_api(server, "anna", "api-forged")


def test_the_api_takes_nothing_that_a_form_can_send_where_everybody_is_an_administrator(
    open_server: PagesServer,
) -> None:
    _try_cross_site_api(open_server, None, "api-forged")
