"""A received message as a person can read it."""

from __future__ import annotations

import json

import pytest

from ses_bounces.web.message_text import readable
from tests.kit.builders import bounce, lambda_sqs, sns


def test_what_is_json_within_json_is_decoded_and_indented() -> None:
    event = bounce("anna@example.com")
    text = readable(json.dumps(lambda_sqs(sns(event))))
    assert text is not None
    assert text.startswith('{\n  "')
    assert json.loads(text)["Records"][0]["body"]["Message"] == event


@pytest.mark.parametrize("body", ["", "no JSON", "<html>502</html>", '"text"', "7", "null", "[" * 10_000, '{"a": '])
def test_what_is_no_object_stays_what_it_is(body: str) -> None:
    assert readable(body) is None


@pytest.mark.parametrize("text", ["{no JSON", "plain", "7", "[1]", '"quoted"', "{" * 10_000])
def test_a_text_within_that_is_no_object_stays_a_text(text: str) -> None:
    shown = readable(json.dumps({"said": text}))
    assert shown is not None
    assert json.loads(shown) == {"said": text}


def test_what_is_nested_more_deeply_stays_a_text() -> None:
    body: object = "innermost"
    for _ in range(6):
        body = json.dumps({"within": body})
    assert isinstance(body, str)
    found = json.loads(readable(body) or "")
    depth = 0
    while isinstance(found, dict):
        found, depth = found["within"], depth + 1
    assert depth == 5
    assert json.loads(found) == {"within": "innermost"}


def test_half_a_character_is_shown_as_such() -> None:
    shown = readable('{"said": "\\ud800 é"}')
    assert shown is not None
    assert "\\ud800 é" in shown
    shown.encode()
