"""Whatever a form's fields hold, the answer is a page that says so: never an error of ours, and nothing is done."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from dev.pages_server import QUEUE_URL, PagesServer
from tests.kit.page_rights import CASES, differing, everything, fill_settings, seed, token_of

pytestmark = pytest.mark.e2e

FORMS = {
    route: case for route, case in CASES.items() if route.startswith("POST ") and not route.startswith("POST /api/")
}
ODD = {
    "blank": "", "spaces": "  ", "NUL": "\x00", "NUL within": "a\x00b@example.com", "a word": "nonsense",
    "a negative number": "-1", "2**63": str(2**63), "a long number": "9" * 5_000, "a float": "1.5", "1e400": "1e400",
    "NaN": "NaN", "other digits": "\u0663", "an underscore": "1_0", "null": "null", "true": "true", "a list": "[]",
    "a list of pairs": '[["queue_urls", "x"]]', "a number": "7", "an object": "{}", "a JSON text": '"x"',
    "a lone surrogate": '{"queue_urls": ["http://\\ud800/q"], "people_table": "\\ud800"}',
    "a NUL in JSON": '{"queue_urls": ["http://h/q\\u0000"], "never_block": ["a\\u0000@example.com"]}',
    "numbers out of range": '{"queue_urls": ["http://h/q"], "max_drainers": 1e999, "report_days_kept": NaN}',
    "a deep list": "[" * 50_000, "a deep object": '{"a":' * 50_000, "other types": '{"queue_urls": {"url": []}, "": 1}',
    "the far future": "9999-12-31T23:59:59", "the year 0": "0000-00-00", "an offset": "2026-01-01T00:00+99:99",
    "a zone's edge": "0001-01-01T00:00+14:00", "a path": "../../etc", "a format": "%s{0}%n", "long": "x" * 100_000,
}  # fmt: skip
WHOLE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "application/x-www-form-urlencoded"),
    "percent signs": (b"%&%zz=%ff%fe&=&&;=;token=%00", "application/x-www-form-urlencoded"),
    "no form": (b"{}", "application/json"),
    "no type": (b"a=b", ""),
    "an unknown charset": (b"a=b", "application/x-www-form-urlencoded; charset=none"),
    "no boundary": (b"a", "multipart/form-data"),
    "another boundary": (b"--y\r\n\r\n--y--", "multipart/form-data; boundary=x"),
    "a part without an end": (b'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\nabc', "multipart/form-data; boundary=x"),
    "a part without a name": (b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n", "multipart/form-data; boundary=x"),
    "a part of another charset": (
        b'--x\r\nContent-Disposition: form-data; name="token"\r\nContent-Type: text/plain; charset=none\r\n\r\n\xff\r\n--x--\r\n',
        "multipart/form-data; boundary=x; charset=none",
    ),
    "too many fields": (b"&".join(b"a%d=1" % n for n in range(12_001)), "application/x-www-form-urlencoded"),
}  # fmt: skip


@pytest.fixture(scope="module")
def data(server: PagesServer) -> dict[str, str]:
    return seed(server, "odd")


def _fields(route: str, client: httpx.Client, server: PagesServer, data: dict[str, str]) -> dict[str, Any]:
    if CASES[route].right == "settings":
        fill_settings(client, server, data)
    return CASES[route].fields(data)


@pytest.mark.parametrize("route", FORMS)
def test_odd_fields_are_answered(server: PagesServer, data: dict[str, str], route: str) -> None:
    path, statuses = FORMS[route].path(data), {}
    with server.client("anna") as client:
        fields = _fields(route, client, server, data)
        names = {*fields, "reason"} if "reason" in fields else {*fields, "text"}
        token = token_of(client)
        for name in sorted(names):
            for odd, value in ODD.items():
                # An offset or a deadline may be just what was asked for: the action's reason is missing.
                sent = fields | {"token": token} | ({} if name == "reason" else {"reason": ""}) | {name: value}
                statuses[name, odd] = client.post(path, data=sent).status_code
        statuses |= {
            (name, "token"): client.post(path, data=fields | {"token": value}).status_code
            for name, value in ODD.items()
        }
    assert {one: status for one, status in statuses.items() if status not in (200, 303, 400, 403, 413)} == {}
    if "done" in route:
        ours = {one: status for one, status in statuses.items() if one[0] not in ("reason",) and one[1] != "token"}
        assert set(ours.values()) <= {400, 413}


@pytest.mark.parametrize("route", FORMS)
def test_odd_bodies_are_refused(server: PagesServer, data: dict[str, str], route: str) -> None:
    before = everything(server)
    with server.client("anna") as client:
        for name, (body, kind) in WHOLE.items():
            answer = client.post(FORMS[route].path(data), content=body, headers={"Content-Type": kind} if kind else {})
            assert answer.status_code in (400, 403), (name, answer.text[-300:])
    assert differing(before, everything(server)) == []


GOOD = {"queue_urls": [QUEUE_URL], "people_table": "public.people", "lift_at_ses": False}


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "7", '"x"', "true", "1e999", "NaN", "{}", '[["queue_urls", "x"]]', "[" * 50_000, "{" * 9,
        json.dumps(GOOD | {"queue_urls": {}}), json.dumps(GOOD | {"report_days_kept": float("nan")}),
        json.dumps(GOOD | {"report_days_kept": 10**400}), json.dumps(GOOD | {"people_table": "\ud800"}),
        json.dumps(GOOD | {"people_table": "a\x00b"}), json.dumps(GOOD | {"": 1}), json.dumps(GOOD | {"self": 1}),
    ],
)  # fmt: skip
def test_settings_that_are_none_are_not_saved(server: PagesServer, data: dict[str, str], text: str) -> None:
    with server.client("anna") as client:
        fill_settings(client, server, data)
        before = everything(server)
        sent = {"settings": text, "digest": data["digest"], "reason": "why not", "token": token_of(client)}
        answer = client.post("settings/done", data=sent)
    assert answer.status_code == 400, answer.text[-1_000:]
    assert differing(before, everything(server)) == []


@pytest.mark.parametrize("name", ["address_ids", "days"])
@pytest.mark.parametrize("value", [False, True, "7", " 7", 1.5, 2**63, 10**30, -1, None, [], {}, 2**53])
def test_a_whole_number_is_nothing_else(server: PagesServer, data: dict[str, str], name: str, value: Any) -> None:
    body = {"address_ids": [int(data["extended"])], "days": 20, "reason": "why not"}
    body[name] = [value] if name == "address_ids" else value
    with server.client("anna") as client:
        before = everything(server)
        for path in ("transients/extend", "transients/delete", "lift"):
            wanted = dict(body)
            if path != "transients/extend":
                wanted.pop("days")
                if name == "days":
                    continue
            if path == "lift":
                wanted["causes"] = ["complaint"]
            answer = client.post(
                f"api/{path}", content=json.dumps(wanted), headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == 422, (path, answer.text)
    assert differing(before, everything(server)) == []
