"""What may be sent to the pages: rights come before the first byte, and nobody sends more than a route takes."""

from __future__ import annotations

import html
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from dev.pages_server import PagesServer
from ses_bounces.actions.pasted import MAX_BYTES
from ses_bounces.ledger.lists.engine.search import KEPT_OF_A_USER
from ses_bounces.ledger.lists.lookup import MAX_ADDRESSES
from ses_bounces.web.bodies import MOST
from tests.kit.page_rights import CASES, seed, token_of

pytestmark = pytest.mark.e2e

POST = {route.removeprefix("POST "): case for route, case in CASES.items() if route.startswith("POST ")}
RIGHTS = {None: set(), "vera": {"read"}, "uma": {"read", "edit"}, "anna": {"read", "edit", "settings"}}


@pytest.fixture(scope="module")
def data(server: PagesServer) -> dict[str, str]:
    return seed(server, "limits")


def announced(server: PagesServer, path: str, kind: str, user: str | None, length: int) -> int:
    """Return the status of the answer to a body that was announced and of which not one byte was sent."""
    url = urlsplit(f"{server.root}{path}")
    cookie = f"Cookie: _token={server.token(user)}\r\n" if user else ""
    head = f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\n{cookie}Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection((str(url.hostname), url.port or 80), timeout=30) as connection:
        connection.sendall(head.encode())
        return int(connection.makefile("rb").readline().split()[1])


@pytest.mark.parametrize("user", RIGHTS, ids=str)
def test_who_may_not_send_it_is_refused_before_a_byte_is_read_and_then_what_is_too_large(
    server: PagesServer, data: dict[str, str], user: str | None
) -> None:
    for route, case in POST.items():
        kinds = ["application/json"] if route.startswith("/api/") else ["application/x-www-form-urlencoded",
                                                                       "multipart/form-data; boundary=x"]  # fmt: skip
        # The right to the Variable is asked for once the form is there.
        may = case.right in RIGHTS[user] or (case.right == "settings" and "edit" in RIGHTS[user])
        for kind in kinds:
            status = announced(server, case.path(data), kind, user, 1_000_000_000)
            assert status == (413 if may else 401 if user is None else 403), (route, kind)


def test_a_body_that_does_not_say_its_length_is_not_taken_whole(server: PagesServer) -> None:
    def long() -> Iterator[bytes]:
        yield b'{"addresses": ["'
        for _ in range(10 * MAX_BYTES // 65_536):
            yield b"a" * 65_536

    with server.client("vera") as client:
        answer = client.post("api/check", content=long(), headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"].startswith(f"What was sent is larger than {MAX_BYTES:,} bytes")
        answer = client.post("bounces/search", content=long(), headers={
            "Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
        assert answer.status_code == 413
        assert f"What was sent is larger than {MOST:,} bytes" in answer.text


def test_a_file_is_taken_by_the_one_form_that_has_a_field_for_it(server: PagesServer, data: dict[str, str]) -> None:
    with server.client("anna") as client:
        for route, case in POST.items():
            if route.startswith("/api/"):
                continue
            fields = case.fields(data) | {"token": token_of(client)}
            if route == "/stops/preview":
                fields.pop("text")
            answer = client.post(case.path(data), data=fields, files={"file": ("list.csv", b"ann@example.com")})
            assert answer.status_code == (200 if route == "/stops/preview" else 400), route


def test_a_list_may_have_so_many_addresses_however_they_are_parted(server: PagesServer) -> None:
    whole = [f"user{number}@example.com" for number in range(MAX_ADDRESSES)]
    with server.client("anna") as client:
        for path in ("stops/preview", "lifts/preview"):
            for by in ("\n", ",", " ", "; "):
                taken = client.post(path, data={"text": by.join(whole), "token": token_of(client)})
                assert taken.status_code == 200, (path, by)
                over = client.post(path, data={"text": by.join([*whole, "x@example.com"]), "token": token_of(client)})
                assert over.status_code == 400, (path, by)
                assert f"more than {MAX_ADDRESSES}" in over.text
        nobody = client.post(path, data={"text": "x@ " * 600_000, "token": token_of(client)})
        assert nobody.status_code == 400
        assert f"more than {MAX_ADDRESSES}" in nobody.text
        assert client.post("api/check", json={"addresses": [*whole, "x"]}).status_code == 422


def test_the_answer_to_a_check_is_as_described(server: PagesServer, data: dict[str, str]) -> None:
    with server.client("vera") as client:
        texts = [f"user{number}@bücher{number}.example" for number in range(450)]
        texts[::100] = [f"{data['name']}-lifted@example.com"] * 5
        texts[250] = "no address"
        answer = client.post("api/check", json={"addresses": texts}).json()
    assert answer["blocked"] == sum(found["is_blocked"] for found in answer["results"])
    assert [place for place, found in enumerate(answer["results"]) if found["reasons"]] == [0, 100, 200, 300, 400]
    assert [place for place, found in enumerate(answer["results"]) if not found["is_address"]] == [250]
    assert len(answer["results"]) == len(texts)


def test_many_wrong_values_are_not_all_told(server: PagesServer) -> None:
    with server.client("vera") as client:
        answer = client.post("api/check", json={"addresses": [1] * 9_000})
        assert answer.status_code == 422
        assert "and 8,995 more" in answer.json()["detail"]


def test_searches_are_kept_of_each_user_up_to_a_number(server: PagesServer) -> None:
    with server.client("vera") as client:
        token = token_of(client)
        urls = [
            client.post("bounces/search", data={"text": f"@n{number}.example", "token": token}).headers["location"]
            for number in range(KEPT_OF_A_USER + 2)
        ]
        first, last = (client.get(f"bounces{url.partition('bounces')[2]}") for url in (urls[0], urls[-1]))
        assert first.status_code == 400
        assert "This search was over a day ago, or you searched for many others since" in html.unescape(first.text)
        assert last.status_code == 200
    assert max(server.sql("SELECT count(*) FROM ses_bounces.page_filter GROUP BY user_id"))[0] == KEPT_OF_A_USER
