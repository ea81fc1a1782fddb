"""Whatever a body holds: it is read or it is a problem, and nothing raises."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_bounces.classify import classify_body
from ses_bounces.classify.unwrapping import MAX_RECORDS, Event, Node, Problem, Record, parse_time, unwrap
from tests.kit.builders import ADDRESS, bounce, lambda_sqs, sns

MEGABYTE = 1 << 20
# A body written by hand: json.dumps would escape a surrogate that a literal is to hold as it is.
LONE = ("\\ud800", "\ud800", "a\\udfffb")
FIELDS = sorted({*Node.__struct_fields__, *Record.__struct_fields__})
OF_A_MAIL = ("timestamp", "messageId", "source", "destination", "tags")
OF_A_BOUNCE = ("bounceType", "bounceSubType", "bouncedRecipients", "timestamp", "feedbackId")


def reasons(body: str) -> list[str]:
    return [item.reason for item in unwrap(body) if isinstance(item, Problem)]


@pytest.mark.parametrize("lone", LONE)
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("shape", ['"{0}"', '["{0}"]', '{{"{0}": "{0}"}}', '{{"a": "{0}"}}', '[["{0}"]]'])
def test_a_lone_surrogate_anywhere_is_no_error(lone: str, field: str, shape: str) -> None:
    value = shape.format(lone)
    bodies = [f'{{"{field}": {value}}}', f'{{"Records": [{{"{field}": {value}}}]}}']
    bodies += [f'{{"notificationType": "Bounce", "mail": {{"{name}": {value}}}}}' for name in OF_A_MAIL]
    bodies += [f'{{"notificationType": "Bounce", "bounce": {{"{name}": {value}}}}}' for name in OF_A_BOUNCE]
    for body in bodies:
        assert classify_body(body).entries == []


@pytest.mark.parametrize("lone", LONE)
def test_a_field_with_a_lone_surrogate_hides_no_other(lone: str) -> None:
    body = json.dumps(bounce(mail_fields={"tags": "LONE"}) | {"complaint": "LONE"}).replace("LONE", lone)
    result = classify_body(body)
    assert [(entry.kind, entry.address) for entry in result.entries] == [("permanent_bounce", ADDRESS)]


@pytest.mark.parametrize(
    "number", ["9" * 5_000, "-" + "9" * MEGABYTE, "1." + "9" * MEGABYTE, "1e" + "9" * 5_000, "1e999", "-0.0"]
)
def test_a_number_of_any_length_hides_no_other_field(number: str) -> None:
    body = json.dumps(bounce() | {"time": "LONE", "detail": "LONE"}).replace('"LONE"', number)
    assert [entry.address for entry in classify_body(body).entries] == [ADDRESS]
    # An object that has to be read leniently, which is another way.
    odd = body.replace("{", '{"Records": "\\ud800", ', 1)
    assert [entry.address for entry in classify_body(odd).entries] == [ADDRESS]


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"detail":', '{"Message":', '{"Records":[', '[{"mail":'])
@pytest.mark.parametrize("lenient", ["", '{"mail": "\\ud800", "detail": '])
def test_nesting_of_any_depth_is_a_problem(opening: str, lenient: str) -> None:
    for depth in (900, 1_100, 100_000):
        result = classify_body(lenient + opening * depth)
        assert (result.outcome, result.entries) == ("quarantined", [])
    assert reasons(f'{{"a": {"[" * 100_000}') == ["nested too deeply"]


def test_a_record_that_is_nested_too_deeply_hides_no_other() -> None:
    records = lambda_sqs(bounce(), bounce())
    records["Records"][1]["body"] = '{"a": ' + "[" * 100_000
    result = classify_body(json.dumps(records))
    assert (result.outcome, result.reason) == ("quarantined", "nested too deeply")
    assert [entry.address for entry in result.entries] == [ADDRESS]


def test_what_comes_after_the_most_records_is_a_problem() -> None:
    record = json.dumps({"body": json.dumps(bounce())})
    body = f'{{"Records": [{", ".join([record] + ["{}"] * (MAX_RECORDS - 1))}]}}'
    assert "more than 10,000 records" not in reasons(body)
    result = unwrap(body.replace("[", "[{}, ", 1))
    assert sum(isinstance(item, Event) for item in result) == 1
    assert [item.reason for item in result if isinstance(item, Problem)][-1] == "more than 10,000 records"
    assert len(result) == MAX_RECORDS + 1


@pytest.mark.parametrize("body", [b"\xff\xfe", b"\xed\xa0\x80", b'{"mail": "\xed\xa0\x80"}', b"\x00" * 100, b""])
def test_bytes_that_are_no_text_are_a_problem(body: bytes) -> None:
    assert classify_body(body).outcome == "quarantined"


WRONG: list[Any] = [5, 1.5, True, "x", [], [5], [[]], {}, {"a": 5}, {"a": ["b", 5]}, [None], [{"emailAddress": 5}]]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_a_field_of_another_type_hides_no_other(wrong: Any) -> None:
    """Whatever stands in one field that isn't needed, the bounce counts."""
    for name in ("complaint", "delivery", "detail", "Records", "time", "Timestamp"):
        if wrong == [5] and name == "Records":
            # A list of records is what the body then is.
            continue
        if name == "Records" and isinstance(wrong, list) and wrong:
            continue
        assert [entry.address for entry in classify_body(json.dumps(bounce() | {name: wrong})).entries] == [ADDRESS]
    for name in ("timestamp", "messageId", "source", "tags"):
        event = bounce(mail_fields={name: wrong})
        assert [entry.address for entry in classify_body(json.dumps(event)).entries] == [ADDRESS]
    event = bounce(sub_type=wrong, timestamp=wrong, feedbackId=wrong)
    assert [entry.address for entry in classify_body(json.dumps(sns(event))).entries] == [ADDRESS]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-01-10T08:00:05.000Z", "2026-01-10T08:00:05+00:00"),
        ("2026-01-10T08:00:05.123456789 +0200", "2026-01-10T06:00:05.123456+00:00"),
        ("  2026-01-10T08:00:05.000   +02:00  ", "2026-01-10T06:00:05+00:00"),
        ("2026-01-10T08:00:05", "2026-01-10T08:00:05+00:00"),
        # 40 and 41 characters.
        ("2026-01-10T08:00:05.000Z" + " " * 16, "2026-01-10T08:00:05+00:00"),
        ("2026-01-10T08:00:05.000Z" + " " * 17, None),
        ("x" + " " * 100_000 + "y", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("\ud800", None),
        ("", None),
        (None, None),
    ],
)
def test_times(text: str | None, read: str | None) -> None:
    moment = parse_time(text)
    assert (moment.isoformat() if moment else None) == read
