"""What the administrators' pages give away to those who only read."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import unquote

import httpx
import pytest

from dev.pages_server import SETTINGS, PagesServer
from ses_bounces.base.database.connection import connect_url
from ses_bounces.classify.address import address_key
from tests.kit.page_rights import PEOPLE_FROM, differing, everything, record, token_of
from tests.kit.page_secrets import GUARDED, SECRET, crawl, set_variable, variants

pytestmark = pytest.mark.e2e

# It differs each time.
_TOKEN = re.compile(r'name="token" value="[^"]+"')


def _texts(answer: httpx.Response) -> Iterator[str]:
    yield from (answer.text, html.unescape(answer.text), unquote(answer.text), str(answer.headers))


def test_readers_see_nothing_whole(server: PagesServer, secrets: dict[str, str]) -> None:
    pages = 0
    with server.client("vera") as client:
        for answer in crawl(client, variants(secrets)):
            pages += answer.status_code == 200
            for text in _texts(answer):
                assert SECRET not in text.lower(), answer.url
                assert not re.search(rf"\b{PEOPLE_FROM // 1_000_000}\d{{6}}\b", text), answer.url
            # The API's description has an example.
            if not answer.url.path.endswith("openapi.json"):
                assert not re.search(r"[\w.-]{2,}@example\.(com|net)", answer.text), answer.url
    assert pages > 60


def test_readers_learn_of_no_address_whether_never_block_guards_it(
    server: PagesServer, secrets: dict[str, str]
) -> None:
    """It bounced and is not blocked: whoever saw both would know."""
    guarded = int(secrets["secret_guarded"])
    with server.client("anna") as anna, server.client("vera") as vera:
        for client, sees in ((anna, True), (vera, False)):
            listed = client.get("api/bounces?limit=500").json()
            assert (guarded in [row["address_id"] for row in listed["rows"]]) is sees
            assert listed["count"] == len(listed["rows"])
            permanent = [row for row in listed["rows"] if row["kind"] == "permanent" and not row["causes"]]
            assert bool(permanent) is sees
            assert (f"addresses/{guarded}" in client.get("bounces").text) is sees
            assert client.get(f"addresses/{guarded}").status_code == (200 if sees else 404)
            for path, body in (("lookup", {"address": GUARDED[0]}), ("check", {"addresses": [GUARDED[0]]})):
                answer = client.post(f"api/{path}", json=body).json()
                known = answer["results"][0] if path == "check" else answer
                assert known == {
                    "is_address": True, "address_id": guarded if sees else None, "is_blocked": False, "reasons": {}
                }  # fmt: skip
        missing = _TOKEN.sub("", vera.get("addresses/999999999").text).replace("999999999", "N")
        assert _TOKEN.sub("", vera.get(f"addresses/{guarded}").text).replace(str(guarded), "N") == missing


def test_a_guarded_address_is_shown_to_readers_as_far_as_a_wish_blocks_it(
    server: PagesServer, secrets: dict[str, str]
) -> None:
    address = "wish@guarded.example"
    with connect_url(server.database_url) as connection:
        id_ = record(connection, "permanent_bounce", address, 3)
        record(connection, "stop_request", address, 2, actor="alice")
    with server.client("anna") as client:
        assert "Permanent bounce" in client.get(f"addresses/{id_}").text
    with server.client("vera") as client:
        page = client.get(f"addresses/{id_}").text
        seen = client.get("api/blocked?limit=500").json()["rows"]
        known = client.post("api/lookup", json={"address": address}).json()
    assert "Permanent bounce" not in page
    assert "Stop request" in page
    assert [row["reason"] for row in seen if row["address_id"] == int(id_)] == ["stop_request"]
    assert (known["address_id"], list(known["reasons"])) == (int(id_), ["stop_request"])


def test_readers_answers_of_the_api_are_masked(server: PagesServer, secrets: dict[str, str]) -> None:
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


def test_editors_see_what_readers_do_not(server: PagesServer, secrets: dict[str, str]) -> None:
    """So that the tests above look at pages which have something to hide."""
    expected = {
        f"addresses/{secrets['secret']}": (f"a.{SECRET}1@example.com", f"550 {SECRET} unknown", f"said {SECRET}",
                                        f"news.{SECRET}@example.com", f"Sub{SECRET}", f"5.1.1 {SECRET}", f"feedback-{SECRET}",
                                        f"message-{SECRET}"),
        f"addresses/{secrets['secret_lifted']}": (f"{SECRET} told me",),
        f"addresses/{secrets['secret_guarded']}": ("protected by never_block",),
        f"messages/{secrets['secret_message']}?near={secrets['near'][:4]}-12-31": (f"f.{SECRET}5@example.com",),
        "lifts": (f"d.{SECRET}3@example.com", f"{SECRET} called"),
        "blocked?state=lifted": (f"e.{SECRET}4@example.com", f"{SECRET} told me"),
        "bounces": (f"g.{SECRET}6@example.com",),
        "bounces.csv": (f"a.{SECRET}1@example.com",),
        f"addresses/{secrets['secret_complaint']}": (f"abuse of {SECRET}", f"SES refused: {SECRET}"),
        "quarantine": (f"Type{SECRET}",),
        "people": (f"{secrets['waiting_person']}</th>",),
        "settings": (GUARDED[0], GUARDED[1], f"because of {SECRET}"),
        "api/bounces?limit=500": (f"a.{SECRET}1@example.com",),
    }  # fmt: skip
    with server.client("anna") as client:
        for path, texts in expected.items():
            shown = html.unescape(client.get(path).text)
            for text in texts:
                assert text in shown, (path, text)


def test_a_wrong_never_block_is_not_shown_to_readers(server: PagesServer, secrets: dict[str, str]) -> None:
    set_variable(server, {**SETTINGS, "never_block": [f"{SECRET}: no address", *GUARDED]})
    try:
        with server.client("vera") as client:
            answers = [client.get(path) for path in ("", "bounces", "queues", "settings", "api/bounces")]
            answers.append(client.post("api/lookup", json={"address": "a@example.com"}))
    finally:
        set_variable(server, {**SETTINGS, "never_block": GUARDED})
    assert [answer.status_code for answer in answers] == [503, 503, 503, 200, 503, 503]
    for answer in answers:
        assert "never_block" in answer.text
        assert SECRET not in html.unescape(answer.text), answer.url


PARTS = [SECRET, f"a.{SECRET}1@example.com", "a", "a.", f"{SECRET}1@", f" {SECRET}", "%@example.com", "a@example.com",
         f"\x00{SECRET}", "_@", "'@example.com", ".@example.com"]  # fmt: skip


@pytest.mark.parametrize("text", PARTS)
def test_readers_find_no_address_by_a_part(server: PagesServer, secrets: dict[str, str], text: str) -> None:
    with server.client("vera") as client:
        before = everything(server)
        for path in ("bounces", "blocked"):
            answer = client.post(f"{path}/search", data={"text": text, "token": token_of(client)})
            # A whole address is looked up as such; nothing else is.
            is_whole = address_key(text) is not None
            assert answer.status_code == (307 if is_whole else 400), path
            assert answer.headers.get("location", "").endswith("/check") is is_whole
            answer = client.post(f"api/{path}/search", json={"text": text})
            assert answer.status_code == 400, path
        assert differing(before, everything(server)) == []


def test_a_domain_is_no_pattern_and_finds_no_local_part(server: PagesServer, secrets: dict[str, str]) -> None:
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


def test_readers_cannot_use_the_search_of_an_editor(server: PagesServer, secrets: dict[str, str]) -> None:
    with server.client("anna") as client:
        answer = client.post("bounces/search", data={"text": f"{SECRET}1", "token": token_of(client)})
        filter_id = answer.headers["location"].partition("filter=")[2].partition("&")[0]
        assert client.get("api/bounces", params={"filter": filter_id}).json()["count"] == 1
    with server.client("vera") as client:
        for path in ("bounces", "blocked", "api/bounces", "api/blocked"):
            answer = client.get(path, params={"filter": filter_id})
            assert answer.status_code == 400
            assert SECRET not in answer.text


def test_parameters_that_are_none_filter_nothing(server: PagesServer, secrets: dict[str, str]) -> None:
    with server.client("vera") as client:
        for path in ("api/bounces", "api/blocked"):
            everybody = client.get(path).json()["count"]
            for name in ("text", "address", "q", "search", "local", "close_reason", "diagnostic_code"):
                assert client.get(path, params={name: SECRET[:5]}).json()["count"] == everybody, name
            for name in ("sort", "direction", "state"):
                assert client.get(path, params={name: "diagnostic_code"}).status_code == 422


def test_the_place_in_a_list_holds_no_address(server: PagesServer, secrets: dict[str, str]) -> None:
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
